"""Every refusal: its status, code and pointers, and that nothing has moved."""

import json
import threading

import api_description
import pytest
from http_client import Client, admin, ledger, new_key  # noqa: F401 (fixtures)

HIGHEST = (1 << 63) - 1
UNKNOWN = str(HIGHEST)
BODIES = ["/v1/accounts", "/v1/balances:query", "/v1/transfers", "/v1/transfers:batch", "/v1/top-ups"]


def check_problem(reply, status, code):
    """An RFC 9457 problem that says no more than it should."""
    assert reply.status == status, reply
    problem = reply.json
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert (problem["status"], problem["code"]) == (status, code), reply
    assert problem["type"].endswith(code) and problem["title"] and problem["detail"]
    assert set(problem) <= {"type", "title", "status", "detail", "code", "errors", "account", "balance", "required", "available"}
    assert not any(word in reply.body.lower() for word in (b"select ", b"sqlstate", b"tokpay.", b"journal")), reply
    return problem


@pytest.fixture(scope="module")
def pair(ledger):
    return ledger.open_accounts(1000, 0)


@pytest.fixture
def still(ledger, pair):
    """Nothing moves between these two accounts."""
    before = ledger.state(*pair)
    yield
    assert ledger.state(*pair) == before


def transfer_body(pair, amount="1", credit="", top=""):
    return '{"debit":"%s","credits":[{"account":"%s","amount":%s%s}]%s}' % (*pair, amount, credit, top)


# Amounts

AMOUNTS = ["0", "-1", "-0", "1.5", "1.0", '"1"', "1e400", "9223372036854775808", "18446744073709551616", "1e2",
           "1E0", "null", "true", "[1]", "{}", "-9223372036854775809", "9" * 400, '""']  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_is_no_positive_int64_is_refused(admin, pair, still, amount):
    reply = admin.post("/v1/transfers", transfer_body(pair, amount), new_key())
    check_problem(reply, 422, "invalid_request")
    assert reply.pointers == ["/credits/0/amount"]
    reply = admin.post("/v1/top-ups", '{"account":"%s","amount":%s}' % (pair[0], amount), new_key())
    check_problem(reply, 422, "invalid_request")
    assert reply.pointers == ["/amount"]


def test_a_missing_amount_is_refused(admin, pair, still):
    body = {"debit": pair[0], "credits": [{"account": pair[1]}]}
    reply = admin.post("/v1/transfers", body, new_key())
    problem = check_problem(reply, 422, "invalid_request")
    assert problem["errors"] == [{"pointer": "/credits/0/amount", "detail": "is missing"}]


def test_a_refused_request_leaves_its_key_free(admin, ledger):
    payer, payee = ledger.open_accounts(10, 0)
    for amount, status in ((0, 422), (11, 422), (10, 201), (10, 200)):
        assert admin.transfer(payer, [(payee, amount)], "k").status == status


# JSON

MALFORMED = ["", " ", "{", "}", "nul", "{]", '{"a":}', '{"a":1,}', "{'a':1}", '{"a":1}x', '{"a":1}{}', "{a:1}",
             '{"a":"\n"}', '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":NaN}', '{"a":Infinity}',
             '{"a":"\\x"}', '{"a":"\\u12"}', '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '// x\n{}', '{"a":1 /**/}',
             b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'\xef\xbb\xbf{}',
             b'{"a":"\x00"}', b"\x00", '{"a":' + "[" * 40 + "]" * 40 + "}", "[" * 100000, '{"a":' * 100000]  # fmt: skip
DUPLICATE = ['{"a":1,"a":1}', '{"a":1,"b":{"c":1,"d":2,"c":3}}', '{"a":1,"\\u0061":2}', '{"":1,"":2}',
             '[{"a":1,"a":2}]']  # fmt: skip


@pytest.mark.parametrize("path", BODIES)
def test_malformed_json_and_duplicate_members_are_400(admin, path):
    for body in MALFORMED + DUPLICATE:
        reply = admin.post(path, body, new_key())
        check_problem(reply, 400, "malformed_json")
    assert "comes twice" in reply.json["detail"]


