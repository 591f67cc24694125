"""Server-sent events: what happens to accounts, told once and in order, for as long as the credential is good."""

import json
import re
import time

import api_description
import pytest
from gateway_process import gateway, metric  # noqa: F401 (fixture)
from http_client import UNKNOWN, Client, Wire, admin, environment, ledger, new_key, request, wire  # noqa: F401 (fixtures)

LATE_S = 5


class Stream:
    """A stream of events over a connection of its own."""

    def __init__(self, key, accounts, last_id=None, url=None):
        self.wire = Wire(url)
        headers = [f"Authorization: Bearer {key}", *([f"Last-Event-ID: {last_id}"] if last_id is not None else [])]
        target = f"/v1/events?account={','.join(accounts)}"
        self.wire.send(request(f"GET {target} HTTP/1.1", *headers))
        self.status = int(self.wire.file.readline().split()[1])
        self.headers = {}
        while (line := self.wire.file.readline().decode().rstrip("\r\n")) != "":
            name, _, value = line.partition(": ")
            self.headers[name] = value
        if self.status == 200:
            api_description.check("GET", target, self.status, self.headers, b"")
        self.text = ""
        self.ended = False

    def _read(self):
        """One more chunk; False where the stream has ended."""
        size = int(self.wire.file.readline() or b"0", 16)
        self.text += self.wire.file.read(size).decode()
        self.wire.file.readline()
        self.ended = size == 0
        return not self.ended

    def next(self):
        """(event, data) of the next event, its id in last_id; heartbeats are passed over. None at the end."""
        while True:
            block, found, rest = self.text.partition("\n\n")
            if not found:
                if not self._read():
                    return None
                continue
            self.text = rest
            fields = dict(re.findall(r"^(\w+): ?(.*)$", block, re.MULTILINE))
            if "data" in fields:
                self.last_id = fields["id"]
                return fields["event"], json.loads(fields["data"])

    def until_balance(self):
        """The entries up to the next balance, and that."""
        entries = []
        while (event := self.next())[0] != "balance":
            entries.append(event)
        return entries, event[1]

    def close(self):
        self.wire.close()


