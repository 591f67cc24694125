"""Who has signed in: profile, sessions, the download of everything; and names of people wherever accounts are told of."""

import http.client
import json
import time

import pytest
from browser import ISSUER, Browser
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import UNKNOWN, Client, ledger, new_key  # noqa: F401 (fixtures)


@pytest.fixture(scope="module")
def api(gateway):
    return gateway(write_limit="1000/1").url


@pytest.fixture
def browser(ledger, api):
    """A function that makes people who are signed in."""
    made = []

    def sign_in(balance=0, **who):
        made.append(Browser(ledger, api, **who))
        if balance:
            ledger.execute("select tokpay.top_up(%s, %s)", [made[-1].account, balance])
        return made[-1]

    yield sign_in
    for one in made:
        one.close()


def outcome(reply):
    return reply.status, reply.code


def test_a_session_is_told_who_it_is(browser, ledger):
    alice = browser(500, name="Alice Adams")
    me = alice.get("/v1/me").json
    assert {name: me[name] for name in ("kind", "scopes", "all_accounts", "display_name", "locale", "theme", "session")} == {
        "kind": "session", "scopes": ["read", "transfer"], "all_accounts": False, "display_name": "Alice Adams", "locale": None, "theme": "system",
        "session": alice.session}  # fmt: skip
    assert me["identities"] == [{"provider": None, "email": alice.email, "email_verified": True, "payable": True}]
    assert [account["id"] for account in me["accounts"]] == [alice.account]
    assert (me["accounts"][0]["balance"], me["accounts"][0]["max_balance"]) == (500, 2**53 - 1)
    assert len(me["link_token"]) == 43 and alice.secret not in me["link_token"]


def test_the_wallet_comes_first_of_several_accounts(browser, ledger):
    subject = new_key()
    older = ledger.open_account(currency="JPY", owner=f"{ISSUER} {subject}")
    alice = browser(subject=subject)
    assert [account["id"] for account in alice.get("/v1/me").json["accounts"]] == [alice.account, older]


def test_profiles_change_one_member_at_a_time(browser):
    alice = browser(name="Alice")
    for patch in {"display_name": "Zoë 🎉 O'Neil"}, {"locale": "de-CH"}, {"theme": "dark"}, {"locale": None, "theme": "light"}, {}, {"display_name": "x" * 100}:
        before = alice.get("/v1/me").json
        reply = alice.patch("/v1/me", patch)
        assert (reply.status, reply.json) == (200, {**before, **patch})
        assert alice.get("/v1/me").body == reply.body


@pytest.mark.parametrize("patch, pointers", [
    ({"display_name": None}, ["/display_name"]), ({"display_name": ""}, ["/display_name"]), ({"display_name": "x" * 101}, ["/display_name"]),
    ({"display_name": "a\nb"}, ["/display_name"]), ({"display_name": "a\u0085"}, ["/display_name"]), ({"display_name": "a\u0000"}, ["/display_name"]),
    ({"display_name": "   "}, ["/display_name"]), ({"display_name": 5}, ["/display_name"]), ({"locale": "english language"}, ["/locale"]),
    ({"locale": "e"}, ["/locale"]), ({"locale": "de--CH"}, ["/locale"]), ({"locale": "de-"}, ["/locale"]), ({"locale": ""}, ["/locale"]),
    ({"locale": "x" * 36}, ["/locale"]), ({"theme": "blue"}, ["/theme"]), ({"theme": None}, ["/theme"]), ({"theme": ""}, ["/theme"]),
    ({"email": "a@b.example"}, ["/email"]), ({"theme": "blue", "locale": 1, "display_name": "", "x/y": 1}, ["/display_name", "/locale", "/theme", "/x~1y"]),
])  # fmt: skip
def test_a_profile_that_is_none_is_refused_with_all_its_faults(browser, patch, pointers):
    alice = browser()
    before = alice.get("/v1/me").body
    reply = alice.patch("/v1/me", patch)
    assert outcome(reply) == (422, "invalid_request")
    assert reply.pointers == pointers
    assert alice.get("/v1/me").body == before