@pytest.mark.parametrize("body", ["[]", "null", "1", '"x"', "true", "1e999999"])
@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_no_object_is_refused(admin, path, body):
    reply = admin.post(path, body, new_key())
    check_problem(reply, 422, "invalid_request")
    assert reply.pointers == [""]


NOT_TEXT = [1, True, [], {}, "NUL \0"]
NOT_ID = [1, None, "", "0", "01", "-1", "+1", "1.0", " 1", "x", "1\0", str(HIGHEST + 1), "9" * 20, [], {}]
CREDIT = {"account": "1", "amount": 1}
TRANSFER = {"debit": "2", "credits": [CREDIT]}
WRONG = [  # path, body that is right, member, wrong values, pointer
    ("/v1/transfers", TRANSFER, "debit", NOT_ID, "/debit"),
    ("/v1/transfers", TRANSFER, "credits", [None, {}, "x", 1, [], [CREDIT] * 10001], "/credits"),
    ("/v1/transfers", TRANSFER, "credits", [[CREDIT, value] for value in (None, 1, "x", [])], "/credits/1"),
    ("/v1/transfers", TRANSFER, "credits", [[CREDIT, {**CREDIT, "account": value}] for value in NOT_ID],
     "/credits/1/account"),
    ("/v1/transfers", TRANSFER, "credits", [[CREDIT, {**CREDIT, "more": None}]], "/credits/1/more"),
    ("/v1/transfers", TRANSFER, "description", [*NOT_TEXT, "x" * 10001, "é" * 5001], "/description"),
    ("/v1/transfers", TRANSFER, "metadata", [1, "x", True, [], {"a": "x" * 65536}], "/metadata"),
    ("/v1/transfers", TRANSFER, "unknown", [None, 1], "/unknown"),
    ("/v1/transfers", TRANSFER, "key", ["k"], "/key"),
    ("/v1/transfers:batch", {}, "transfers", [None, {}, [], "x"], "/transfers"),
    ("/v1/transfers:batch", {}, "transfers", [[value] for value in (None, 1, [], "x")], "/transfers/0"),
    ("/v1/transfers:batch", {}, "transfers", [[{**TRANSFER, "key": "k", "debit": value}] for value in NOT_ID],
     "/transfers/0/debit"),
    ("/v1/transfers:batch", {}, "transfers", [[{**TRANSFER, "key": "k", "chain": value}] for value in ("1", 1.5, 1 << 31)],
     "/transfers/0/chain"),
    ("/v1/transfers:batch", {}, "transfers",
     [[{**TRANSFER, "key": "k", "credits": [{**CREDIT, "amount": 0}]}]], "/transfers/0/credits/0/amount"),
    ("/v1/transfers:batch", {}, "transfers", [[{**TRANSFER, "key": "k", "x": 1}]], "/transfers/0/x"),
    ("/v1/transfers:batch", {"transfers": [{**TRANSFER, "key": "k"}]}, "x", [1], "/x"),
    ("/v1/top-ups", {"account": "1", "amount": 1}, "account", NOT_ID, "/account"),
    ("/v1/top-ups", {"account": "1", "amount": 1}, "description", ["x"], "/description"),
    ("/v1/balances:query", {}, "accounts", [None, [], {}, "1", ["1"] * 10001], "/accounts"),
    ("/v1/balances:query", {}, "accounts", [["1", value] for value in NOT_ID], "/accounts/1"),
    ("/v1/balances:query", {"accounts": ["1"]}, "x", [1], "/x"),
    ("/v1/accounts", {}, "name", [*NOT_TEXT, "x" * 256], "/name"),
    ("/v1/accounts", {}, "currency", [*NOT_TEXT, "X" * 13], "/currency"),
    ("/v1/accounts", {}, "owner", [*NOT_TEXT, "x" * 256], "/owner"),
    ("/v1/accounts", {}, "min_balance", ["0", 1.5, True, [], HIGHEST + 1, -(1 << 63) - 1], "/min_balance"),
    ("/v1/accounts", {}, "max_balance", ["0", 1.5, True, {}, HIGHEST + 1], "/max_balance"),
    ("/v1/accounts", {}, "metadata", [1, "x", []], "/metadata"),
    ("/v1/accounts", {}, "metadata", [{"a": "\0"}], "/metadata/a"),
    ("/v1/accounts", {}, "id", ["1"], "/id"),
]  # fmt: skip


