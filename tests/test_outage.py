"""PgBouncer and PostgreSQL stopped and restarted under HTTP load: every request is answered by its deadline, and what the
answer says is in the books.

The instance is this test's own. SEED repeats the clients' choices (not their interleaving).
"""

import contextlib
import threading
import time

import psycopg2
import pytest
from http_client import Client, new_key
from payers import CLIENTS, LATE_S, Load
from private_instance import Gateway, instance, ledger  # noqa: F401 (fixtures)
from processes import eventually, stopped

DEADLINE_S = 2


@pytest.fixture
def gateway(instance):
    """One worker, so that it is known in which lane what is."""
    made = Gateway(instance, threads=1, request_deadline_ms=DEADLINE_S * 1000)
    yield made
    made.terminate(seconds=20)


class Request(threading.Thread):
    """One transfer of 1 in the background; reply is there once it is joined."""

    def __init__(self, key, gateway, debit, credit):
        super().__init__()
        self.client = Client(key, gateway.url)
        self.debit, self.credit, self.name = debit, credit, new_key()
        self.reply = None
        self.start()

    def run(self):
        asked = time.monotonic()
        self.reply = self.again()
        self.took_s = time.monotonic() - asked

    def again(self):
        return self.client.transfer(self.debit, [(self.credit, 1)], self.name)


def booked(ledger, requests):
    """How many transfers each has become."""
    return [ledger.value("select count(*) from tokpay.transfers where debit = %s and key = %s", [r.debit, r.name]) for r in requests]


@pytest.mark.parametrize("part", ["pgbouncer", "postgresql"])
def test_under_a_stopped_server_all_are_answered_in_time_and_keys_settle_the_rest(instance, gateway, part):
    load = Load(instance, [gateway.url], DEADLINE_S)
    load.goes_on()
    with stopped([instance.pgbouncer()] if part == "pgbouncer" else instance.postgresql()):
        load.wait_for_replies(2, seconds=3 * (DEADLINE_S + LATE_S))  # the first may have been on its way
    load.goes_on()
    seen = load.stop()
    assert seen[503] + seen[504] >= CLIENTS
    load.check_books()


@pytest.fixture
def patient(instance):
    """A gateway that repeats a lost call within its deadline."""
    made = Gateway(instance, threads=1)
    yield made
    made.terminate(seconds=20)


def test_backends_that_stop_in_the_middle_of_a_call_do_nothing_twice(instance, patient, ledger):
    load = Load(instance, [patient.url])
    load.goes_on()

    def lost():
        return sum(patient.lane("retried_total", lane) for lane in ["transfer", "funded_transfer"])

    before = lost()
    with stopped(instance.gateway_backends("tokpay_gateway", "tokpay_gateway_admin")):
        eventually(lambda: lost() > before, 15, "a lost call")
        time.sleep(0.2)  # its repetition waits for what it has locked, or executes what it has not
    load.goes_on()
    load.stop()
    load.check_books()


@pytest.mark.parametrize("part", ["pgbouncer", "postgresql"])
def test_restarts_lose_nothing_acknowledged_and_do_nothing_twice(instance, gateway, part):
    load = Load(instance, [gateway.url], DEADLINE_S)
    for _ in range(3):
        load.goes_on()
        getattr(instance, f"restart_{part}")()
    load.goes_on()
    load.stop()
    load.check_books()


def test_what_was_sent_is_unknown_and_what_was_not_is_certainly_not_executed(instance, gateway, ledger):
    key = ledger.api_key("transfer")
    payer, payee = ledger.open_accounts(1000, 0)
    for _ in range(10):  # until the API key was asked for just before
        Request(key, gateway, payer, payee).join()
        calls = gateway.lane("calls_total")
        with stopped([instance.pgbouncer()]):
            sent = Request(key, gateway, payer, payee)
            eventually(lambda: gateway.lane("calls_total") > calls or not sent.is_alive(), 10, "a call")
            unsent = [Request(key, gateway, payer, payee) for _ in range(10)]
            for request in [sent, *unsent]:
                request.join()
        if gateway.lane("calls_total") > calls:
            break
    assert (sent.reply.status, sent.reply.code) == (504, "outcome_unknown")
    for request in unsent:
        assert (request.reply.status, request.reply.code) == (503, "overloaded")
        assert request.reply.headers["Retry-After"]
    for request in [sent, *unsent]:
        assert DEADLINE_S <= request.took_s < DEADLINE_S + LATE_S
    assert sent.again().status in (200, 201)
    assert booked(ledger, [sent, *unsent]) == [1] + [0] * len(unsent)
    assert {request.again().status for request in unsent} == {201}


