"""SIGTERM: what the gateway has been sent is answered, what it did not answer was not executed, and another takes over."""

import json
import signal
import threading
import time

import pytest
from gateway_process import GatewayProcess, eventually, gateway  # noqa: F401 (fixture)
from http_client import Wire, admin, ledger, new_key, request, wire  # noqa: F401 (fixtures)
from ports import listens_no_more

# Its deadline and some seconds (main.cpp): nothing takes longer.
DRAIN_S = 12


@pytest.fixture
def api(gateway):
    return gateway()


def get(key, path):
    return request(f"GET {path} HTTP/1.1", f"Authorization: Bearer {key}")


def transfer(key, debit, credit, idempotency_key):
    body = json.dumps({"debit": debit, "credits": [{"account": credit, "amount": 1}]}).encode()
    return request("POST /v1/transfers HTTP/1.1", f"Authorization: Bearer {key}", f"Content-Length: {len(body)}",
                   f"Idempotency-Key: {idempotency_key}", body=body)  # fmt: skip


def answers_until_closed(connection):
    """The statuses, and whether the last said so; none before it may."""
    statuses, closes = [], []
    while (reply := connection.reply()) is not None:
        statuses.append(reply[0])
        closes.append("Connection" in reply[1])
    assert not any(closes[:-1])
    return statuses, any(closes)


def test_what_was_sent_before_sigterm_is_answered(api, wire, admin, ledger):
    """On connections that were idle, in pipelines, and on those that nobody has accepted yet."""
    payer, payee = ledger.open_accounts(1000, 0)
    balance = get(admin.key, f"/v1/accounts/{payer}/balance")

    def pay():
        return transfer(admin.key, payer, payee, new_key())

    idle = [wire(api.url).send(balance) for _ in range(24)]
    assert {connection.reply()[0] for connection in idle} == {200}
    api.signal(signal.SIGSTOP)
    sent = [balance, pay, [balance] * 5, [pay] * 5, [pay, balance, pay]]
    expected = []
    for i, connection in enumerate(idle + [wire(api.url) for _ in range(24)]):
        # The first of each kind stays silent.
        pieces = [] if i % 24 == 0 else sent[i % 5] if isinstance(sent[i % 5], list) else [sent[i % 5]]
        connection.send(b"".join(piece() if callable(piece) else piece for piece in pieces))
        expected.append((connection, [201 if callable(piece) else 200 for piece in pieces]))
    api.signal(signal.SIGTERM)
    api.signal(signal.SIGCONT)
    for connection, statuses in expected:
        assert answers_until_closed(connection)[0] == statuses
        connection.close()
    assert api.process.wait(DRAIN_S + 5) == 0
    paid = sum(statuses.count(201) for _, statuses in expected)
    assert ledger.state(payee) == [(paid, paid)]


def test_a_request_that_has_begun_to_arrive_may_be_finished(gateway, wire, admin, ledger):
    api = gateway(threads=1)
    payer, payee = ledger.open_accounts(1000, 0)
    body = transfer(admin.key, payer, payee, new_key()).index(b"\r\n\r\n") + 4
    begun = []
    for size in (10, body - 1, body, body + 10, -1):
        whole = transfer(admin.key, payer, payee, new_key())
        connection = wire(api.url).send(transfer(admin.key, payer, payee, new_key()) + whole[:size])
        assert connection.reply()[0] == 201
        begun.append((connection, whole[size:]))
    idle = wire(api.url)
    api.signal(signal.SIGTERM)
    assert idle.reply() is None  # it drains
    for connection, rest in begun:
        connection.send(rest + get(admin.key, f"/v1/accounts/{payer}/balance"))  # which comes too late
        assert answers_until_closed(connection) == ([201], True)
        connection.close()
    assert api.process.wait(DRAIN_S + 5) == 0
    assert ledger.state(payee) == [(2 * len(begun),) * 2]


