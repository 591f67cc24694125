#!/usr/bin/python3
"""Measures a cluster made for it (it opens ten thousand accounts) and writes bench/results/cluster.md, with the stalls of all runs of the suite in build/cluster.

Environment: RUN_DIR; ROUNDS (3; 0: stalls alone); BENCH_HTTP, the client (bench/http), which runs on the network of one machine and on the same cores.
"""

import json
import os
import platform
import statistics
from collections import defaultdict

from cluster import CHECKOUT, Cluster

BENCH = os.environ.get("BENCH_HTTP", CHECKOUT / "build/bench/driver/bench-http")
OUT = CHECKOUT / "bench/results/cluster.md"
ACCOUNTS, FIRST = 10_000, 1_000_000  # as many digits in all
SECONDS = 5
LOADS = {
    "GET balance, 64 connections": ["balance", "--connections", "64"],
    "GET balance, 16 pipelined on each of 64 connections": ["balance", "--connections", "64", "--pipeline", "16"],
    "balances:query of 1,000, 16 connections": ["balances", "--connections", "16", "--batch", "1000"],
    "POST transfer with a key, 64 connections": ["transfer", "--connections", "64"],
    "POST transfer with a key, 256 connections": ["transfer", "--connections", "256"],
    "transfers:batch of 1,000, 16 connections": ["batch", "--connections", "16", "--batch", "1000"],
}


def open_accounts(cluster, leader):
    if cluster.sql(leader, f"select 1 from tokpay.accounts where id = {FIRST + ACCOUNTS - 1}"):
        return
    cluster.sql(leader, f"select setval('tokpay.account_id_seq', {FIRST - 1})")
    cluster.sql(leader, f"select count(tokpay.open_account(min_balance => null)) from generate_series(1, {ACCOUNTS})", timeout=600)


def measure(cluster, machine, load):
    words = ["--port", "8080", "--key-file", cluster.run_dir / "cluster-api-key", "--first-account", FIRST, "--accounts", ACCOUNTS]
    said = cluster.in_network(machine, BENCH, "--load", *load, *words, "--seconds", SECONDS)
    return json.loads(said)


def throughput(cluster, rounds):
    roles = cluster.roles()
    for name, load in LOADS.items():
        for where, machine in (("the leader's", roles.leader), ("another", roles.third)):
            results = [measure(cluster, machine, load) for _ in range(rounds)]
            rates = [result["rate"] for result in results]
            p50, p99 = (statistics.median(result["latency_us"][part] for result in results) / 1000 for part in ("p50", "p99"))
            fields = [name, where, f"{statistics.median(rates):,.0f} ({min(rates):,.0f} - {max(rates):,.0f})", f"{p50:.1f}", f"{p99:.1f}"]
            print(*fields, flush=True)
            yield fields


def stalls():
    rows = defaultdict(list)
    for file in sorted((CHECKOUT / "build/cluster").glob("results-*.json")):
        for row in json.loads(file.read_text())["rows"]:
            rows[row["row"]].append(row)
    for name, runs in rows.items():
        worst = [f"{statistics.median(run[kind] for run in runs):.1f}, {max(run[kind] for run in runs):.1f}" for kind in ("writes_s", "reads_s")]
        yield [name, *worst, str(max(run["unanswered"] for run in runs)), str(len(runs))]


def table(head, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def throughput_section(cluster, rounds):
    return f"""## Throughput

Replies a second (balances and transfers in batches), median, least and most of {rounds} runs of {SECONDS} s; every write waits for the synchronous
standby, every read is fenced by it. The client asks the gateway of the leader's machine, or of another; milliseconds at the median and the 99th percentile.

{table(["what", "gateway on", "a second", "p50", "p99"], throughput(cluster, rounds))}
"""


def main():
    rounds = int(os.environ.get("ROUNDS", "3"))
    section = ""
    if rounds:
        cluster = Cluster(os.environ.get("RUN_DIR", CHECKOUT / ".run"))
        cluster.wait_until_healthy()
        open_accounts(cluster, cluster.roles().leader)
        section = throughput_section(cluster, rounds)
    OUT.write_text(f"""# The cluster, measured

`tests/cluster/figures.py` makes this page. All three machines, their etcd and the clients share the {os.cpu_count()} cores of one host
(Linux {platform.release()}), fsync on.

{section}## Stalls

The longest time without any acknowledged write, and read, while 17 clients are at work: median and worst, in seconds; and the requests
at the front door that got no definite answer within their deadline, at most. A fault in two steps counts from the first.

{table(["fault", "writes", "reads", "unanswered", "runs"], stalls())}""")


if __name__ == "__main__":
    main()
