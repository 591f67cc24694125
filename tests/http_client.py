"""A client of the gateway for the tests, and the ledger behind it through SQL.

The server is the one of TOKPAY_TEST_HTTP; the ledger is the database tokpay at TOKPAY_TEST_PG_URL.
"""

import http.client
import json
import os
import re
import socket
import time
import uuid
from urllib.parse import urlsplit

import api_description
import psycopg2
import pytest

TIMEOUT_S = 30
UNKNOWN = "9223372036854775807"  # no account has this id


class Reply:
    """What came back: status, headers by name, body as bytes and as JSON."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    @property
    def pointers(self):
        return [error["pointer"] for error in self.json.get("errors", [])]

    def __repr__(self):
        return f"{self.status} {self.body.decode(errors='replace')}"


class Client:
    """Requests with one API key over one connection that is kept open. For one thread at a time.

    Every reply has to be one that the API's description has."""

    def __init__(self, key=None, url=None, timeout=TIMEOUT_S):
        self.key = key
        address = urlsplit(url or server())
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)

    def request(self, method, path, body=None, headers=()):
        """body: bytes or str as they are, anything else as JSON. headers: a dict or pairs."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        if self.key is not None:
            self.connection.putheader("Authorization", f"Bearer {self.key}")
        for name, value in dict(headers).items():
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        response = self.connection.getresponse()
        reply = Reply(response.status, response.headers, response.read())
        api_description.check(method, path, reply.status, reply.headers, reply.body)
        return reply

    def get(self, path, **headers):
        return self.request("GET", path, headers=named(headers))

    def post(self, path, body, key=None, **headers):
        """key: the Idempotency-Key."""
        if key is not None:
            headers["Idempotency_Key"] = key
        return self.request("POST", path, body, named(headers))

    def patch(self, path, body, **headers):
        return self.request("PATCH", path, body, named(headers))

    def transfer(self, debit, credits, key=None, **members):
        """A transfer to a list of (account, amount) with a key of its own unless one is given."""
        legs = [{"account": account, "amount": amount} for account, amount in credits]
        return self.post("/v1/transfers", {"debit": debit, "credits": legs, **members}, key or new_key())

    def close(self):
        self.connection.close()


class Wire:
    """A plain socket to the API, or to another URL, that reads replies one by one.

    They answer what looks like requests in what was sent, in order, as the API's description has them."""

    REQUEST = re.compile(rb"([A-Z]+) (?:https?://[^/ ]+)?(/\S*) HTTP/1\.[01]\r\n")

    def __init__(self, url=None):
        address = urlsplit(url or server())
        self.socket = socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.described = url is None or url != os.environ.get("TOKPAY_TEST_ADMIN")
        self.sent = b""
        self.replies = 0

    def send(self, data):
        self.sent += data
        self.socket.sendall(data)
        return self

    def end(self):
        """Nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reply(self, head=False):
        """(status, headers, body) of the next reply; None where the server has closed."""
        line = self.file.readline()
        if not line:
            return None
        version, status, _ = line.decode().split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {}
        while (line := self.file.readline().decode()) not in ("\r\n", ""):
            name, value = line.rstrip("\r\n").split(": ", 1)
            headers[name] = value
        size = 0 if head or status == "100" else int(headers.get("Content-Length", 0))
        reply = int(status), headers, self.file.read(size)
        if self.described and status != "100":
            self._check(*reply)
        return reply

    def _check(self, status, headers, body):
        requests = self.REQUEST.findall(self.sent)
        method, target = requests[self.replies] if self.replies < len(requests) else (b"", b"")
        self.replies += 1
        if method != b"HEAD":
            api_description.check(method.decode(), target.decode("latin-1"), status, headers, body)

    def close(self):
        self.file.close()
        self.socket.close()


class Ledger:
    """The books through SQL, as superuser."""

    def __init__(self, url, database="tokpay"):
        self.connection = psycopg2.connect(url, dbname=database)
        self.connection.autocommit = True

    def execute(self, statement, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement, parameters=None):
        return self.execute(statement, parameters)[0][0]

    def open_account(self, balance=0, min_balance=0, max_balance=None, currency="USD", name=None, owner=None):
        """The id of a new account, a string as the interface has it."""
        account = self.value(
            "select tokpay.open_account(%s, %s, %s, %s, owner => %s)", [name, currency, min_balance, max_balance, owner]
        )
        if balance:
            self.execute("select tokpay.top_up(%s, %s)", [account, balance])
        return str(account)

    def open_accounts(self, *balances):
        return [self.open_account(balance) for balance in balances]

    def api_key(self, *scopes, accounts=None, expires_in=None, name="test"):
        return self.value(
            "select tokpay.create_api_key(%s, %s, %s::bigint[], %s::interval)",
            [name, list(scopes), accounts, expires_in],
        )

    def revoke_api_key(self, name):
        self.execute("select tokpay.revoke_api_key(id) from tokpay.api_keys where name = %s", [name])

    def state(self, *accounts):
        """(balance, version) of every account, to see whether anything has moved."""
        return [
            self.execute("select balance, version from tokpay.accounts where id = %s", [account])[0]
            for account in accounts
        ]

    def faults(self):
        return self.execute("select check_name, detail from tokpay.verify() where not ok")

    def close(self):
        self.connection.close()


def ends_within_a_second(since, is_let_in):
    """Nothing that is sent more than a second later is let in; asked without pause, so that a cache stays warm."""
    sent = time.monotonic()
    while is_let_in():
        assert sent - since < 1, "still let in"
        sent = time.monotonic()


def as_answered(reply):
    """A transfer that was read, as the request that made it was answered: without who the accounts are and what was given back."""
    return {name: value for name, value in reply.json.items() if name not in ("parties", "refunded")}


def named(headers):
    """If_None_Match as If-None-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def new_key():
    return uuid.uuid4().hex


def server():
    return environment("TOKPAY_TEST_HTTP", "the URL of the gateway under test")


def environment(name, what):
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: {what}")
    return value


def request(line, *headers, body=b"", host="x"):
    """The bytes of a request, from its first line."""
    lines = [line, *([f"Host: {host}"] if host else []), *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def ledger():
    """The books; they have to be in order when the module's tests are done."""
    books = Ledger(environment("TOKPAY_TEST_PG_URL", "a superuser's connection URI of the test server"))
    yield books
    faults = books.faults()
    books.close()
    assert faults == []


@pytest.fixture(scope="module")
def admin(ledger):
    """A client that may do everything."""
    client = Client(ledger.api_key("admin"))
    yield client
    client.close()


@pytest.fixture
def client(ledger):
    """A function that makes a client with a new API key."""
    clients = []

    def make(*scopes, accounts=None, expires_in=None):
        clients.append(Client(ledger.api_key(*scopes, accounts=accounts, expires_in=expires_in)))
        return clients[-1]

    yield make
    for made in clients:
        made.close()


@pytest.fixture
def wire():
    """A function that makes connections; the test's end closes them."""
    made = []

    def make(url=None):
        made.append(Wire(url))
        return made[-1]

    yield make
    for connection in made:
        connection.close()
