"""Signing in with a provider: the way there and back, and every answer that is not the right one."""

import concurrent.futures
import http.cookies
import re
import time
import urllib.parse
import uuid

import pytest
from gateway_process import gateway  # noqa: F401 (fixture)
from http_client import Client, ledger  # noqa: F401 (fixture)
from sign_in_provider import CLIENT, Browser, Provider
from token_issuer import new_private_key


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def well_behaved(provider):
    yield
    provider.discovery, provider.token_key = {}, None


@pytest.fixture(scope="module")
def url(gateway, provider, tmp_path_factory):
    setting = provider.setting(tmp_path_factory.mktemp("secret") / "client").removeprefix("provider=")
    return gateway(provider=setting, web="", welcome_credit=5000, failed_credential_limit="10000/60").url


@pytest.fixture
def browser(url):
    return Browser(url)


@pytest.fixture
def name():
    return "u" + uuid.uuid4().hex[:12]


def callback_outcome(reply):
    return reply.status, reply.code


def test_the_way_there_has_everything_that_ties_the_answer_to_this_browser(browser, provider):
    reply = browser.get("/auth/login?provider=prov")
    url = urllib.parse.urlsplit(reply.headers["Location"])
    wanted = dict(urllib.parse.parse_qsl(url.query))
    assert (reply.status, f"{url.scheme}://{url.netloc}{url.path}") == (303, provider.url + "/authorize")
    assert wanted.pop("redirect_uri") == browser.url + "/auth/callback/prov"
    secrets = [wanted.pop(name) for name in ("state", "nonce", "code_challenge")]
    assert all(len(secret) == 43 for secret in secrets) and len(set(secrets)) == 3
    assert wanted == {"tenant": "a", "client_id": CLIENT, "response_type": "code", "scope": "openid email profile", "code_challenge_method": "S256"}
    cookie = http.cookies.SimpleCookie(reply.headers["Set-Cookie"])
    (morsel,) = cookie.values()
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"], morsel["max-age"]) == (True, "Lax", "/", "", "600")
    assert browser.begin(provider="prov")["state"] != secrets[0]


def test_the_first_sign_in_opens_the_wallet(browser, provider, ledger, name):
    browser.sign_in(provider, name, "/app/pay?x=1")
    assert browser.is_signed_in
    me = browser.get("/v1/me").json
    (account,) = me["accounts"]
    assert (account["balance"], account["max_balance"], account["currency"], account["name"]) == (5000, 2**53 - 1, "USD", None)
    again = Browser(browser.url).sign_in(provider, name)
    assert again.get("/v1/me").json["accounts"] == me["accounts"]
    assert ledger.execute("select kind, amount from tokpay.history(%s)", [int(account["id"])]) == [("top_up", 5000)]


def test_a_first_sign_in_that_is_raced_opens_one_wallet_with_one_credit(url, provider, name):
    browsers = [Browser(url) for _ in range(16)]
    ways = [browser.begin(provider="prov") for browser in browsers]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda pair: pair[0].come_back(provider, pair[1], name), zip(browsers, ways)))
    assert {reply.status for reply in replies} == {303}
    accounts = [browser.get("/v1/me").json["accounts"] for browser in browsers]
    assert len(accounts[0]) == 1 and accounts[0][0]["balance"] == 5000 and all(other == accounts[0] for other in accounts)


def test_the_session_is_a_cookie_that_pages_cannot_read(browser, provider, name):
    reply = browser.come_back(provider, browser.begin(provider="prov"), name)
    cookies = http.cookies.SimpleCookie()
    for line in reply.headers.get_all("Set-Cookie"):
        cookies.load(line)
    port = urllib.parse.urlsplit(browser.url).port
    session, sign_in = cookies[f"tokpay-{port}"], cookies[f"tokpay-sign-in-{port}"]
    assert (session["httponly"], session["samesite"], session["path"], session["domain"], session["max-age"]) == (True, "Lax", "/", "", "43200")
    assert len(session.value) == 43 and sign_in["max-age"] == "0"


@pytest.mark.parametrize("return_to", ["//evil.example", "https://evil.example/app", "/apple", "/app\\evil", "/app/../v1/me", "", "/app\r\nX: y"])
def test_nobody_is_sent_to_another_place(browser, return_to):
    reply = browser.get("/auth/login?" + urllib.parse.urlencode({"provider": "prov", "return_to": return_to}))
    assert (reply.status, reply.code, "Set-Cookie" in reply.headers) == (422, "invalid_request", False)


