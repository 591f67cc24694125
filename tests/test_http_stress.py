"""Too many requests and too many bytes: what is too much is shed, and what is taken is answered soon."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from crowd import many_files, offer  # noqa: F401 (fixture)
from gateway_process import GatewayProcess, Growth, eventually, gateway, metric, settings_file  # noqa: F401 (fixture)
from http_client import Ledger, Wire, admin, environment, ledger, new_key, request, wire  # noqa: F401 (fixtures)

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def account(ledger):
    return ledger.open_account(1000)


def get_balance(key, account):
    return request(f"GET /v1/accounts/{account}/balance HTTP/1.1", f"Authorization: Bearer {key}")


def post(key, path, body, *headers):
    data = json.dumps(body).encode()
    return request(f"POST {path} HTTP/1.1", f"Authorization: Bearer {key}", f"Content-Length: {len(data)}", *headers, body=data)


def transfer(key, debit, credit, idempotency_key, **members):
    body = {"debit": debit, "credits": [{"account": credit, "amount": 1}], **members}
    return post(key, "/v1/transfers", body, f"Idempotency-Key: {idempotency_key}")


# Overload

CAPACITY = 200  # transfers a second
DEADLINE_S = 10


class SlowDatabase:
    """A database of its own whose transfers take their time, and a gateway of it."""

    def __init__(self, database, directory):
        url = environment("TOKPAY_TEST_PG_URL", "a superuser's connection URI of the test server")
        self.books = Ledger(url, database.name)
        self.books.execute("""
            create table public.pause (of_request float, is_blocked boolean);
            insert into public.pause values (0, false);
            grant select on public.pause to public;
            alter function tokpay.gateway_packed_batch rename to gateway_packed_batch_at_once;
            create function tokpay.gateway_packed_batch(requests tokpay.gateway_request[], lock_timeout integer default null)
            returns bytea language plpgsql as $$
            begin
                perform pg_sleep(of_request * cardinality(requests)) from public.pause;
                while (select is_blocked from public.pause) loop
                    perform pg_sleep(0.02);
                end loop;
                return tokpay.gateway_packed_batch_at_once(requests, lock_timeout);
            end $$""")
        settings = re.sub(r"(postgresql://[^@]+)@.*", rf"\1@{urlsplit(url).netloc.rpartition('@')[2]}/{database.name}", settings_file().read_text())
        path = directory / "gateway.conf"
        path.write_text(settings)
        self.gateway = GatewayProcess(config=path, threads=1, request_deadline_ms=DEADLINE_S * 1000)
        self.key = self.books.api_key("transfer", "read")

    def pause(self, of_request=0, is_blocked=False):
        """Seconds for each request; whether calls wait until they are told otherwise."""
        self.books.execute("update public.pause set of_request = %s, is_blocked = %s", [of_request, is_blocked])

    def transfers(self, requests, rate=1_000_000):
        return offer(self.gateway.port, "POST", "/v1/transfers", requests, rate)

    def executed(self, debit, keys):
        """How many of these keys have a transfer."""
        return self.books.value("select count(*) from tokpay.transfers where debit = %s and key = any (%s)", [debit, keys])


@pytest.fixture
def slow(database, tmp_path):
    made = SlowDatabase(database, tmp_path)
    yield made
    made.gateway.stop()
    assert made.books.faults() == []
    made.books.close()


def check_shed(answer):
    assert answer.headers["Retry-After"] == "1"
    assert json.loads(answer.body)["code"] == "overloaded"


def test_three_times_what_it_carries_is_shed_and_what_is_taken_is_answered_soon(slow, many_files):
    """503 was certainly not executed; 201 does not wait longer and longer."""
    payer, payee = slow.books.open_accounts(100_000, 0)
    slow.pause(of_request=1 / CAPACITY)
    seconds = 5
    keys = [new_key() for _ in range(3 * CAPACITY * seconds)]
    answers = slow.transfers([transfer(slow.key, payer, payee, key) for key in keys], rate=3 * CAPACITY)
    taken = [answer for answer in answers if answer.status == 201]
    shed = [answer for answer in answers if answer.status == 503]
    assert len(taken) + len(shed) == len(keys), Counter(answer.status for answer in answers)
    waits = sorted(answer.seconds for answer in taken)
    print(f"{len(taken)} taken, {len(shed)} shed, p50 {waits[len(waits) // 2]:.2f} s, p99 {waits[len(waits) * 99 // 100]:.2f} s, max {waits[-1]:.2f} s")
    assert waits[-1] < DEADLINE_S / 2
    assert len(taken) > CAPACITY * seconds / 2
    assert len(shed) > len(keys) / 3
    for answer in shed:
        check_shed(answer)
    assert metric(slow.gateway, 'tokpay_lane_shed_total{lane="transfer"}') == len(shed)
    assert slow.executed(payer, [keys[answer.index] for answer in shed]) == 0
    assert slow.books.state(payee) == [(len(taken), len(taken))]
    # The first fast answer tells that it has recovered.
    slow.pause()
    assert [answer.status for answer in slow.transfers([transfer(slow.key, payer, payee, new_key())])] == [201]
    assert {answer.status for answer in slow.transfers([transfer(slow.key, payer, payee, new_key()) for _ in range(500)])} == {201}


def test_what_waits_takes_bounded_memory(slow, many_files):
    """A request's weight does not tell its size."""

    def counted(name):
        return metric(slow.gateway, f'tokpay_lane_{name}{{lane="transfer"}}')

    payer, payee = slow.books.open_accounts(100_000, 0)
    metadata = {"x": "x" * 60_000}
    slow.pause(is_blocked=True)
    first = Wire(slow.gateway.url).send(transfer(slow.key, payer, payee, "first"))
    eventually(lambda: counted("calls_total") == 1, 5, "the first call")
    growth = Growth(slow.gateway)
    keys = [new_key() for _ in range(1000)]
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(slow.transfers, [transfer(slow.key, payer, payee, key, metadata=metadata) for key in keys])
        eventually(lambda: counted("depth") + counted("shed_total") >= 1000, DEADLINE_S, "all requests")
        growth.look()
        slow.pause()
        answers = asked.result()
    statuses = Counter(answer.status for answer in answers)
    print(statuses, f"{growth.mib:.0f} MiB more")
    assert set(statuses) == {201, 503}
    assert 400 * 60_000 < statuses[201] * 60_000 <= 32 * MIB
    refused = [keys[answer.index] for answer in answers if answer.status == 503]
    assert slow.executed(payer, refused) == 0
    assert first.reply()[0] == 201
    assert slow.books.state(payee) == [(statuses[201] + 1,) * 2]
    first.close()


