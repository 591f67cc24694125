#!/usr/bin/python3
"""Runs the scenario of each mutation on the running cluster with a library that lacks the mechanism: try_mutations.py [MACRO...]

The library is built in the image that builds the extension, copied into the three database containers, and replaced by the
original in the end. The last line is "N passed, N failed": a mutation that nobody notices has failed.
"""

import os
import re
import subprocess
import sys

from cluster import CHECKOUT, Cluster, Failure, run
from mutations import MUTATIONS

LIBRARY = "/usr/lib/postgresql/17/lib/tokpay.so"
BUILDER = "tokpay-mutant"
DIRECTORY = CHECKOUT / "build/cluster/mutations"
HISTORY = DIRECTORY / "round-1/history.jsonl"


def build(macro, target):
    """The library without a mechanism, copied out of the image."""
    flags = ["--build-arg", f"EXTENSION_FLAGS=-D{macro}"]
    build = ["docker", "build", "--target", "build-extension", *flags, "--tag", BUILDER, "--file", "docker/Dockerfile", "."]
    run(*build, timeout=1800, cwd=CHECKOUT, env={**os.environ, "DOCKER_BUILDKIT": "0"})
    container = run("docker", "create", BUILDER).strip()
    run("docker", "cp", f"{container}:/out{LIBRARY}", target)
    run("docker", "rm", container)


def install(cluster, library):
    """On one machine after the other, standbys first."""
    roles = cluster.roles()
    for machine in (roles.third, roles.sync, roles.leader):
        run("docker", "cp", library, f"{cluster.names[machine, 'db']}:{LIBRARY}")
        run("docker", "restart", "--time", "90", cluster.names[machine, "db"], timeout=180)
        cluster.wait_until_healthy()


def violated():
    """The rules that the checker names, of the scenario's history."""
    done = subprocess.run([CHECKOUT / "tests/cluster/checker.py", HISTORY], capture_output=True, text=True, check=False)
    return set(re.findall(r"^VIOLATION of ([^:]+):", done.stdout, re.M)), done.stdout


def try_one(cluster, mutation):
    library = DIRECTORY / f"{mutation.macro}.so"
    build(mutation.macro, library)
    install(cluster, library)
    HISTORY.unlink(missing_ok=True)
    environment = {**os.environ, "FAULTS": f"^{re.escape(mutation.row)}$", "CLUSTER_DIR": str(DIRECTORY)}
    suite = subprocess.run([CHECKOUT / "tests/cluster/suite.py"], env=environment, capture_output=True, text=True, check=False)
    (DIRECTORY / f"{mutation.macro}.log").write_text(suite.stdout + suite.stderr)
    if not HISTORY.exists():
        raise Failure(suite.stdout + suite.stderr)
    rules, said = violated()
    (DIRECTORY / f"{mutation.macro}.jsonl").write_bytes(HISTORY.read_bytes())
    if not rules & set(mutation.rules):
        raise Failure(f"stays green ({', '.join(sorted(rules)) or 'no rule'} violated)\n{suite.stdout}{said}")
    return ", ".join(sorted(rules))


def main():
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(os.environ.get("RUN_DIR", CHECKOUT / ".run"))
    original = DIRECTORY / "original.so"
    run("docker", "cp", f"{cluster.names[1, 'db']}:{LIBRARY}", original)
    passed = failed = 0
    try:
        for mutation in MUTATIONS:
            if len(sys.argv) > 1 and mutation.macro not in sys.argv[1:]:
                continue
            try:
                print(f"red     promise {mutation.promise}, {mutation.without}: {try_one(cluster, mutation)}", flush=True)
                passed += 1
            except Failure as failure:
                print(f"FAILED  promise {mutation.promise}, {mutation.without}: {failure}", flush=True)
                failed += 1
    finally:
        install(cluster, original)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