@pytest.mark.parametrize("path, right, member, values, pointer", WRONG, ids=[f"{w[0]} {w[4]}" for w in WRONG])
def test_a_member_of_the_wrong_kind_is_pointed_at(admin, path, right, member, values, pointer):
    for value in values:
        reply = admin.post(path, {**right, member: value}, new_key())
        check_problem(reply, 422, "invalid_request")
        assert reply.pointers == [pointer], (value, reply)


@pytest.mark.parametrize("name, pointer", [("a/b~c", "/a~1b~0c"), ("", "/"), ("~1", "/~01"), ('"\\', '/"\\')])
def test_pointers_are_escaped_as_rfc_6901_says(admin, name, pointer):
    assert admin.post("/v1/transfers", {**TRANSFER, name: 1}, new_key()).pointers == [pointer]


def test_every_fault_is_reported_at_once(admin):
    body = {"debit": 1, "credits": [{}, {**CREDIT, "amount": 0}], "description": 1, "metadata": 1, "x": 1}
    assert set(admin.post("/v1/transfers", body, new_key()).pointers) == {
        "/debit", "/credits/0/account", "/credits/0/amount", "/credits/1/amount", "/description", "/metadata", "/x",
    }  # fmt: skip


def test_missing_members_are_pointed_at(admin):
    for path, pointers in (
        ("/v1/transfers", {"/debit", "/credits"}), ("/v1/top-ups", {"/account", "/amount"}),
        ("/v1/balances:query", {"/accounts"}), ("/v1/transfers:batch", {"/transfers"}),
    ):  # fmt: skip
        assert set(admin.post(path, {}, new_key()).pointers) == pointers
    item = admin.post("/v1/transfers:batch", {"transfers": [{**TRANSFER}]}, new_key())
    assert set(item.pointers) == {"/transfers/0/key"}


METADATA = [r'{"a":"\u0000"}', r'{"\u0000":1}', r'{"a":[{"b":["x\u0000y"]}]}', '{"a":1e100000}', '{"a":-1e100000}',
            '{"a":1e-100000}', '{"a":1E+1001}', '{"a":%s}' % ("9" * 101), '{"a":0.%s}' % ("9" * 100)]  # fmt: skip
PLACES = ["/a", "/\0", "/a/0/b/0", *["/a"] * 6]


@pytest.mark.parametrize("metadata, place", zip(METADATA, PLACES))
def test_metadata_that_the_ledger_cannot_hold_is_refused_before_it_is_sent(admin, pair, still, metadata, place):
    reply = admin.post("/v1/transfers", transfer_body(pair, top=f',"metadata":{metadata}'), new_key())
    check_problem(reply, 422, "invalid_request")
    assert reply.pointers == ["/metadata" + place]


def test_metadata_is_at_most_64_kib_with_its_numbers_written_out(admin, pair, still):
    short = {"metadata": {"a": [0] * 70}}
    transfer = {"debit": pair[0], "credits": [{"account": pair[1], "amount": 1}], **short}
    batch = {"transfers": [{**transfer, "key": "k"}]}
    for path, body in (("/v1/transfers", transfer), ("/v1/transfers:preview", transfer), ("/v1/holds", transfer), ("/v1/transfers:batch", batch), ("/v1/accounts", short)):
        reply = admin.post(path, json.dumps(body).replace("0,", "1e1000,"), new_key())
        check_problem(reply, 422, "invalid_request")
        assert reply.pointers == ["/transfers/0/metadata" if "batch" in path else "/metadata"]
    reply = admin.patch(f"/v1/accounts/{pair[0]}", json.dumps(short).replace("0,", "1e1000,"))
    assert reply.pointers == ["/metadata"]


@pytest.mark.parametrize("number", ["1e99999999999", "-1e99999999999", "1e-99999999999"])
def test_a_number_that_no_parser_holds_is_refused(admin, pair, still, number):
    for body in transfer_body(pair, number), transfer_body(pair, top=f',"metadata":{{"a":{number}}}'):
        assert admin.post("/v1/transfers", body, new_key()).code in ("malformed_json", "invalid_request")


