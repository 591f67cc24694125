"""What every endpoint answers when all is well: status, headers and the whole body."""

import concurrent.futures
import json
import re
from urllib.parse import quote

import pytest
from http_client import Client, admin, as_answered, ledger, new_key  # noqa: F401 (fixtures)

HIGHEST = (1 << 63) - 1
LOWEST = -(1 << 63)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
NOT_YET = {"hold": None, "reverses": None, "reversed_by": None, "expires_at": None}


def leg(account, amount, balance, version):
    return {"account": account, "amount": amount, "balance": balance, "version": version}


def check_headers(reply, status, cache="no-store", content_type="application/json"):
    assert reply.status == status, reply
    assert reply.headers["Content-Type"] == content_type
    assert reply.headers["Cache-Control"] == cache
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Date" in reply.headers


# Accounts


def test_opening_an_account_answers_201_with_the_account_and_its_place(admin):
    name = f"Ann Søren {new_key()}"
    reply = admin.post(
        "/v1/accounts",
        {"name": name, "currency": "EUR", "min_balance": -500, "max_balance": 1 << 62,
         "metadata": {"b": 1, "a": [None, True, "é\"\\\n"]}, "owner": "somebody"},
    )  # fmt: skip
    check_headers(reply, 201)
    account = reply.json
    assert reply.headers["Location"] == f"/v1/accounts/{account['id']}"
    assert TIME.fullmatch(account.pop("opened_at"))
    assert re.fullmatch("[1-9][0-9]{0,18}", account["id"])
    assert account == {
        "id": account["id"], "name": name, "currency": "EUR", "balance": 0, "held": 0, "available": 500,
        "min_balance": -500, "max_balance": 1 << 62, "status": "open", "version": 0,
        "metadata": {"a": [None, True, "é\"\\\n"], "b": 1},
    }  # fmt: skip


def test_an_account_without_members_has_the_defaults_and_is_a_new_one_each_time(admin):
    first, second = admin.post("/v1/accounts", {}), admin.post("/v1/accounts", {"name": None, "currency": None})
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]
    for reply in first, second:
        wanted = {"name": None, "currency": "USD", "min_balance": 0, "max_balance": None, "metadata": {}}
        assert {member: reply.json[member] for member in wanted} == wanted


def test_null_min_balance_is_no_floor(admin):
    account = admin.post("/v1/accounts", {"min_balance": None}).json
    assert (account["min_balance"], account["available"]) == (None, None)


def test_the_same_named_account_again_answers_200_and_other_content_409(admin):
    body = {"name": new_key(), "currency": "USD", "min_balance": -1, "max_balance": 9,
            "metadata": {"a": 1, "b": 2}, "owner": "o"}  # fmt: skip
    first = admin.post("/v1/accounts", body)
    again = admin.post("/v1/accounts", {**body, "metadata": {"b": 2.0, "a": 1}})
    assert (first.status, again.status) == (201, 200)
    assert (again.body, again.headers["Location"]) == (first.body, first.headers["Location"])
    for change in (
        {"currency": "EUR"}, {"min_balance": 0}, {"min_balance": None}, {"max_balance": 8},
        {"max_balance": None}, {"metadata": {}}, {"owner": "p"}, {"owner": None},
    ):  # fmt: skip
        other = admin.post("/v1/accounts", {**body, **change})
        assert (other.status, other.code) == (409, "name_taken"), change


def test_an_account_is_found_by_id_and_by_name(admin):
    name = f"a b+c&d=e%f/ü {new_key()}"
    opened = admin.post("/v1/accounts", {"name": name})
    by_id = admin.get(f"/v1/accounts/{opened.json['id']}")
    check_headers(by_id, 200, cache="private, no-cache")
    assert by_id.body == opened.body
    by_name = admin.get("/v1/accounts?name=" + quote(name, safe=""))
    assert (by_name.status, by_name.body) == (200, opened.body)


def test_accounts_are_listed_page_by_page_in_order_without_gaps(admin, ledger):
    ids = ledger.open_accounts(*[0] * 5)
    caller = Client(ledger.api_key("admin", accounts=ids))
    page, seen = caller.get("/v1/accounts?limit=2").json, []
    while True:
        seen += [account["id"] for account in page["data"]]
        if not page["has_more"]:
            break
        page = caller.get(f"/v1/accounts?limit=2&cursor={page['next_cursor']}").json
    assert seen == ids
    assert page["next_cursor"] is None
    assert page["data"][0] == admin.get(f"/v1/accounts/{ids[4]}").json
    first = admin.get("/v1/accounts?limit=1000").json
    assert [account["id"] for account in first["data"]] == sorted((account["id"] for account in first["data"]), key=int)


