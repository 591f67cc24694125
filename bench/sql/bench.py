"""Measures the ledger: bench.py [row ...]. bench/run builds what it needs and calls it."""

import os
import signal
import sys
import time
from statistics import median

import psycopg2

import report
from books import Books, say
from rows import Rows
from server import CHECKOUT, Failure, Server
from size import size_of_environment


def measure(server, names, size_name, size):
    """Circumstances, results, and the rows that failed: they do not keep the others from being measured."""
    about = report.circumstances(server, size_name, size)
    rows = Rows(Books(server), size)
    results, failed = [], []
    begin = time.monotonic()
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}, {time.monotonic() - begin:.0f} s] {name}", file=sys.stderr, flush=True)
        try:
            results += rows.run(name)
        except (Failure, psycopg2.Error) as error:
            say(f"FAILED: {error}")
            failed.append(name)
    others = [run["others_cpu"] for result in results for run in result.runs]
    if others:
        about["cores that others took"] = f"{median(others):.2f}, at most {max(others):.2f}"
    if not about["extension"].endswith(report.library_digest(server)):
        about["extension"] += ", and another one was installed meanwhile"
        say("another extension was installed meanwhile: the figures are of both")
    return about, results, failed


def main(names):
    unknown = set(names) - set(Rows.names())
    if unknown:
        raise Failure(f"no such row: {' '.join(unknown)}; there are {' '.join(Rows.names())}")
    size_name, size = size_of_environment()
    server = Server(os.environ.get("BENCH_DIR") or CHECKOUT / "build/bench/server")
    keep = os.environ.get("KEEP", "") not in ("", "0")
    try:
        server.start()
        about, results, failed = measure(server, names or Rows.names(), size_name, size)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.stop(keep)
    print(report.table(results))
    # Figures that are not of everything at full size stay out of what is kept.
    complete = size_name == "full" and not names and not failed
    directory = "bench/results" if complete else "build/bench/results"
    report.write(CHECKOUT / directory, about, results)
    print(f"\n{size_name} size; commit {about['commit']}; {directory}/sql.md has it all")
    if failed:
        raise Failure(f"rows that failed: {' '.join(failed)}; the server's log is {server.log}")


if __name__ == "__main__":
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except (Failure, psycopg2.Error) as error:
        sys.exit(f"bench: {error}")
