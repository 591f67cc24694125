"""Access tokens of a real issuer: what is taken, what is refused and why, keys that rotate, issuers that misbehave."""

import json
import time

import jwt
import pytest
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import UNKNOWN, Client, ledger, new_key  # noqa: F401 (fixtures)
from token_issuer import AUDIENCE, Issuer, base64url, new_private_key

BALANCE = f"/v1/accounts/{UNKNOWN}/balance"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@pytest.fixture(scope="module")
def issuer():
    made = Issuer()
    for algorithm in ALGORITHMS:
        made.new_key(algorithm)
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(gateway, issuer):
    """The URL of a gateway that takes the issuer's tokens."""
    return gateway(issuer=issuer.url, audience=AUDIENCE).url


def ask(api, token, method="GET", path=BALANCE, body=None, **headers):
    client = Client(token, api)
    reply = client.request(method, path, body, headers)
    client.close()
    return reply


def outcome(reply):
    return reply.status, reply.code


def kid_of(issuer, algorithm):
    return next(kid for kid, (name, _) in issuer.keys.items() if name == algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_the_issuer_is_taken(api, issuer, algorithm):
    token = issuer.token(kid_of(issuer, algorithm))
    for _ in range(3):  # the second time it is remembered
        assert outcome(ask(api, token)) == (404, "not_found")


def test_discovery_and_keys_are_fetched_once_for_each_thread(api, issuer):
    for subject in range(40):
        assert outcome(ask(api, issuer.token(kid_of(issuer, "EdDSA"), str(subject)))) == (404, "not_found")
    assert 1 <= issuer.fetched.count("/keys") <= 2
    assert issuer.fetched.count("/.well-known/openid-configuration") == issuer.fetched.count("/keys")


def test_scopes_open_their_routes_and_never_those_of_administrators(api, issuer):
    kid = kid_of(issuer, "ES256")
    transfer = {"debit": UNKNOWN, "credits": [{"account": "1", "amount": 1}]}
    key = {"Idempotency-Key": new_key()}
    reader, payer, everything, nothing = (
        issuer.token(kid, scope=scope) for scope in ("read", "transfer", "read transfer fund admin", None)
    )
    assert outcome(ask(api, reader)) == (404, "not_found")
    assert outcome(ask(api, payer, "POST", "/v1/transfers", transfer, **key)) == (422, "account_not_found")
    for token, method, path, scope in [
        (payer, "GET", BALANCE, "read"), (reader, "POST", "/v1/transfers", "transfer"), (nothing, "GET", BALANCE, "read"),
        (reader, "POST", "/v1/top-ups", "fund"), (everything, "GET", "/v1/accounts", "admin"), (everything, "POST", "/v1/accounts", "admin"),
    ]:  # fmt: skip
        reply = ask(api, token, method, path, {} if method == "POST" else None)
        assert outcome(reply) == (403, "forbidden"), (method, path)
        assert reply.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'


NOW = int(time.time())


@pytest.mark.parametrize("changes", [
    {"iss": "https://id.example"}, {"iss": None}, {"aud": "https://other.example"}, {"aud": None}, {"aud": []}, {"exp": NOW - 3600},
    {"exp": None}, {"exp": "tomorrow"}, {"nbf": NOW + 3600}, {"iat": NOW + 3600}, {"iat": None}, {"sub": None}, {"sub": ""},
    {"sub": "x" * 300}, {"header": {"typ": "JWT"}}, {"header": {"typ": "id+jwt"}}, {"header": {"crit": ["x"], "x": 1}},
    {"header": {"kid": "of nobody"}},
], ids=str)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_refused(api, issuer, changes):
    reply = ask(api, issuer.token(kid_of(issuer, "ES256"), **changes))
    assert outcome(reply) == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def forgeries(issuer):
    ec, rsa = kid_of(issuer, "ES256"), kid_of(issuer, "RS256")
    good = issuer.token(ec)
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    richer = base64url(json.dumps({**claims, "sub": "bob"}).encode())
    public = json.loads(issuer.answer("/keys")[2])
    yield "another key", issuer.token(ec, key=new_private_key("ES256"))
    yield "another payload", f"{header}.{richer}.{signature}"
    yield "no signature", f"{header}.{payload}."
    yield "zeros", f"{header}.{payload}.{'A' * 86}"
    yield "signature of another token", f"{header}.{payload}.{issuer.token(ec).split('.')[2]}"
    for none in "none", "None", "nOnE":
        yield none, base64url(json.dumps({"alg": none, "typ": "at+jwt", "kid": ec}).encode()) + f".{payload}."
    yield "HMAC with the public key", jwt.encode(claims, json.dumps(public), "HS256", headers={"typ": "at+jwt", "kid": rsa})
    own = new_private_key("RS256")
    yield "key in the header", jwt.encode(claims, own, "RS256", headers={"typ": "at+jwt", "kid": rsa, "jwk": {"kty": "RSA"}, "jku": issuer.url})
    yield "another curve", jwt.encode(claims, new_private_key("ES384"), "ES384", headers={"typ": "at+jwt", "kid": ec})
    yield "key of another kind", base64url(json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": ec}).encode()) + f".{payload}.{signature}"
    yield "four parts", good + ".x"
    yield "two parts", f"{header}.{payload}"
    yield "padding", good + "=="


def test_forged_tokens_are_refused(api, issuer):
    for what, token in forgeries(issuer):
        reply = ask(api, token)
        assert outcome(reply) == (401, "unauthenticated"), what
        assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"', what


def test_a_remembered_token_ends_with_its_time(api, issuer):
    token = issuer.token(kid_of(issuer, "EdDSA"), exp=int(time.time()) - 57)  # three seconds of skew are left
    clients = [Client(token, api) for _ in range(4)]
    for client in clients:
        assert client.get(BALANCE).status == 404
    time.sleep(4)
    assert [client.get(BALANCE).status for client in clients] == [401] * 4


def test_keys_rotate_and_a_withdrawn_key_is_forgotten(gateway, issuer):
    """Takes a minute: an unknown key is asked for once in a minute, however often it is tried."""
    rotating = Issuer()
    api = gateway(issuer=rotating.url, audience=AUDIENCE, threads=1).url
    first = rotating.new_key("ES256")
    old = rotating.token(first, exp=int(time.time()) + 600)
    assert ask(api, old).status == 404
    second = rotating.new_key("RS256")
    del rotating.keys[first]
    new = rotating.token(second)
    until = time.monotonic() + 65
    tried = 0
    while ask(api, new).status == 401:
        assert time.monotonic() < until
        tried += 1
        assert rotating.fetched.count("/keys") == 1
        time.sleep(0.25)
    assert ask(api, new).status == 404
    assert tried > 100 and rotating.fetched.count("/keys") == 2
    assert ask(api, old).status == 401  # remembered a moment ago
    rotating.close()


MISBEHAVING = {
    "is not there": (404, {}, b""),
    "fails": (500, {}, b"{}"),
    "redirects": (302, {"Location": "https://127.0.0.1/keys"}, b""),
    "sends no JSON": (200, {}, b"<html>"),
    "sends too much": (200, {}, b" " * (1024 * 1024 + 1)),
    "sends members twice": (200, {}, b'{"keys":[],"keys":[]}'),
    "is cut short": (200, {"Content-Length": "100"}, b"{"),
}


@pytest.mark.parametrize("how", MISBEHAVING)
def test_an_issuer_that_misbehaves_is_503_and_api_keys_go_on(gateway, ledger, how):
    broken = Issuer()
    kid = broken.new_key()
    broken.answers["/keys"] = MISBEHAVING[how]
    api = gateway(issuer=broken.url, audience=AUDIENCE, issuer_keys=broken.url + "/keys", threads=1).url
    reply = ask(api, broken.token(kid))
    assert outcome(reply) == (503, "overloaded")
    assert int(reply.headers["Retry-After"]) > 0
    assert ask(api, ledger.api_key("read")).status == 404
    if how == "fails":  # and comes back
        broken.answers.clear()
        time.sleep(5.1)
        assert ask(api, broken.token(kid)).status == 404
    broken.close()


def test_a_discovery_document_of_another_issuer_is_not_believed(gateway):
    broken = Issuer()
    kid = broken.new_key()
    document = {"issuer": "https://id.example", "jwks_uri": broken.url + "/keys"}
    broken.answers["/.well-known/openid-configuration"] = (200, {}, json.dumps(document).encode())
    process = gateway(issuer=broken.url, audience=AUDIENCE, threads=1)
    assert outcome(ask(process.url, broken.token(kid))) == (503, "overloaded")
    assert "/keys" not in broken.fetched
    broken.close()


def test_without_an_issuer_no_token_is_taken(issuer):
    client = Client(issuer.token(kid_of(issuer, "ES256")))
    assert outcome(client.get(BALANCE)) == (401, "unauthenticated")
    client.close()
