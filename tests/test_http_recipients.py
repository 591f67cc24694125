"""Whom a person pays: addresses looked up within a budget, and people paid before."""

import pytest
from browser import Browser
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import UNKNOWN, ledger, new_key  # noqa: F401 (fixtures)


@pytest.fixture(scope="module")
def api(gateway):
    return gateway(write_limit="1000/1").url


@pytest.fixture
def browser(ledger, api):
    made = []

    def sign_in(balance=0, **who):
        made.append(Browser(ledger, api, **who))
        if balance:
            ledger.execute("select tokpay.top_up(%s, %s)", [made[-1].account, balance])
        return made[-1]

    yield sign_in
    for one in made:
        one.close()


def resolve(person, emails, account=None):
    return person.post("/v1/recipients:resolve", {"account": account or person.account, "emails": emails})


def result(email, status, account=None, display_name=None):
    return {"email": email, "status": status, "account": account, "display_name": display_name}


def test_addresses_are_looked_up_in_the_order_of_the_request(browser):
    alice, bob, carol = browser(), browser(), browser()
    asked = [carol.email, "nobody@wallets.example", alice.email, "no address", bob.email.upper(), f"  {bob.email} ", carol.email, ""]
    reply = resolve(alice, asked)
    assert reply.status == 200
    assert reply.json["results"] == [
        result(asked[0], "ok", carol.account), result(asked[1], "unknown"), result(asked[2], "self"), result(asked[3], "invalid"),
        result(asked[4], "ok", bob.account), result(asked[5], "ok", bob.account), result(asked[6], "ok", carol.account), result(asked[7], "invalid")]  # fmt: skip


def test_names_are_those_of_people_who_were_paid(browser):
    alice, bob = browser(100), browser(name="Bob Baker")
    assert resolve(alice, [bob.email]).json["results"] == [result(bob.email, "ok", bob.account)]
    alice.pay(bob, 1)
    assert resolve(alice, [bob.email]).json["results"] == [result(bob.email, "ok", bob.account, "Bob Baker")]
    assert resolve(bob, [alice.email]).json["results"] == [result(alice.email, "ok", alice.account)]


def test_an_unverified_address_is_nobodys(browser):
    alice, bob = browser(), browser(verified=False)
    assert resolve(alice, [bob.email]).json["results"] == [result(bob.email, "unknown")]


@pytest.mark.parametrize("body, pointers", [
    ({}, ["/account", "/emails"]), ({"account": "x", "emails": []}, ["/account", "/emails"]), ({"emails": ["a"] * 1001}, ["/emails"]),
    ({"emails": "a@b.example"}, ["/emails"]), ({"emails": ["a", 1, None, "x" * 1001, "a\u0000"]}, ["/emails/1", "/emails/2", "/emails/3", "/emails/4"]),
    ({"emails": ["a"], "name": 1}, ["/name"]),
])  # fmt: skip
def test_every_fault_of_the_body_is_told(browser, body, pointers):
    alice = browser()
    if body and "account" not in body:
        body = {"account": alice.account, **body}
    reply = alice.post("/v1/recipients:resolve", body)
    assert (reply.status, reply.code) == (422, "invalid_request")
    assert reply.pointers == pointers


def test_somebody_elses_account_is_an_unknown_one(browser):
    alice, bob = browser(), browser()
    replies = [resolve(alice, [bob.email], account) for account in (bob.account, UNKNOWN)]
    assert [(reply.status, reply.code) for reply in replies] == [(422, "account_not_found")] * 2


def test_a_thousand_at_once_and_no_more_than_a_days_budget(browser):
    alice, bob = browser(), browser()
    for _ in range(2):
        assert resolve(alice, [bob.email] * 1000).status == 200
    refused = resolve(alice, [bob.email])
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 86400
    assert resolve(bob, [alice.email]).status == 200


def test_unknown_addresses_have_a_budget_of_their_own(browser):
    alice, bob = browser(), browser()
    assert resolve(alice, [f"{new_key()}@wallets.example" for _ in range(100)]).status == 200
    assert (resolve(alice, [f"{new_key()}@wallets.example"])).status == 429
    assert resolve(alice, [bob.email]).status == 429


def test_people_paid_before_are_found_by_the_beginnings_of_words(browser):
    alice = browser(1000, name="Alice Adams")
    people = [browser(name=name) for name in ("Bob Baker", "Carol O'Hara", "Dave Über")]
    for person in people:
        resolve(alice, [person.email])
        alice.pay(person, 1)
    stranger = browser(name="Bob Nobody")
    resolve(alice, [stranger.email])
    found = alice.get("/v1/recipients").json["data"]
    assert [(one["email"], one["account"], one["display_name"]) for one in found] == [(one.email, one.account, one.name) for one in reversed(people)]
    assert [one["last_paid_at"] for one in found] == sorted((one["last_paid_at"] for one in found), reverse=True)
    bob, carol, dave = people
    for q, expected in [("b", [bob]), ("BAK", [bob]), ("aker", []), ("o%27ha", [carol]), ("%C3%BCb", [dave]), ("%25", []), ("_", []), (dave.email[:12], [dave]), ("", reversed(people))]:
        names = [one["display_name"] for one in alice.get(f"/v1/recipients?q={q}").json["data"]]
        assert names == [one.name for one in expected], q
    alice.pay(bob, 1)
    assert alice.get("/v1/recipients").json["data"][0]["email"] == bob.email
    assert bob.get("/v1/recipients").json["data"] == []
    assert alice.get("/v1/recipients?q=" + "x" * 201).status == alice.get("/v1/recipients?limit=1").status == 422
