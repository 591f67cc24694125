"""Too many connections, and clients that are slow or never read: they take bounded memory and nobody's turn."""

import contextlib
import json
import os
import resource
import selectors
import socket
import subprocess
import time
from collections import Counter

import pytest
from crowd import many_files  # noqa: F401 (fixture)
from gateway_process import PROGRAM, Growth, eventually, gateway, metric, rss_kib, settings_file  # noqa: F401 (fixture)
from http_client import Client, admin, ledger, request, wire  # noqa: F401 (fixtures)

MIB = 1024 * 1024
# Under a sanitizer memory is not what it was; tests/sanitize sets this.
SANITIZED = "ASAN_OPTIONS" in os.environ
OPENAPI = request("GET /openapi.json HTTP/1.1")


@pytest.fixture(scope="module")
def account(ledger):
    return ledger.open_account(1000)


def get_balance(key, account):
    return request(f"GET /v1/accounts/{account}/balance HTTP/1.1", f"Authorization: Bearer {key}")


# How many


def test_a_connection_too_many_is_told_so(gateway, wire, admin, account):
    api = gateway(threads=1, max_connections=50)
    held = [wire(api.url).send(get_balance(admin.key, account)) for _ in range(50)]
    assert {connection.reply()[0] for connection in held} == {200}
    for early in (True, False):
        more = wire(api.url)
        if not early:
            more.send(get_balance(admin.key, account))
        status, headers, body = more.reply()
        assert (status, headers["Retry-After"], headers["Connection"], json.loads(body)["code"]) == (503, "1", "close", "overloaded")
        assert more.reply() is None

    def status(connection):
        with contextlib.suppress(ConnectionError):
            reply = connection.reply()
            return reply and reply[0]

    crowd = [wire(api.url) for _ in range(200)]
    answers = Counter(status(connection) for connection in crowd)
    assert set(answers) == {503, None} and answers[503] >= 50, answers
    for connection in held:
        assert connection.send(get_balance(admin.key, account)).reply()[0] == 200
    # Those that were turned away, and stay, take nobody's place.
    held[0].close()
    eventually(lambda: status(wire(api.url).send(get_balance(admin.key, account))) == 200, 10, "a place")
    assert metric(api, "tokpay_http_connections") > 50


