"""Connections go to another worker thread and come back, as their calls become large and small (gateway/src/http/listener.cpp); clients notice nothing."""

import json
import socket
import ssl

import pytest
from gateway_process import eventually, gateway, metric  # noqa: F401 (fixture)
from http_client import admin, ledger, new_key, request  # noqa: F401 (fixtures)
from test_http_tls import files  # noqa: F401 (fixture)

CONNECTIONS = 24
PIPELINED = 64  # by each: some calls carry more than large_call
MOVED = "tokpay_http_connections_moved_total"


class Person:
    """A connection that reads one account's balance and pays from it, and sees whether an answer is another one's."""

    def __init__(self, api, key, account, payee, context):
        self.key, self.account, self.payee = key, account, payee
        self.socket = socket.create_connection(("127.0.0.1", api.port), timeout=20)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.stream = self.socket.makefile("rb")

    def ask(self, times):
        self.socket.sendall(request(f"GET /v1/accounts/{self.account}/balance HTTP/1.1", f"Authorization: Bearer {self.key}") * times)

    def pay(self):
        body = json.dumps({"debit": self.account, "credits": [{"account": self.payee, "amount": 1}]}).encode()
        headers = f"Authorization: Bearer {self.key}", f"Content-Length: {len(body)}", f"Idempotency-Key: {new_key()}"
        self.socket.sendall(request("POST /v1/transfers HTTP/1.1", *headers, body=body))

    def answer(self):
        status = self.stream.readline()
        headers = dict(line.split(b": ") for line in iter(lambda: self.stream.readline().rstrip(), b""))
        return status.rstrip(), json.loads(self.stream.read(int(headers[b"Content-Length"])))

    def read(self, times):
        for _ in range(times):
            status, balance = self.answer()
            assert (status, balance["account"]) == (b"HTTP/1.1 200 OK", self.account)

    def is_paid(self):
        status, transfer = self.answer()
        assert (status, transfer["debit"]["account"]) == (b"HTTP/1.1 201 Created", self.account)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_connections_move_while_calls_are_large_and_every_request_is_answered(gateway, files, admin, ledger, tls):  # noqa: F811
    api = gateway(threads=1, **({"tls_certificate": files / "certificate.pem", "tls_key": files / "key.pem"} if tls else {}))
    context = ssl.create_default_context(cafile=files / "certificate.pem") if tls else None
    payee = ledger.open_account()
    people = [Person(api, admin.key, ledger.open_account(1_000_000), payee, context) for _ in range(CONNECTIONS)]
    rounds = 0

    def moved_after_a_round(times):
        nonlocal rounds
        rounds += 1
        for person in people:
            person.ask(times)
            person.pay()
        for person in people:
            person.read(times)
            person.is_paid()
        return metric(api, MOVED)

    assert moved_after_a_round(1) == 0
    eventually(lambda: moved_after_a_round(PIPELINED) > 0, 20, "connections that go to the relief")
    gone = metric(api, MOVED)
    eventually(lambda: moved_after_a_round(1) >= 2 * gone, 20, "as many that come back")
    eventually(lambda: metric(api, "tokpay_http_connections") == CONNECTIONS, 5, "all are there")
    eventually(lambda: moved_after_a_round(PIPELINED) > 2 * gone, 20, "connections that go again")
    for person in people:
        person.ask(PIPELINED)
    for person in people:
        person.read(1)
    api.process.terminate()
    for person in people:
        person.read(PIPELINED - 1)
        assert person.stream.read() == b""
    assert ledger.state(payee)[0] == (rounds * CONNECTIONS, rounds * CONNECTIONS)


def test_connections_of_the_relief_count(gateway, admin, ledger):
    api = gateway(threads=1, max_connections=CONNECTIONS)
    people = [Person(api, admin.key, ledger.open_account(), None, None) for _ in range(CONNECTIONS)]

    def have_moved():
        for person in people:
            person.ask(PIPELINED)
        for person in people:
            person.read(PIPELINED)
        return metric(api, MOVED) > 0

    eventually(have_moved, 20, "connections that go to the relief")
    one_more = Person(api, admin.key, people[0].account, None, None)
    assert one_more.answer()[0] == b"HTTP/1.1 503 Service Unavailable"
