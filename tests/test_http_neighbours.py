"""A locked account, a request that the database cannot execute and one that breaks its connection hurt nobody else,
though all of them share a lane.

The instance is this test's own: it is damaged on purpose.
"""

import contextlib
import threading
import time

import psycopg2
import pytest
from http_client import Client, new_key
from payers import LATE_S
from private_instance import Gateway, instance, ledger  # noqa: F401 (fixtures)
from processes import eventually, stopped

HASTY_S = 5


@pytest.fixture(scope="module")
def patient(instance):
    """A gateway with one worker whose requests wait for longer than anything here takes."""
    made = Gateway(instance, threads=1, request_deadline_ms=60000)
    yield made
    made.terminate(seconds=20)


@pytest.fixture(scope="module")
def hasty(instance):
    made = Gateway(instance, threads=1, request_deadline_ms=HASTY_S * 1000)
    yield made
    made.terminate(seconds=20)


class Request(threading.Thread):
    """One request in the background; reply is there once it is joined, and send() asks again."""

    def __init__(self, gateway, api_key, method, path, body=None, key=None):
        super().__init__()
        self.client = Client(api_key, gateway.url)
        self.arguments = method, path, body, {"Idempotency-Key": key or new_key()} if method == "POST" else {}
        self.start()

    def run(self):
        asked = time.monotonic()
        self.reply = self.send()
        self.took_s = time.monotonic() - asked

    def send(self):
        return self.client.request(*self.arguments)


def transfer(gateway, api_key, debit, credit, key=None, **members):
    body = {"debit": debit, "credits": [{"account": credit, "amount": 1}], **members}
    return Request(gateway, api_key, "POST", "/v1/transfers", body, key)


def statuses(requests):
    for request in requests:
        request.join()
    return [request.reply.status for request in requests]


class Neighbours:
    """Clients who pay one another all the time, through the same lane as everybody here."""

    def __init__(self, gateway, ledger, api_key):
        self.gateway, self.api_key = gateway, api_key
        self.accounts = ledger.open_accounts(*[10000] * 8)
        self.paid = [0] * len(self.accounts)
        self.wrong = []
        self.stopping = False
        self.threads = [threading.Thread(target=self.pay, args=[i]) for i in range(len(self.accounts))]
        for thread in self.threads:
            thread.start()

    def pay(self, i):
        client = Client(self.api_key, self.gateway.url)
        while not self.stopping and not self.wrong:
            reply = client.transfer(self.accounts[i], [(self.accounts[i - 1], 1)])
            if reply.status != 201:
                self.wrong.append(reply)
            self.paid[i] += 1

    def go_on(self, count=10):
        """Waits until each has paid so many times more."""
        wanted = [paid + count for paid in self.paid]
        eventually(lambda: self.wrong or all(paid >= least for paid, least in zip(self.paid, wanted, strict=True)), 30, "the neighbours")
        assert self.wrong == []

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


@pytest.fixture
def api_key(ledger):
    return ledger.api_key("read", "transfer")


@pytest.fixture
def neighbours(patient, ledger, api_key):
    made = Neighbours(patient, ledger, api_key)
    made.go_on()
    yield made
    made.stop()
    assert made.wrong == []


@pytest.fixture
def lock(instance, ledger):
    """Keeps an account locked by a transaction of somebody else's; what it answers ends the transaction."""
    with contextlib.ExitStack() as holders:

        def hold(account):
            till = ledger.open_account()
            holder = holders.enter_context(contextlib.closing(psycopg2.connect(instance.pg_url)))
            holder.cursor().execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1])", [account, till])
            return holder.commit

        yield hold


# An account that somebody keeps locked


def test_a_locked_account_holds_up_only_those_who_need_it(patient, neighbours, lock, api_key, ledger):
    account, free = ledger.open_accounts(1000, 1000)
    release = lock(account)
    waiting = []
    for pair in [(account, free), (free, account)] * 4:
        waiting.append(transfer(patient, api_key, *pair))
        neighbours.go_on()
    assert all(request.is_alive() for request in waiting)
    release()
    assert statuses(waiting) == [201] * 8
    assert ledger.state(account, free) == [(999, 10), (1000, 9)]


def test_captures_of_a_locked_account_which_only_the_database_knows_hold_up_nobody_else(patient, neighbours, lock, api_key, ledger):
    account, free = ledger.open_accounts(1000, 0)
    holds = [ledger.value("select (tokpay.hold(%s, array[%s]::bigint[], array[2])).transfer", [account, free]) for _ in range(4)]
    release = lock(account)
    waiting = [Request(patient, api_key, "POST", f"/v1/holds/{hold}:capture", {}) for hold in holds]
    neighbours.go_on(100)
    assert all(request.is_alive() for request in waiting)
    release()
    assert statuses(waiting) == [201] * 4
    assert ledger.state(account, free) == [(991, 6), (8, 4)]


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_who_cannot_have_a_lock_by_the_deadline_is_answered_503_and_was_not_executed(hasty, lock, api_key, ledger, side):
    account, free = ledger.open_accounts(1000, 1000)
    release = lock(account)
    pair = (account, free) if side == "debit" else (free, account)
    for _ in range(3):  # where the machine stands still, an attempt may end after the deadline
        requests = [transfer(hasty, api_key, *pair) for _ in range(5)]
        if statuses(requests) == [503] * 5:
            break
    assert statuses(requests) == [503] * 5
    for request in requests:
        assert request.reply.code == "overloaded"
        assert request.reply.headers["Retry-After"]
        assert request.took_s < HASTY_S + LATE_S
    release()
    assert ledger.state(account, free) == [(999, 2), (1000, 1)]
    assert {request.send().status for request in requests} == {201}  # first executions