def test_one_callers_reads_wait_for_one_another_and_nobody_else_for_them(slow, wire):
    account = slow.books.open_account()
    slow.books.execute("""
        alter function tokpay.gateway_account set schema public;
        create function tokpay.gateway_account(account bigint, principal text) returns setof tokpay.accounts language plpgsql as $$
        begin
            perform pg_sleep(0.1) where principal is not null;
            return query select * from public.gateway_account(account, principal);
        end $$""")

    def get(key):
        return request(f"GET /v1/accounts/{account} HTTP/1.1", f"Authorization: Bearer {key}")

    def carried():
        return metric(slow.gateway, 'tokpay_lane_requests_total{lane="statement"}')

    reading = get(slow.books.api_key("read", accounts=[account]))
    busy = [wire(slow.gateway.url).send(reading * 4) for _ in range(8)]  # no connection has more under way
    eventually(lambda: carried() >= 2, 5, "the first reads")
    assert wire(slow.gateway.url).send(get(slow.key)).reply()[0] == 200
    assert carried() < 20
    assert {connection.reply()[0] for connection in busy for _ in range(4)} == {200}


# Bodies

BODIES = 16  # of 8 MiB that a thread receives at a time


def begin_body(wire, url, key, *framing):
    """The first answer to a request whose body is to come."""
    connection = wire(url).send(request(
        "POST /v1/balances:query HTTP/1.1", f"Authorization: Bearer {key}", "Expect: 100-continue", *framing))  # fmt: skip
    return connection, connection.reply()