def test_a_call_changes_nothing_once_its_outcome_is_called_unknown(instance, gateway, ledger):
    key = ledger.api_key("transfer")
    payer, payee = ledger.open_accounts(2, 0)
    Request(key, gateway, payer, payee).join()  # the API key is known, and the call is prepared
    with stopped([instance.postmaster()]), stopped(backends := instance.gateway_backends("tokpay_gateway")):
        request = Request(key, gateway, payer, payee)
        request.join()
        assert (request.reply.status, request.reply.code) == (504, "outcome_unknown")
        ledger.execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1])", [payer, payee])
        with pytest.raises(psycopg2.Error, match="insufficient funds"):
            ledger.execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1], %s)", [payer, payee, request.name])
        ledger.execute("select tokpay.top_up(%s, 1)", [payer])
    ended = "select count(*) < %s from pg_stat_activity where pid = any(%s)"
    eventually(lambda: ledger.value(ended, [len(backends), backends]), 10, "the end of the backend that had the call")
    assert booked(ledger, [request]) == [0]
    assert request.again().status == 201


def test_without_a_pooler_everything_is_503_and_nothing_was_executed(instance, gateway, ledger):
    key = ledger.api_key("transfer", "read")
    payer, payee = ledger.open_accounts(1000, 0)
    client = Client(key, gateway.url)
    client.transfer(payer, [(payee, 1)])
    instance.kill_pgbouncer()
    time.sleep(1.2)  # what the gateway knows of the key, and takes for a connection, is a second old
    requests = [Request(key, gateway, payer, payee) for _ in range(10)]
    balance = client.get(f"/v1/accounts/{payer}/balance")
    for request in requests:
        request.join()
    instance.start_pgbouncer()
    assert {reply.status for reply in [balance, *(request.reply for request in requests)]} == {503}
    assert all(request.took_s < DEADLINE_S + LATE_S for request in requests)
    assert booked(ledger, requests) == [0] * len(requests)
    eventually(lambda: client.get(f"/v1/accounts/{payer}/balance").status == 200, 10, "the database")
    assert {request.again().status for request in requests} == {201}


@contextlib.contextmanager
def commits_that_wait(ledger):
    """For a standby that does not exist, until the end."""
    ledger.execute("alter system set synchronous_standby_names = 'nobody'")
    ledger.execute("select pg_reload_conf()")
    try:
        yield
    finally:
        ledger.execute("alter system reset synchronous_standby_names")
        ledger.execute("select pg_reload_conf()")


def one_that_waits(ledger, begin):
    """What begin() has begun once its commit waits. The setting takes effect in its own time."""
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
    for _ in range(100):
        request = begin()
        eventually(lambda: not request.is_alive() or ledger.value(waiting) > 0, 10, "an answer or a commit that waits")
        if request.is_alive():
            return request
    raise AssertionError("no commit waits")


def test_a_call_that_may_have_been_executed_is_never_answered_503(instance, ledger):
    """A call is lost while its commit waits for a standby, its repetition is refused the lock. Then the first one commits."""
    key = ledger.api_key("transfer")
    payer, payee = ledger.open_accounts(1000, 0)
    gateway = Gateway(instance, threads=1, request_deadline_ms=6000)
    try:
        with commits_that_wait(ledger):
            request = one_that_waits(ledger, lambda: Request(key, gateway, payer, payee))
            calls = gateway.lane("calls_total")
            instance.restart_pgbouncer()
            request.join()
            assert gateway.lane("calls_total") > calls + 1
        assert (request.reply.status, request.reply.code) == (504, "outcome_unknown")
        assert request.again().status == 200
        assert booked(ledger, [request]) == [1]
    finally:
        gateway.terminate(seconds=20)
