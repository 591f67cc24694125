"""How often callers may come: keys with a limit, holders of tokens, addresses with wrong credentials; and what is kept of keys."""

import threading
import time

import pytest
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import UNKNOWN, Client, ledger, new_key, request, wire  # noqa: F401 (fixtures)
from token_issuer import AUDIENCE, Issuer

BALANCE = f"/v1/accounts/{UNKNOWN}/balance"


def key_with_limit(ledger, limit, *scopes):
    name = new_key()
    key = ledger.api_key(*scopes, name=name)
    ident = ledger.value("select id from tokpay.api_keys where name = %s", [name])
    ledger.execute("select tokpay.set_api_key_limit(%s, %s)", [ident, limit])
    return key, ident


def test_keys_have_no_limit_unless_it_is_set(ledger):
    client = Client(ledger.api_key("read"))
    for _ in range(300):
        reply = client.get(BALANCE)
        assert reply.status == 404
        assert "RateLimit" not in reply.headers and "RateLimit-Policy" not in reply.headers
    client.close()


def test_a_key_with_a_limit_is_told_and_stopped_on_every_thread(ledger):
    key, _ = key_with_limit(ledger, 20, "read")
    clients = [Client(key) for _ in range(6)]
    start = time.monotonic()
    replies = [clients[i % 6].get(BALANCE) for i in range(120)]
    took = time.monotonic() - start
    good = [reply for reply in replies if reply.status == 404]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(good) + len(refused) == 120
    assert 20 <= len(good) <= 20 + 20 * took + 1
    assert good[0].headers["RateLimit-Policy"] == '"requests";q=20;w=1'
    assert good[0].headers["RateLimit"] == '"requests";r=19;t=1'
    for reply in refused:
        assert reply.code == "rate_limited"
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.headers["RateLimit"] == '"requests";r=0;t=1'
        assert reply.headers["Retry-After"] == "1"
    time.sleep(1)
    assert clients[0].get(BALANCE).status == 404
    for client in clients:
        client.close()


def test_a_limit_is_heeded_within_a_second_and_lifted_again(ledger):
    key, ident = key_with_limit(ledger, 1, "read")
    client = Client(key)
    assert {client.get(BALANCE).status for _ in range(5)} == {404, 429}
    ledger.execute("select tokpay.set_api_key_limit(%s, null)", [ident])
    time.sleep(1)
    assert {client.get(BALANCE).status for _ in range(20)} == {404}
    client.close()


def test_what_is_refused_is_not_executed(ledger):
    key, _ = key_with_limit(ledger, 5, "transfer")
    payer, payee = ledger.open_accounts(1000, 0)
    client = Client(key)
    statuses = [client.transfer(payer, [(payee, 1)]).status for _ in range(30)]
    assert set(statuses) == {201, 429}
    assert ledger.state(payee) == [(statuses.count(201), statuses.count(201))]
    client.close()


def test_holders_of_tokens_write_ten_times_a_second_and_read_freely(gateway):
    issuer = Issuer()
    kid = issuer.new_key()
    api = gateway(issuer=issuer.url, audience=AUDIENCE).url
    body = {"debit": UNKNOWN, "credits": [{"account": "1", "amount": 1}]}
    clients = [Client(issuer.token(kid, "alice"), api) for _ in range(4)]  # four tokens, one owner
    clients[0].get(BALANCE)  # the issuer's keys are fetched
    start = time.monotonic()
    replies = [client.post("/v1/transfers", body, new_key()) for _ in range(15) for client in clients]
    took = time.monotonic() - start
    written = [reply for reply in replies if reply.status == 422]
    assert 10 <= len(written) <= 10 + 10 * took + 1
    assert {reply.status for reply in replies} == {422, 429}
    assert written[0].headers["RateLimit-Policy"] == '"writes";q=10;w=1'
    assert {clients[0].get(BALANCE).status for _ in range(50)} == {404}
    reads = {"/v1/balances:query": {"accounts": [UNKNOWN]}, "/v1/transfers:preview": body}
    assert 429 not in {clients[0].post(path, asked).status for _ in range(30) for path, asked in reads.items()}
    other = Client(issuer.token(kid, "bob"), api)
    assert other.post("/v1/transfers", body, new_key()).status == 422
    for client in (*clients, other):
        client.close()
    issuer.close()


def test_an_address_with_many_wrong_credentials_is_stopped_but_not_those_with_good_ones(gateway, ledger):
    api = gateway(failed_credential_limit="5/3600").url
    good = Client(ledger.api_key("read"), api)
    assert good.get(BALANCE).status == 404
    bad = Client("wrong", api)
    statuses = [bad.get(BALANCE).status for _ in range(10)]
    assert statuses == [401] * 5 + [429] * 5
    reply = bad.get(BALANCE)
    assert reply.code == "rate_limited" and int(reply.headers["Retry-After"]) <= 720
    assert reply.headers["RateLimit-Policy"] == '"failed-credentials";q=5;w=3600'
    nobody = Client(None, api)
    assert {nobody.get(BALANCE).status for _ in range(10)} == {401}  # none is no wrong one
    for _ in range(5):  # longer than a key is trusted
        assert good.get(BALANCE).status == 404
        time.sleep(0.3)
    for client in (good, bad, nobody):
        client.close()