def test_the_limit_of_open_files_is_raised_and_connections_fit_into_it(gateway, wire, admin, account):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        api = gateway(threads=1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    held = [wire(api.url).send(get_balance(admin.key, account)) for _ in range(300)]
    assert {connection.reply()[0] for connection in held} == {200}


@pytest.mark.parametrize("files, arguments, said", [
    (1000, ["--max-connections=745", "--threads=1"],
     "flag --max-connections: setting max-connections: 745 connections on each of 1 threads need 1001 open files, and this process may have 1000 (ulimit -Hn)"),
    (1000, ["--max-connections=744", "--threads=1"], None),
    (1000, ["--max-connections=325", "--threads=2"], "setting max-connections: 325 connections on each of 2 threads"),
    (1000, ["--threads=2"], None),
    (256, ["--threads=2"], "setting max-connections: 20000 connections on each of 2 threads"),
])  # fmt: skip
def test_check_tells_where_connections_do_not_fit(files, arguments, said):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    done = subprocess.run([PROGRAM, "--config", settings_file(), "--check", *arguments], preexec_fn=limit, capture_output=True, text=True, timeout=20)
    assert (done.returncode == 0) == (said is None), done.stderr
    if said is not None:
        assert said in done.stderr


def test_ten_thousand_connections_are_held_and_others_served(gateway, many_files, admin, account):
    api = gateway()
    count = min(10_000, many_files - 500)
    before = rss_kib(api)
    one = get_balance(admin.key, account)
    idle = []

    def all_are_answered():
        for begin in range(0, count, 500):
            part = idle[begin : begin + 500]
            for connection in part:
                connection.sendall(one)
            for connection in part:
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")

    for _ in range(count):
        idle.append(socket.create_connection(("127.0.0.1", api.port), timeout=30))
    all_are_answered()
    assert metric(api, "tokpay_http_connections") == count
    memory = rss_kib(api)
    print(f"{count} idle connections: {memory / 1024:.0f} MiB, {(memory - before) / count:.1f} KiB each")
    assert SANITIZED or memory < 200 * 1024
    client = Client(admin.key, api.url)
    for _ in range(100):
        assert client.get(f"/v1/accounts/{account}/balance").status == 200
    all_are_answered()
    for connection in idle:
        connection.close()
    client.close()
    eventually(lambda: metric(api, "tokpay_http_connections") == 0, 20, "the end of all connections")


# Slow clients


class SlowClient:
    """Sends byte by byte until it is answered."""

    def __init__(self, api, data):
        self.socket = socket.create_connection(("127.0.0.1", api.port))
        self.socket.setblocking(False)
        self.data = iter(data)
        self.answer = b""
        self.closed = False

    def step(self):
        with contextlib.suppress(StopIteration, OSError):
            self.socket.send(bytes([next(self.data)]))
        try:
            while not self.closed:
                piece = self.socket.recv(4096)
                self.answer += piece
                self.closed = not piece
        except BlockingIOError:
            pass
        return self.closed


def test_clients_that_send_byte_by_byte_are_stopped_and_others_served(gateway, admin, account):
    api = gateway(header_timeout_ms=1500, body_timeout_ms=1500)
    header = request("GET /v1/accounts HTTP/1.1", "X: " + "x" * 10_000)
    body = request("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", "Content-Length: 10000")
    slow = [SlowClient(api, header) for _ in range(200)]
    for _ in range(200):
        slow.append(SlowClient(api, b"x" * 10_000))
        slow[-1].socket.send(body)
    silent = [SlowClient(api, b"") for _ in range(50)]
    client = Client(admin.key, api.url)
    waiting = slow + silent
    until = time.monotonic() + 30
    while waiting:
        assert time.monotonic() < until
        waiting = [one for one in waiting if not one.step()]
        assert client.get(f"/v1/accounts/{account}/balance").status == 200
        time.sleep(0.02)
    for one in slow:
        assert one.answer.startswith(b"HTTP/1.1 408 ") and b"Connection: close\r\n" in one.answer
        assert json.loads(one.answer.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"
    assert {one.answer for one in silent} == {b""}
    for one in slow + silent:
        one.socket.close()
    client.close()


class Deaf:
    """A client that sends and does not read, with little room for what it is sent."""

    def __init__(self, api, data):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", api.port))
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.socket.send(data)

    def close(self):
        self.socket.close()


@pytest.fixture(scope="module")
def long_account(ledger):
    """An account whose export has 20 MB."""
    payer, payee = ledger.open_accounts(1_000_000, 0)
    for _ in range(2):
        ledger.execute(
            "select from tokpay.transfer(%s, array_fill(%s::bigint, array[10000]), array_fill(1::bigint, array[10000]), description => %s)",
            [payer, payee, "x" * 1000],
        )
    return payee


def test_clients_that_never_read_are_closed_and_take_bounded_memory(gateway, admin, account, long_account):
    api = gateway(threads=1, write_timeout_ms=1500, header_timeout_ms=5000)
    export = request(f"GET /v1/accounts/{long_account}/entries?format=csv HTTP/1.1", f"Authorization: Bearer {admin.key}")
    page = request(f"GET /v1/accounts/{long_account}/entries?limit=1000 HTTP/1.1", f"Authorization: Bearer {admin.key}")
    growth = Growth(api)
    deaf = [Deaf(api, data) for data in (export, page * 36, OPENAPI * 300) for _ in range(5)]
    client = Client(admin.key, api.url)
    until = time.monotonic() + 60
    while metric(api, "tokpay_http_connections") > 1:
        assert time.monotonic() < until
        assert client.get(f"/v1/accounts/{account}/balance").status == 200
        growth.look()
    print(f"15 that never read: {growth.mib:.0f} MiB more")
    assert SANITIZED or growth.mib < 128
    for one in deaf:
        one.close()
    client.close()


def test_what_waits_behind_a_stream_is_left_with_its_client(gateway, wire, admin, account):
    connection = wire(gateway(threads=1).url).send(request(f"GET /v1/events?account={account} HTTP/1.1", f"Authorization: Bearer {admin.key}"))
    assert connection.file.readline().startswith(b"HTTP/1.1 200")
    connection.send(request("POST /v1/transfers HTTP/1.1", f"Authorization: Bearer {admin.key}", f"Content-Length: {8 * MIB}"))
    connection.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        connection.socket.sendall(bytes(64 * MIB))


def test_exports_that_nobody_reads_take_bounded_memory(gateway, admin, long_account):
    api = gateway(threads=1, write_timeout_ms=5000)  # more than it takes to make them
    export = request(f"GET /v1/accounts/{long_account}/entries?format=csv HTTP/1.1", f"Authorization: Bearer {admin.key}")
    growth = Growth(api)
    deaf = [Deaf(api, export) for _ in range(5)]
    eventually(lambda: growth.look() or metric(api, "tokpay_http_connections") == 0, 60, "the end of all")
    print(f"5 exports that nobody reads: {growth.mib:.0f} MiB more")
    assert SANITIZED or growth.mib < 75
    for one in deaf:
        one.close()


DEAF = 240


def test_those_who_do_not_read_are_closed_early_when_their_answers_fill_the_memory(gateway, admin, account):
    api = gateway(threads=1, write_timeout_ms=600_000)
    growth = Growth(api)
    client = Client(admin.key, api.url)
    assert client.get(f"/v1/accounts/{account}/balance").status == 200
    deaf, left = [], []
    for _ in range(DEAF):
        deaf.append(Deaf(api, OPENAPI * 120))  # the kernel takes some thirty answers
        assert client.get(f"/v1/accounts/{account}/balance").status == 200
        growth.look()
        left.append(metric(api, "tokpay_http_connections"))

    def has_room():
        growth.look()
        return metric(api, "tokpay_http_connections") < DEAF - 5

    eventually(has_room, 20, "room")
    print(f"{DEAF} that never read: {growth.mib:.0f} MiB more, {metric(api, 'tokpay_http_connections'):.0f} connections are left")
    assert SANITIZED or growth.mib < 300
    assert client.get(f"/v1/accounts/{account}/balance").status == 200  # over the connection that it had
    # There is room for more than a hundred, so from the tenth on there are never few.
    assert min(left[9:] + [metric(api, "tokpay_http_connections")]) > 6
    for one in deaf:
        one.close()
    client.close()


def test_a_client_that_is_always_behind_takes_bounded_memory(gateway):
    """What has been sent is forgotten though something always waits."""
    api = gateway(threads=1)
    count = 400
    client = socket.create_connection(("127.0.0.1", api.port))
    client.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
    line = b"HTTP/1.1 200 OK\r\n"
    unsent, answers, got, end = OPENAPI * count, 0, 0, b""
    growth = Growth(api)
    while answers < count:
        for _, events in selector.select(30) or pytest.fail("nothing comes any more"):
            if events & selectors.EVENT_WRITE:
                unsent = unsent[client.send(unsent) :]
                if not unsent:
                    selector.modify(client, selectors.EVENT_READ)
            if events & selectors.EVENT_READ:
                piece = client.recv(65536)
                assert piece
                got += len(piece)
                answers += (end + piece).count(line)
                end = piece[1 - len(line) :]
        growth.look()
        time.sleep(0.003)
    print(f"{got / MIB:.0f} MiB of answers: {growth.mib:.0f} MiB more")
    assert SANITIZED or growth.mib < 24
    client.close()
