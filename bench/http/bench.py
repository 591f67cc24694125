"""Measures the gateway: bench.py [row ...]. bench/run builds what it needs and calls it."""

import os
import resource
import signal

from instance import Instance
from measure import report, suite
from measure.checkout import CHECKOUT
from measure.size import size_of_environment
from rows import Rows
from size import QUICK, Size

HEADING = """# The gateway, measured

Medians, in brackets the least and the most. A ratio is to the baseline, measured in turns in the same run
on the same instance; the client has the same cores. CPU is that of gateway, PgBouncer and PostgreSQL for one
unit, of the subject and of the baseline. `bench/README.md` tells what is measured; `make bench` does it again."""


def allow_connections():
    """As many open files as the system lets a process have; the programs started from here inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(names):
    size_name, size = size_of_environment(Size(), QUICK)
    to_run = suite.names_to_run(Rows, names)
    allow_connections()
    instance = Instance(os.environ.get("BENCH_DIR") or CHECKOUT / "build/bench/instance")
    try:
        instance.start(size.accounts)
        about = report.circumstances(
            size_name, size, instance.execute, instance.library, "extension", "sql", "gateway", "instance"
        )
        about["PgBouncer"] = instance.pgbouncer_version()
        results, failed = suite.run_rows(Rows(instance, size), to_run)
        about["cores that others took"] = suite.others_cpu(results)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        instance.stop(suite.keep_wanted())
    complete = size_name == "full" and not names and not failed
    suite.publish("http", HEADING, about, results, complete)
    suite.require(failed)


if __name__ == "__main__":
    suite.run(main)