# Balances


def test_a_balance_has_an_etag_that_answers_304_until_it_changes(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    path = f"/v1/accounts/{payer}/balance"
    reply = admin.get(path)
    check_headers(reply, 200, cache="private, no-cache")
    assert reply.json == {
        "account": payer, "currency": "USD", "balance": 100, "held": 0, "available": 100, "version": 1,
    }  # fmt: skip
    etag = reply.headers["ETag"]
    assert re.fullmatch('"[^"]+"', etag)
    for condition in etag, f'"other", {etag}', f"W/{etag}", "*":
        same = admin.get(path, If_None_Match=condition)
        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", etag), condition
        assert same.headers["Cache-Control"] == "private, no-cache"
    for condition in '"other"', etag[:-2] + '"', etag[1:-1][::-1], "":
        assert admin.get(path, If_None_Match=condition).status == 200, condition
    assert admin.transfer(payer, [(payee, 1)]).status == 201
    changed = admin.get(path, If_None_Match=etag)
    assert (changed.status, changed.json["balance"]) == (200, 99)
    assert changed.headers["ETag"] != etag


def test_an_account_has_an_etag_too(admin, ledger):
    (account,) = ledger.open_accounts(5)
    etag = admin.get(f"/v1/accounts/{account}").headers["ETag"]
    assert admin.get(f"/v1/accounts/{account}", If_None_Match=etag).status == 304
    ledger.execute("select tokpay.top_up(%s, 1)", [account])
    assert admin.get(f"/v1/accounts/{account}", If_None_Match=etag).status == 200


def test_balances_are_answered_in_the_order_asked_with_nulls_for_unknown_accounts(admin, ledger):
    a, b = ledger.open_accounts(7, 0)
    reply = admin.post("/v1/balances:query", {"accounts": [b, str(HIGHEST), a, b]})
    check_headers(reply, 200)
    unknown = dict.fromkeys(["currency", "balance", "held", "available", "version"])
    of_a, of_b = (admin.get(f"/v1/accounts/{account}/balance").json for account in (a, b))
    assert reply.json == {"balances": [of_b, {"account": str(HIGHEST), **unknown}, of_a, of_b]}


def test_ten_thousand_balances_are_one_query(admin, ledger):
    (account,) = ledger.open_accounts(3)
    reply = admin.post("/v1/balances:query", {"accounts": [account] * 10000})
    assert [balance["balance"] for balance in reply.json["balances"]] == [3] * 10000


# Transfers


def test_a_transfer_to_three_accounts_answers_201_with_every_new_balance(admin, ledger):
    payer, a, b, c = ledger.open_accounts(100, 0, 5, 0)
    key = new_key()
    reply = admin.transfer(payer, [(c, 1), (a, 20), (b, 30)], key, description="Résumé", metadata={"order": 7})
    check_headers(reply, 201)
    transfer = reply.json
    assert reply.headers["Location"] == f"/v1/transfers/{transfer['id']}"
    assert "Idempotency-Replayed" not in reply.headers
    assert TIME.fullmatch(transfer.pop("at"))
    assert transfer == {
        "id": transfer["id"], "kind": "transfer", "status": "posted", "currency": "USD", "amount": 51,
        "description": "Résumé", "metadata": {"order": 7}, "key": key,
        "debit": leg(payer, 51, 49, 2),
        "credits": [leg(c, 1, 1, 1), leg(a, 20, 20, 1), leg(b, 30, 35, 2)], **NOT_YET,
    }  # fmt: skip
    assert ledger.state(payer, a, b, c) == [(49, 2), (20, 1), (35, 2), (1, 1)]


def test_an_account_credited_twice_has_two_legs_and_two_versions(admin, ledger):
    payer, payee = ledger.open_accounts(10, 0)
    transfer = admin.transfer(payer, [(payee, 3), (payee, 4)]).json
    assert transfer["credits"] == [leg(payee, 3, 3, 1), leg(payee, 4, 7, 2)]
    assert (transfer["description"], transfer["metadata"]) == (None, None)


def test_a_replay_is_200_with_the_same_bytes_whatever_the_metadata_order_and_the_balances_now(admin, ledger):
    payer, payee = ledger.open_accounts(1000, 0)
    template = '{{"credits": [{{"amount": 5, "account": "{payee}"}}], "metadata": {metadata}, "debit": "{payer}"}}'
    spellings = [
        '{"b": 1.0, "a": {"y": [1, 2], "x": 1e2}}', '{"a":{"x":100,"y":[1,2]},"b":1}',
        '{"\\u0061": {"x": 1.00E+2, "y": [1, 2.0]}, "b": 10e-1}',
    ]  # fmt: skip
    bodies = [template.format(payer=payer, payee=payee, metadata=metadata) for metadata in spellings]
    first = admin.post("/v1/transfers", bodies[0], key="a key")
    assert first.status == 201
    for body, key in zip(bodies * 2, ['"a key"', "a key", " a key ", "a key", '"a key"', "a key"], strict=True):
        admin.transfer(payer, [(payee, 7)])
        replay = admin.post("/v1/transfers", body, key=key)
        check_headers(replay, 200)
        assert replay.headers["Idempotency-Replayed"] == "true"
        assert (replay.body, replay.headers["Location"]) == (first.body, first.headers["Location"])
    assert ledger.state(payer) == [(1000 - 5 - 6 * 7, 1 + 1 + 6)]


def test_int64_extremes_are_exact(admin, ledger):
    low, high, third = (ledger.open_account(min_balance=None, currency="JPY") for _ in range(3))
    transfer = admin.transfer(low, [(high, HIGHEST)])
    assert transfer.status == 201 and b": " not in transfer.body
    assert transfer.json["debit"] == leg(low, HIGHEST, -HIGHEST, 1)
    assert transfer.json["credits"] == [leg(high, HIGHEST, HIGHEST, 1)]
    assert admin.transfer(low, [(third, 1)]).json["debit"]["balance"] == LOWEST
    over = admin.transfer(third, [(high, 1)])
    assert (over.status, over.code) == (422, "amount_overflow")
    under = admin.transfer(low, [(third, 1)])
    assert (under.status, under.code) == (422, "amount_overflow")
    assert admin.get(f"/v1/accounts/{low}/balance").json["balance"] == LOWEST
    assert admin.get(f"/v1/accounts/{high}").json["balance"] == HIGHEST
    assert admin.get(f"/v1/accounts/{high}/entries").json["data"][0]["amount"] == HIGHEST


def test_a_sum_of_credits_beyond_int64_is_refused(admin, ledger):
    source, a, b = (ledger.open_account(min_balance=None, currency="JPY") for _ in range(3))
    reply = admin.transfer(source, [(a, HIGHEST), (b, 1)])
    assert (reply.status, reply.code) == (422, "amount_overflow")
    assert ledger.state(source, a, b) == [(0, 0)] * 3


def test_big_numbers_in_metadata_stay_exact(admin, ledger):
    payer, payee = ledger.open_accounts(1, 0)
    number = "123456789012345678901234567890.123456789012345678901234567890"
    body = '{"debit":"%s","credits":[{"account":"%s","amount":1}],"metadata":{"n":%s,"i":%s}}'
    reply = admin.post("/v1/transfers", body % (payer, payee, number, 10**90 + 1), key="k")
    assert reply.status == 201
    assert f'"n": {number}'.encode() in reply.body and f'"i": {10**90 + 1}'.encode() in reply.body


def test_a_transfer_is_found_by_id_and_by_key(admin, ledger):
    payer, payee = ledger.open_accounts(10, 0)
    key = "k &=+%/?" + new_key()
    posted = admin.transfer(payer, [(payee, 4)], key, metadata={"a": 1})
    path = f"/v1/transfers/{posted.json['id']}"
    query = f"/v1/transfers?debit={payer}&key={quote(key, safe='')}"
    for reply in admin.get(path), admin.get(query):
        check_headers(reply, 200)
        assert as_answered(reply) == posted.json
    for other in f"debit={payee}&key={quote(key, safe='')}", f"debit={payer}&key=other":
        reply = admin.get(f"/v1/transfers?{other}")
        assert (reply.status, reply.code) == (404, "not_found")
        assert "may still be" in reply.json["detail"]


def test_sql_and_http_share_one_key_space(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    by_sql = ledger.value(
        "select transfer from tokpay.transfer(%s, array[%s]::bigint[], array[9], 'shared', 'd', '{\"m\": 1}')",
        [payer, payee],
    )
    replay = admin.transfer(payer, [(payee, 9)], "shared", description="d", metadata={"m": 1})
    assert (replay.status, replay.json["id"]) == (200, str(by_sql))
    assert replay.json == as_answered(admin.get(f"/v1/transfers/{by_sql}"))
    by_http = admin.transfer(payer, [(payee, 2)], "shared too").json["id"]
    repeated = ledger.execute(
        "select transfer, replayed from tokpay.transfer(%s, array[%s]::bigint[], array[2], 'shared too')",
        [payer, payee],
    )
    assert repeated == [(int(by_http), True)]
    assert ledger.state(payer) == [(89, 3)]


def test_a_top_up_comes_from_the_funding_account_once_per_key(admin, ledger):
    account = ledger.open_account(currency="EUR")
    funding = str(ledger.value("select tokpay.account_id('funding/EUR')"))
    ((before, version),) = ledger.state(funding)
    key = new_key()
    body = {"account": account, "amount": 250}
    first, replay = admin.post("/v1/top-ups", body, key), admin.post("/v1/top-ups", body, key)
    check_headers(first, 201)
    check_headers(replay, 200)
    assert (replay.body, replay.headers["Idempotency-Replayed"]) == (first.body, "true")
    assert first.headers["Location"] == replay.headers["Location"] == f"/v1/transfers/{first.json['id']}"
    top_up = first.json
    assert TIME.fullmatch(top_up.pop("at"))
    assert top_up == {
        "id": top_up["id"], "kind": "top_up", "status": "posted", "currency": "EUR", "amount": 250,
        "description": None, "metadata": None, "key": f"top_up/{account}/{key}",
        "debit": leg(funding, 250, before - 250, version + 1), "credits": [leg(account, 250, 250, 1)], **NOT_YET,
    }  # fmt: skip
    other = admin.post("/v1/top-ups", {"account": account, "amount": 251}, key)
    assert (other.status, other.code) == (422, "key_reused")
    assert ledger.state(account) == [(250, 1)]


def test_a_batch_has_one_result_per_transfer_in_order(admin, ledger):
    a, b, c = ledger.open_accounts(100, 0, 0)

    def item(key, debit, credit, amount, **members):
        return {"key": key, "debit": debit, "credits": [{"account": credit, "amount": amount}], **members}

    reply = admin.post(
        "/v1/transfers:batch",
        {"transfers": [
            item("1", a, b, 60, metadata={"b": 1, "a": 2}), item("2", a, c, 50), item("3", b, c, 60),
            item("1", a, b, 60, metadata={"a": 2, "b": 1}), item("1", a, b, 61), item("4", a, str(HIGHEST), 1),
            item("5", a, a, 1), item("6", c, a, 60, description="back", chain=None),
        ]},
    )  # fmt: skip
    check_headers(reply, 200)
    results = reply.json["results"]
    assert [(result["code"], result["replayed"]) for result in results] == [
        ("ok", False), ("insufficient_funds", False), ("ok", False), ("ok", True), ("key_reused", False),
        ("account_not_found", False), ("same_account", False), ("ok", False),
    ]  # fmt: skip
    for result in results:
        assert set(result) == {"code", "replayed", "transfer", "account", "balance", "required", "available", "detail"}
        assert (result["transfer"] is None) == (result["code"] != "ok") == (result["detail"] is not None)
    assert results[0]["transfer"] == results[3]["transfer"]
    assert results[0]["transfer"] == as_answered(admin.get(f"/v1/transfers/{results[0]['transfer']['id']}"))
    assert results[0]["transfer"]["debit"] == leg(a, 60, 40, 2)
    assert (results[1]["account"], results[1]["balance"], results[1]["required"], results[1]["available"]) == (a, 40, 50, 100)
    assert results[5]["account"] == str(HIGHEST)
    assert ledger.state(a, b, c) == [(100, 3), (0, 2), (0, 2)]


def test_a_chain_succeeds_or_fails_as_one(admin, ledger):
    a, b = ledger.open_accounts(100, 0)

    def codes(*items):
        transfers = [
            {"key": key, "debit": debit, "credits": [{"account": credit, "amount": amount}], "chain": chain}
            for key, debit, credit, amount, chain in items
        ]
        return [result["code"] for result in admin.post("/v1/transfers:batch", {"transfers": transfers}).json["results"]]

    assert codes(("1", a, b, 60, 7), ("2", b, a, 70, 7), ("3", a, b, 1, None)) == [
        "chain_failed", "insufficient_funds", "ok",
    ]  # fmt: skip
    assert codes(("1", a, b, 60, -7), ("2", b, a, 50, -7)) == ["ok", "ok"]
    assert codes(("4", a, b, 1, 1), ("5", a, b, 1, None), ("6", a, b, 1, 1)) == [
        "invalid_request", "ok", "invalid_request",
    ]  # fmt: skip
    assert ledger.state(a, b) == [(88, 5), (12, 4)]


def test_chains_of_clients_that_arrive_together_stay_apart(admin, ledger):
    accounts = [ledger.open_accounts(100, 0) for _ in range(24)]

    def batch(pair, amount):
        payer, payee = pair
        items = [(payer, payee, 10), (payer, payee, amount)]
        return {"transfers": [
            {"key": new_key(), "debit": debit, "credits": [{"account": credit, "amount": sum_}], "chain": 1}
            for debit, credit, sum_ in items
        ]}  # fmt: skip

    def send(i):
        reply = Client(admin.key).post("/v1/transfers:batch", batch(accounts[i], 1000 if i % 2 else 20))
        return [result["code"] for result in reply.json["results"]]

    with concurrent.futures.ThreadPoolExecutor(len(accounts)) as pool:
        for _ in range(3):
            for i, codes in enumerate(pool.map(send, range(len(accounts)))):
                assert codes == (["chain_failed", "insufficient_funds"] if i % 2 else ["ok", "ok"])


def test_the_largest_batch_is_executed_once_and_replayed_whole(admin, ledger):
    payer, payee = ledger.open_accounts(10000, 0)
    prefix = new_key()
    body = {"transfers": [
        {"key": f"{prefix}/{i}", "debit": payer, "credits": [{"account": payee, "amount": 1}]} for i in range(10000)
    ]}  # fmt: skip
    first, replay = admin.post("/v1/transfers:batch", body), admin.post("/v1/transfers:batch", body)
    assert [result["code"] for result in first.json["results"]] == ["ok"] * 10000
    assert replay.body == first.body.replace(b'"replayed":false', b'"replayed":true')
    assert ledger.state(payer, payee) == [(0, 10001), (10000, 10000)]


# Entries


def test_entries_are_newest_first_with_running_balances(admin, ledger):
    payer, a, b = ledger.open_accounts(100, 0, 0)
    transfer = admin.transfer(payer, [(a, 10), (b, 20)], description="d", metadata={"m": 1}).json
    reply = admin.get(f"/v1/accounts/{payer}/entries")
    check_headers(reply, 200)
    newest, oldest = reply.json["data"]
    parties = [{"account": account, "display_name": None} for account in (a, b)]
    assert newest == {
        "version": 2, "transfer": transfer["id"], "amount": -30, "balance": 70, "kind": "transfer",
        "counterparties": [a, b], "parties": parties, "description": "d", "metadata": {"m": 1}, "at": transfer["at"],
    }  # fmt: skip
    assert (oldest["version"], oldest["amount"], oldest["balance"], oldest["kind"]) == (1, 100, 100, "top_up")
    assert (reply.json["has_more"], reply.json["next_cursor"]) == (False, None)
    (credit,) = admin.get(f"/v1/accounts/{b}/entries").json["data"]
    assert (credit["amount"], credit["counterparties"], credit["metadata"]) == (20, [payer], {"m": 1})


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 1000])
def test_pages_of_entries_make_the_whole_history(admin, ledger, limit):
    payer, payee = ledger.open_accounts(100, 0)
    for amount in range(1, 7):
        admin.transfer(payer, [(payee, amount)])
    path, seen, pages = f"/v1/accounts/{payee}/entries?limit={limit}", [], 0
    cursor = ""
    while cursor is not None:
        page = admin.get(path + cursor).json
        assert page["has_more"] == (page["next_cursor"] is not None)
        seen += page["data"]
        pages += 1
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert [entry["amount"] for entry in seen] == [6, 5, 4, 3, 2, 1]
    assert [entry["version"] for entry in seen] == [6, 5, 4, 3, 2, 1]
    assert pages == -(-6 // limit)


def test_an_empty_history_is_an_empty_page(admin, ledger):
    reply = admin.get(f"/v1/accounts/{ledger.open_account()}/entries")
    assert reply.json == {"data": [], "has_more": False, "next_cursor": None}


def test_replies_are_one_json_text_without_surprises(admin, ledger):
    """Duplicate members or floating point would be lost on a client."""

    def no_float(text):
        raise AssertionError(f"{text} is no integer")

    def no_duplicates(pairs):
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    payer, payee = ledger.open_accounts(10, 0)
    admin.transfer(payer, [(payee, 1)])
    for path in ("/v1/accounts", f"/v1/accounts/{payer}", f"/v1/accounts/{payer}/entries", "/v1/accounts/0"):
        json.loads(Client(admin.key).get(path).body, parse_float=no_float, object_pairs_hook=no_duplicates)