@pytest.fixture
def stream(ledger):
    made = []

    def make(key, *accounts, **options):
        made.append(Stream(key, accounts, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def schema(name):
    return {"$ref": f"#/components/schemas/{name}"}


def test_a_stream_begins_with_balances_and_tells_what_happens(admin, ledger, stream):
    a, b = ledger.open_accounts(100, 0)
    events = stream(admin.key, a, b)
    assert (events.status, events.headers["Content-Type"], events.headers["Cache-Control"]) == (200, "text/event-stream", "no-store")
    for account in a, b:
        assert events.next() == ("balance", admin.get(f"/v1/accounts/{account}/balance").json)
    transfer = admin.transfer(a, [(b, 30)], description="d\nd", metadata={"n": 1}).json
    seen = [events.next() for _ in range(4)]
    for name, data in seen:
        api_description.check_schema(schema(name.capitalize()), data)
    told = {(name, data["account"]): data for name, data in seen}
    (entry,) = admin.get(f"/v1/accounts/{b}/entries").json["data"]
    assert told["entry", b] == {"account": b, **entry}
    assert (told["entry", a]["amount"], told["entry", a]["transfer"]) == (-30, transfer["id"])
    for account in a, b:
        assert told["balance", account] == admin.get(f"/v1/accounts/{account}/balance").json
    admin.post("/v1/holds", {"debit": a, "credits": [{"account": b, "amount": 5}]}, new_key())
    assert events.next() == ("balance", admin.get(f"/v1/accounts/{a}/balance").json)
    ledger.execute("select tokpay.set_limits(%s, -7, null)", [a])
    assert events.next()[1]["available"] == 72


def test_every_entry_is_told_once_and_in_order(admin, ledger, stream):
    payer, payee = ledger.open_accounts(1000, 0)
    listeners = [stream(admin.key, payee) for _ in range(5)]
    for events in listeners:
        events.next()
    for _ in range(100):
        admin.transfer(payer, [(payee, 1)])
    for events in listeners:
        versions = []
        while len(versions) < 100:
            name, data = events.next()
            versions += [data["version"]] if name == "entry" else []
        assert versions == list(range(1, 101))


def test_a_stream_resumes_where_it_ended(admin, ledger, stream):
    payer, payee = ledger.open_accounts(1000, 0)
    first = stream(admin.key, payee, payer)
    first.next(), first.next()
    admin.transfer(payer, [(payee, 1)])
    while first.next()[0] != "entry":
        pass
    first.close()
    for amount in 2, 3:
        admin.transfer(payer, [(payee, amount)])
    again = stream(admin.key, payee, payer, last_id=first.last_id)
    entries = {payee: [], payer: []}
    for account in payee, payer:
        told, balance = again.until_balance()
        assert {name for name, _ in told} <= {"entry"}
        entries[account] += [data["amount"] for _, data in told]
        assert balance == admin.get(f"/v1/accounts/{account}/balance").json
    assert (entries[payee][-2:], entries[payer][-2:]) == ([2, 3], [-2, -3])
    assert sorted(len(told) for told in entries.values()) == [2, 3]  # the first stream told one of the first transfer's two


@pytest.mark.parametrize("last_id", ["", "x", "{a}", "{a}:", "{a}:x", "{a}:-1", "{b}:1", "{a}:1,{b}:1", "{a}:999", "{a}:1x"])
def test_an_id_that_cannot_be_resumed_is_a_reset(admin, ledger, stream, last_id):
    a, b = ledger.open_accounts(5, 0)
    events = stream(admin.key, a, last_id=last_id.format(a=a, b=b))
    assert events.next() == ("reset", {"account": a})
    assert events.next() == ("balance", admin.get(f"/v1/accounts/{a}/balance").json)


def test_too_long_a_gap_is_a_reset(admin, ledger, stream):
    payer, payee = ledger.open_accounts(5000, 0)
    ledger.execute(
        "select count(*) from (select tokpay.transfer_batch(array_agg(row(%s, array[%s::bigint], array[1::bigint], null, null, null, null)"
        "::tokpay.transfer_request)) from generate_series(1, 1001)) t",
        [payer, payee],
    )
    assert stream(admin.key, payee, last_id=f"{payee}:0").next() == ("reset", {"account": payee})
    entries, balance = stream(admin.key, payee, last_id=f"{payee}:1").until_balance()
    assert ([data["version"] for _, data in entries], balance["version"]) == (list(range(2, 1002)), 1001)


def test_a_burst_that_is_too_long_for_a_tick_is_a_reset(admin, ledger, stream):
    payer, payee = ledger.open_accounts(5000, 0)
    events = stream(admin.key, payee)
    events.next()
    ledger.execute(
        "select count(*) from (select tokpay.transfer_batch(array_agg(row(%s, array[%s::bigint], array[1::bigint], null, null, null, null)"
        "::tokpay.transfer_request)) from generate_series(1, 300)) t",
        [payer, payee],
    )
    assert events.next() == ("reset", {"account": payee})
    told, balance = events.until_balance()
    assert balance["version"] == 300
    admin.transfer(payer, [(payee, 1)])
    assert [(name, data["version"]) for name, data in (events.next(), events.next())] == [("entry", 301), ("balance", 301)]


def test_a_stream_ends_within_a_second_of_its_key(admin, ledger, stream):
    mine, payer = ledger.open_accounts(5, 2)
    for accounts in None, [mine]:
        name = new_key()
        events = stream(ledger.api_key("read", accounts=accounts, name=name), mine)
        events.next()
        ledger.revoke_api_key(name)
        time.sleep(1)
        admin.transfer(payer, [(mine, 1)])
        assert events.next() is None, "what happens a second later is not told"


def test_who_may_watch_what(admin, ledger, stream):
    mine, other, payer = ledger.open_account(), ledger.open_account(), ledger.open_account(10)
    caller = ledger.api_key("read", accounts=[mine])
    for accounts in [other], [mine, other], [UNKNOWN]:
        reply = Client(caller).get("/v1/events?account=" + ",".join(accounts))
        assert (reply.status, reply.code) == (404, "not_found")
    events = stream(caller, mine)
    events.next()
    admin.transfer(payer, [(mine, 4), (other, 1)], metadata={"secret": 1})
    name, entry = events.next()
    assert (name, entry["amount"], entry["metadata"], entry["counterparties"]) == ("entry", 4, None, [payer])


def test_accounts_come_in_one_parameter_or_in_many(admin, ledger, stream):
    a, b, c = ledger.open_accounts(1, 2, 3)
    events = stream(admin.key, a, f"{b}&account={c}")
    assert [events.next()[1]["account"] for _ in range(3)] == [a, b, c]


@pytest.mark.parametrize("query", ["", "?account=", "?account=x", "?account=1,", "?account=,1", "?account=1,1", "?account=1&account=1", "?account=1&account=", "?accounts=1",
                                   "?account=" + ",".join(str(i) for i in range(1, 102))])  # fmt: skip
def test_a_list_that_is_none_is_refused(admin, query):
    reply = admin.get("/v1/events" + query)
    assert (reply.status, reply.code) == (422, "invalid_request")


def test_a_hundred_accounts_are_one_stream(admin, ledger, stream):
    accounts = ledger.open_accounts(*[0] * 100)
    payer = ledger.open_account(100)
    events = stream(admin.key, *accounts)
    assert [events.next()[1]["account"] for _ in accounts] == accounts
    admin.transfer(payer, [(account, 1) for account in accounts])
    told = [events.next() for _ in range(200)]
    assert [data["account"] for name, data in told if name == "entry"] == accounts


def test_many_listeners_cost_the_database_no_more_than_one(gateway, admin, ledger, stream):
    accounts = ledger.open_accounts(*[0] * 20)
    workers, seconds = 1, 3
    api = gateway(threads=workers)

    def statement_calls():
        return metric(api, 'tokpay_lane_calls_total{lane="statement"}')

    def calls(count):
        listeners = [stream(admin.key, *accounts[i % 10 : i % 10 + 5], url=api.url) for i in range(count)]
        for events in listeners:
            for _ in range(5):
                events.next()
        before = statement_calls()
        time.sleep(seconds)
        during = statement_calls() - before
        for events in listeners:
            events.close()
        return during

    few, many = calls(8), calls(200)
    assert few > 0
    assert many < 2 * workers * seconds * (4 + 3)  # four ticks a second, and what asks about keys and holds
    assert many < 1.6 * few + 5


def test_a_client_that_leaves_is_forgotten(admin, ledger, stream):
    (account,) = ledger.open_accounts(0)
    payer = ledger.open_account(100)
    for _ in range(50):
        stream(admin.key, account).close()
    events = stream(admin.key, account)
    events.next()
    admin.transfer(payer, [(account, 1)])
    assert events.next()[1]["amount"] == 1