def test_an_export_under_way_is_finished_and_events_end(api, wire, admin, ledger):
    payer, payee = ledger.open_accounts(1_000_000, 0)
    legs = 10_000
    ledger.execute(
        "select from tokpay.transfer(%s, array_fill(%s::bigint, array[%s]), array_fill(1::bigint, array[%s]), description => %s)",
        [payer, payee, legs, legs, "x" * 1000],
    )
    export = wire(api.url).send(get(admin.key, f"/v1/accounts/{payee}/entries?format=csv"))
    events = wire(api.url).send(get(admin.key, f"/v1/events?account={payee}"))
    for stream in (export, events):
        assert stream.file.readline().startswith(b"HTTP/1.1 200")
    api.signal(signal.SIGTERM)
    texts = [stream.file.read() for stream in (export, events)]
    assert texts[0].count(b",transfer,1,") == legs
    for text in texts:
        assert text.endswith(b"\r\n0\r\n\r\n")  # the last chunk: it is whole
    assert api.process.wait(DRAIN_S + 5) == 0


class Payer(threading.Thread):
    """Pays until it is told to stop, over a connection that it keeps, so many at a time. What was not answered is
    asked again, of whoever listens by then, before anything else."""

    def __init__(self, url, key, debit, credit, pipelined):
        super().__init__(daemon=True)
        self.url, self.key, self.debit, self.credit, self.pipelined = url, key, debit, credit, pipelined
        self.told = {}  # status by key
        self.again = set()  # keys that were not answered at first
        self.stopped = threading.Event()
        self.fault = None

    def run(self):
        try:
            pending = []
            while not self.stopped.is_set() or pending:
                pending = self.pay(pending or [new_key() for _ in range(self.pipelined)])
                self.again.update(pending)
                if pending:
                    time.sleep(0.02)
        except Exception as fault:  # noqa: BLE001 (for the test's own thread)
            self.fault = fault

    def pay(self, pending):
        """Over one connection until it closes; the keys that were not answered."""
        try:
            connection = Wire(self.url)
        except ConnectionRefusedError:
            return pending
        try:
            while pending:
                connection.send(b"".join(transfer(self.key, self.debit, self.credit, key) for key in pending))
                while pending:
                    reply = connection.reply()  # which fails where an answer is torn
                    if reply is None:
                        return pending
                    self.told[pending.pop(0)] = reply[0]
                    if "Connection" in reply[1]:
                        return pending
                if not self.stopped.is_set():
                    pending = [new_key() for _ in range(self.pipelined)]
            return []
        except (ConnectionResetError, BrokenPipeError):
            return pending
        finally:
            connection.close()


def test_under_load_nothing_is_dropped_and_another_gateway_takes_over(api, admin, ledger):
    payer, payee = ledger.open_accounts(1_000_000, 0)
    payers = [Payer(api.url, admin.key, payer, payee, pipelined) for pipelined in [1] * 12 + [5] * 4]
    for one in payers:
        one.start()
    eventually(lambda: all(len(one.told) > 20 for one in payers), 60, "load")
    api.signal(signal.SIGTERM)
    eventually(lambda: listens_no_more(api.port), DRAIN_S, "the end of all listeners")
    taken_over = GatewayProcess(port=api.port)
    assert api.process.wait(DRAIN_S + 5) == 0
    before = [len(one.told) for one in payers]
    eventually(lambda: all(len(one.told) > count + 20 for one, count in zip(payers, before)), 60, "load on the other")
    for one in payers:
        one.stopped.set()
    for one in payers:
        one.join(60)
    assert [one.fault for one in payers if one.fault is not None] == []
    assert not any(one.is_alive() for one in payers)
    # What was not answered had not been executed: when it came again it was no replay.
    assert {status for one in payers for status in one.told.values()} == {201}
    print(f"{sum(len(one.told) for one in payers)} transfers, {sum(len(one.again) for one in payers)} asked again")
    paid = sum(len(one.told) for one in payers)
    assert ledger.state(payee) == [(paid, paid)]
    taken_over.stop()
