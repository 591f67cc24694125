"""Demo funding: owners top up their own accounts within limits, where the gateway and the database both allow it."""

import threading

import pytest
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import Client, as_answered, ledger, new_key  # noqa: F401 (fixtures)
from token_issuer import AUDIENCE, issuer  # noqa: F401 (fixture)

MOST, DAILY = 100_000, 500_000  # minor units of USD


@pytest.fixture(scope="module")
def api(gateway, issuer):
    """The URL of a gateway as `make run` has it, with an issuer."""
    return gateway(issuer=issuer.url, audience=AUDIENCE, write_limit="1000/1").url


@pytest.fixture
def owner(api, issuer, ledger):
    """A function that makes a client of a new owner, and its account."""
    clients = []

    def make(scope="read transfer", url=api, currency="USD"):
        subject = new_key()
        account = ledger.open_account(currency=currency, owner=f"{issuer.url} {subject}")
        clients.append(Client(issuer.token(next(iter(issuer.keys)), subject, scope), url))
        return clients[-1], account

    yield make
    for client in clients:
        client.close()


def top_up(client, account, amount, key=None):
    return client.post("/v1/top-ups", {"account": account, "amount": amount}, key or new_key())


def outcome(reply):
    return reply.status, reply.code


def test_an_owner_tops_up_and_is_shown_nothing_of_where_it_comes_from(owner, ledger):
    client, account = owner()
    key = new_key()
    first = top_up(client, account, MOST, key)
    assert first.status == 201
    assert (first.json["kind"], first.json["amount"], first.json["key"], first.json["debit"]["balance"]) == ("top_up", MOST, None, None)
    assert first.json["credits"] == [{"account": account, "amount": MOST, "balance": MOST, "version": 1}]
    assert as_answered(client.get(first.headers["Location"])) == first.json
    again = top_up(client, account, MOST, key)
    assert (again.status, again.headers["Idempotency-Replayed"], again.body) == (200, "true", first.body)
    assert outcome(top_up(client, account, 1, key)) == (422, "key_reused")
    funding = ledger.value("select funding from tokpay.currencies where code = 'USD'")
    assert ledger.value("select transfer from tokpay.transfer_by_key(%s, %s)", [funding, f"top_up/{account}/{key}"]) == int(first.json["id"])


def test_beyond_the_limits_nothing_moves(owner, ledger):
    client, account = owner()
    refused = top_up(client, account, MOST + 1)
    assert outcome(refused) == (422, "limit_exceeded")
    assert refused.json["title"] == "Limit exceeded" and str(MOST) in refused.json["detail"]
    keys = [new_key() for _ in range(5)]
    assert [top_up(client, account, MOST, key).status for key in keys] == [201] * 5
    assert outcome(top_up(client, account, 1)) == (422, "limit_exceeded")
    assert [top_up(client, account, MOST, key).status for key in keys] == [200] * 5
    assert ledger.state(account) == [(DAILY, 5)]


def test_limits_are_in_units_of_the_currency(owner):
    client, account = owner(currency="JPY")
    assert top_up(client, account, 1000).status == 201
    assert outcome(top_up(client, account, 1001)) == (422, "limit_exceeded")


def test_many_at_once_get_no_more_than_the_days(owner, ledger, issuer, api):
    client, account = owner()
    replies = []

    def ask():
        mine = Client(client.key, api)
        replies.extend(outcome(reply) if reply.status >= 400 else reply.status for reply in [top_up(mine, account, MOST) for _ in range(2)])
        mine.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, replies)) == ["(422, 'limit_exceeded')"] * 11 + ["201"] * 5
    assert ledger.state(account) == [(DAILY, 5)]


def test_only_owners_who_may_pay_have_it(owner, api, ledger):
    reader, account = owner("read")
    assert outcome(top_up(reader, account, 1)) == (403, "forbidden")
    for accounts in None, [account]:
        payer = Client(ledger.api_key("read", "transfer", accounts=accounts), api)
        assert outcome(top_up(payer, account, 1)) == (403, "forbidden")
        payer.close()
    assert ledger.state(account) == [(0, 0)]


def test_whoever_may_fund_has_no_limit(api, ledger):
    account = ledger.open_account()
    funder = Client(ledger.api_key("fund"), api)
    assert top_up(funder, account, DAILY + 1).status == 201
    funder.close()


def test_without_the_setting_there_is_none(gateway, issuer, owner, ledger):
    url = gateway(issuer=issuer.url, audience=AUDIENCE, demo_funding="off").url
    client, account = owner(url=url)
    assert outcome(top_up(client, account, 1)) == (403, "forbidden")
    assert client.get("/v1/config").json["demo_funding"] is None
    assert ledger.state(account) == [(0, 0)]


def test_without_the_databases_consent_there_is_none(owner, ledger):
    client, account = owner()
    function, role = "tokpay.gateway_demo_top_up(bigint, bigint, text, text)", "tokpay_gateway_admin"
    ledger.execute(f"revoke execute on function {function} from {role}")
    try:
        assert outcome(top_up(client, account, 1)) == (500, "internal_error")
    finally:
        ledger.execute(f"grant execute on function {function} to {role}")
    assert ledger.state(account) == [(0, 0)]
    assert top_up(client, account, 1).status == 201