# The answer of the provider, or what somebody makes of it: what is wrong, its parameters, claims of the ID token, code.
WRONG_ANSWERS = [
    ("another state", {"state": "x" * 43}, {}, "state_mismatch"),
    ("no state", {"state": None}, {}, "state_mismatch"),
    ("another issuer", {"iss": "https://evil.example"}, {}, "issuer_mismatch"),
    ("no issuer, where the provider says that it names itself", {"iss": None}, {}, "issuer_mismatch"),
    ("cancelled", {"code": None, "error": "access_denied"}, {}, "sign_in_cancelled"),
    ("another error", {"error": "server_error"}, {}, "provider_refused"),
    ("no code", {"code": None}, {}, "provider_refused"),
    ("a code that the provider does not know", {"code": "made up"}, {}, "token_invalid"),
    ("another nonce", {}, {"nonce": "y" * 43}, "token_invalid"),
    ("no nonce", {}, {"nonce": None}, "token_invalid"),
    ("an ID token of another issuer", {}, {"iss": "https://evil.example"}, "token_invalid"),
    ("an ID token for another client", {}, {"aud": "other"}, "token_invalid"),
    ("an ID token for several clients", {}, {"aud": [CLIENT, "other"]}, "token_invalid"),
    ("an ID token given to another client", {}, {"azp": "other"}, "token_invalid"),
    ("an expired ID token", {}, {"exp": int(time.time()) - 61}, "token_invalid"),
    ("an ID token of the future", {}, {"iat": int(time.time()) + 3600}, "token_invalid"),
    ("an ID token of nobody", {}, {"sub": ""}, "token_invalid"),
]


@pytest.mark.parametrize("changes, claims, code", [case[1:] for case in WRONG_ANSWERS], ids=[case[0] for case in WRONG_ANSWERS])
def test_a_wrong_answer_signs_nobody_in(browser, provider, name, changes, claims, code):
    claims = dict(claims)
    reply = browser.come_back(provider, browser.begin(provider="prov"), claims.pop("sub", name), changes, **claims)
    assert callback_outcome(reply) == (400, code)
    assert browser.cookies == {} and not browser.is_signed_in


def test_an_id_token_signed_by_somebody_else_signs_nobody_in(browser, provider, name):
    provider.token_key = new_private_key("RS256")
    assert callback_outcome(browser.come_back(provider, browser.begin(provider="prov"), name)) == (400, "token_invalid")
    assert not browser.is_signed_in


def test_a_code_is_good_once(browser, provider, name):
    wanted = browser.begin(provider="prov")
    kept = dict(browser.cookies)
    reply = browser.come_back(provider, wanted, name, {"code": "once"})
    assert reply.status == 400  # the provider gave another code
    browser.cookies = dict(kept)
    assert browser.come_back(provider, wanted, name).status == 303
    browser.cookies = dict(kept)
    replay = browser.get("/auth/callback/prov?" + urllib.parse.urlencode({"code": "once", "state": wanted["state"], "iss": provider.url}))
    assert callback_outcome(replay) == (400, "token_invalid")


def test_an_answer_is_taken_by_the_browser_that_asked_alone(url, provider, name):
    victim, attacker = Browser(url), Browser(url)
    wanted = attacker.begin(provider="prov")
    assert callback_outcome(victim.come_back(provider, wanted, name)) == (400, "sign_in_expired")
    victim.begin(provider="prov")
    assert callback_outcome(victim.come_back(provider, wanted, name)) == (400, "state_mismatch")
    assert not victim.is_signed_in


@pytest.mark.parametrize("cookie", ["x", "a.b.c.d.e.f", "", "....."])
def test_a_forged_sign_in_cookie_is_none(browser, provider, name, cookie):
    wanted = browser.begin(provider="prov")
    (sign_in,) = browser.cookies
    browser.cookies[sign_in] = cookie
    assert callback_outcome(browser.come_back(provider, wanted, name)) == (400, "sign_in_expired")


@pytest.mark.parametrize("forged", ["A" * 43, "", "x", "' or 1=1 --", "A" * 4000])
def test_a_forged_session_cookie_is_none(browser, provider, name, forged):
    browser.sign_in(provider, name)
    (session,) = browser.cookies
    browser.cookies[session] = forged
    assert (browser.get("/v1/me").status, browser.is_signed_in) == (401, False)


def test_a_session_is_no_bearer_token_and_a_key_is_no_cookie(browser, provider, name):
    browser.sign_in(provider, name)
    ((session, secret),) = browser.cookies.items()
    for bearer in (secret, f"session:{secret}", f"session{secret}"):
        client = Client(bearer, browser.url)
        assert client.get("/v1/me").status == 401
        client.close()


def test_signing_in_makes_a_new_session_and_ends_the_one_before(browser, provider, name):
    browser.sign_in(provider, name)
    ((session, before),) = browser.cookies.items()
    browser.sign_in(provider, name)
    assert browser.cookies[session] != before
    old = Browser(browser.url)
    old.cookies[session] = before
    time.sleep(1)
    assert (old.is_signed_in, browser.is_signed_in) == (False, True)