def test_many_wrong_credentials_at_once_are_stopped_and_many_who_come_with_a_good_one_are_not(gateway, ledger, wire):
    api = gateway(threads=1, failed_credential_limit="5/3600").url

    def statuses(keys):
        connection = wire(api).send(b"".join(request(f"GET {BALANCE} HTTP/1.1", f"Authorization: Bearer {key}") for key in keys))
        return [connection.reply()[0] for _ in keys]

    assert statuses([ledger.api_key("read")] * 30) == [404] * 30
    assert statuses([new_key() for _ in range(30)]) == [401] * 5 + [429] * 25


def test_x_forwarded_for_is_believed_of_trusted_proxies_only(gateway):
    trusting = gateway(failed_credential_limit="3/3600", trusted_proxies="127.0.0.1").url
    deaf = gateway(failed_credential_limit="3/3600", trusted_proxies="10.0.0.0/8").url

    def statuses(api, forwarded_for):
        client = Client("wrong", api)
        found = [client.request("GET", BALANCE, headers={"X-Forwarded-For": forwarded_for(i)}).status for i in range(6)]
        client.close()
        return found

    assert statuses(trusting, lambda i: f"192.0.2.{i}") == [401] * 6
    assert statuses(trusting, lambda i: f"6.6.6.{i}, 198.51.100.7") == [401] * 3 + [429] * 3
    assert statuses(trusting, lambda i: f"2001:db8:1:1::{i}") == [401] * 3 + [429] * 3
    assert statuses(deaf, lambda i: f"192.0.2.{i}") == [401] * 3 + [429] * 3


def test_a_stream_whose_key_has_ended_counts_against_its_client_and_not_against_the_proxy(gateway, ledger, wire):
    api = gateway(failed_credential_limit="1/3600", trusted_proxies="127.0.0.1").url
    key, ident = key_with_limit(ledger, None, "read")
    stream = wire(api).send(request(
        f"GET /v1/events?account={ledger.open_account()} HTTP/1.1", f"Authorization: Bearer {key}", "X-Forwarded-For: 192.0.2.1"))  # fmt: skip
    assert stream.file.readline().startswith(b"HTTP/1.1 200")
    ledger.execute("select tokpay.revoke_api_key(%s)", [ident])
    while stream.file.readline() not in (b"0\r\n", b""):
        pass
    bad = Client("wrong", api)
    assert bad.get(BALANCE).status == 401
    assert bad.request("GET", BALANCE, headers={"X-Forwarded-For": "192.0.2.1"}).status == 429
    bad.close()


# What is kept of keys


def last_used(ledger, ident):
    return ledger.value("select last_used_at from tokpay.api_keys where id = %s", [ident])


def test_the_use_of_a_key_is_noted_once_a_minute(ledger):
    key, ident = key_with_limit(ledger, None, "read")
    assert last_used(ledger, ident) is None
    clients = [Client(key) for _ in range(6)]
    for client in clients:
        assert client.get(BALANCE).status == 404
    until = time.monotonic() + 5
    while (first := last_used(ledger, ident)) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    for _ in range(20):
        for client in clients:
            assert client.get(BALANCE).status == 404
        time.sleep(0.05)
    assert last_used(ledger, ident) == first
    for client in clients:
        client.close()


def test_nobody_waits_for_the_note(ledger):
    key, ident = key_with_limit(ledger, None, "read")
    with ledger.connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select from tokpay.api_key where id = %s for update", [ident])  # the note cannot be written
        client = Client(key, timeout=5)
        assert {client.get(BALANCE).status for _ in range(50)} == {404}
        cursor.execute("rollback")
    client.close()


def test_a_revoked_key_stops_within_one_second_on_every_gateway(gateway, ledger):
    key, ident = key_with_limit(ledger, None, "read")
    urls = [None, gateway().url, gateway().url]
    clients = [Client(key, url) for url in urls for _ in range(3)]
    let_in, stopped = {}, set()

    def poll(client):
        while (time.monotonic() < revoked + 3 or not stopped) and client not in stopped:
            sent = time.monotonic()
            if client.get(BALANCE).status == 401:
                stopped.add(client)
            else:
                let_in[client] = sent

    revoked = time.monotonic() + 3600
    threads = [threading.Thread(target=poll, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    assert not stopped
    ledger.execute("select tokpay.revoke_api_key(%s)", [ident])
    revoked = time.monotonic()
    for thread in threads:
        thread.join()
    assert len(stopped) == len(clients)
    assert max(let_in.values()) - revoked < 1
    for client in clients:
        client.close()
