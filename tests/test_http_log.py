"""The gateway's log: one line of JSON for each request that is to have one, with no secret in it, and never in anybody's way."""

import base64
import datetime
import hashlib
import json
import random
import re
import socket
import struct
import threading
import time
import urllib.request

import psycopg2
import pytest
from gateway_process import eventually, gateway, settings_file  # noqa: F401 (fixture)
from http_client import TIMEOUT_S, Client, environment, ledger, new_key, request  # noqa: F401 (fixture)
from token_issuer import AUDIENCE, Issuer

MEMBERS = ["time", "request_id", "trace_id", "caller", "method", "route", "status", "code", "microseconds", "bytes"]
MADE_ID = re.compile(r"[0-9a-f]{16}-[0-9]+")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEY_NAME = new_key()


def lines(api):
    """The lines about requests so far, each of which has all members and nothing that is not printable."""
    found = []
    for line in list(api.log):
        assert line.endswith("\n") and line[:-1].isascii() and line[:-1].isprintable(), line
        if line.startswith("{"):
            found.append(json.loads(line))
            assert list(found[-1]) == MEMBERS, line
        else:
            assert line.startswith("tokpay-gateway: "), line
    return found


def line_of(api, request_id):
    """The one line about a request."""
    eventually(lambda: any(line["request_id"] == request_id for line in lines(api)), 10, f"a line about {request_id}")
    [line] = [line for line in lines(api) if line["request_id"] == request_id]
    return line


