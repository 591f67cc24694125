"""Measures the ledger: bench.py [row ...]. bench/run builds what it needs and calls it."""

import os
import signal
from functools import partial

from books import Books
from measure import report, suite
from measure.checkout import CHECKOUT, say
from measure.size import size_of_environment
from rows import Rows
from server import Server
from size import QUICK, Size

HEADING = """# The ledger, measured

Medians, in brackets the least and the most. A ratio is to the baseline, measured in turns in the same run
on the same server. CPU is the server's for one unit, of the subject and of the baseline. `bench/README.md`
tells what is measured; `make bench` does it again."""


def measure(server, names, size_name, size):
    """Circumstances, results, and the rows that failed."""
    about = report.circumstances(
        size_name, size, partial(server.execute, "postgres"), server.library, "extension", "sql"
    )
    results, failed = suite.run_rows(Rows(Books(server), size), names)
    about["cores that others took"] = suite.others_cpu(results)
    if not about["extension"].endswith(report.digest(server.library)):
        about["extension"] += ", and another one was installed meanwhile"
        say("another extension was installed meanwhile: the figures are of both")
    return about, results, failed


def main(names):
    size_name, size = size_of_environment(Size(), QUICK)
    to_run = suite.names_to_run(Rows, names)
    server = Server(os.environ.get("BENCH_DIR") or CHECKOUT / "build/bench/server")
    try:
        server.start()
        about, results, failed = measure(server, to_run, size_name, size)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.stop(suite.keep_wanted())
    complete = size_name == "full" and not names and not failed
    suite.publish("sql", HEADING, about, results, complete)
    suite.require(failed, server.log)


if __name__ == "__main__":
    suite.run(main)
