"""The rows of the table: each measures one property of the ledger beside its baseline.

A row is a generator of results. Subject and baseline take turns (A B A B), each in a clone of the
same books, and a ratio is the median of the ratios of the rounds.
"""

from contextlib import closing, contextmanager, nullcontext

import memory
import storage
from measure import suite
from measure.checkout import say
from measure.result import Result, Series
from measure.turns import compare, take_turns

BATCH = 500  # transfers a call
READ_BATCH = 1_000  # accounts a call
CLIENTS = 16
CREDITS = 10_000  # of one wide transfer
CHECKPOINT_AT = 1 / 3  # of a minute
# One client thread for many connections costs half of what a thread each does; batches are few and
# large, and a thread each keeps both backends busy.
SIXTEEN = {"connections": CLIENTS, "threads": 1}
TWO_BACKENDS = {"connections": 2, "threads": 2, "batch": BATCH}


class Rows(suite.Rows):
    """Every row of the table."""

    def __init__(self, books, size):
        self.books = books
        self.size = size

    # What the rows are made of

    def _fresh(self, load, seconds=None, accounts=None, hold_snapshot=False, **options):
        """A side: the load in a clone of its own."""

        def run():
            with self.books.clone(accounts or self.size.accounts) as database:
                database.prepare()
                with held_snapshot(database) if hold_snapshot else nullcontext():
                    told = database.run_load(
                        load, seconds=seconds or self.size.seconds, warm_up=self.size.warm_up, **options
                    )
                database.check_books(thoroughly=False)
                return told

        return run

    def _minute(self, load, **options):
        """The same for a minute of batches with a checkpoint in it."""
        return self._fresh(load, seconds=self.size.minute, **TWO_BACKENDS, **self._checkpoint(), **options)

    def _checkpoint(self):
        return {"at": self.size.minute * CHECKPOINT_AT, "at_sql": "checkpoint"}

    def _reads(self, database, load, **options):
        return lambda: database.run_load(load, seconds=self.size.seconds, warm_up=self.size.warm_up, **options)

    # Reads

    def row_balances(self):
        with self.books.clone(self.size.accounts) as database:
            database.prepare()
            told = take_turns(
                self.size.rounds,
                {
                    "balances()": self._reads(database, "balances", batch=READ_BATCH),
                    "id = any(array)": self._reads(database, "plain-balances", batch=READ_BATCH),
                },
            )
        yield compare(
            *(told, "balances()", "id = any(array)"),
            what=f"balances() of {READ_BATCH:,}, one backend, vacuumed table",
            unit="rows/s",
            at_least=500_000,
            aim=1_000_000,
        )

    def row_updated(self):
        calls = self.size.updates // (2 * BATCH)  # a transfer updates two accounts

        def after_updates(load, churn):
            return self._fresh(
                load, batch=READ_BATCH, seconds=self.size.after_updates, churn=churn, churn_calls=calls
            )

        # A vacuum in between would hide what is measured.
        self.books.server.set("autovacuum", "off")
        try:
            told = take_turns(
                self.size.rounds,
                {
                    "balances()": after_updates("balances", "transfer-batch"),
                    "id = any(array)": after_updates("plain-balances", "plain-batch"),
                },
            )
        finally:
            self.books.server.set("autovacuum", "on")
        yield compare(
            *(told, "balances()", "id = any(array)"),
            what=f"... right after {self.size.updates:,} account updates",
            unit="rows/s",
            at_least=250_000,
            aim=500_000,
        )

    def row_balance(self):
        with self.books.clone(self.size.accounts) as database:
            database.prepare()
            told = take_turns(
                self.size.rounds,
                {
                    "balance()": self._reads(database, "balance", **SIXTEEN),
                    "bare select": self._reads(database, "plain-balance", **SIXTEEN),
                },
            )
        yield compare(
            *(told, "balance()", "bare select"),
            what=f"balance() prepared, {CLIENTS} clients",
            unit="calls/s",
            judged="ratio",
            at_least=0.95,
            aim=1.0,
        )

    # Money

    def row_transfer(self):
        told = take_turns(
            self.size.rounds,
            {
                "transfer()": self._fresh("transfer", **SIXTEEN),
                "plain PL/pgSQL": self._fresh("plain-transfer", **SIXTEEN),
            },
        )
        yield compare(
            *(told, "transfer()", "plain PL/pgSQL"),
            what=f"transfer() with a key, {CLIENTS} clients",
            unit="transfers/s",
            judged="ratio",
            at_least=1.2,
            aim=1.6,
        )

    def row_batch(self):
        told = take_turns(
            self.size.minute_rounds,
            {"transfer_batch": self._minute("transfer-batch"), "set-based SQL": self._minute("plain-batch")},
        )
        yield compare(
            *(told, "transfer_batch", "set-based SQL"),
            what=f"transfer_batch of {BATCH}, UUID keys, two backends, {self.size.minute:g} s, checkpoint",
            unit="transfers/s",
            at_least=110_000,
            aim=200_000,
        )

    def row_hot(self):
        to_one, from_one, uniform = "everybody pays one account", "one account pays everybody", "uniform"
        told = take_turns(
            self.size.minute_rounds,
            {
                to_one: self._minute("transfer-batch", pattern="to-one"),
                uniform: self._minute("transfer-batch"),
                from_one: self._minute("transfer-batch", pattern="from-one"),
            },
        )
        properties = {"unit": "transfers/s", "judged": "ratio"}
        yield compare(told, to_one, uniform, what=f"... {to_one}", at_least=1.0, aim=1.5, **properties)
        yield compare(told, from_one, uniform, what=f"... {from_one}", **properties)

    def row_wide(self):
        told = take_turns(
            self.size.rounds,
            {
                "transfer()": self._fresh("transfer", credits=CREDITS),
                "set-based SQL": self._fresh("plain-batch", batch=CREDITS, pattern="from-one"),
            },
        )
        yield compare(
            *(told, "transfer()", "set-based SQL"),
            what=f"one transfer crediting {CREDITS:,} accounts, one backend",
            unit="credits/s",
            at_least=150_000,
            aim=300_000,
        )

    def row_scale(self):
        size = self.size
        large_name, small_name = f"{size.large_accounts:,} accounts", f"{size.small_accounts:,} accounts"
        large = self.books.template(size.large_accounts, size.large_transfers)

        def large_side():  # in the template itself: a copy would take longer than the measurement
            large.prepare()
            told = large.run_load(
                *("transfer-batch",),
                **TWO_BACKENDS,
                **self._checkpoint(),
                seconds=size.minute,
                warm_up=size.warm_up,
            )
            large.check_books(thoroughly=False)
            return told

        told = take_turns(
            size.minute_rounds,
            {large_name: large_side, small_name: self._minute("transfer-batch", accounts=size.small_accounts)},
        )
        yield compare(
            *(told, large_name, small_name),
            what=f"... {large_name}, {size.large_transfers:,} transfers already there",
            unit="transfers/s",
            judged="ratio",
            at_least=0.6,
            aim=0.8,
        )

    def row_snapshot(self):
        told = take_turns(
            self.size.minute_rounds,
            {
                "snapshot held": self._minute("transfer-batch", hold_snapshot=True),
                "none": self._minute("transfer-batch"),
            },
        )
        yield compare(
            *(told, "snapshot held", "none"),
            what="... a snapshot held open elsewhere all the time",
            unit="transfers/s",
            judged="ratio",
            at_least=0.4,
            aim=0.7,
        )

    # What it takes

    def row_memory(self):
        with self.books.clone(self.size.accounts) as database:
            database.prepare()
            private = memory.of_backend(database, self.size.memory)
            contexts = memory.of_contexts(database, self.size.memory_batches)
        yield Result(
            what=f"memory of the backend, batches of {memory.BATCH:,}: peak",
            unit="MiB",
            measured=Series([private.peak]),
            at_most=64,
            note=f"{private.batches} batches; {private.idle:.1f} MiB when idle",
        )
        yield Result(
            what="... growth from the second third of them to the last",
            unit="MiB",
            measured=Series([private.growth]),
            at_most=1,
            note="medians",
        )
        yield Result(
            what=f"... growth of the memory contexts over {self.size.memory_batches} batches",
            unit="MiB",
            measured=Series([contexts]),
            at_most=0.1,
            note="pg_backend_memory_contexts",
        )

    def row_storage(self):
        for load in ("transfer-batch", "plain-batch"):
            with self.books.clone(self.size.accounts) as database:
                database.prepare()
                yield from storage.per_transfer(database, load, self.size.storage_transfers, **TWO_BACKENDS)

    # The proof

    def row_books(self):
        with self.books.clone(self.size.small_accounts) as database:
            database.prepare()
            credits = 0
            for load, options in (
                ("transfer", SIXTEEN),
                ("transfer", {"credits": CREDITS}),
                ("transfer-batch", TWO_BACKENDS),
                ("transfer-batch", {**TWO_BACKENDS, "pattern": "to-one"}),
                ("transfer-batch", {**TWO_BACKENDS, "pattern": "from-one"}),
            ):
                told = database.run_load(load, seconds=1, warm_up=0, **options)
                credits += told["units"]
            say("verify()")
            database.check_books(thoroughly=True)
        yield Result(
            what="verify() after a second of each of these loads",
            unit="faults",
            measured=Series([0]),
            at_most=0,
            note=f"{credits:,} credits",
        )


@contextmanager
def held_snapshot(database):
    """A REPEATABLE READ transaction that has read, and does nothing more."""
    with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:
        cursor.execute("begin isolation level repeatable read")
        cursor.execute("select from tokpay.account_state limit 1")
        yield
        cursor.execute("rollback")
