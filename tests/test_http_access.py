"""Who may do and see what: scopes, API keys that end, every route for every kind of caller, owners."""

import http.client
import time

import api_description
import pytest
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import UNKNOWN, Client, Reply, admin, client, ends_within_a_second, ledger, new_key  # noqa: F401 (fixtures)
from token_issuer import AUDIENCE, issuer  # noqa: F401 (fixture)

SCOPES = ["read", "transfer", "fund", "admin"]
ROUTES = [  # method, path, body, scope
    ("GET", "/v1/accounts", None, "admin"),
    ("GET", "/v1/accounts?name=nobody", None, "admin"),
    ("POST", "/v1/accounts", {"x": 1}, "admin"),
    ("GET", "/v1/accounts/1", None, "read"),
    ("GET", "/v1/accounts/1/balance", None, "read"),
    ("GET", "/v1/accounts/1/entries", None, "read"),
    ("POST", "/v1/balances:query", {"accounts": ["1"]}, "read"),
    ("POST", "/v1/transfers", {}, "transfer"),
    ("POST", "/v1/transfers:batch", {}, "transfer"),
    ("GET", "/v1/transfers/1", None, "read"),
    ("GET", "/v1/transfers?debit=1&key=x", None, "read"),
    ("POST", "/v1/top-ups", {}, "fund"),
    ("PATCH", "/v1/accounts/1", {"x": 1}, "admin"),
    ("GET", "/v1/accounts/1/summary", None, "read"),
    ("POST", "/v1/transfers:preview", {}, "transfer"),
    ("POST", "/v1/transfers/1:reverse", {"x": 1}, "admin"),
    ("POST", "/v1/transfers/1:refund", {"x": 1}, "transfer"),
    ("POST", "/v1/holds", {}, "transfer"),
    ("POST", "/v1/holds/1:capture", {"x": 1}, "transfer"),
    ("POST", "/v1/holds/1:void", {"x": 1}, "transfer"),
    ("GET", "/v1/holds?account=1", None, "read"),
    ("GET", "/v1/events?account=x", None, "read"),
    ("GET", "/v1/me", None, None),
    ("PATCH", "/v1/me", {"x": 1}, "session"),
    ("GET", "/v1/me/sessions", None, "session"),
    ("DELETE", "/v1/me/sessions", None, "session"),
    ("DELETE", "/v1/me/sessions/1", None, "session"),
    ("GET", "/v1/me/export", None, "session"),
    ("GET", "/v1/recipients", None, "session"),
    ("POST", "/v1/recipients:resolve", {"x": 1}, "session"),
    ("POST", "/auth/logout", {}, "session"),
]
PUBLIC = ["/v1/config", "/openapi.json", "/auth/login", "/auth/callback/x", "/auth/session"]
# What takes another scope of an owner than of an API key; None: nothing opens it.
OWNERS_SCOPE = {"admin": None, "session": None, "POST /v1/top-ups": "transfer", "POST /v1/holds": None, "POST /v1/holds/1:capture": None, "POST /v1/holds/1:void": None}


def refusal(reply):
    return reply.status, reply.code


@pytest.fixture(scope="module")
def api(gateway, issuer):
    """The URL of a gateway that takes the issuer's tokens."""
    return gateway(issuer=issuer.url, audience=AUDIENCE, write_limit="1000000/1").url


@pytest.fixture(scope="module")
def owner(api, issuer):
    """A function that makes a client with an access token of a subject."""
    clients = []

    def make(subject, scope):
        clients.append(Client(issuer.token(next(iter(issuer.keys)), subject, scope), api))
        return clients[-1]

    yield make
    for made in clients:
        made.close()


# Scopes


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_own_routes_and_no_others(client, scope):
    caller = client(scope)
    for method, path, body, needed in ROUTES:
        reply = caller.request(method, path, body, {"Idempotency-Key": new_key()} if body is not None else {})
        if needed is None or scope == needed or (scope == "admin" and needed != "session"):
            assert reply.status not in (401, 403), (path, reply)
        else:
            assert refusal(reply) == (403, "forbidden"), (path, reply)
            assert ("signed in" if needed == "session" else needed) in reply.json["detail"]


@pytest.mark.parametrize("scope", ["read", "transfer", "fund", "admin", None])
def test_a_scope_of_a_token_opens_its_own_routes_and_none_of_administrators(owner, scope):
    caller = owner("alice", scope)
    for method, path, body, needed in ROUTES:
        needed = OWNERS_SCOPE.get(f"{method} {path}", OWNERS_SCOPE.get(needed, needed))
        everybodys = (method, path) == ("GET", "/v1/me")
        reply = caller.request(method, path, body, {"Idempotency-Key": new_key()} if body is not None else {})
        if everybodys or (scope is not None and scope == needed):
            assert reply.status not in (401, 403), (path, reply)
        else:
            assert refusal(reply) == (403, "forbidden"), (path, reply)