def test_bodies_on_their_way_take_bounded_memory(gateway, wire, admin, account):
    api = gateway(threads=1, body_timeout_ms=120_000)
    sized = f"Content-Length: {8 * MIB}"
    body = json.dumps({"accounts": [account]}).encode()
    almost_all = body.ljust(8 * MIB - 1)

    def begin(size=8 * MIB):
        connection, reply = begin_body(wire, api.url, admin.key, f"Content-Length: {size}")
        return connection, reply[0]

    # What is only announced takes nothing.
    coming = [begin() for _ in range(BODIES + 1)]
    assert {status for _, status in coming} == {100}
    coming = [connection for connection, _ in coming]
    late = coming.pop()
    for connection in coming:
        connection.send(almost_all)
    eventually(lambda: begin(17 * 1024)[1] == 503, 20, "the bodies")
    refused, reply = begin_body(wire, api.url, admin.key, sized)
    assert (reply[0], json.loads(reply[2])["code"], reply[1]["Retry-After"], reply[1]["Connection"]) == (503, "overloaded", "1", "close")
    assert refused.reply() is None
    # One that was announced before, or whose size is not known, is refused once it comes.
    assert late.send(bytes(17 * 1024)).reply()[0] == 503
    chunked, reply = begin_body(wire, api.url, admin.key, "Transfer-Encoding: chunked")
    assert reply[0] == 100
    assert chunked.send(b"4400\r\n" + bytes(17 * 1024) + b"\r\n").reply()[0] == 503
    # What is small is served, in one piece or in two.
    whole = wire(api.url).send(post(admin.key, "/v1/balances:query", {"accounts": [account]}) + get_balance(admin.key, account))
    assert [whole.reply()[0] for _ in range(2)] == [200, 200]
    small, reply = begin_body(wire, api.url, admin.key, f"Content-Length: {len(body)}")
    assert (reply[0], small.send(body).reply()[0]) == (100, 200)
    # Whoever has finished, or is gone, makes room.
    assert coming[0].send(b" ").reply()[0] == 200
    another, status = begin()
    assert status == 100
    another.send(almost_all)
    eventually(lambda: begin()[1] == 503, 10, "another body")
    coming[1].close()
    eventually(lambda: begin()[1] == 100, 10, "room for a body")


def test_bodies_of_requests_that_wait_count_too(slow, wire):
    payer, payee = slow.books.open_accounts(100_000, 0)
    slow.pause(is_blocked=True)
    sized = [f"Authorization: Bearer {slow.key}", "Expect: 100-continue", f"Content-Length: {8 * MIB}"]

    def begin(key):
        connection = wire(slow.gateway.url).send(request("POST /v1/transfers:batch HTTP/1.1", *sized))
        body = {"transfers": [{"key": key, "debit": payer, "credits": [{"account": payee, "amount": 1}]}]}
        return connection, connection.reply()[0], json.dumps(body).encode().ljust(8 * MIB)

    waiting = []
    for i in range(BODIES):
        connection, status, body = begin(f"k{i}")
        assert status == 100
        waiting.append(connection.send(body))
    eventually(lambda: metric(slow.gateway, 'tokpay_lane_depth{lane="transfer"}') >= BODIES - 1, DEADLINE_S, "all bodies")
    assert begin("more")[1] == 503
    slow.pause()
    assert {connection.reply()[0] for connection in waiting} == {200}
    assert begin("again")[1] == 100
    assert slow.books.state(payee) == [(BODIES, BODIES)]
