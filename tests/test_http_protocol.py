"""HTTP itself over raw sockets: malformed, oversized, slow and truncated requests hurt only their sender."""

import json
import random
import socket
import struct
import time

import pytest
from http_client import Client, admin, ledger, new_key, request, server, wire  # noqa: F401 (fixtures)

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def still_serves(admin):
    """Whatever a test sends, others are served afterwards."""
    yield
    fresh = Client(admin.key)
    for _ in range(4):  # the worker threads share the port
        assert fresh.get("/v1/accounts?limit=1").status == 200
        fresh.close()


@pytest.fixture(scope="module")
def account(ledger):
    return ledger.open_account(1000)


def get(admin, path, *headers, version="HTTP/1.1"):
    return request(f"GET {path} {version}", f"Authorization: Bearer {admin.key}", *headers)


def post(admin, path, body, *headers):
    data = json.dumps(body).encode()
    return request(f"POST {path} HTTP/1.1", f"Authorization: Bearer {admin.key}", f"Content-Length: {len(data)}", *headers, body=data)


# What is not HTTP

POST = "POST /v1/transfers HTTP/1.1"
GET = "GET /v1/accounts HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
NOT_HTTP = {
    "Content-Length with Transfer-Encoding": request(POST, "Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "Transfer-Encoding with Content-Length": request(POST, CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
    "two equal Content-Lengths": request(POST, "Content-Length: 2", "Content-Length: 2", body=b"{}"),
    "two different Content-Lengths": request(POST, "Content-Length: 2", "Content-Length: 3", body=b"{}"),
    "negative Content-Length": request(POST, "Content-Length: -2", body=b"{}"),
    "signed Content-Length": request(POST, "Content-Length: +2", body=b"{}"),
    "hexadecimal Content-Length": request(POST, "Content-Length: 0x2", body=b"{}"),
    "empty Content-Length": request(POST, "Content-Length: "),
    "list as Content-Length": request(POST, "Content-Length: 2, 2", body=b"{}"),
    "Content-Length beyond 64 bits": request(POST, "Content-Length: 18446744073709551618", body=b"{}"),
    "Transfer-Encoding gzip": request(POST, "Transfer-Encoding: gzip"),
    "Transfer-Encoding gzip, chunked": request(POST, "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "Transfer-Encoding chunked twice": request(POST, CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "Transfer-Encoding in HTTP/1.0": request(POST[:-1] + "0", CHUNKED, body=b"0\r\n\r\n"),
    "chunk size no number": request(POST, CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunk size negative": request(POST, CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": request(POST, CHUNKED, body=b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "chunk size signed": request(POST, CHUNKED, body=b"+2\r\n{}\r\n0\r\n\r\n"),
    "chunk size with 0x": request(POST, CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunk size missing": request(POST, CHUNKED, body=b"\r\n{}\r\n0\r\n\r\n"),
    "chunk size with a NUL": request(POST, CHUNKED, body=b"2\0\r\n{}\r\n0\r\n\r\n"),
    "chunk with a bare line feed": request(POST, CHUNKED, body=b"2\n{}\r\n0\r\n\r\n"),
    "chunk shorter than its size": request(POST, CHUNKED, body=b"3\r\n{}\r\n0\r\n\r\n"),
    "Content-Length in a trailer": request(POST, CHUNKED, body=b"0\r\nContent-Length: 2\r\n\r\n"),
    "chunk longer than its size": request(POST, CHUNKED, body=b"1\r\n{}\r\n0\r\n\r\n"),
    "no Host": request(GET, host=None),
    "two Hosts": request(GET, "Host: y"),
    "two Authorizations": request(GET, "Authorization: Bearer x", "Authorization: Bearer y"),
    "NUL in the target": request("GET /v1/\0accounts HTTP/1.1"),
    "control byte in the target": request("GET /v1/\x01accounts HTTP/1.1"),
    "DEL in the target": request("GET /v1/\x7faccounts HTTP/1.1"),
    "space in the target": request("GET /v1/ accounts HTTP/1.1"),
    "NUL in a value": request(GET, "X: a\0b"),
    "NUL in a name": request(GET, "X\0: a"),
    "value on two lines": request(GET, "X: a\r\n b"),
    "value on the second line": request(GET, "X:\r\n\tb"),
    "first header on two lines": request(GET, host=None).replace(b"\r\n\r\n", b"\r\n Host: x\r\n\r\n"),
    "line feed in a value": request(GET, "X: a\nY: b"),
    "line feed after the first line": b"GET /v1/accounts HTTP/1.1\nHost: x\r\n\r\n",
    "line feed at the end": b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\n\r\n",
    "control byte in a name": request(GET, "X\x01: a"),
    "space before the colon": request(GET, "X : a"),
    "empty name": request(GET, ": a"),
    "header without a colon": request(GET, "nonsense"),
    "bare carriage return": request(GET, "X: a\rY: b"),
    "bare line feeds": b"GET /v1/accounts HTTP/1.1\nHost: x\n\n",
    "no version": b"GET /v1/accounts\r\nHost: x\r\n\r\n",
    "HTTP/2.0": request("GET /v1/accounts HTTP/2.0"),
    "HTTP/1.2": request("GET /v1/accounts HTTP/1.2"),
    "lower case http": request("GET /v1/accounts http/1.1"),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no method": request(" /v1/accounts HTTP/1.1"),
    "no target": request("GET  HTTP/1.1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
    "garbage": bytes(range(256)) * 8,
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_answered_400_and_the_connection_closed(wire, name):
    connection = wire().send(NOT_HTTP[name])
    status, headers, body = connection.reply()
    assert (status, headers["Connection"], headers["Content-Type"]) == (400, "close", "application/problem+json")
    assert json.loads(body)["code"] == "bad_request"
    assert connection.reply() is None


def test_a_request_smuggled_behind_an_ambiguous_body_is_not_served(wire, admin):
    smuggled = get(admin, "/v1/accounts")
    for header in ("Content-Length: 5", "Content-Length: 0"):
        connection = wire().send(request(POST, header, CHUNKED, body=b"0\r\n\r\n" + smuggled))
        assert connection.reply()[0] == 400
        assert connection.reply() is None


def test_random_damage_never_gets_more_than_a_reply_or_a_close(wire, admin, account):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    whole = [get(admin, f"/v1/accounts/{account}/balance"), post(admin, "/v1/balances:query", {"accounts": [account]})]
    for _ in range(300):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.choice([0, 1, 1, 9])] = chance.randbytes(chance.choice([0, 1, 1, 5]))
        connection = wire().send(bytes(data)).end()
        while (reply := connection.reply()) is not None:
            assert reply[0] in (200, 400, 401, 404, 405, 408, 422, 431), bytes(data)


# Sizes


@pytest.mark.parametrize("size, wanted", [(16384, 200), (16385, 431), (MIB, 431)])
def test_a_header_has_at_most_16_kib(wire, admin, size, wanted):
    """All of it: the first line, however many fields there are, and the empty line."""

    def padded(path, *headers):
        rest = size - len(get(admin, path, *headers, "X: "))
        return get(admin, path, *headers, "X: " + "a" * rest)

    many = ["a: b"] * (min(size, 16384) // 6 - 40)
    for data in (padded("/v1/accounts"), padded("/v1/accounts?limit=1" + "&" * 10_000), padded("/v1/accounts", *many)):
        assert len(data) == size
        connection = wire()
        try:
            connection.send(data)
        except OSError:
            assert wanted == 431
        status, headers, text = connection.reply()
        assert status == wanted
        if wanted == 431:
            assert (json.loads(text)["code"], headers["Connection"]) == ("too_large", "close")
            assert connection.reply() is None


def test_a_body_of_8_mib_is_read_and_one_byte_more_is_413(wire, admin):
    for size, wanted in ((8 * MIB, 200), (8 * MIB + 1, 413)):
        body = b'{"accounts":["1"]}'.ljust(size)
        connection = wire()
        head = request("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", f"Content-Length: {size}")
        if wanted == 413:
            connection.send(head)  # refused before the body is sent
        else:
            connection.send(head + body)
        status, headers, text = connection.reply()
        assert status == wanted
        if wanted == 413:
            assert (json.loads(text)["code"], headers["Connection"]) == ("too_large", "close")
            assert connection.reply() is None


@pytest.mark.parametrize("size, wanted", [(8 * MIB, 200), (8 * MIB + 1, 413)])
def test_chunks_of_more_than_8_mib_together_are_413(wire, admin, size, wanted):
    body = b'{"accounts":["1"]}'.ljust(size)
    pieces = (body[begin : begin + MIB] for begin in range(0, size, MIB))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    connection = wire()
    try:
        connection.send(request("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", CHUNKED) + chunks + b"0\r\n\r\n")
    except OSError:
        assert wanted == 413
    assert connection.reply()[0] == wanted


@pytest.mark.parametrize("begin, more", [(b"2;x=", b"x"), (b"0\r\nX: ", b"x"), (b"0\r\n", b"X: x\r\n")])
def test_a_chunk_without_end_is_400(wire, admin, begin, more):
    """Its line or its trailer would else fill the memory."""
    connection = wire()
    try:
        connection.send(request("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", CHUNKED) + begin)
        for _ in range(64):
            connection.send(more * (65536 // len(more)))
    except OSError:
        pass
    status, headers, _ = connection.reply()
    assert (status, headers["Connection"]) == (400, "close")


def test_a_client_that_sends_too_much_before_it_reads_still_learns_why(admin):
    client = Client(admin.key)
    for _ in range(5):
        assert client.post("/v1/transfers", b" " * (9 * MIB), new_key()).status == 413
        client.close()


# Ends, pauses and pieces


def test_a_truncated_request_executes_nothing(wire, admin, ledger, account):
    payee = ledger.open_account()
    body = json.dumps({"debit": account, "credits": [{"account": payee, "amount": 1}]}).encode()
    whole = request(POST, f"Authorization: Bearer {admin.key}", "Idempotency-Key: k", f"Content-Length: {len(body) + 2}", body=body + b"  ")
    header = len(whole) - len(body) - 2
    # Without its last bytes the body makes sense all the same.
    for size in (1, 5, 30, header - 1, header, len(whole) - 3, len(whole) - 2, len(whole) - 1):
        ended = wire().send(whole[:size]).end().reply()
        assert ended is None or ended[0] == 400
        wire().send(whole[:size]).close()
        reset = wire().send(whole[:size])
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()
    assert ledger.state(payee) == [(0, 0)]


def test_a_client_that_has_finished_sending_gets_its_answer(wire, admin, account):
    connection = wire().send(get(admin, f"/v1/accounts/{account}")).end()
    assert connection.reply()[0] == 200
    assert connection.reply() is None


def test_a_client_that_never_reads_its_answer_has_its_transfer_once(wire, admin, ledger, account):
    payee = ledger.open_account()
    body = {"debit": account, "credits": [{"account": payee, "amount": 1}]}
    for _ in range(5):
        wire().send(post(admin, "/v1/transfers", body, "Idempotency-Key: gone")).close()
    assert admin.transfer(account, [(payee, 1)], "gone").status in (200, 201)
    assert ledger.state(payee) == [(1, 1)]


def test_a_request_that_comes_byte_by_byte_works(wire, admin, ledger, account):
    payee = ledger.open_account()
    connection = wire()
    body = {"debit": account, "credits": [{"account": payee, "amount": 1}]}
    for byte in post(admin, "/v1/transfers", body, "Idempotency-Key: slow"):
        connection.send(bytes([byte]))
    assert connection.reply()[0] == 201


def test_chunked_bodies_work_in_any_pieces(wire, admin, account):
    body = json.dumps({"accounts": [account]}).encode()
    head = ("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", CHUNKED)
    for pieces in (
        b"%X\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n",
        b"%x;name=value\r\n%b\r\n000\r\nTrailer: x\r\n\r\n" % (len(body), body),
    ):
        connection = wire().send(request(*head, body=pieces) + get(admin, f"/v1/accounts/{account}"))
        assert [connection.reply()[0] for _ in range(2)] == [200, 200]


def test_stalled_clients_do_not_hold_up_others(wire, admin, account):
    stalled = [wire().send(get(admin, f"/v1/accounts/{account}")[: 10 + i]) for i in range(100)]
    stalled += [wire().send(request(POST, "Content-Length: 100", body=b"{")) for _ in range(100)]
    fresh = Client(admin.key)
    assert fresh.get(f"/v1/accounts/{account}").status == 200
    fresh.close()
    assert len(stalled) == 200


def test_pipelined_requests_are_answered_in_order(wire, admin, ledger):
    accounts = ledger.open_accounts(*range(20))
    payer = ledger.open_account(100)
    data = b""
    for i, account in enumerate(accounts):
        data += post(admin, "/v1/transfers", {"debit": payer, "credits": [{"account": account, "amount": 1}]}, f"Idempotency-Key: {i}")
        data += get(admin, f"/v1/accounts/{account}/balance") + get(admin, "/nothing/here")
    connection = wire().send(data).end()
    for i, account in enumerate(accounts):
        (posted, _, transfer), (found, _, balance), (missing, _, _) = (connection.reply() for _ in range(3))
        assert (posted, found, missing) == (201, 200, 404)
        assert json.loads(transfer)["debit"]["balance"] == 99 - i
        assert (json.loads(balance)["account"], json.loads(balance)["balance"]) == (account, i + 1)
    assert connection.reply() is None


def test_one_connection_serves_many_requests_and_closes_when_asked(wire, admin, account):
    connection = wire()
    for _ in range(1000):
        assert connection.send(get(admin, f"/v1/accounts/{account}/balance")).reply()[0] == 200
    connection.send(get(admin, f"/v1/accounts/{account}/balance", "Connection: close"))
    status, headers, _ = connection.reply()
    assert (status, headers["Connection"], connection.reply()) == (200, "close", None)


def test_http_1_0_is_answered_and_closed(wire, admin, account):
    connection = wire().send(get(admin, f"/v1/accounts/{account}", version="HTTP/1.0"))
    assert connection.reply()[0] == 200
    assert connection.reply() is None


def test_http_1_0_keeps_a_connection_where_it_asks_and_a_stream_ends_with_it(wire, admin, account):
    def ask(path):
        return get(admin, path, "Connection: keep-alive", version="HTTP/1.0")

    connection = wire()
    for _ in range(3):
        status, headers, _ = connection.send(ask(f"/v1/accounts/{account}")).reply()
        assert (status, headers["Connection"]) == (200, "keep-alive")
    connection.send(ask(f"/v1/accounts/{account}/entries?format=csv") + ask("/v1/config"))
    status, headers, _ = connection.reply()
    assert (status, headers["Connection"], "Transfer-Encoding" in headers) == (200, "close", False)
    lines = connection.file.read().decode().splitlines()  # to the end of the connection
    assert lines[0].startswith("at,") and not any("HTTP/1.1" in line for line in lines)


def test_empty_lines_before_a_request_are_ignored(wire, admin, account):
    """RFC 9112, section 2.2: a server SHOULD ignore at least one."""
    asked = get(admin, f"/v1/accounts/{account}")
    connection = wire().send(b"\r\n" + asked + b"\r\n\r\n" + asked)
    assert [connection.reply()[0] for _ in range(2)] == [200, 200]
    connection.send(b"\r")
    time.sleep(0.1)
    assert connection.send(b"\n" + asked).reply()[0] == 200


def test_expect_100_continue_is_answered_before_the_body_is_sent(wire, admin, account):
    body = json.dumps({"accounts": [account]}).encode()
    head = ("POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {admin.key}", "Expect: 100-Continue")
    connection = wire().send(request(*head, f"Content-Length: {len(body)}"))
    assert connection.reply()[0] == 100
    assert connection.send(body).reply()[0] == 200
    refused = wire().send(request(*head, f"Content-Length: {9 * MIB}"))
    assert refused.reply()[0] == 413


def test_100_continue_comes_after_the_answers_before_it_and_never_to_http_1_0(wire, admin, account):
    expecting = "Expect: 100-continue", "Content-Length: 2"
    connection = wire().send(get(admin, f"/v1/accounts/{account}") * 3 + get(admin, "/v1/me", *expecting))
    assert [connection.reply()[0] for _ in range(4)] == [200] * 3 + [100]
    assert connection.send(b"{}").reply()[0] == 200
    old = wire().send(get(admin, "/v1/me", *expecting, version="HTTP/1.0"))
    time.sleep(0.2)
    assert old.send(b"{}").reply()[0] == 200


# Methods and targets


def test_a_reply_to_head_has_no_body(wire, admin, account):
    for path in (f"/v1/accounts/{account}", "/nothing/here"):
        connection = wire().send(request(f"HEAD {path} HTTP/1.1") + get(admin, f"/v1/accounts/{account}"))
        assert connection.reply(head=True)[0] in (200, 401, 404, 405)
        status, _, body = connection.reply()
        assert (status, json.loads(body)["id"]) == (200, account)


def test_a_refusal_of_head_before_its_body_has_none(wire):
    connection = wire().send(request("HEAD /v1/config HTTP/1.1", "Content-Length: 5"))
    status, headers, _ = connection.reply(head=True)
    assert (status, int(headers["Content-Length"]) > 0, connection.reply()) == (405, True, None)


def test_the_absolute_form_of_a_target_is_understood(wire, admin, account):
    """RFC 9112, section 3.2.2: a server MUST accept it."""
    status, _, body = wire().send(get(admin, f"{server()}/v1/accounts/{account}")).reply()
    assert (status, json.loads(body).get("id")) == (200, account)


@pytest.mark.parametrize("target", [
    "*", "/", "//v1/accounts", "/v1/x/../accounts", "/v1/%61ccounts", "/v1/accounts%2F1", "/v1/accounts/%31", "/%00", "/%", "/%zz", "/\xff\xfe",
    "/v1/accounts#x", "/v1/accounts;x", "http://", "http:///", "x:1", "@", "/?" + "a=b&" * 3000, "/" + "v1/" * 4000, "/v1/accounts/%ff/balance",
])  # fmt: skip
def test_odd_targets_are_answered_without_harm(wire, admin, target):
    for method in ("GET", "OPTIONS", "CONNECT"):
        reply = wire().send(request(f"{method} {target} HTTP/1.1", f"Authorization: Bearer {admin.key}")).reply()
        assert reply[0] in (200, 400, 404, 405)
