"""A benchmark from its rows to what is kept of them."""

import os
import signal
import sys
import time
from statistics import median

import psycopg2

from measure import report
from measure.checkout import CHECKOUT, Failure, say


def keep_wanted():
    """Whether KEEP=1 asks to leave everything in place for the next run."""
    return os.environ.get("KEEP", "") not in ("", "0")


class Rows:
    """What a benchmark measures: methods that give results, by the names under which they can be run alone."""

    prefix = "row_"

    @classmethod
    def names(cls):
        return [name.removeprefix(cls.prefix) for name in vars(cls) if name.startswith(cls.prefix)]

    def run(self, name):
        yield from getattr(self, self.prefix + name)()


def names_to_run(rows, names):
    """The rows that are asked for, all where none is."""
    unknown = set(names) - set(rows.names())
    if unknown:
        raise Failure(f"no such row: {' '.join(unknown)}; there are {' '.join(rows.names())}")
    return names or rows.names()


def run_rows(rows, names):
    """Results, and the rows that failed: they do not keep the others from being measured."""
    results, failed = [], []
    begin = time.monotonic()
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}, {time.monotonic() - begin:.0f} s] {name}", file=sys.stderr, flush=True)
        try:
            results += rows.run(name)
        except (Failure, psycopg2.Error) as error:
            say(f"FAILED: {error}")
            failed.append(name)
    return results, failed


def others_cpu(results):
    """What other programs took while the rows were measured."""
    others = [run["others_cpu"] for result in results for run in result.runs]
    return f"{median(others):.2f}, at most {max(others):.2f}" if others else "unknown"


def publish(name, heading, about, results, complete):
    """Prints the table and writes it. Figures that are not of everything at full size stay out of what is
    kept in the repository."""
    print(report.table(results))
    directory = "bench/results" if complete else "build/bench/results"
    report.write(CHECKOUT / directory, name, heading, about, results)
    print(f"\n{about['size']} size; commit {about['commit']}; {directory}/{name}.md has it all")


def require(failed, log=""):
    """Ends the program where rows have failed; log is where to look."""
    if failed:
        raise Failure(f"rows that failed: {' '.join(failed)}" + (f"; the server's log is {log}" if log else ""))


def run(main):
    """The program: main with the names of rows, and an end that stops what was started."""
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except (Failure, psycopg2.Error) as error:
        sys.exit(f"bench: {error}")
