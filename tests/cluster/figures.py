#!/usr/bin/python3
"""Measures a cluster made for it (it opens ten thousand accounts) and writes bench/results/cluster.md and .json; the stalls of the suite's runs in
build/cluster join those that the file has already.

Environment: RUN_DIR; ROUNDS (3; 0: stalls alone); BENCH_HTTP, the client (bench/http), which runs on the network of one machine and on the same cores.
"""

import json
import os
import platform
import re
import statistics
from collections import defaultdict

from cluster import CHECKOUT, Cluster

BENCH = os.environ.get("BENCH_HTTP", CHECKOUT / "build/bench/driver/bench-http")
OUT = CHECKOUT / "bench/results/cluster.md"
RECORD = CHECKOUT / "bench/results/cluster.json"
ACCOUNTS, FIRST = 10_000, 1_000_000  # as many digits in all
SECONDS = 5
READ_BATCHES = (1, 1_000)
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


def measured_loads(cluster, rounds):
    roles = cluster.roles()
    for name, load in LOADS.items():
        for where, machine in (("the leader's", roles.leader), ("another", roles.third)):
            results = [measure(cluster, machine, load) for _ in range(rounds)]
            row = {"what": name, "gateway_on": where, "rates": [result["rate"] for result in results]}
            for part in ("p50", "p99"):
                row[f"{part}_ms"] = statistics.median(result["latency_us"][part] for result in results) / 1000
            print(json.dumps(row), flush=True)
            yield row


def measured_fence(cluster, rounds):
    """What a fenced call takes, beside plain SQL for the same rows, in turns: milliseconds, one client on the leader."""
    leader = cluster.roles().leader
    for count in READ_BATCHES:
        ids = f"(select array_agg(id::bigint) from generate_series({FIRST}, {FIRST + count - 1}) id)"
        calls = {
            "fenced_ms": f"select count(*) from tokpay.balances({ids})",
            "plain_ms": f"select count(balance) from tokpay.account_state where id = any({ids}::bigint[])",
        }
        measured = {name: [] for name in calls}
        for _ in range(rounds):
            for name, call in calls.items():
                measured[name].append(call_ms(cluster, leader, call))
        row = {"accounts": count, **measured}
        print(json.dumps(row), flush=True)
        yield row


def call_ms(cluster, machine, call):
    script = f"echo '{call};' | /usr/lib/postgresql/17/bin/pgbench -n -M prepared -T {SECONDS} -h /run/postgresql -U postgres -f - tokpay"
    said = cluster.execute(machine, "db", "sh", "-c", script, user="postgres", timeout=60)
    return float(re.search(r"latency average = ([0-9.]+) ms", said)[1])


def measured_stalls():
    for file in (CHECKOUT / "build/cluster").glob("results-*.json"):
        run = json.loads(file.read_text())
        rows = [{field: row[field] for field in ("row", "writes_s", "reads_s", "unanswered", "took_s")} for row in run["rows"]]
        yield str(run["seed"]), rows


def throughput_rows(measured):
    for row in measured:
        rates = row["rates"]
        rate = f"{statistics.median(rates):,.0f} ({min(rates):,.0f} - {max(rates):,.0f})"
        yield [row["what"], row["gateway_on"], rate, f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}"]


def fence_rows(measured):
    for row in measured:
        fenced, plain = (statistics.median(row[name]) for name in ("fenced_ms", "plain_ms"))
        yield [f"{row['accounts']:,}", f"{fenced:.2f}", f"{plain:.2f}", f"{fenced - plain:.2f}"]


def stall_rows(measured):
    runs = defaultdict(list)
    for seed in sorted(measured):
        for row in measured[seed]:
            runs[row["row"]].append(row)
    for name, rows in runs.items():
        worst = [f"{statistics.median(row[kind] for row in rows):.1f}, {max(row[kind] for row in rows):.1f}" for kind in ("writes_s", "reads_s")]
        took = f"{statistics.median(row['took_s'] for row in rows):.0f}"
        yield [name, *worst, took, str(max(row["unanswered"] for row in rows)), str(len(rows))]


def table(head, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def page(record):
    return f"""# The cluster, measured

`tests/cluster/figures.py` makes this page and `cluster.json`. All three machines, their etcd and the clients share the {os.cpu_count()} cores of one host
(Linux {platform.release()}), fsync on.

## Throughput

Replies a second (balances and transfers in batches), median, least and most of runs of {SECONDS} s; every write waits for the synchronous
standby, every read is fenced by it. The client asks the gateway of the leader's machine, or of another; milliseconds at the median and the 99th percentile.

{table(["what", "gateway on", "a second", "p50", "p99"], throughput_rows(record["throughput"]))}
## The fence

What a read of so many accounts takes on the leader, one client in SQL, in milliseconds, beside the same rows by plain SQL without a fence. A call
has one fence, whatever is in it: a WAL record that the synchronous standby has acknowledged.

{table(["accounts", "balances()", "plain SQL", "more"], fence_rows(record["fence"]))}
## Stalls

The longest time without any acknowledged write, and read, while 17 clients are at work: median and worst, in seconds; how long it took from the fault until three
machines were healthy again, at the median, the suite's own waits included; and the requests
at the front door that got no definite answer within their deadline, at most. A fault in two steps counts from the first.

{table(["fault", "writes", "reads", "whole again", "unanswered", "runs"], stall_rows(record["stalls"]))}"""


def main():
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"throughput": [], "fence": [], "stalls": {}}
    rounds = int(os.environ.get("ROUNDS", "3"))
    if rounds:
        cluster = Cluster(os.environ.get("RUN_DIR", CHECKOUT / ".run"))
        cluster.wait_until_healthy()
        open_accounts(cluster, cluster.roles().leader)
        record["throughput"] = list(measured_loads(cluster, rounds))
        record["fence"] = list(measured_fence(cluster, rounds))
    record["stalls"].update(measured_stalls())
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    OUT.write_text(page(record))


if __name__ == "__main__":
    main()