@pytest.mark.parametrize("metadata", ["{}", '{"":""}', '{"a":1e1000}', '{"a":1e-1000}', '{"a":-0.0}', '{"a":' + "[" * 29 + "]" * 29 + "}",
                                      '{"a":"%s"}' % ("x" * 60000), r'{"a":"\ud83d\ude00\u0001\u007f"}'])  # fmt: skip
def test_metadata_that_the_ledger_can_hold_is_kept(admin, ledger, metadata):
    payer, payee = ledger.open_accounts(1, 0)
    reply = admin.post("/v1/transfers", transfer_body((payer, payee), top=f',"metadata":{metadata}'), "k")
    assert reply.status == 201, reply
    same = "select metadata = %s from tokpay.transfers where id = %s"
    assert ledger.value(same, [metadata, reply.json["id"]])
    assert reply.json["metadata"] == admin.get(f"/v1/transfers/{reply.json['id']}").json["metadata"]


# Idempotency keys

KEYS_REFUSED = ["", '""', "x" * 201, '"' + "x" * 201 + '"', "é", "\x80", "a\tb"]
KEYS_TAKEN = {"x": "x", '"x y"': "x y", "x" * 200: "x" * 200, '"' + "y" * 200 + '"': "y" * 200, '"a\\"b\\\\c"': 'a"b\\c',
              "~!@#$%^&*()": "~!@#$%^&*()", "a,b;c=d": "a,b;c=d", "top_up/1/x": "top_up/1/x"}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/top-ups"])
def test_a_missing_key_is_400_and_a_wrong_one_422(admin, pair, still, path):
    body = {"debit": pair[0], "credits": [{"account": pair[1], "amount": 1}]}
    if path == "/v1/top-ups":
        body = {"account": pair[1], "amount": 1}
    check_problem(admin.post(path, body), 400, "idempotency_key_missing")
    for key in KEYS_REFUSED:
        check_problem(admin.post(path, body, key.encode("latin-1")), 422, "invalid_request")
    check_problem(admin.post(path, body, b"\x7f"), 400, "bad_request")


@pytest.mark.parametrize("sent", KEYS_TAKEN)
def test_a_key_is_taken_quoted_or_bare(admin, ledger, sent):
    payer, payee = ledger.open_accounts(1, 0)
    assert admin.transfer(payer, [(payee, 1)], sent).json["key"] == KEYS_TAKEN[sent]


# Queries and paths

QUERIES = [  # path, status
    ("/v1/accounts?limit=0", 422), ("/v1/accounts?limit=1001", 422), ("/v1/accounts?limit=x", 422),
    ("/v1/accounts?limit=", 422), ("/v1/accounts?limit", 422), ("/v1/accounts?limit=1&limit=1", 422),
    ("/v1/accounts?limit=-1", 422), ("/v1/accounts?limit=1.0", 422), ("/v1/accounts?cursor=x", 422),
    ("/v1/accounts?unknown=1", 422), ("/v1/accounts?name=", 404), ("/v1/accounts?name=nobody", 404),
    ("/v1/accounts?name=%zz", 400), ("/v1/accounts?name=%", 400),
    ("/v1/accounts/{0}?x=1", 422), ("/v1/accounts/{0}/balance?x=1", 422), ("/v1/accounts/{0}/entries?x=1", 422),
    ("/v1/accounts/{0}/entries?limit=0", 422), ("/v1/accounts/{0}/entries?cursor=-1", 422),
    ("/v1/accounts/{0}/entries?cursor=99999999999999999999", 422), ("/v1/transfers", 422),
    ("/v1/transfers?debit={0}", 422), ("/v1/transfers?key=k", 422), ("/v1/transfers?debit=x&key=k", 422),
    ("/v1/transfers?debit={0}&key=k&x=1", 422), ("/v1/transfers/1?x=1", 422),
]  # fmt: skip


@pytest.mark.parametrize("path, status", QUERIES)
def test_a_query_that_is_not_understood_is_refused(admin, pair, path, status):
    code = {400: "bad_request", 404: "not_found", 422: "invalid_request"}[status]
    check_problem(admin.get(path.format(*pair)), status, code)