def test_sessions_are_listed_and_ended_one_by_one(browser):
    alice, bob = browser(user_agent="Firefox"), browser()
    first = alice.session
    second = alice.sign_in("Safari")
    sessions = alice.get("/v1/me/sessions").json["data"]
    assert [(one["id"], one["user_agent"], one["current"], one["provider"]) for one in sessions] == [(second, "Safari", True, None), (first, "Firefox", False, None)]
    assert bob.delete(f"/v1/me/sessions/{first}").status == 404
    assert len(alice.get("/v1/me/sessions").json["data"]) == 2
    ended = alice.delete(f"/v1/me/sessions/{first}")
    assert (ended.status, ended.body) == (204, b"")
    assert "Set-Cookie" not in ended.headers and "Content-Length" not in ended.headers
    assert [one["id"] for one in alice.get("/v1/me/sessions").json["data"]] == [second]
    for gone in first, UNKNOWN, "x":
        assert alice.delete(f"/v1/me/sessions/{gone}").status == 404
    assert bob.get("/v1/me").status == 200


def test_signing_out_everywhere_ends_this_session_too(browser):
    alice = browser()
    alice.sign_in("another browser")
    ended = alice.delete("/v1/me/sessions")
    assert ended.status == 204 and ended.headers["Set-Cookie"].startswith(f"{alice.cookie}=; ") and "Max-Age=0" in ended.headers["Set-Cookie"]
    assert ended.headers["Clear-Site-Data"] == '"cache", "storage"'
    time.sleep(1)  # so long a session is trusted
    over = alice.get("/v1/me")
    assert over.status == 401 and over.headers["Set-Cookie"] == ended.headers["Set-Cookie"]
    alice.sign_in()
    assert [one["id"] for one in alice.get("/v1/me/sessions").json["data"]] == [alice.session]
    assert "Max-Age=0" in alice.delete(f"/v1/me/sessions/{alice.session}").headers["Set-Cookie"]


OWN = [("PATCH", "/v1/me"), ("GET", "/v1/me/sessions"), ("DELETE", "/v1/me/sessions"), ("DELETE", "/v1/me/sessions/1"), ("GET", "/v1/me/export"),
       ("GET", "/v1/recipients"), ("POST", "/v1/recipients:resolve")]  # fmt: skip


