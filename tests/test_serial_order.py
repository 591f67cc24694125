"""Random calls of many clients at once answer and book what the same calls do one after another.

A client draws a number when its calls are done and before it commits, while it has all its locks: among calls that share an
account the numbers are the order in which they took effect. In this order one session repeats them in a second database.
CONCURRENCY_SECONDS sets the length, SEED repeats the clients' choices (not their interleaving).
"""

import contextlib
import os
import random
import threading
import time
from collections import Counter

import psycopg2
from psycopg2 import errorcodes

SECONDS = float(os.environ.get("CONCURRENCY_SECONDS", "15")) * 0.3
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CLIENTS = 6
PLAIN, HELD = 600, 12  # accounts; only the last ones have holds, which make a batch lock first
OPENING_BALANCE = 400
MIN_BALANCE = {0: 0, 1: -300, 2: None}
MAX_BALANCE = {0: None, 1: None, 2: None, 3: 900}
GIVEN_UP = {
    errorcodes.SERIALIZATION_FAILURE, errorcodes.DEADLOCK_DETECTED,
    "TP007", "TP010", "TP011", "TP013", "TP014",  # frozen, no funds, over the limit, no hold, reversed
}  # fmt: skip
OUTCOME = """code, transfer, debit_balance, debit_version, credit_balances, credit_versions, replayed, account,
    balance, required"""
RESULT = "'ok', transfer, debit_balance, debit_version, credit_balances, credit_versions, replayed, null, null, null"
CALLS = {
    "hold": f"select {RESULT} from tokpay.hold(%s, %s::bigint[], %s::bigint[], expires_in => %s::interval)",
    "capture": f"select {RESULT} from tokpay.capture(%s, %s::bigint[])",
    "void": f"select {RESULT} from tokpay.void(%s)",
    "reverse": f"select {RESULT} from tokpay.reverse(%s)",
    "freeze": "select tokpay.freeze(%s)",
    "unfreeze": "select tokpay.unfreeze(%s)",
}


def open_accounts(database):
    connection = database.connect()
    accounts = []
    with connection.cursor() as cursor:
        for n in range(PLAIN + HELD):
            limits = (MIN_BALANCE[n % 40] if n % 40 in MIN_BALANCE else 0, MAX_BALANCE.get(n % 10))
            cursor.execute("select tokpay.open_account(min_balance => %s, max_balance => %s)", limits)
            accounts.append(cursor.fetchone()[0])
        cursor.execute("select tokpay.top_up(account, %s) from unnest(%s) as account", [OPENING_BALANCE, accounts])
    return accounts


def call(cursor, name, arguments):
    """The rows of one call."""
    if name != "batch":
        cursor.execute(CALLS[name], arguments)
        return cursor.fetchall()
    rows = b", ".join(
        cursor.mogrify("(%s, %s::bigint[], %s::bigint[], %s, null, null, %s)", request) for request in arguments
    )
    cursor.execute(
        b"select %s from tokpay.transfer_batch(array[%s]::tokpay.transfer_request[]) order by position"
        % (OUTCOME.encode(), rows)
    )
    return cursor.fetchall()