NUMBERS = [
    ("/v1/accounts/{0}/entries?counterparty=", 1), ("/v1/transfers?key=k&debit=", 1), ("/v1/holds?account=", 1),
    ("/v1/accounts/{0}/entries?min_amount=", 0), ("/v1/accounts/{0}/entries?max_amount=", 0),
]  # fmt: skip


@pytest.mark.parametrize("path, lowest", NUMBERS)
def test_a_number_in_a_query_is_what_its_refusal_says(admin, pair, path, lowest):
    path = path.format(*pair)
    for number in lowest, HIGHEST:
        assert admin.get(path + str(number)).status in (200, 404), number
    for wrong in "", lowest - 1, HIGHEST + 1, "01", "%2B1", "1.0", "1e2", "9" * 400:
        problem = check_problem(admin.get(path + str(wrong)), 422, "invalid_request")
        assert f" from {lowest} to {HIGHEST}, in digits without a leading zero" in problem["detail"], wrong


def test_a_query_of_a_request_that_has_none_is_refused(admin, pair, still):
    for path, operations in api_description.DOCUMENT["paths"].items():
        for method in {"post", "patch", "delete"} & set(operations):
            if "security" not in operations[method]:  # those of browsers are refused earlier
                path = path.replace("{id}", pair[0]) + "?dry_run=true"
                reply = admin.request(method.upper(), path, transfer_body(pair), {"Idempotency-Key": new_key()})
                assert "dry_run" in check_problem(reply, 422, "invalid_request")["detail"]
    assert admin.post("/v1/transfers?", transfer_body(pair, "1001"), new_key()).code == "insufficient_funds"


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80"])
@pytest.mark.parametrize("path", ["/v1/accounts?name={}", "/v1/transfers?debit=1&key={}"])
def test_a_text_that_the_ledger_cannot_hold_is_no_fault_of_the_gateway(admin, path, text):
    assert admin.get(path.format(text)).status in (400, 404, 422)


@pytest.mark.parametrize("path", ["/v1/accounts?", "/v1/accounts/{0}?", "/v1/accounts/{0}/balance?", "/v1/accounts?limit=5&"])
def test_an_empty_query_is_no_query(admin, pair, path):
    assert admin.get(path.format(*pair)).status == 200


@pytest.mark.parametrize("path", ["/v1/accounts/{}", "/v1/accounts/{}/balance", "/v1/accounts/{}/entries", "/v1/transfers/{}"])
def test_an_unknown_id_in_the_path_is_404(admin, path):
    for unknown in UNKNOWN, "0", "x", "-1", "01", str(HIGHEST + 1), "9" * 300, "1x", "1%20", "%00", "%C3%A9":
        check_problem(admin.get(path.format(unknown)), 404, "not_found")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v2/accounts", "/v1/accounts/", "/v1/accounts//balance", "/v1/accounts/1/",
                                  "/v1/accounts/1/balance/", "/v1/accounts/1/2/balance", "/V1/accounts", "/v1/transfers:x"])  # fmt: skip
def test_a_path_without_a_route_is_404(admin, path):
    check_problem(admin.get(path), 404, "not_found")


@pytest.mark.parametrize("path, allowed", [
    ("/v1/accounts", {"GET", "POST"}), ("/v1/accounts/1", {"GET", "PATCH"}), ("/v1/accounts/1/balance", {"GET"}),
    ("/v1/accounts/1/entries", {"GET"}), ("/v1/balances:query", {"POST"}), ("/v1/transfers", {"GET", "POST"}),
    ("/v1/transfers/1", {"GET"}), ("/v1/transfers:batch", {"POST"}), ("/v1/top-ups", {"POST"}), ("/v1/holds", {"GET", "POST"}),
        ("/v1/holds/1:capture", {"POST"}), ("/v1/holds/1:void", {"POST"}), ("/v1/transfers/1:reverse", {"POST"}), ("/v1/transfers/1:refund", {"POST"}),
        ("/v1/transfers:preview", {"POST"}), ("/v1/accounts/1/summary", {"GET"}), ("/v1/events", {"GET"}), ("/v1/me", {"GET", "PATCH"}), ("/v1/config", {"GET"}),
        ("/openapi.json", {"GET"}), ("/v1/me/sessions", {"GET", "DELETE"}), ("/v1/me/sessions/1", {"DELETE"}), ("/v1/me/export", {"GET"}),
        ("/v1/recipients", {"GET"}), ("/v1/recipients:resolve", {"POST"}), ("/auth/login", {"GET"}), ("/auth/logout", {"POST"}),
])  # fmt: skip
def test_other_methods_are_405_with_what_is_allowed(admin, path, allowed):
    for method in {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "get"} - allowed:
        reply = admin.request(method, path)
        check_problem(reply, 405, "method_not_allowed")
        assert set(reply.headers["Allow"].split(", ")) == allowed