@pytest.mark.parametrize("method, path", OWN)
def test_what_is_a_persons_needs_a_session(ledger, api, browser, method, path):
    alice = browser()
    for key in ledger.api_key("admin"), ledger.api_key("read", "transfer", accounts=[alice.account]):
        client = Client(key, api)
        reply = client.request(method, path, {} if method in ("PATCH", "POST") else None)
        assert outcome(reply) == (403, "forbidden") and "sign" in reply.json["detail"]
        client.close()
    nobody = Client(url=api)
    assert outcome(nobody.request(method, path)) == (401, "unauthenticated")
    nobody.close()
    if method != "GET":
        for missing in {"TokPay_Client": None}, {"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}:
            assert outcome(alice.request(method, path, {} if method in ("PATCH", "POST") else None, **missing)) == (403, "csrf")


def test_the_download_has_everything(browser, ledger):
    alice, bob = browser(10_000, name="Alice"), browser(name="Bob")
    for amount in range(1, 8):
        alice.pay(bob, amount, f"no. {amount}")
    savings = ledger.open_account(owner=f"{ISSUER} {alice.subject}")
    alice.post("/v1/recipients:resolve", {"account": alice.account, "emails": [bob.email]})
    reply = alice.get("/v1/me/export")
    assert (reply.status, reply.headers["Content-Disposition"]) == (200, f'attachment; filename="tokpay-{alice.account}.json"')
    export, me = reply.json, alice.get("/v1/me").json
    assert export["profile"] == {name: me[name] for name in ("display_name", "locale", "theme", "identities")}
    assert [session["id"] for session in export["sessions"]] == [alice.session]
    assert [recipient["email"] for recipient in export["recipients"]] == [bob.email]
    assert [one["account"] for one in export["accounts"]] == me["accounts"]
    entries = {one["account"]["id"]: one["entries"] for one in export["accounts"]}
    assert entries[alice.account] == alice.get(f"/v1/accounts/{alice.account}/entries").json["data"]
    assert len(entries[alice.account]) == 8 and entries[savings] == []
    assert json.dumps(export).find(alice.secret) == -1


def test_the_download_of_many_entries_is_whole(browser, ledger):
    """More than two pages of an export."""
    alice, bob = browser(), browser(name="Bob")
    ledger.execute("select tokpay.top_up(%s, 2500)", [alice.account])
    ledger.execute(
        "select count(*) from tokpay.transfer_batch(array(select row(%s, array[%s]::bigint[], array[1]::bigint[], null, null, null, null)"
        "::tokpay.transfer_request from generate_series(1, 2500)))", [alice.account, bob.account])  # fmt: skip
    (account,) = alice.get("/v1/me/export").json["accounts"]
    assert [entry["version"] for entry in account["entries"]] == list(range(2501, 0, -1))
    assert {party["display_name"] for entry in account["entries"][:-1] for party in entry["parties"]} == {"Bob"}


@pytest.mark.parametrize("path", ["/v1/me/export", "/v1/accounts/{}/entries?format=csv"])
def test_a_download_ends_with_its_session(browser, ledger, path):
    alice, bob = browser(), browser()
    ledger.execute("select tokpay.top_up(%s, 30000)", [alice.account])
    for _ in range(3):
        ledger.execute(
            "select count(*) from tokpay.transfer_batch(array(select row(%s, array[%s]::bigint[], array[1]::bigint[], null, repeat('x', 1000), null, null)"
            "::tokpay.transfer_request from generate_series(1, 10000)))", [alice.account, bob.account])  # fmt: skip
    stopped = Browser(alice.ledger, alice.url, alice.subject)
    stopped.connection.request("GET", path.format(alice.account), headers={"Cookie": f"{alice.cookie}={alice.secret}"})
    stream = stopped.connection.getresponse()
    stream.read(1000)  # most of 30 MB waits
    other = Browser(alice.ledger, alice.url, alice.subject)
    assert other.delete(f"/v1/me/sessions/{alice.session}").status == 204
    time.sleep(1)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        stream.read()
    stopped.connection.close()
    other.close()


def test_names_are_told_wherever_accounts_are(browser, ledger, api):
    alice, bob = browser(1000, name="Alice Adams"), browser(name="Bob Baker")
    transfer = alice.pay(bob, 100, "lunch")
    names = {alice.account: "Alice Adams", bob.account: "Bob Baker"}
    for person, other in (alice, bob), (bob, alice):
        entry = person.get(f"/v1/accounts/{person.account}/entries?limit=1").json["data"][0]
        assert entry["parties"] == [{"account": other.account, "display_name": names[other.account]}]
        receipt = person.get(f"/v1/transfers/{transfer}").json
        assert {party["account"]: party["display_name"] for party in receipt["parties"]} == names and len(receipt["parties"]) == 2
        by = person.get(f"/v1/accounts/{person.account}/summary?by=counterparty").json["by"]
        assert (other.account, names[other.account]) in [(one["account"], one["display_name"]) for one in by]
    funding = alice.get(f"/v1/accounts/{alice.account}/entries").json["data"][-1]
    assert [party["display_name"] for party in funding["parties"]] == [None]
    bob.patch("/v1/me", {"display_name": "Robert"})
    assert alice.get(f"/v1/accounts/{alice.account}/entries?limit=1").json["data"][0]["parties"][0]["display_name"] == "Robert"
    key = Client(ledger.api_key("read"), api)
    assert [party["display_name"] for party in key.get(f"/v1/transfers/{transfer}").json["parties"]] == ["Alice Adams", "Robert"]
    key.close()


def test_events_have_names(browser):
    alice, bob = browser(1000), browser(name="Bob Baker")
    alice.connection.request("GET", f"/v1/events?account={alice.account}", headers={"Cookie": f"{alice.cookie}={alice.secret}"})
    stream = alice.connection.getresponse()
    payer = Browser(alice.ledger, alice.url, alice.subject)
    payer.pay(bob, 5)
    payer.close()
    while not (line := stream.readline()).startswith(b'data: {"account"') or b'"parties"' not in line:
        assert line
    assert json.loads(line[6:])["parties"] == [{"account": bob.account, "display_name": "Bob Baker"}]
    alice.connection.close()