def test_reads_changes_of_others_and_ends_of_holds_go_on_beside_a_locked_account(patient, lock, ledger):
    account, free = ledger.open_accounts(1000, 1000)
    for debit, credit in (account, free), (free, account):
        ledger.execute("select tokpay.hold(%s, array[%s]::bigint[], array[5], expires_in => '4 seconds')", [debit, credit])
    release = lock(account)
    admin = Client(ledger.api_key("admin"), patient.url, timeout=15)
    changes = [Request(patient, admin.key, "PATCH", f"/v1/accounts/{account}", {"metadata": {"n": n}}) for n in range(8)]
    while admin.get(f"/v1/accounts/{free}/balance").json["held"] > 0:
        assert admin.get(f"/v1/accounts/{account}/balance").json["balance"] == 1000
        assert admin.get(f"/v1/accounts/{account}/entries").status == 200
        assert admin.patch(f"/v1/accounts/{free}", {"metadata": {}}).status == 200
    assert admin.get(f"/v1/accounts/{account}/balance").json["held"] == 5
    assert all(change.is_alive() for change in changes)
    release()
    assert statuses(changes) == [200] * 8
    eventually(lambda: admin.get(f"/v1/accounts/{account}/balance").json["held"] == 0, 10, "the end of the hold")


def test_a_locked_table_delays_all_and_loses_nothing(instance, patient, api_key, ledger):
    payer, payee = ledger.open_accounts(1000, 0)
    with contextlib.closing(psycopg2.connect(instance.pg_url)) as holder:
        holder.cursor().execute("lock table tokpay.account_state in share mode")
        calls = patient.lane("calls_total")
        waiting = [transfer(patient, api_key, payer, payee) for _ in range(20)]
        eventually(lambda: patient.lane("calls_total") > calls + 2, 20, "repetitions")
        assert all(request.is_alive() for request in waiting)
        holder.rollback()
        assert statuses(waiting) == [201] * 20
    assert ledger.state(payer, payee) == [(980, 21), (20, 20)]


# Requests that fail a whole call, among others in the same one


@contextlib.contextmanager
def one_call(instance, gateway, api_key, ledger, size):
    """What is asked within, size requests, goes to the database in one call."""
    payer, payee = ledger.open_accounts(10, 0)
    assert transfer_status(gateway, api_key, payer, payee) == 201
    calls = gateway.lane("calls_total")
    with stopped([instance.postmaster()]), stopped(instance.gateway_backends("tokpay_gateway")):  # what checks keys goes on
        before = transfer(gateway, api_key, payer, payee)
        eventually(lambda: gateway.lane("calls_total") > calls, 4, "a call that waits")
        yield
        eventually(lambda: gateway.lane("depth") == size, 4, "the others")
    assert statuses([before]) == [201]


def transfer_status(*arguments):
    return statuses([transfer(*arguments)])[0]


@pytest.fixture
def index(ledger):
    """A function that makes an index on the journal, whose expression can fail; it goes away in the end."""

    def make(expression):
        ledger.execute(f"create index of_an_operator on tokpay.journal (({expression}))")

    yield make
    ledger.execute("drop index if exists tokpay.of_an_operator")


def test_a_request_that_the_database_cannot_execute_fails_alone(instance, patient, api_key, ledger, index):
    payer, payee = ledger.open_accounts(1000, 0)
    index("1 / (description is distinct from 'poison')::integer")
    with one_call(instance, patient, api_key, ledger, 42):
        good = [transfer(patient, api_key, payer, payee) for _ in range(20)]
        poison = [transfer(patient, api_key, payer, payee, description="poison") for _ in range(2)]
        good += [transfer(patient, api_key, payer, payee) for _ in range(20)]
    assert statuses(good) == [201] * 40
    assert statuses(poison) == [500] * 2
    assert {request.reply.code for request in poison} == {"internal_error"}
    assert ledger.state(payer, payee) == [(960, 41), (40, 40)]


def test_a_request_that_breaks_its_connection_every_time_is_unknown_and_the_others_are_executed(instance, hasty, api_key, ledger, index):
    payer, payee = ledger.open_accounts(1000, 0)
    ledger.execute("""
        create or replace function public.break_connection(description text) returns boolean language plpgsql immutable as $$
        begin
            if description = 'break' then
                perform pg_terminate_backend(pg_backend_pid());
            end if;
            return true;
        end $$""")
    index("public.break_connection(description)")
    with one_call(instance, hasty, api_key, ledger, 41):
        good = [transfer(hasty, api_key, payer, payee) for _ in range(20)]
        poison = transfer(hasty, api_key, payer, payee, description="break")
        good += [transfer(hasty, api_key, payer, payee) for _ in range(20)]
    assert statuses(good) == [201] * 40
    assert statuses([poison]) == [504]
    assert poison.took_s < HASTY_S + LATE_S
    assert ledger.state(payer, payee) == [(960, 41), (40, 40)]