def bytes_for(api, data):
    """Everything that comes back until the gateway closes."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request_ids(reply):
    return re.findall(rb"\r\nX-Request-Id: ([^\r]*)\r\n", reply)


def counter(api, series):
    text = urllib.request.urlopen(f"{api.admin_url}/metrics").read().decode()
    return sum(int(value) for value in re.findall(rf"^{re.escape(series)} (\d+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def logging(gateway):
    """A gateway that logs every request."""
    return gateway(log_requests="on")


@pytest.fixture(scope="module")
def key(ledger):
    return ledger.api_key("admin", name=KEY_NAME)


@pytest.fixture
def locked(ledger):
    """An account that a transaction keeps locked, a payee, and what ends it."""
    account, payee = ledger.open_accounts(100, 0)
    session = psycopg2.connect(environment("TOKPAY_TEST_PG_URL", "a superuser's connection URI of the test server"), dbname="tokpay")
    session.cursor().execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1]::bigint[])", [account, payee])

    class Locked:
        debit, credit = account, payee
        release = staticmethod(session.rollback)

        @staticmethod
        def is_waited_for():
            return ledger.value("select count(*) from pg_stat_activity where %s = any (pg_blocking_pids(pid))", [session.info.backend_pid]) > 0

    yield Locked
    session.close()


# What a line tells


@pytest.mark.parametrize("head, headers, body, method, route, status, code, is_known", [
    ("GET /v1/accounts/ACCOUNT/balance", [], b"", "GET", "/v1/accounts/{id}/balance", 200, "ok", True),
    ("GET /v1/accounts/ACCOUNT?", [], b"", "GET", "/v1/accounts/{id}", 200, "ok", True),
    ("GET /v1/accounts?limit=1", [], b"", "GET", "/v1/accounts", 200, "ok", True),
    ("GET /v1/accounts/9999999999999/balance", [], b"", "GET", "/v1/accounts/{id}/balance", 404, "not_found", True),
    ("GET /v1/config", ["Authorization: none"], b"", "GET", "/v1/config", 200, "ok", False),
    ("GET /v1/me", ["Authorization: Bearer wrong"], b"", "GET", "/v1/me", 401, "unauthenticated", False),
    ("HEAD /v1/me", [], b"", "HEAD", None, 405, "method_not_allowed", False),
    ("BREW /v1/me", [], b"", "other", None, 405, "method_not_allowed", False),
    ("DELETE /no/such/path?q=1", [], b"", "DELETE", None, 404, "not_found", False),
    ("POST /v1/transfers", ["Idempotency-Key: KEY"], b'{"debit":"ACCOUNT","credits":[{"account":"PAYEE","amount":1}]}', "POST", "/v1/transfers", 201, "ok", True),
    ("POST /v1/transfers", ["Idempotency-Key: KEY"], b'{"debit":"ACCOUNT","credits":[{"account":"PAYEE","amount":1000}]}',
     "POST", "/v1/transfers", 422, "insufficient_funds", True),
    ("POST /v1/transfers", ["Idempotency-Key: KEY"], b"{", "POST", "/v1/transfers", 400, "malformed_json", True),
])  # fmt: skip
def test_every_request_has_one_line_that_tells_what_became_of_it(logging, ledger, key, head, headers, body, method, route, status, code, is_known):
    account, payee = ledger.open_accounts(100, 0)
    name = new_key()
    for old, new in (("ACCOUNT", account), ("PAYEE", payee), ("KEY", new_key())):
        head, body = head.replace(old, new), body.replace(old.encode(), new.encode())
        headers = [header.replace(old, new) for header in headers]
    if not any(header.startswith("Authorization") for header in headers):
        headers = [*headers, f"Authorization: Bearer {key}"]
    begun, then = time.monotonic(), datetime.datetime.now(datetime.timezone.utc)
    data = request(f"{head} HTTP/1.1", *headers, "Connection: close", f"Content-Length: {len(body)}", f"X-Request-Id: {name}", body=body)
    reply = bytes_for(logging, data)
    line = line_of(logging, name)
    assert reply.startswith(b"HTTP/1.1 %d " % status) and request_ids(reply) == [name.encode()]
    known = ledger.value("select id from tokpay.api_keys where name = %s", [KEY_NAME])
    assert line == {
        "time": line["time"], "request_id": name, "trace_id": None, "caller": f"key:{known}" if is_known else None,
        "method": method, "route": route, "status": status, "code": code, "microseconds": line["microseconds"], "bytes": len(reply),
    }  # fmt: skip
    assert then - datetime.timedelta(milliseconds=1) <= datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
    assert datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")) <= datetime.datetime.now(datetime.timezone.utc)
    assert 0 <= line["microseconds"] <= (time.monotonic() - begun) * 1e6


@pytest.mark.parametrize("data, method, code", [
    (b"nonsense\r\n\r\n", None, "bad_request"),
    (b"GET / HTTP/1.1\r\n\r\n", None, "bad_request"),
    (request("GET / HTTP/1.1", "X: " + "x" * 20000), None, "too_large"),
    (request("POST /v1/transfers HTTP/1.1", "Transfer-Encoding: chunked", "Authorization: Bearer KEY", body=b"x\r\n"), "POST", "bad_request"),
    (request("POST /v1/transfers HTTP/1.1", "Content-Length: 5", body=b"{"), "POST", "unauthenticated"),
])  # fmt: skip
def test_what_could_not_be_read_has_a_line_too(logging, key, data, method, code):
    reply = bytes_for(logging, data.replace(b"KEY", key.encode()))
    [name] = request_ids(reply)
    line = line_of(logging, name.decode())
    assert MADE_ID.fullmatch(line["request_id"])
    assert (line["method"], line["route"], line["code"], line["bytes"]) == (method, None, code, len(reply))
    assert reply.startswith(b"HTTP/1.1 %d " % line["status"])


def test_a_streamed_body_is_counted_to_its_end(logging, ledger, key):
    account, payee = ledger.open_accounts(1000, 0)
    for _ in range(20):
        ledger.execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1]::bigint[])", [account, payee])
    for close in ([], ["Connection: close"]):
        name = new_key()
        reply = bytes_for(logging, request(f"GET /v1/accounts/{account}/entries?format=csv HTTP/1.1", f"Authorization: Bearer {key}", f"X-Request-Id: {name}", *close))
        assert reply.startswith(b"HTTP/1.1 200 ") and reply.count(b"\n") > 20
        line = line_of(logging, name)
        assert (line["status"], line["code"], line["bytes"]) == (200, "ok", len(reply))


def test_a_stream_that_the_client_leaves_is_incomplete(logging, ledger, key):
    account, name = ledger.open_account(1), new_key()
    with socket.create_connection(("127.0.0.1", logging.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request(f"GET /v1/events?account={account} HTTP/1.1", f"Authorization: Bearer {key}", f"X-Request-Id: {name}"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert all(line["request_id"] != name for line in lines(logging))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # with a reset, which is noticed at once
    line = line_of(logging, name)
    assert (line["route"], line["status"], line["code"]) == ("/v1/events", 200, "incomplete")


def test_owners_are_told_apart_without_their_names(gateway):
    issuer = Issuer()
    kid = issuer.new_key()
    api = gateway(issuer=issuer.url, audience=AUDIENCE, log_requests="on")
    for subject in ("ada@example.com", "bob"):
        for _ in range(2):  # the second time it is remembered
            client = Client(issuer.token(kid, subject), api.url)
            name = client.get("/v1/me", X_Request_Id=new_key()).headers["X-Request-Id"]
            client.close()
            assert line_of(api, name)["caller"] == "owner:" + hashlib.sha256(f"{issuer.url} {subject}".encode()).hexdigest()[:16]
    issuer.close()
    assert "example.com" not in api.stop()


# What a request is called


@pytest.mark.parametrize("sent, is_repeated", [
    ("a", True), ("6a1f6b9e-7f0a-4c8e-9f43-2a55b4f1c1de", True), ("Root=1-67891233-abc/0:1+2_3", True), ("x" * 128, True),
    ("x" * 129, False), ("", False), ("a b", False), ("a.b", False), ('"', False), ("a\\", False), ("<script>", False), ("a,b", False),
    ("ada@example.com", False), ("tokpay_" + "0" * 64, False), ("\x1b[2J", False), ("\xe9", False), ("a\tb", False),
])  # fmt: skip
def test_a_reply_repeats_the_clients_id_where_it_is_harmless(logging, ledger, key, sent, is_repeated):
    for path, status in (("/v1/config", 200), ("/v1/me", 200), ("/nothing", 404)):
        data = request(f"GET {path} HTTP/1.1", f"Authorization: Bearer {key}", f"X-Request-Id: {sent}", "Connection: close")
        reply = bytes_for(logging, data)
        if reply.startswith(b"HTTP/1.1 400"):  # not even HTTP
            assert not is_repeated and not sent.isprintable()
            status = 400
        [name] = request_ids(reply)
        assert reply.startswith(b"HTTP/1.1 %d " % status)
        assert name == sent.encode("latin-1") if is_repeated else MADE_ID.fullmatch(name.decode())
        eventually(lambda name=name.decode(): any(line["request_id"] == name for line in lines(logging)), 10, f"a line about {name}")


def test_one_of_two_ids_is_not_picked(logging):
    reply = bytes_for(logging, request("GET /v1/config HTTP/1.1", "X-Request-Id: a", "X-Request-Id: b", "Connection: close"))
    assert MADE_ID.fullmatch(request_ids(reply)[0].decode())


@pytest.mark.parametrize("sent, trace", [
    ([f"00-{TRACE}-00f067aa0ba902b7-01"], TRACE), ([f"cc-{TRACE}-00f067aa0ba902b7-00-more"], TRACE), ([f" 00-{TRACE}-00f067aa0ba902b7-01 "], TRACE),
    ([f"00-{TRACE}-00f067aa0ba902b7-01-more"], None), ([f"ff-{TRACE}-00f067aa0ba902b7-01"], None), ([f"00-{TRACE.upper()}-00f067aa0ba902b7-01"], None),
    (["00-" + "0" * 32 + "-00f067aa0ba902b7-01"], None), ([f"00-{TRACE}-" + "0" * 16 + "-01"], None), ([TRACE], None), ([""], None), (['"}'], None),
    ([f"00-{TRACE}-00f067aa0ba902b7-01"] * 2, None), ([], None),
])  # fmt: skip
def test_the_trace_is_taken_from_a_traceparent_that_is_well_formed(logging, sent, trace):
    name = new_key()
    reply = bytes_for(logging, request("GET /v1/config HTTP/1.1", f"X-Request-Id: {name}", "Connection: close", *(f"traceparent: {value}" for value in sent)))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert line_of(logging, name)["trace_id"] == trace


# Which requests are logged


def test_without_the_setting_nothing_is_logged_and_errors_have_ids(gateway, key):
    api = gateway(threads=1)
    client = Client(key, api.url)
    assert client.get("/v1/me").headers["X-Request-Id"] is None
    assert client.get("/v1/me", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01").headers["X-Request-Id"] is None
    assert client.get("/v1/me", X_Request_Id="mine").headers["X-Request-Id"] == "mine"
    wrong = [client.get("/v1/accounts/9999999999999"), client.get("/nothing"), client.post("/v1/transfers", {}, new_key())]
    assert [reply.status for reply in wrong] == [404, 404, 422]
    names = {reply.headers["X-Request-Id"] for reply in wrong}
    assert len(names) == 3 and all(map(MADE_ID.fullmatch, names))
    client.close()
    api.stop()
    assert lines(api) == []


# A call waits a second for a lock; what has asked for it once and then waits aside was certainly not executed.
@pytest.mark.parametrize("deadline_ms, status, code", [(600, 504, "outcome_unknown"), (2900, 503, "overloaded")])
def test_without_the_setting_failures_are_logged(gateway, key, locked, deadline_ms, status, code):
    api = gateway(threads=1, request_deadline_ms=deadline_ms)
    client = Client(key, api.url)
    for attempts in range(1, 4):  # where the machine stands still, it may be the other one
        reply = client.transfer(locked.debit, [(locked.credit, 1)])
        if reply.status == status:
            break
    locked.release()
    assert reply.status == status
    line = line_of(api, reply.headers["X-Request-Id"])
    assert (line["route"], line["status"], line["code"]) == ("/v1/transfers", status, code)
    assert line["caller"].startswith("key:") and line["microseconds"] >= deadline_ms * 1000
    client.close()
    api.stop()
    assert (len(lines(api)), lines(api)[-1]) == (attempts, line)


def test_requests_that_took_too_long_are_logged(gateway, key, locked):
    api = gateway(threads=1, slow_request_ms=1000)
    client = Client(key, api.url)
    assert [client.get("/v1/me").status for _ in range(10)] == [200] * 10
    replies = []
    slow = threading.Thread(target=lambda: replies.append(client.transfer(locked.debit, [(locked.credit, 1)])))
    slow.start()
    eventually(locked.is_waited_for, 10, "the transfer waits")
    time.sleep(1.1)  # what is to take a second has to take one
    locked.release()
    slow.join()
    assert replies[0].status == 201
    line = line_of(api, replies[0].headers["X-Request-Id"])
    assert (line["route"], line["status"]) == ("/v1/transfers", 201)
    client.close()
    api.stop()
    assert all(line["microseconds"] >= 1_000_000 for line in lines(api))


# Nobody waits for the log


def flood(api, requests):
    """Sends so many requests with long lines, which are all answered 404."""
    one = request("GET /nothing HTTP/1.1", f"X-Request-Id: {'x' * 128}")
    with socket.create_connection(("127.0.0.1", api.port), timeout=TIMEOUT_S) as connection:
        sender = threading.Thread(target=lambda: connection.sendall(one * requests))
        sender.start()
        answers, tail = 0, b""
        while answers < requests:
            received = connection.recv(1 << 20)
            assert received, f"closed after {answers} answers"
            answers += (tail + received).count(b"HTTP/1.1 404 Not Found\r\n")
            tail = received[-23:]
        sender.join()


def test_a_log_that_nobody_reads_stops_nothing_and_what_is_missing_is_counted(gateway):
    requests = 10000  # pipe and buffers hold two megabytes, which is some 6000
    api = gateway(reads_log=False, log_requests="on")
    flood(api, requests)
    lost = counter(api, 'tokpay_log_dropped_lines_total{reason="full"}')
    assert lost > 0
    api.read_log()
    eventually(lambda: sum(line.startswith("{") for line in list(api.log)) >= requests - lost, 20, "what was kept")
    assert len(lines(api)) == requests - lost
    client = Client(url=api.url)
    assert client.get("/v1/config", X_Request_Id="again").status == 200
    client.close()
    api.stop()
    assert len(lines(api)) == requests - lost + 1 and lines(api)[-1]["request_id"] == "again"


def test_the_gateway_ends_though_nobody_reads_its_log(gateway):
    api = gateway(reads_log=False, log_requests="on")
    flood(api, 5000)
    api.process.terminate()
    assert api.process.wait(timeout=TIMEOUT_S) == 0


# No secrets


SECRET_PLACES = [
    "GET /v1/config HTTP/1.1\r\nHost: x\r\nAuthorization: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: bearer  SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRETSECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Basic SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Bearer SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Api-Key: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nCookie: __Host-session=SECRET; other=SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nCookie: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\ntraceparent: SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\ntracestate: a=SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: SECRET\r\nUser-Agent: SECRET\r\nReferer: https://x/?key=SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nSECRET: x\r\n\r\n",
    "GET /v1/me?key=SECRET HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/accounts?SECRET=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /v1/accounts?name=SECRET HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /v1/accounts?cursor=SECRET HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /v1/accounts/SECRET/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\n\r\n",
    "GET /SECRET HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET SECRET HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://u:SECRET@x/v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "SECRET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/me SECRET\r\nHost: x\r\n\r\n",
    "SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization Bearer SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00SECRET\r\n\r\n",
    "GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET",
    "POST /v1/transfers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nIdempotency-Key: SECRET\r\nContent-Length: 2\r\n\r\n{}",
    "POST /v1/transfers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nIdempotency-Key: \xe9SECRET\r\nContent-Length: 2\r\n\r\n{}",
    'POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:"SECRET',
    "POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nTransfer-Encoding: chunked\r\n\r\nSECRET\r\n",
    "POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nTransfer-Encoding: chunked\r\n\r\n2;a=SECRET\r\n{}\r\n0\r\nX: SECRET\r\n\r\n",
    "POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nContent-Length: SECRET\r\n\r\n",
    "GET /v1/events?account=SECRET HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nLast-Event-ID: SECRET\r\nIf-None-Match: SECRET\r\n\r\n",
]  # fmt: skip


def test_no_secret_gets_into_the_log_wherever_a_client_puts_it(gateway, ledger):
    api = gateway(log_requests="on", issuer="http://127.0.0.1:1", audience="x")
    claims = base64.urlsafe_b64encode(b'{"iss":"http://127.0.0.1:1","sub":"ada@example.com"}').decode().rstrip("=")
    secrets = [ledger.api_key("admin"), "tokpay_" + "0123456789abcdef" * 4, f"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.{claims}.hunter2hunter2"]
    for secret in secrets:
        for place in SECRET_PLACES:
            bytes_for(api, place.replace("SECRET", secret).encode("latin-1"))
    text = api.stop()
    assert len(lines(api)) == len(secrets) * (len(SECRET_PLACES) - 1)  # one is cut off, so nobody is told anything
    for part in (secrets[0][-64:], "0123456789abcdef" * 2, "eyJ", "hunter2", claims[:20], "ada@", "Bearer", "session"):
        assert part not in text, part


def test_nothing_a_client_sends_makes_another_line(logging):
    forged = '{"time":"2026-01-01T00:00:00.000000Z","request_id":"forged","status":200}'
    before = len(lines(logging))
    attacks = [
        f"GET /{forged} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET /%0a{forged} HTTP/1.1\r\nHost: x\r\n\r\n", f"{forged} / HTTP/1.1\r\nHost: x\r\n\r\n",
        *(f"GET /v1/config HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: a{end}{forged}\r\n\r\n"
          for name in ("X-Request-Id", "traceparent", "User-Agent", "Authorization") for end in ("\n", "\r", "\r\n ", "\\n", "\x0b", "\x85", "\u00e2\u0080\u00a8", '"}', "\x1b[1A")),
        f"\n{forged}\n\r\n\r\n", f"GET / HTTP/1.1\r\nHost: x\r\n\n{forged}\n\r\n",
    ]  # fmt: skip
    for attack in attacks:
        bytes_for(logging, attack.encode("latin-1"))
    bytes_for(logging, request("GET /v1/config HTTP/1.1", "X-Request-Id: last", "Connection: close"))
    line_of(logging, "last")
    after = lines(logging)  # each one is a line of the gateway's own
    assert all(line["request_id"] != "forged" for line in after)
    assert "forged" not in "".join(logging.log)
    assert len(after) - before >= len(attacks)


def test_refusals_are_no_news_to_postgresql(ledger, key):
    """Else whoever has signed in could fill the disk."""
    account = random.randrange(10**17, 10**18)
    assert Client(key).get(f"/v1/accounts/{account}/entries").status == 404
    assert str(account) not in (settings_file().parent / "log/postgresql.log").read_text()