# Refusals of the ledger


def test_insufficient_funds_tells_balance_and_required(admin, ledger):
    payer, payee = ledger.open_accounts(10, 0)
    problem = check_problem(admin.transfer(payer, [(payee, 4), (payee, 7)]), 422, "insufficient_funds")
    assert (problem["account"], problem["balance"], problem["required"]) == (payer, 10, 11)
    assert ledger.state(payer, payee) == [(10, 1), (0, 0)]


def test_the_ledgers_refusals_keep_their_codes_and_name_the_account(admin, ledger):
    payer, payee, full = *ledger.open_accounts(100, 0), ledger.open_account(max_balance=50)
    euro = ledger.open_account(currency="EUR")
    admin.transfer(payer, [(payee, 1)], "used")
    for code, account, debit, credits, key in [
        ("account_not_found", UNKNOWN, UNKNOWN, [(payee, 1)], None),
        ("account_not_found", UNKNOWN, payer, [(payee, 1), (UNKNOWN, 1)], None),
        ("same_account", payer, payer, [(payee, 1), (payer, 1)], None),
        ("currency_mismatch", euro, payer, [(euro, 1)], None),
        ("balance_limit", full, payer, [(full, 51)], None),
        ("key_reused", payer, payer, [(payee, 2)], "used"),
        ("key_reused", payer, payer, [(payee, 1), (payee, 1)], "used"),
    ]:
        problem = check_problem(admin.transfer(debit, credits, key), 422, code)
        assert problem["account"] == account, code
    for members in {"description": "x"}, {"metadata": {}}, {"metadata": {"a": 1}}:
        check_problem(admin.transfer(payer, [(payee, 1)], "used", **members), 422, "key_reused")
    assert ledger.state(payer, payee, full, euro) == [(99, 2), (1, 1), (0, 0), (0, 0)]
    for body, code in (({"account": UNKNOWN, "amount": 1}, "account_not_found"), ({"account": full, "amount": 51}, "balance_limit")):
        check_problem(admin.post("/v1/top-ups", body, new_key()), 422, code)


@pytest.mark.parametrize("body", [{"currency": "XXX"}, {"currency": ""}, {"currency": "usd"}, {"name": ""}, {"owner": ""}, {"min_balance": 1},
                                  {"max_balance": (1 << 62) + 1}, {"min_balance": -(1 << 62) - 1}, {"name": "funding/USD"}])  # fmt: skip
def test_accounts_that_the_ledger_does_not_open_are_refused(admin, body):
    reply = admin.post("/v1/accounts", body)
    check_problem(reply, 422, "invalid_request")
    assert reply.pointers == [f"/{member}" for member in body]


def test_a_poisoned_request_among_fifty_good_ones_hurts_only_itself(admin, ledger):
    payer, payee = ledger.open_accounts(50, 0)
    bodies = [(201, transfer_body((payer, payee), top=f',"description":"{i}"')) for i in range(50)]
    bodies += [(422, transfer_body((payer, payee), top=f',"metadata":{metadata}')) for metadata in METADATA]
    bodies += [(400, body) for body in MALFORMED[:10]]
    bodies += [(422, transfer_body((payer, payee), str(HIGHEST))), (422, transfer_body((payer, UNKNOWN)))]
    start = threading.Barrier(len(bodies))
    statuses = [None] * len(bodies)

    def send(i):
        client = Client(admin.key)
        client.get("/v1/accounts?limit=1")
        start.wait()
        statuses[i] = client.post("/v1/transfers", bodies[i][1], new_key()).status
        client.close()

    threads = [threading.Thread(target=send, args=[i]) for i in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [status for status, _ in bodies]
    assert ledger.state(payer, payee) == [(0, 51), (50, 50)]
