"""SIGKILL of a backend and of the postmaster during batches: acknowledged transfers are there once, keys settle the rest.

The server is this test's own. SEED repeats the clients' choices (not their interleaving).
"""

import os
import random
import signal
import subprocess
import threading
import time

import psycopg2
import pytest

from private_server import PrivateServer
from processes import eventually, process_state

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CLIENTS = 4
ACCOUNTS = 20
OPENING_BALANCE = 10_000_000
BATCH_SIZE = 50
KILLS = ["backend", "postmaster"] * 3
BATCH = """
    select o.code, o.transfer, o.replayed from tokpay.transfer_batch(array(
        select row(r.debit, array[r.credit], array[r.amount], r.key, null, null, null)::tokpay.transfer_request
        from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[]) with ordinality as r (debit, credit, amount, key, place)
        order by place)) as o order by o.position"""


class Server(PrivateServer):
    def kill_backend(self, chance):
        """SIGKILL for a client's backend in the middle of a batch; the postmaster restarts them all."""
        eventually(lambda: self.killed_one(chance), 20, "a batch")

    def killed_one(self, chance):
        busy = "select pid from pg_stat_activity where state = 'active' and query like '%transfer_batch%' and pid <> pg_backend_pid()"
        pids = [pid for (pid,) in self.execute(busy)]
        if not pids:
            return False
        pid = chance.choice(pids)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # its client has left
            return False
        eventually(lambda: process_state(pid)[0] == "Z", 10, "dying")
        return True

    def kill_postmaster(self):
        self.postmaster.kill()
        self.postmaster.wait()
        self.start()


class Client(threading.Thread):
    """Sends batches with keys, each until it is acknowledged."""

    def __init__(self, server, number, accounts):
        super().__init__()
        self.server, self.number, self.accounts = server, number, accounts
        self.random = random.Random(f"{SEED} {number}")
        self.acknowledged = {}  # (debit, key): transfer
        self.again = self.replayed = 0
        self.stopping = False
        self.failure = None

    def run(self):
        try:
            serial = 0
            while not self.stopping:
                serial += 1
                pairs = [self.random.sample(self.accounts, 2) for _ in range(BATCH_SIZE)]
                requests = [(debit, credit, self.random.randint(1, 9), f"{self.number}/{serial}/{i}") for i, (debit, credit) in enumerate(pairs)]
                self.settle(requests)
                if serial % 8 == 0:
                    self.settle(requests)
        except Exception as error:
            self.failure = repr(error)

    def settle(self, requests):
        give_up = time.monotonic() + 40
        connection = None
        while True:
            try:
                connection = psycopg2.connect(self.server.url)
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(BATCH, [list(column) for column in zip(*requests)])
                    outcomes = cursor.fetchall()
                connection.close()
                break
            except psycopg2.DatabaseError as error:
                # A connection that breaks while rows come is not always an OperationalError.
                if error.pgcode is not None and not isinstance(error, psycopg2.OperationalError):
                    raise
                assert time.monotonic() < give_up, "never settled"
                self.again += connection is not None
                time.sleep(0.02)
        assert {code for code, _, _ in outcomes} == {"ok"}, outcomes
        assert len({replayed for _, _, replayed in outcomes}) == 1, "half a batch was there"
        self.replayed += outcomes[0][2]
        for (debit, _, _, key), (_, transfer, _) in zip(requests, outcomes, strict=True):
            assert self.acknowledged.setdefault((debit, key), transfer) == transfer, "answered in two ways"


@pytest.fixture
def server():
    made = Server()
    yield made
    made.remove()


def test_killed_backends_and_postmasters_lose_nothing_acknowledged_and_do_nothing_twice(server):
    server.execute("create extension tokpay")
    accounts = [account for (account,) in server.execute("select tokpay.open_account() from generate_series(1, %s)", [ACCOUNTS])]
    server.execute("select tokpay.top_up(a, %s) from unnest(%s) a", [OPENING_BALANCE, accounts])
    clients = [Client(server, number, accounts) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    chance = random.Random(SEED)
    for kill in KILLS:
        sent = sum(len(client.acknowledged) for client in clients)
        time.sleep(chance.uniform(0.2, 1))
        before = {key: transfer for client in clients for key, transfer in list(client.acknowledged.items())}
        server.kill_backend(chance) if kill == "backend" else server.kill_postmaster()
        time.sleep(0.05)
        assert server.execute("select check_name, detail from tokpay.verify() where not ok") == []
        booked = server.execute("select debit, key, id from tokpay.journal where key is not null")
        assert before.items() <= {((debit, key), transfer) for debit, key, transfer in booked}, f"lost by the kill of a {kill}"
        until = time.monotonic() + 20
        while sum(len(client.acknowledged) for client in clients) < sent + 10 * BATCH_SIZE:
            assert [client.failure for client in clients if client.failure] == []
            assert time.monotonic() < until, "the clients do not go on"
            time.sleep(0.05)
    for client in clients:
        client.stopping = True
    for client in clients:
        client.join()
    print(f"SEED={SEED}", [(len(client.acknowledged), client.again, client.replayed) for client in clients])
    assert [client.failure for client in clients if client.failure] == []
    assert sum(client.replayed for client in clients) > CLIENTS
    assert sum(client.again for client in clients) >= len(KILLS), "the kills hit no batch"
    acknowledged = {key: transfer for client in clients for key, transfer in client.acknowledged.items()}
    booked = server.execute("select debit, key, id from tokpay.journal where key is not null")
    assert len(booked) == len(acknowledged)
    assert {(debit, key): transfer for debit, key, transfer in booked} == acknowledged
    assert server.execute("select sum(balance) from tokpay.account_state where id = any(%s)", [accounts]) == [(ACCOUNTS * OPENING_BALANCE,)]
    assert server.execute("select check_name, detail from tokpay.verify() where not ok") == []
    amcheck = [f"{server.bin}/pg_amcheck", "--install-missing", "--heapallindexed", "--parent-check", "-h", server.directory, "-U", "postgres", "postgres"]
    checked = subprocess.run(amcheck, capture_output=True, text=True, timeout=120)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
