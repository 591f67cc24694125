"""Sixteen clients at once on a few accounts: no deadlock, one effect per key, no cent lost.

CONCURRENCY_SECONDS sets the length, SEED repeats the clients' choices (not their interleaving).
"""

import os
import random
import threading
import time
from collections import Counter

import psycopg2
import pytest
from psycopg2 import errorcodes

SECONDS = float(os.environ.get("CONCURRENCY_SECONDS", "15"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CLIENTS = 16
ACCOUNTS = 12
OPENING_BALANCE = 2000
INSUFFICIENT_FUNDS = "TP010"
TRANSFER = "select * from tokpay.transfer(%s, %s::bigint[], %s::bigint[], %s)"
BATCH = """
    select o.* from tokpay.transfer_batch(array(
        select row(r.debit, array[r.credit], array[r.amount], null, null, null, null)::tokpay.transfer_request
        from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) with ordinality as r (debit, credit, amount, place)
        order by place)) as o order by o.position"""


def open_accounts(database, count, balance):
    rows = database.execute(
        "select tokpay.open_account() from generate_series(1, %s) as n order by n", [count]
    )
    accounts = [account for (account,) in rows]
    for account in accounts:
        database.execute("select tokpay.top_up(%s, %s)", [account, balance])
    return accounts


class Client(threading.Thread):
    """Runs `work` until it is done, and keeps what its committed calls say happened."""

    def __init__(self, database, number, work):
        super().__init__(name=f"client {number}")
        self.random = random.Random(f"{SEED} {number}")
        self.connection = database.connect(autocommit=False)
        self.work = work
        self.committed = Counter()  # account: sum of its entries
        self.entries = Counter()  # account: number of its entries
        self.seen = Counter()
        self.replies = {}  # key: the replies that were committed
        self.failure = None

    def run(self):
        try:
            self.work(self)
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"

    def book(self, debit, credits, amounts):
        for account, amount in [(debit, -sum(amounts)), *zip(credits, amounts)]:
            self.committed[account] += amount
            self.entries[account] += 1

    def transfer(self, debit, credits, amounts, key=None, mode="commit"):
        """One transfer in a transaction of its own, ended as `mode` says; the reply, None if refused."""
        isolation = {"repeatable read": "REPEATABLE READ", "serializable": "SERIALIZABLE"}.get(mode, "READ COMMITTED")
        while True:
            self.connection.set_session(isolation_level=isolation)
            try:
                with self.connection.cursor() as cursor:
                    if mode == "savepoint":
                        cursor.execute("savepoint s")
                        cursor.execute(TRANSFER, (credits[0], [debit], [1], None))
                        cursor.execute("rollback to s")
                    cursor.execute(TRANSFER, (debit, credits, amounts, key))
                    reply = cursor.fetchone()
                if mode == "rollback":
                    self.connection.rollback()
                    return None
                self.connection.commit()
                break
            except psycopg2.Error as error:
                self.connection.rollback()
                self.seen[error.pgcode] += 1
                if error.pgcode == INSUFFICIENT_FUNDS:
                    return None
                if error.pgcode != errorcodes.SERIALIZATION_FAILURE or isolation == "READ COMMITTED":
                    raise
        replayed = reply[-1]
        self.seen[f"{mode}, {'replayed' if replayed else 'first'}"] += 1
        if not replayed:
            self.book(debit, credits, amounts)
        if key is not None:
            self.replies.setdefault((debit, key), []).append(reply)
        return reply

    def batch(self, requests):
        """A batch of (debit, credit, amount) in a transaction of its own."""
        self.connection.set_session(isolation_level="READ COMMITTED")
        with self.connection.cursor() as cursor:
            cursor.execute(BATCH, [list(column) for column in zip(*requests)])
            codes = [outcome[1] for outcome in cursor.fetchall()]
        self.connection.commit()
        for code, (debit, credit, amount) in zip(codes, requests, strict=True):
            self.seen[f"batch, {code}"] += 1
            assert code in ("ok", "insufficient_funds"), code
            if code == "ok":
                self.book(debit, [credit], [amount])


def run_clients(database, work):
    clients = [Client(database, number, work) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert [client.failure for client in clients if client.failure] == []
    print(f"SEED={SEED}", dict(sum((client.seen for client in clients), Counter())))
    return clients


def check_books(database, clients, accounts, opening_balance):
    """The books hold exactly what the clients were told, and nothing else."""
    assert database.faults() == []
    assert database.execute("select sum(balance) from tokpay.accounts") == [(0,)]
    told = sum((client.entries for client in clients), Counter())
    moved = Counter()
    for client in clients:
        moved.update(client.committed)
    expected = {account: (opening_balance + moved[account], 1 + told[account]) for account in accounts}
    rows = database.execute("select id, balance, version from tokpay.accounts where id = any (%s)", [accounts])
    assert {account: (balance, version) for account, balance, version in rows} == expected


def test_overlapping_transfers_never_deadlock_and_add_up(database):
    accounts = open_accounts(database, ACCOUNTS, OPENING_BALANCE)
    end = time.monotonic() + SECONDS * 0.6

    def work(client):
        choose = client.random
        while time.monotonic() < end:
            debit, *others = choose.sample(accounts, ACCOUNTS)
            if choose.random() < 0.2:
                pairs = [choose.sample(accounts, 2) for _ in range(choose.randint(2, 30))]
                client.batch([(payer, payee, choose.randint(1, 300)) for payer, payee in pairs])
                continue
            credits = choose.choices(others, k=choose.randint(1, 8))
            amounts = [choose.randint(1, 150) for _ in credits]
            mode = choose.choice(["commit"] * 4 + ["rollback", "savepoint", "repeatable read", "serializable"])
            client.transfer(debit, credits, amounts, mode=mode)

    clients = run_clients(database, work)
    check_books(database, clients, accounts, OPENING_BALANCE)
    seen = sum((client.seen for client in clients), Counter())
    wanted = {"commit, first", "savepoint, first", "repeatable read, first", "serializable, first"}
    wanted |= {INSUFFICIENT_FUNDS, errorcodes.SERIALIZATION_FAILURE, "batch, ok", "batch, insufficient_funds"}
    assert wanted <= seen.keys()
    for client in clients:
        client.connection.close()  # then the server has counted what was done
    mended = database.execute("select pg_stat_get_tuples_deleted('tokpay.journal'::regclass)")[0][0]
    print(f"{mended} rows of the journal taken back")
    assert mended > 0, "no batch was overtaken"


def test_a_raced_key_has_one_effect_and_one_reply(database):
    opening_balance = 10**12
    accounts = open_accounts(database, ACCOUNTS, opening_balance)
    shared = random.Random(SEED)
    requests = []
    for number in range(10_000):
        debit, *others = shared.sample(accounts, ACCOUNTS)
        credits = shared.choices(others, k=shared.randint(1, 4))
        requests.append((debit, credits, [shared.randint(1, 1000) for _ in credits], f"key {number}"))
    barrier = threading.Barrier(CLIENTS)
    ended = threading.Event()
    end = time.monotonic() + SECONDS * 0.4

    def work(client):
        try:
            for number, request in enumerate(requests):
                # All clients meet before each tenth key, and leave at the same one.
                if number % 10 == 0:
                    if barrier.wait(timeout=60) == 0 and time.monotonic() > end:
                        ended.set()
                    barrier.wait(timeout=60)
                    if ended.is_set():
                        return
                mode = client.random.choice(["commit", "commit", "rollback", "savepoint", "repeatable read", "serializable"])
                client.transfer(*request, mode=mode)
                if mode == "rollback":
                    client.transfer(*request)
        except Exception:
            barrier.abort()
            raise

    clients = run_clients(database, work)
    check_books(database, clients, accounts, opening_balance)
    replies = {}
    for client in clients:
        for key, some in client.replies.items():
            replies.setdefault(key, []).extend(some)
    assert len(replies) > 20
    for key, some in replies.items():
        assert len({str(reply[:-1]) for reply in some}) == 1, f"{key}: {some}"
        assert [reply[-1] for reply in some].count(False) == 1, f"{key}: {some}"
    used = database.execute("select debit, key from tokpay.transfers where key is not null")
    assert sorted(used) == sorted(replies)
    written = database.execute(
        "select debit, key, (tokpay.transfer_by_key(debit, key)).* from tokpay.transfers where key is not null"
    )
    for debit, key, *reply in written:
        assert str(tuple(reply[:-1])) == str(replies[debit, key][0][:-1])


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_the_last_cent_is_spent_once(database, isolation):
    payer, *payees = open_accounts(database, 1 + CLIENTS, 100)
    paid = []
    barrier = threading.Barrier(CLIENTS)

    def work(client):
        mode = isolation.lower() if isolation != "READ COMMITTED" else "commit"
        barrier.wait(timeout=60)
        for _ in range(20):
            if client.transfer(payer, [payees[client.random.randrange(CLIENTS)]], [1], mode=mode):
                paid.append(1)

    clients = run_clients(database, work)
    assert len(paid) == 100
    assert database.execute("select tokpay.balance(%s)", [payer]) == [(0,)]
    check_books(database, clients, [payer, *payees], 100)
