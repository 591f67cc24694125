"""How the ledger's speed changes with what there is of everything: growth.py [series ...]. bench/run calls it."""

import os
import shutil
import signal
from dataclasses import dataclass
from functools import partial

import plots
from books import Books
from measure import report, suite
from measure.checkout import CHECKOUT, say
from measure.result import Series
from measure.size import size_of_environment
from measure.turns import undisturbed
from rows import READ_BATCH, TWO_BACKENDS
from server import Server

HEADING = """# How the ledger grows

Medians, in brackets the least and the most. The points of a series are measured in turns in the same run on the same
server, but for entries, which only become more. `bench/README.md` tells what is measured; `bench/run growth` does it again."""
# What a run adds to the disk for each entry, WAL that is not recycled yet included, and what stays free.
BYTES_PER_ENTRY = 200
KEPT_FREE_BYTES = 12 * 1024**3
TRANSFERS_BETWEEN_CHECKPOINTS = 2_000_000


@dataclass
class Size:
    accounts: int = 1_000_000  # of all series but the first
    max_accounts: int = 10_000_000
    max_entries: int = 100_000_000
    max_credits: int = 10_000
    max_clients: int = 512
    seconds: float = 5
    warm_up: float = 2
    rounds: int = 2


QUICK = Size(
    accounts=100_000, max_accounts=100_000, max_entries=4_000_000, max_clients=64, seconds=1.5, warm_up=0.5, rounds=1
)


@dataclass
class Growth:
    """A series: lines[name][x] is the rates measured there."""

    name: str
    of: str  # what x is
    lines: dict
    units: dict


def tenfold(first, last):
    """first, ten times that and so on, up to last."""
    values = [first]
    while values[-1] * 10 <= last:
        values.append(values[-1] * 10)
    return values


class Rows(suite.Rows):
    """Every series."""

    prefix = "series_"

    def __init__(self, books, size):
        self.books = books
        self.size = size

    # What the series are made of

    def _rate(self, database, load, options):
        database.prepare()
        told = undisturbed(
            lambda: database.run_load(load, seconds=self.size.seconds, warm_up=self.size.warm_up, **options)
        )
        return told["rate"]

    def _point(self, growth, x, database, loads):
        for name, (unit, load, options) in loads.items():
            rate = self._rate(database, load, options)
            say(f"{x:,} {growth.of}: {name} {rate:,.0f} {unit}")
            growth.units[name] = unit
            growth.lines.setdefault(name, {}).setdefault(x, Series([])).values.append(rate)

    def _in_turns(self, name, of, points, database_of, loads_of):
        growth = Growth(name, of, {}, {})
        databases = {x: database_of(x) for x in points}
        for _ in range(self.size.rounds):
            for x, database in databases.items():
                self._point(growth, x, database, loads_of(x))
        for database in {database.name: database for database in databases.values()}.values():
            database.check_books(thoroughly=False)
        yield growth

    def _books(self, _):
        return self.books.template(self.size.accounts)

    # The series

    def series_accounts(self):
        return self._in_turns(
            "accounts",
            "accounts",
            tenfold(10_000, self.size.max_accounts),
            self.books.template,
            lambda _: {**BATCHES, **READS},
        )

    def series_credits(self):
        return self._in_turns(
            "credits",
            "credits a transfer",
            tenfold(1, self.size.max_credits),
            self._books,
            lambda x: {"transfer(), one client": ("credits/s", "transfer", {"credits": x})},
        )

    def series_clients(self):
        points = [1, 2, 8, 32, 128, 512]
        return self._in_turns(
            "clients",
            "clients",
            [x for x in points if x <= self.size.max_clients],
            self._books,
            lambda x: {
                "transfer() with a key": ("transfers/s", "transfer", {"connections": x}),
                "balance()": ("reads/s", "balance", {"connections": x}),
            },
        )

    def series_hot(self):
        def loads(percent):
            options = {**TWO_BACKENDS, "pattern": "to-one", "hot_percent": percent}
            return {"transfer_batch of 500": ("transfers/s", "transfer-batch", options)}

        return self._in_turns("hot", "% of transfers to one account", [0, 1, 10, 50, 90, 100], self._books, loads)

    def series_entries(self):
        growth = Growth("entries", "entries", {}, {})
        database = self.books.template(self.size.accounts, self.size.max_entries // 100)  # nobody else's
        for wanted in (self.size.max_entries // part for part in (20, 10, 5, 2, 1)):
            have = entries_of(database)
            if have > wanted:
                continue
            free = shutil.disk_usage(self.books.server.directory).free - KEPT_FREE_BYTES
            if (wanted - have) * BYTES_PER_ENTRY > free:
                say(f"{wanted:,} entries do not fit on the disk")
                break
            make_entries(database, wanted)
            for _ in range(self.size.rounds):
                self._point(growth, wanted, database, {**BATCHES, **READS})
        database.check_books(thoroughly=False)
        yield growth


BATCHES = {"transfer_batch of 500": ("transfers/s", "transfer-batch", TWO_BACKENDS)}
READS = {f"balances() of {READ_BATCH:,}": ("rows/s", "balances", {"batch": READ_BATCH})}


def entries_of(database):
    ((entries,),) = database.execute("select sum(version) from tokpay.account_state")
    return int(entries)


def make_entries(database, wanted):
    """Of transfers with one credit, two entries each; checkpoints let the WAL be used again."""
    batch = 5_000
    while (missing := wanted - entries_of(database)) > 2 * batch:
        say(f"{missing:,} more entries")
        transfers = min(missing // 2, TRANSFERS_BETWEEN_CHECKPOINTS)
        database.run_load("transfer-batch", connections=2, threads=2, batch=batch, calls=max(2, transfers // batch))
        database.execute("checkpoint")
    database.execute("vacuum analyze tokpay.account_state")


def main(names):
    size_name, size = size_of_environment(Size(), QUICK)
    to_run = suite.names_to_run(Rows, names)
    server = Server(os.environ.get("BENCH_DIR") or CHECKOUT / "build/bench/growth")
    try:
        server.start()
        about = report.circumstances(
            size_name, size, partial(server.execute, "postgres"), server.library, "extension", "sql"
        )
        results, failed = suite.run_rows(Rows(Books(server), size), to_run)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.stop(suite.keep_wanted())
    complete = size_name == "full" and not names and not failed
    plots.publish(CHECKOUT / ("bench/results" if complete else "build/bench/results"), HEADING, about, results)
    suite.require(failed, server.log)


if __name__ == "__main__":
    suite.run(main)