def test_the_tables_name_every_route():
    named = [api_description.operation(method, path) for method, path, _, _ in ROUTES]
    named += [api_description.operation("GET", path) for path in PUBLIC]
    described = [operation for operations in api_description.DOCUMENT["paths"].values() for operation in operations.values()]
    assert [operation["operationId"] for operation in described if operation not in named] == []


def test_scopes_add_up(client, ledger):
    caller = client("read", "transfer")
    payer, payee = ledger.open_accounts(1, 0)
    assert caller.transfer(payer, [(payee, 1)]).status == 201
    assert caller.get(f"/v1/accounts/{payee}/balance").json["balance"] == 1
    assert refusal(caller.post("/v1/top-ups", {"account": payer, "amount": 1}, "k")) == (403, "forbidden")


def test_only_fund_and_admin_create_money(client, ledger):
    mint, payee = ledger.open_account(min_balance=None), ledger.open_account()
    plain, funder, everything = client("read", "transfer"), client("transfer", "fund"), client("admin")
    reply = plain.transfer(mint, [(payee, 5)], "k")
    assert refusal(reply) == (403, "not_permitted")
    assert ledger.state(mint, payee) == [(0, 0), (0, 0)]
    assert funder.transfer(mint, [(payee, 5)], "k").status == 201
    assert everything.transfer(mint, [(payee, 6)]).status == 201
    item = {"key": "b", "debit": mint, "credits": [{"account": payee, "amount": 1}]}
    for caller, code in ((plain, "not_permitted"), (funder, "ok")):
        assert caller.post("/v1/transfers:batch", {"transfers": [item]}).json["results"][0]["code"] == code
    assert ledger.state(mint, payee) == [(-12, 3), (12, 3)]


# Credentials


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer  ", "Bearer unknown", "Basic YTpi", "{}", "Token {}", "Bearer {}x", "Bearer x{}",
    "Bearer {} {}", "Bearer " + "x" * 10000, "Bearer \xe9", "Bearer tokpay_' or true --", 'Bearer "{}"',
])  # fmt: skip
def test_no_or_unknown_credentials_are_401_everywhere(admin, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.format(admin.key, admin.key).encode("latin-1")}
    nobody = Client()
    for method, path, body, _ in ROUTES:
        reply = nobody.request(method, path, body, {**headers, "Idempotency-Key": "k"})
        assert refusal(reply) == (401, "unauthenticated"), (path, reply)
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert reply.headers["Content-Type"] == "application/problem+json"
    nobody.close()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(admin, scheme):
    nobody = Client()
    assert nobody.get("/v1/accounts?limit=1", Authorization=f"{scheme} {admin.key}").status == 200
    nobody.close()


def stops_within_a_second(since, caller):
    ends_within_a_second(since, lambda: caller.get("/v1/accounts?limit=1").status == 200)
    assert refusal(caller.get("/v1/accounts?limit=1")) == (401, "unauthenticated")


def test_a_revoked_key_stops_within_one_second(ledger):
    name = new_key()
    key = ledger.api_key("admin", name=name)
    callers = [Client(key) for _ in range(6)]  # several connections, several worker threads
    for caller in callers:
        assert caller.get("/v1/accounts?limit=1").status == 200
    ledger.revoke_api_key(name)
    revoked = time.monotonic()
    for caller in callers:
        stops_within_a_second(revoked, caller)
        caller.close()


def test_an_expired_key_stops_within_one_second(client):
    before = time.monotonic()
    caller = client("admin", expires_in="1500 milliseconds")
    expired = time.monotonic() + 1.5
    assert caller.get("/v1/accounts?limit=1").status == 200
    time.sleep(0.7)
    assert caller.get("/v1/accounts?limit=1").status == 200 or time.monotonic() > before + 1.5
    stops_within_a_second(expired, caller)


def test_what_is_for_everybody_asks_for_no_credential(client):
    for caller in Client(), Client("unknown"), client("read"):
        assert not {caller.get(path).status for path in PUBLIC} & {401, 403}
        caller.close()


# Every route, every kind of caller, one's own, somebody else's and nobody's