class Client(threading.Thread):
    """Makes random calls until the end, and keeps those of committed transactions: (number, calls and their rows)."""

    def __init__(self, database, number, accounts, shared):
        super().__init__(name=f"client {number}")
        self.database = database
        self.random = random.Random(f"{SEED} {number}")
        self.accounts = accounts
        self.holds, self.transfers, self.frozen = shared  # of all clients
        self.connection = None
        self.committed = []
        self.seen = Counter()
        self.failure = None

    def run(self):
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                self.transaction()
            self.connection.close()
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"

    def transaction(self):
        if self.connection is None or self.connection.closed:
            self.connection = self.database.connect()
            self.connection.cursor().execute("set deadlock_timeout = '20ms'")  # two calls of a transaction may
            self.connection.autocommit = False
        level = self.random.choices(["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"], [8, 1, 1])[0]
        ticket = None
        calls = []
        try:
            self.connection.set_session(isolation_level=level)
            with self.connection.cursor() as cursor:
                for _ in range(self.random.choice([1, 1, 1, 1, 2])):
                    if self.random.random() < 0.1:
                        cursor.execute("savepoint s")
                        call(cursor, "batch", self.batch())
                        cursor.execute("rollback to s")
                    name, arguments = self.choose()
                    calls.append((name, arguments, call(cursor, name, arguments)))
                cursor.execute("select nextval('public.ticket'), pg_current_xact_id()")
                ticket, transaction = cursor.fetchone()
            self.connection.commit()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            if error.pgcode in GIVEN_UP:
                self.give_up(error)
                return
            self.seen["killed"] += 1
            if ticket is None or not self.was_committed(transaction):
                return
        except psycopg2.Error as error:
            self.give_up(error)
            if error.pgcode not in GIVEN_UP:
                raise
            return
        self.committed.append((ticket, calls))
        for name, arguments, rows in calls:
            self.learn(name, arguments, rows)

    def give_up(self, error):
        self.seen[error.pgcode] += 1
        with contextlib.suppress(psycopg2.OperationalError, psycopg2.InterfaceError):  # killed by now
            self.connection.rollback()

    def was_committed(self, transaction):
        while (status := self.database.execute("select pg_xact_status(%s)", [transaction])[0][0]) == "in progress":
            time.sleep(0.01)
        return status == "committed"

    def learn(self, name, arguments, rows):
        if name == "freeze":
            self.frozen.append(arguments[0])
            return
        if name == "unfreeze":
            return
        for code, transfer, *_, replayed, _, _, _ in rows:
            self.seen[name, "replayed" if replayed else code] += 1
        if name == "hold":
            self.holds.append(rows[0][1])
        elif name == "batch":
            self.transfers += [transfer for code, transfer, *_ in rows if code == "ok"][-3:]

    def choose(self):
        choice = self.random
        kinds = ["batch", "hold", "capture", "void", "reverse", "freeze", "unfreeze"]
        kind = choice.choices(kinds, [20, 3, 1, 1, 2, 1, 3])[0]
        if kind == "hold":
            debit = choice.choice(self.accounts[PLAIN:])
            # One that is over at once is ended by whoever needs its money first.
            expires_in = choice.choice(["7 days", "1 microsecond"])
            return kind, (debit, [choice.choice(self.accounts[:PLAIN])], [choice.randint(1, 40)], expires_in)
        if kind == "capture" and self.holds:
            return kind, (choice.choice(self.holds[-30:]), choice.choice([None, None, [1]]))
        if kind == "void" and self.holds:
            return kind, (choice.choice(self.holds[-30:]),)
        if kind == "reverse" and self.transfers:
            return kind, (choice.choice(self.transfers[-300:]),)
        if kind == "freeze" and len(self.frozen) < 5:
            return kind, (choice.choice(self.accounts[:PLAIN]),)
        if kind == "unfreeze" and self.frozen:
            return kind, (self.frozen.pop(0),)
        return "batch", self.batch()

    def batch(self):
        """Requests on some accounts; the more others use them at the same time, the more often a batch locks first."""
        choice = self.random
        accounts = choice.sample(self.accounts[:PLAIN], choice.choice([20, 60, 150, PLAIN]))
        if choice.random() < 0.2:
            accounts += self.accounts[PLAIN:]
        requests = []
        chain = 0
        for _ in range(choice.choice([40, 60, 120, 300, 500])):
            if choice.random() < 0.7:
                chain = choice.choice([None, chain + 1]) if chain is not None else len(requests)
            debit, *credits = choice.sample(accounts, choice.choice([2, 2, 2, 3, 5]))
            amounts = [choice.randint(1, 60) for _ in credits]
            # A key is used again now and then, and mostly for the same.
            key = choice.choice([None, choice.randrange(1 << 32), choice.randrange(8)])
            if key is not None and key < 8:
                same = random.Random(f"{SEED} {debit} {key}")
                credits, amounts = [same.choice(accounts[:3])], [same.randint(1, 3)]
                if credits == [debit]:
                    continue
            requests.append((debit, credits, amounts, None if key is None else f"key {key}", chain))
        return requests


BOOKS = (
    "select id, balance, held, available, version, status from tokpay.accounts",
    "select debit, amount, credits, amounts from tokpay.holds",
    "select account, version, amount, balance, kind from tokpay.entries",
    """select kind, status, debit, amount, credits, amounts, key, debit_balance, debit_version, credit_balances, credit_versions
        from tokpay.receipts""",
)


def repeat(database, transactions):
    """One after another; each must answer as it did among the others."""
    ids = {}  # of a transfer there: its id here
    connection = database.connect()
    with connection.cursor() as cursor:
        for ticket, calls in transactions:
            for name, arguments, rows in calls:
                if name in ("capture", "void", "reverse"):
                    arguments = (ids[arguments[0]], *arguments[1:])
                for there, here in zip(rows, call(cursor, name, arguments), strict=True):
                    if name in ("freeze", "unfreeze"):
                        continue
                    assert (there[0], there[2:]) == (here[0], here[2:]), f"SEED={SEED}: {name} {ticket}: {there} is not {here}"
                    if there[1] is not None:
                        assert ids.setdefault(there[1], here[1]) == here[1], f"SEED={SEED}: {name} {ticket}: {there}, {here}"
    connection.close()


def test_calls_of_many_clients_answer_as_one_after_another(new_database):
    among_others, alone = new_database(), new_database()
    accounts = open_accounts(among_others)
    assert open_accounts(alone) == accounts
    among_others.execute("create sequence public.ticket")
    shared = [], [], []
    clients = [Client(among_others, number, accounts, shared) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    chance = random.Random(SEED)
    while any(client.is_alive() for client in clients):
        chance.choice(clients).join(timeout=1)
        among_others.execute(
            """select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
            and pid <> pg_backend_pid() and query like '%transfer_batch%' order by random() limit 1"""
        )
    assert [client.failure for client in clients if client.failure] == []
    seen = sum((client.seen for client in clients), Counter())
    transactions = sorted((transaction for client in clients for transaction in client.committed), key=lambda t: t[0])
    mended = among_others.execute("select pg_stat_get_tuples_deleted('tokpay.journal'::regclass)")[0][0]
    print(f"SEED={SEED} {len(transactions)} transactions, {mended} rows of the journal written again", dict(seen))
    assert among_others.faults() == []
    repeat(alone, transactions)
    for books in BOOKS:
        assert Counter(map(str, among_others.execute(books))) == Counter(map(str, alone.execute(books))), books
    assert mended > 0