def test_a_session_that_an_attacker_has_chosen_is_not_taken_over(browser, provider, name):
    port = urllib.parse.urlsplit(browser.url).port
    browser.cookies[f"tokpay-{port}"] = "F" * 43
    browser.sign_in(provider, name)
    assert browser.cookies[f"tokpay-{port}"] != "F" * 43


def test_signing_out_ends_the_session_everywhere_within_a_second(browser, provider, name):
    browser.sign_in(provider, name)
    other = Browser(browser.url)
    other.cookies = dict(browser.cookies)
    reply = browser.request("POST", "/auth/logout")
    assert (reply.status, urllib.parse.urlsplit(reply.json["redirect"]).path) == (200, "/end")
    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(reply.json["redirect"]).query)) == {
        "client_id": CLIENT, "post_logout_redirect_uri": browser.url + "/",
    }  # fmt: skip
    assert browser.cookies == {}
    time.sleep(1)
    assert other.get("/v1/me").status == 401


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "none"},
    {"TokPay_Client": ""}, {"Origin": "null"},
])  # fmt: skip
def test_a_page_of_another_site_changes_nothing(browser, provider, name, headers):
    browser.sign_in(provider, name)
    account = browser.get("/v1/me").json["accounts"][0]["id"]
    transfer = {"debit": account, "credits": [{"account": "1", "amount": 1}]}
    for path, body in [("/auth/logout", None), ("/v1/transfers", transfer), ("/v1/transfers", "{")]:
        reply = browser.request("POST", path, body, Idempotency_Key=uuid.uuid4().hex, **headers)
        assert (reply.status, reply.code) == (403, "csrf")
    assert browser.is_signed_in


def test_a_session_pays_from_its_own_wallet_and_from_no_other(browser, provider, name):
    browser.sign_in(provider, name)
    payee = Browser(browser.url).sign_in(provider, name + "b")
    own, other = (b.get("/v1/me").json["accounts"][0]["id"] for b in (browser, payee))
    pay = {"debit": own, "credits": [{"account": other, "amount": 100}]}
    reply = browser.request("POST", "/v1/transfers", pay, Idempotency_Key=uuid.uuid4().hex)
    assert (reply.status, reply.json["debit"]["balance"], reply.json["credits"][0]["balance"]) == (201, 4900, None)
    steal = {"debit": other, "credits": [{"account": own, "amount": 100}]}
    assert browser.request("POST", "/v1/transfers", steal, Idempotency_Key=uuid.uuid4().hex).code == "account_not_found"
    assert browser.get(f"/v1/accounts/{other}/balance").code == "not_found"
    assert payee.get(f"/v1/accounts/{other}/balance").json["balance"] == 5100


def test_a_provider_without_iss_in_its_answers_need_not_send_it(gateway, name, tmp_path):
    provider = Provider()
    provider.discovery = {"authorization_response_iss_parameter_supported": None, "end_session_endpoint": None}
    browser = Browser(gateway(provider=provider.setting(tmp_path / "client").removeprefix("provider="), web="", welcome_credit=0).url)
    assert browser.come_back(provider, browser.begin(), name, {"iss": None}).status == 303
    assert browser.get("/v1/me").json["accounts"][0]["balance"] == 0
    assert browser.request("POST", "/auth/logout").json["redirect"] == browser.url + "/"
    provider.close()


def test_claims_that_the_id_token_leaves_out_are_asked_for(browser, provider, name, ledger):
    provider.userinfo = {"sub": name, "email": f"{name}@mail.example", "email_verified": True, "name": "From Userinfo"}
    browser.sign_in(provider, name, email=None, email_verified=None)
    assert ledger.execute("select u.display_name from tokpay.wallet_user u join tokpay.wallet_address a on a.wallet_user = u.id where email = %s", [f"{name}@mail.example"]) == [("From Userinfo",)]
    other = name + "b"
    browser.sign_in(provider, other, email=None, email_verified=None)  # userinfo of another subject
    assert ledger.execute("select count(*) from tokpay.wallet_identity where subject = %s and email = ''", [other]) == [(1,)]


def test_a_provider_that_is_down_is_said_to_be(gateway, tmp_path):
    provider = Provider()
    browser = Browser(gateway(provider=provider.setting(tmp_path / "client").removeprefix("provider="), web="", welcome_credit=0).url)
    provider.close()
    assert callback_outcome(browser.get("/auth/login?provider=prov")) == (503, "provider_unavailable")