class World:
    """Alice's account and Bob's, with money, and what the routes are about."""

    def __init__(self, ledger, issuer):
        self.ledger = ledger
        self.names = {UNKNOWN: new_key()}
        self.own, self.other = (self.open_account(f"{issuer.url} {subject}") for subject in ("alice", "bob"))
        self.third = ledger.open_account(1000)

    def open_account(self, owner):
        name = new_key()
        account = self.ledger.open_account(1000, name=name, owner=owner)
        self.names[account] = name
        return account

    def transaction(self, function, debit, credit):
        """The id of a transfer or hold between two accounts, an unknown one where the account is."""
        if UNKNOWN in (debit, credit):
            return UNKNOWN
        return str(self.ledger.value(f"select transfer from tokpay.{function}(%s, array[%s::bigint], array[1::bigint])", [debit, credit]))

    def paid_by(self, account):
        return self.transaction("transfer", account, self.third)

    def paid_to(self, account):
        return self.transaction("transfer", self.third, account)

    def held(self, account):
        return self.transaction("hold", account, self.third)


def payment(debit, credit):
    return {"debit": debit, "credits": [{"account": credit, "amount": 1}]}


TARGETED = {  # route: scope, method, (path, body) about an account, status where all is well and where it is unknown
    "GET account": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}", None), 200, 404),
    "GET account by name": ("admin", "GET", lambda w, a: (f"/v1/accounts?name={w.names[a]}", None), 200, 404),
    "PATCH account": ("admin", "PATCH", lambda w, a: (f"/v1/accounts/{a}", {"metadata": {"a": 1}}), 200, 404),
    "GET balance": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}/balance", None), 200, 404),
    "GET balance at": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}/balance?at=2026-01-01T00:00:00Z", None), 200, 404),
    "POST balances": ("read", "POST", lambda w, a: ("/v1/balances:query", {"accounts": [a]}), 200, 200),
    "GET entries": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}/entries", None), 200, 404),
    "GET entries as CSV": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}/entries?format=csv", None), 200, 404),
    "GET summary": ("read", "GET", lambda w, a: (f"/v1/accounts/{a}/summary?by=counterparty", None), 200, 404),
    "GET events": ("read", "GET", lambda w, a: (f"/v1/events?account={a}", None), 200, 404),
    "POST transfer": ("transfer", "POST", lambda w, a: ("/v1/transfers", payment(a, w.third)), 201, 422),
    "POST preview": ("transfer", "POST", lambda w, a: ("/v1/transfers:preview", payment(a, w.third)), 200, 200),
    "POST batch": ("transfer", "POST", lambda w, a: ("/v1/transfers:batch", {"transfers": [{"key": "k", **payment(a, w.third)}]}), 200, 200),
    "GET transfer": ("read", "GET", lambda w, a: (f"/v1/transfers/{w.paid_by(a)}", None), 200, 404),
    "GET transfer to": ("read", "GET", lambda w, a: (f"/v1/transfers/{w.paid_to(a)}", None), 200, 404),
    "GET transfer by key": ("read", "GET", lambda w, a: (f"/v1/transfers?debit={a}&key=access", None), 200, 404),
    "POST reverse": ("admin", "POST", lambda w, a: (f"/v1/transfers/{w.paid_by(a)}:reverse", {}), 201, 404),
    "POST refund": ("transfer", "POST", lambda w, a: (f"/v1/transfers/{w.paid_to(a)}:refund", {"account": a}), 201, 404),
    "POST hold": ("transfer", "POST", lambda w, a: ("/v1/holds", payment(a, w.third)), 201, 422),
    "POST capture": ("transfer", "POST", lambda w, a: (f"/v1/holds/{w.held(a)}:capture", {}), 201, 404),
    "POST void": ("transfer", "POST", lambda w, a: (f"/v1/holds/{w.held(a)}:void", {}), 201, 404),
    "GET holds": ("read", "GET", lambda w, a: (f"/v1/holds?account={a}", None), 200, 404),
    "POST top-up": ("fund", "POST", lambda w, a: ("/v1/top-ups", {"account": a, "amount": 1}), 201, 422),
}


@pytest.fixture(scope="module")
def world(ledger, issuer):
    world = World(ledger, issuer)
    for account in world.own, world.other:
        ledger.execute("select tokpay.transfer(%s, array[%s::bigint], array[1::bigint], 'access')", [account, world.third])
    return world


@pytest.fixture(scope="module")
def callers(ledger, world, owner, api):
    """By what they reach and their scope: API keys for everything, for Alice's account; Alice and somebody without any."""
    made = {("nobody", None): Client(None, api)}
    for scope in SCOPES:
        made["everything", scope] = Client(ledger.api_key(scope), api)
        made["list", scope] = Client(ledger.api_key(scope, accounts=[world.own]), api)
        made["owner", scope] = owner("alice", scope)
        made["owner of nothing", scope] = owner("carol", scope)
    yield made
    for caller in made.values():
        caller.close()


