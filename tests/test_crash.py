"""Killed servers under HTTP load: nothing acknowledged is lost, nothing happens twice, no reply is taken back.

The instance is this test's own. Clients pay one another with keys of their own and ask again, with the
same key, until the answer is definite. SEED repeats their choices (not their interleaving).
"""

import random
import signal
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import psycopg2
import pytest
from http_client import Client
from payers import SEED, Load
from ports import listens_no_more
from private_instance import Gateway, Instance
from processes import eventually

KILLS = 10


@pytest.fixture(scope="module")
def instance():
    made = Instance()
    yield made
    made.remove()


def test_ten_kills_of_postgresql_lose_nothing_acknowledged_and_do_nothing_twice(instance):
    load = Load(instance)
    chance = random.Random(SEED)
    for _ in range(KILLS):
        load.goes_on()
        time.sleep(chance.uniform(0, 0.7))
        instance.kill_postgresql()
        time.sleep(chance.choice([0, 0, 0.3]))
        instance.start_postgresql()
    load.goes_on()
    seen = load.stop()
    assert seen["the same again"] > 20
    load.check_books()


def test_kills_of_pgbouncer_lose_nothing_acknowledged_and_do_nothing_twice(instance):
    load = Load(instance)
    for _ in range(4):
        load.goes_on()
        instance.kill_pgbouncer()
        instance.start_pgbouncer()
    load.goes_on()
    load.stop()
    load.check_books()


def test_sigterm_of_a_gateway_under_load_drops_nothing_acknowledged(instance):
    gateways = [Gateway(instance) for _ in range(3)]
    load = Load(instance, [instance.url, *(gateway.url for gateway in gateways)])
    for gateway in gateways:
        load.goes_on(300)
        assert "draining" in gateway.terminate(seconds=5)
        load.urls.remove(gateway.url)
    load.goes_on()
    load.stop()
    load.check_books()


@pytest.fixture
def locked(instance):
    """An account that a transaction of somebody else's keeps locked, one with money to pay it, a release."""
    ledger = instance.ledger()
    account, payee = ledger.open_account(1000), ledger.open_account()
    holder = psycopg2.connect(instance.pg_url)
    holder.cursor().execute("select transfer from tokpay.transfer(%s, array[%s]::bigint[], array[1])", [account, payee])
    yield ledger, account, payee, holder.commit
    holder.close()
    ledger.close()


def waiting(ledger):
    """The backends that wait for a lock, the oldest call first."""
    return [pid for (pid,) in ledger.execute(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' order by query_start"
    )]  # fmt: skip


def test_sigterm_lets_requests_under_way_finish(instance, locked):
    ledger, account, payee, release = locked
    gateway = Gateway(instance)
    key = ledger.api_key("transfer")
    replies = []

    def pay(number):
        replies.append(Client(key, gateway.url).transfer(account, [(payee, 1)], f"under way {number}"))

    threads = [threading.Thread(target=pay, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    eventually(lambda: waiting(ledger), 5, "waiting")
    eventually(lambda: gateway.lane("requests_total") + gateway.lane("depth") >= 20, 5, "all others")
    gateway.process.send_signal(signal.SIGTERM)
    eventually(lambda: listens_no_more(urlsplit(gateway.url).port), 5, "the end of its listeners")
    release()
    for thread in threads:
        thread.join()
    assert Counter(reply.status for reply in replies) == {201: 20}
    assert {reply.headers["Connection"] for reply in replies} == {"close"}
    assert gateway.process.wait(timeout=5) == 0
    assert ledger.state(account, payee) == [(979, 22), (21, 21)]