def test_who_is_signed_in_is_not_guessed_while_no_database_answers(gateway, tmp_path):
    config = tmp_path / "gateway.conf"
    config.write_text("".join(f"{name} = postgresql://tokpay_gateway@127.0.0.1:9/tokpay\n" for name in ("database", "admin-database")))
    process = gateway(config=config, request_deadline_ms=500, is_ready=False)
    browser = Browser(process.url)
    assert browser.get("/auth/session").json == {"signed_in": False}
    browser.cookies = {f"tokpay-{process.port}": "A" * 43}
    reply = browser.get("/auth/session")
    assert (reply.status, reply.code, int(reply.headers["Retry-After"]) > 0) == (503, "overloaded", True)


def test_an_identity_is_linked_from_a_session_alone(browser, provider, name, ledger):
    browser.sign_in(provider, name)
    me = browser.get("/v1/me").json
    link = me["link_token"]
    wanted = browser.begin(provider="prov", return_to="/app/settings", link=link)
    assert browser.come_back(provider, wanted, name + "b").headers["Location"] == "/app/settings"
    second = Browser(browser.url).sign_in(provider, name + "b")
    assert second.get("/v1/me").json["accounts"] == me["accounts"]
    # Somebody else's, a stranger's and a stale token.
    stranger = Browser(browser.url).sign_in(provider, name + "c")
    for who, token in [(stranger, link), (Browser(browser.url), link), (browser, "x")]:
        assert callback_outcome(who.get("/auth/login?" + urllib.parse.urlencode({"provider": "prov", "link": token}))) == (400, "wrong_link")
    # An identity that signs in to another wallet.
    taken = stranger.begin(provider="prov", link=stranger.get("/v1/me").json["link_token"])
    assert callback_outcome(stranger.come_back(provider, taken, name)) == (409, "wrong_link")
    # The session is over when the browser comes back.
    wanted = browser.begin(provider="prov", link=link)
    browser.request("POST", "/auth/logout")
    assert callback_outcome(browser.come_back(provider, wanted, name + "d")) == (400, "wrong_link")


def test_an_identity_is_linked_after_a_sign_in_of_the_last_five_minutes_alone(browser, provider, name, ledger):
    browser.sign_in(provider, name)
    me = browser.get("/v1/me").json
    link = me["link_token"]
    begun = browser.begin(provider="prov", link=link)
    ledger.execute("update tokpay.wallet_session set created_at = created_at - interval '5 minutes' where id = %s", [int(me["session"])])
    time.sleep(1)
    assert browser.get("/v1/me").json["link_token"] is None
    kept = dict(browser.cookies)
    assert callback_outcome(browser.get("/auth/login?" + urllib.parse.urlencode({"provider": "prov", "link": link}))) == (400, "wrong_link")
    browser.cookies = kept  # the way there was begun in time, or so its cookie says
    assert callback_outcome(browser.come_back(provider, begun, name + "b")) == (400, "wrong_link")
    browser.sign_in(provider, name)
    again = browser.begin(provider="prov", link=browser.get("/v1/me").json["link_token"])
    assert browser.come_back(provider, again, name + "b").status == 303


def test_sessions_end_when_they_are_idle_and_in_any_case(gateway, provider, tmp_path, name):
    setting = provider.setting(tmp_path / "client").removeprefix("provider=")
    idle, total = (Browser(gateway(provider=setting, web="", **end).url) for end in ({"session_idle_s": 2}, {"session_max_s": 2}))
    for browser in idle, total:
        assert browser.sign_in(provider, name).is_signed_in
    time.sleep(3.2)
    assert not idle.is_signed_in and not total.is_signed_in


def test_made_up_codes_are_limited(gateway, provider, tmp_path):
    setting = provider.setting(tmp_path / "client").removeprefix("provider=")
    browser = Browser(gateway(provider=setting, web="", failed_credential_limit="3/60").url)
    outcomes = []
    for _ in range(5):
        wanted = browser.begin(provider="prov")
        outcomes.append(callback_outcome(browser.come_back(provider, wanted, "x", {"code": "made up"})))
    assert outcomes == [(400, "token_invalid")] * 3 + [(429, "rate_limited")] * 2


def test_unknown_providers_and_parameters_are_refused(browser):
    assert browser.get("/auth/login?provider=nobody").status == 404
    assert browser.get("/auth/callback/nobody?code=x").status == 404
    assert browser.get("/auth/callback/prov").code == "sign_in_expired"
    assert re.search("return_to", browser.get("/auth/login?provider=prov&return_to=/x").json["detail"])


def test_a_provider_is_reached_where_its_backchannel_says(gateway, tmp_path, name):
    provider = Provider()
    backchannel, provider.url = provider.url, "http://localhost:9"  # where nobody listens
    setting = provider.setting(tmp_path / "client").removeprefix("provider=") + f" backchannel={backchannel}"
    browser = Browser(gateway(provider=setting, web="", welcome_credit=0).url).sign_in(provider, name)
    assert browser.is_signed_in and provider.hosts == {"localhost:9"}
    provider.close()
