"""The plan past one primary (bench/CAPACITY.md): payments between two shards survive the death of whoever makes them, and of a shard.

Both servers are this test's own.
"""

import multiprocessing
import os
import random
import signal
import sys
import time

import psycopg2
import pytest
from private_server import CHECKOUT, PrivateServer

sys.path.insert(0, str(CHECKOUT / "bench"))
import shards  # noqa: E402

ACCOUNTS = 20
CLIENTS = 3
KILLS = ["client", "server"] * 2


@pytest.fixture
def servers():
    servers = [PrivateServer() for _ in range(2)]
    yield servers
    for server in servers:
        server.remove()


def teller(servers):
    return shards.Teller([connect(server) for server in servers])


def connect(server):
    connection = psycopg2.connect(server.url)
    connection.autocommit = True
    return connection


def pay_for_ever(servers, seed, ids, acknowledged):
    """Random payments, each tried once; a line in the file for each that was acknowledged."""
    chance = random.Random(seed)
    with open(acknowledged, "a") as file:
        while True:
            try:
                mine = teller(servers)
                while True:
                    payer, payee = chance.sample(ids, 2)
                    key = f"{chance.getrandbits(64):x}"
                    mine.pay(payer, payee, chance.randint(1, 9), key)
                    file.write(f"{payer} {key}\n")
                    file.flush()
            except psycopg2.Error:
                time.sleep(0.05)


def test_money_is_conserved_over_two_shards_when_clients_and_servers_die(servers, tmp_path):
    ids = []
    for number, server in enumerate(servers):
        server.execute("create extension tokpay")
        ids += shards.prepare(connect(server).cursor(), number, 2, ACCOUNTS)
    assert {account % 2 for account in ids[:ACCOUNTS]} == {0} and {account % 2 for account in ids[ACCOUNTS:]} == {1}
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print("SEED", seed)
    files = [tmp_path / str(n) for n in range(len(KILLS) + CLIENTS)]
    begin = iter(files)

    def client():
        process = multiprocessing.get_context("fork").Process(target=pay_for_ever, args=(servers, f"{seed} {time.monotonic_ns()}", ids, next(begin)), daemon=True)
        process.start()
        return process

    clients = [client() for _ in range(CLIENTS)]
    chance = random.Random(seed)
    left = 0
    for kill in KILLS:
        time.sleep(chance.uniform(0.2, 0.6))
        if kill == "client":
            victim = clients.pop(0)
            os.kill(victim.pid, signal.SIGKILL)
            clients.append(client())
        else:
            victim = chance.choice(servers)
            victim.postmaster.kill()
            victim.postmaster.wait()
            victim.start()
        left += teller(servers).finish_all()  # beside the others, who may be about to do the same
    for process in clients:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    judge = teller(servers)
    left += judge.finish_all()

    assert left > 0, "nobody was stopped half-way"
    assert judge.faults() == []
    paid = [line.split() for file in files if file.exists() for line in file.read_text().splitlines()]
    assert len(paid) > 50 and all(judge.call(int(payer) % 2, "select transfer from tokpay.transfer_by_key(%s, %s)", int(payer), key) for payer, key in paid)