REACHED = {"everything": "own other", "list": "own", "owner": "own", "owner of nothing": ""}


def opens(route, reach, scope):
    needed = TARGETED[route][0]
    if reach.startswith("owner"):
        needed = {"fund": "transfer", "admin": None}.get(needed, needed)
        return scope == needed and route not in ("POST hold", "POST capture", "POST void")
    return scope in (needed, "admin")


def first_piece(caller, path):
    """The reply to GET; of a stream that never ends its beginning."""
    connection = http.client.HTTPConnection(caller.connection.host, caller.connection.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {caller.key}"} if caller.key else {})
    response = connection.getresponse()
    streams = response.status == 200
    reply = Reply(response.status, response.headers, response.read1() if streams else response.read())
    api_description.check("GET", path, reply.status, reply.headers, reply.body)
    connection.close()
    return reply


@pytest.mark.parametrize("route", TARGETED)
def test_every_caller_meets_every_account_as_it_should(world, callers, route):
    needed, method, build, well, unknown = TARGETED[route]

    def answer(caller, account):
        path, body = build(world, account)
        if route == "GET events":
            reply = first_piece(caller, path)
        else:
            reply = caller.request(method, path, body, {"Idempotency-Key": new_key()})
        # What is left must not tell which of the unknown ones it was.
        text = reply.body
        for id in {account, path.rpartition("/")[2].partition(":")[0].partition("?")[0]}:
            text = text.replace(b'"%s"' % id.encode(), b'"ID"').replace(b" %s." % id.encode(), b" ID.")
        return reply.status, text

    for (reach, scope), caller in callers.items():
        found = {"own": answer(caller, world.own), "other": answer(caller, world.other), "nobody's": answer(caller, UNKNOWN)}
        statuses = {status for status, _ in found.values()}
        if reach == "nobody":
            assert statuses == {401}
        elif not opens(route, reach, scope):
            assert statuses == {403}, (reach, scope)
        else:
            nobodys = found.pop("nobody's")
            assert nobodys[0] == unknown, (reach, scope, nobodys)
            for whose, reply in found.items():
                if whose in REACHED[reach]:
                    assert reply[0] == well, (reach, scope, whose, reply)
                    assert reply[1] != nobodys[1], (reach, scope, whose, reply)
                else:
                    assert reply == nobodys, (reach, scope, whose)


# Owners


def test_an_owner_is_shown_its_own_accounts_alone(world, owner):
    for subject, accounts in ("alice", [world.own]), ("bob", [world.other]), ("carol", []):
        me = owner(subject, "read").get("/v1/me").json
        assert (me["kind"], me["scopes"], me["all_accounts"]) == ("owner", ["read"], False)
        assert [account["id"] for account in me["accounts"]] == accounts


def test_an_owner_pays_anybody_and_each_sees_its_own_side(world, owner):
    alice, bob, carol = (owner(subject, "read transfer") for subject in ("alice", "bob", "carol"))
    paid = alice.transfer(world.own, [(world.other, 2), (world.third, 3)], description="for you", metadata={"m": 1})
    assert paid.status == 201
    assert paid.json["debit"]["balance"] is not None
    assert [credit["balance"] for credit in paid.json["credits"]] == [None, None]
    seen = bob.get(paid.headers["Location"]).json
    assert (seen["amount"], seen["key"], seen["metadata"], seen["debit"]["balance"], seen["description"]) == (2, None, None, None, "for you")
    assert [(credit["account"], credit["amount"]) for credit in seen["credits"]] == [(world.other, 2)]
    assert carol.get(paid.headers["Location"]).body == carol.get(f"/v1/transfers/{UNKNOWN}").body
    back = bob.post(paid.headers["Location"] + ":refund", {}, new_key())
    assert (back.status, back.json["debit"]["account"], back.json["credits"][0]["account"]) == (201, world.other, world.own)
    assert refusal(carol.post(paid.headers["Location"] + ":refund", {}, new_key())) == (404, "not_found")


def test_an_issuer_is_part_of_who_an_owner_is(ledger, owner, issuer):
    """Subjects and issuers that could be taken for others are not."""
    names = [f"{issuer.url}alice", f"{issuer.url}  alice", f"{issuer.url}/ alice", "alice", f"https://id.example {issuer.url} alice", f"{issuer.url} Alice"]
    accounts = [ledger.open_account(1, owner=name) for name in names]
    alice = owner("alice", "read")
    assert [alice.get(f"/v1/accounts/{account}").status for account in accounts] == [404] * len(names)
