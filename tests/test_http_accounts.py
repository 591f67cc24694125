"""What an account is, was and did over HTTP: changes, the past, search, exports, sums, previews, the caller."""

import csv
import io
import json
import re
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from http_client import UNKNOWN, Client, admin, ledger, new_key  # noqa: F401 (fixtures)



def refusal(reply):
    return reply.status, reply.code


def entries(client, account, query=""):
    reply = client.get(f"/v1/accounts/{account}/entries{query}")
    assert reply.status == 200, reply
    return reply.json


# Changes


PATCHES = [  # one after another: what is sent, what then differs
    ({"min_balance": -50}, {"min_balance": -50, "available": 60}),
    ({"max_balance": 100, "min_balance": -5}, {"max_balance": 100, "min_balance": -5, "available": 15}),
    ({"metadata": {"a": {"b": 1, "c": [1, None]}, "d": "x"}}, {"metadata": {"a": {"b": 1, "c": [1, None]}, "d": "x"}}),
    ({"metadata": {"a": {"b": None, "e": 2}, "d": None, "f": None}}, {"metadata": {"a": {"c": [1, None], "e": 2}}}),
    ({"metadata": {"a": [1]}}, {"metadata": {"a": [1]}}),
    ({"metadata": None}, {"metadata": {}}),
    ({"min_balance": None}, {"min_balance": None, "available": None}),
    ({"max_balance": None, "min_balance": 0}, {"max_balance": None, "min_balance": 0, "available": 10}),
    ({"status": "frozen"}, {"status": "frozen"}),
    ({"status": "frozen", "metadata": {"why": "asked"}}, {"metadata": {"why": "asked"}}),
    ({"status": "open"}, {"status": "open"}),
    ({}, {}),
]


def test_a_merge_patch_changes_what_it_names(admin, ledger):
    (account,) = ledger.open_accounts(10)
    path = f"/v1/accounts/{account}"
    before = admin.get(path).json
    for patch, differs in PATCHES:
        reply = admin.patch(path, patch)
        assert (reply.status, reply.json) == (200, {**before, **differs}), patch
        read = admin.get(path)
        assert (read.body, read.headers["ETag"]) == (reply.body, reply.headers["ETag"])
        before = reply.json


def test_a_frozen_account_pays_nobody_until_it_is_open_again(admin, ledger):
    payer, payee = ledger.open_accounts(10, 0)
    admin.patch(f"/v1/accounts/{payer}", {"status": "frozen"})
    assert refusal(admin.transfer(payer, [(payee, 1)])) == (422, "account_frozen")
    admin.patch(f"/v1/accounts/{payer}", {"status": "open"})
    assert admin.transfer(payer, [(payee, 10)]).status == 201
    assert admin.patch(f"/v1/accounts/{payer}", {"status": "closed"}).json["status"] == "closed"
    for patch in {"status": "open"}, {"status": "frozen"}, {"min_balance": -1}:
        assert refusal(admin.patch(f"/v1/accounts/{payer}", patch)) == (422, "account_closed")


def test_metadata_that_sql_has_written_may_be_anything(admin, ledger):
    """The description of replies says so."""
    payer, payee = ledger.open_accounts(5, 0)
    ledger.execute("select tokpay.set_metadata(%s, '[1]')", [payer])
    ((transfer,),) = ledger.execute("select transfer from tokpay.transfer(%s, array[%s::bigint], '{1}', metadata => '1')", [payer, payee])
    assert admin.get(f"/v1/accounts/{payer}").json["metadata"] == [1]
    assert admin.get(f"/v1/transfers/{transfer}").json["metadata"] == 1
    assert admin.get(f"/v1/accounts/{payer}/entries").json["data"][0]["metadata"] == 1


@pytest.mark.parametrize("patch, code", [
    ({"max_balance": 9}, "balance_limit"), ({"min_balance": 11}, "balance_limit"), ({"status": "closed"}, "account_in_use"),
    ({"max_balance": (1 << 62) + 1}, "invalid_request"),
])  # fmt: skip
def test_a_patch_happens_whole_or_not_at_all(admin, ledger, patch, code):
    (account,) = ledger.open_accounts(10)
    before = admin.get(f"/v1/accounts/{account}")
    reply = admin.patch(f"/v1/accounts/{account}", {"metadata": {"a": 1}, **patch})
    assert refusal(reply) == (422, code)
    assert admin.get(f"/v1/accounts/{account}").body == before.body


@pytest.mark.parametrize("patch, pointer", [
    ({"status": "gone"}, "/status"), ({"status": None}, "/status"), ({"status": 1}, "/status"), ({"status": ""}, "/status"), ({"min_balance": "0"}, "/min_balance"),
    ({"max_balance": 1.5}, "/max_balance"), ({"metadata": []}, "/metadata"), ({"metadata": {"a": "\0"}}, "/metadata/a"), ({"name": "x"}, "/name"),
    ({"balance": 5}, "/balance"), ({"owner": "x"}, "/owner"), ({"max_balance": (1 << 62) + 1}, "/max_balance"), ({"min_balance": -(1 << 62) - 1}, "/min_balance"),
])  # fmt: skip
def test_a_patch_of_something_else_is_pointed_at(admin, ledger, patch, pointer):
    reply = admin.patch(f"/v1/accounts/{ledger.open_account()}", patch)
    assert (refusal(reply), reply.pointers) == ((422, "invalid_request"), [pointer])


def test_if_match_changes_only_what_was_read(admin, ledger):
    account, payee = ledger.open_accounts(10, 0)
    path = f"/v1/accounts/{account}"
    etag = admin.get(path).headers["ETag"]
    first = admin.patch(path, {"metadata": {"n": 1}}, If_Match=etag)
    assert first.status == 200
    stale = admin.patch(path, {"metadata": {"n": 2}}, If_Match=etag)
    assert refusal(stale) == (412, "precondition_failed")
    admin.transfer(account, [(payee, 1)])  # every member of the body counts
    assert refusal(admin.patch(path, {"metadata": {"n": 3}}, If_Match=first.headers["ETag"])) == (412, "precondition_failed")
    etag = admin.get(path).headers["ETag"]
    for condition in f"W/{etag}", '"other"', etag.strip('"'):
        assert admin.patch(path, {}, If_Match=condition).status == 412, condition
    for condition in f'"other", {etag}', "*":
        assert admin.patch(path, {"metadata": None}, If_Match=condition).status == 200
        etag = admin.get(path).headers["ETag"]
    assert admin.patch(f"/v1/accounts/{UNKNOWN}", {}, If_Match="*").status == 404
    assert admin.get(path).json["metadata"] == {}


# The past


def test_a_balance_is_read_as_it_was(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    times = [admin.transfer(payer, [(payee, 10)]).json["at"] for _ in range(3)]
    path = f"/v1/accounts/{payee}/balance?at="
    for i, at in enumerate(times):
        reply = admin.get(path + at)
        assert reply.json == {"account": payee, "currency": "USD", "balance": 10 * (i + 1), "held": None, "available": None, "version": i + 1}
        assert admin.get(path + at, If_None_Match=reply.headers["ETag"]).status == 304
    before = datetime.fromisoformat(times[0].replace("Z", "+00:00")) - timedelta(microseconds=1)
    for at in before.isoformat(), "1999-12-31T23:59:59Z", "0001-01-01T00:00:00-23:59":
        assert (admin.get(path + quote(at)).json["balance"], admin.get(path + quote(at)).json["version"]) == (0, 0)
    east = datetime.fromisoformat(times[1].replace("Z", "+00:00")).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    assert admin.get(path + quote(east)).json["version"] == 2
    assert admin.get(path + east).json["version"] == 2  # its plus is a space to who decodes it
    assert admin.get(path + "2999-01-01t00:00:00.5z").json["version"] == 3


@pytest.mark.parametrize("at", ["", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
                                "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", "1767225600"])  # fmt: skip
def test_a_time_that_is_none_is_refused(admin, ledger, at):
    (account,) = ledger.open_accounts(1)
    for path in f"balance?at={at}", f"entries?from={at}", f"entries?to={at}", f"summary?from={at}":
        assert refusal(admin.get(f"/v1/accounts/{account}/{path}")) == (422, "invalid_request"), path


# Search


@pytest.fixture(scope="module")
def searched(admin, ledger):
    """(account, a, b, times): what came and went, newest first: +9 -8 -7 +6 -5 +100."""
    account, a, b = ledger.open_accounts(100, 1000, 0)
    steps = [(account, [(a, 5)], "Coffee à la carte"), (a, [(account, 6)], "refund COFFEE"), (account, [(b, 3), (a, 4)], None),
             (account, [(b, 8)], "100% _x\\"), (a, [(account, 9)], "")]  # fmt: skip
    times = [admin.transfer(debit, credits, description=description).json["at"] for debit, credits, description in steps]
    return account, a, b, times


SEARCHES = [  # query, amounts
    ("", [9, -8, -7, 6, -5, 100]), ("direction=in", [9, 6, 100]), ("direction=out", [-8, -7, -5]), ("q=coffee", [6, -5]), ("q=%C3%80 LA", [-5]),
    ("q=%25", [-8]), ("q=_", [-8]), ("q=%5C", [-8]), ("q=tea", []), ("min_amount=7", [9, -8, -7, 100]), ("max_amount=7", [-7, 6, -5]),
    ("min_amount=6&max_amount=8", [-8, -7, 6]), ("counterparty={a}", [9, -7, 6, -5]), ("counterparty={b}", [-8, -7]), ("counterparty={b}&q=x", [-8]),
    ("from={2}", [9, -8, -7]), ("to={2}", [6, -5, 100]), ("from={1}&to={3}", [-7, 6]), ("direction=out&counterparty={a}&max_amount=5", [-5]),
]  # fmt: skip


@pytest.mark.parametrize("query, amounts", SEARCHES)
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_entries_are_searched(admin, searched, query, amounts, limit):
    account, a, b, times = searched
    query = query.replace(" ", "%20").format(*times, a=a, b=b)
    found, cursor = [], ""
    while True:
        page = entries(admin, account, f"?limit={limit}&{query}{cursor}")
        assert len(page["data"]) <= limit
        found += [entry["amount"] for entry in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == amounts


def test_a_search_that_finds_little_goes_on_by_its_cursor(admin, ledger):
    account, payee = ledger.open_accounts(100000, 0)
    admin.transfer(account, [(payee, 1)], description="needle")
    ledger.execute(
        "select count(*) from (select tokpay.transfer_batch(array_agg(row(%s, array[%s::bigint], array[1::bigint], null, null, null, null)"
        "::tokpay.transfer_request)) from generate_series(1, 10000)) t",
        [account, payee],
    )
    ledger.execute("select tokpay.transfer(%s, array[%s::bigint], array[1::bigint])", [account, payee])
    page = entries(admin, account, "?q=needle")
    assert (page["data"], page["has_more"]) == ([], True)
    page = entries(admin, account, f"?q=needle&cursor={page['next_cursor']}")
    assert ([entry["description"] for entry in page["data"]], page["has_more"]) == (["needle"], False)


def test_a_search_that_finds_the_last_it_looks_at_goes_on(admin, ledger):
    account, payee = ledger.open_accounts(100000, 0)

    def pay(first, last):
        ledger.execute(
            "select count(*) from (select tokpay.transfer_batch(array_agg(row(%s, array[%s::bigint], array[1::bigint], null,"
            " case when i %% 5000 = 1 then 'needle' end, null, null)::tokpay.transfer_request order by i)) from generate_series(%s, %s) i) t",
            [account, payee, first, last],
        )

    pay(1, 7500)
    pay(7501, 15000)  # the newest is looked at first, and the 10,000th of them is a needle
    page = entries(admin, account, "?q=needle")
    assert (len(page["data"]), page["has_more"]) == (2, True)
    page = entries(admin, account, f"?q=needle&cursor={page['next_cursor']}")
    assert (len(page["data"]), page["has_more"]) == (1, False)
    exported = admin.get(f"/v1/accounts/{account}/entries?q=needle&format=csv").body.decode()
    assert exported.count("needle") == 3


def test_a_cursor_belongs_to_its_list(admin, searched):
    account, a, _, _ = searched
    cursor = entries(admin, account, "?limit=1&q=coffee")["next_cursor"]
    assert entries(admin, account, f"?limit=2&q=coffee&cursor={cursor}")["data"][0]["amount"] == -5
    for path in (f"{account}/entries?cursor={cursor}", f"{account}/entries?q=Coffee&cursor={cursor}", f"{a}/entries?q=coffee&cursor={cursor}",
                 f"{account}/entries?q=coffee&direction=in&cursor={cursor}", f"{account}/entries?q=coffee&cursor={cursor}0", f"{account}/entries?q=coffee&cursor=2"):  # fmt: skip
        assert refusal(admin.get(f"/v1/accounts/{path}")) == (422, "invalid_request"), path


@pytest.mark.parametrize("query", ["direction=both", "direction=", "min_amount=-1", "max_amount=x", "counterparty=0", "q=" + "x" * 201, "q=%00", "format=xml", "limit=1&limit=2"])
def test_a_search_that_is_none_is_refused(admin, searched, query):
    assert refusal(admin.get(f"/v1/accounts/{searched[0]}/entries?{query}")) == (422, "invalid_request")


# Exports


def rows(reply):
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = reply.body.decode()
    assert text.count("\r\n") == text.count("\n")
    return list(csv.reader(io.StringIO(text)))


def test_an_export_has_every_entry_as_the_pages_have_it(admin, searched):
    account = searched[0]
    head, *lines = rows(admin.get(f"/v1/accounts/{account}/entries?format=csv&limit=1"))
    assert head == ["at", "version", "transfer", "kind", "amount", "balance", "counterparties", "description"]
    assert lines == [
        [entry["at"], str(entry["version"]), entry["transfer"], entry["kind"], str(entry["amount"]), str(entry["balance"]),
         " ".join(entry["counterparties"]), entry["description"] or ""]
        for entry in entries(admin, account)["data"]
    ]  # fmt: skip
    accepted = admin.get(f"/v1/accounts/{account}/entries", Accept="text/csv")
    assert rows(accepted) == [head, *lines]
    assert accepted.headers["Content-Disposition"] == f'attachment; filename="entries-{account}.csv"'
    assert [line[4] for line in rows(admin.get(f"/v1/accounts/{account}/entries?format=csv&direction=in"))[1:]] == ["9", "6", "100"]
    assert admin.get(f"/v1/accounts/{account}/entries?format=json", Accept="text/csv").headers["Content-Type"] == "application/json"
    assert admin.get(f"/v1/accounts/{UNKNOWN}/entries?format=csv").status == 404


@pytest.mark.parametrize("accept, kind", [
    ("TEXT/CSV", "csv"), ("text/csv;q=0", "json"), ("text/csv; q=0.0, */*", "json"), ("application/json;q=0.5, text/csv;header=present;q=0.6", "csv"),
    ("text/csv;q=0.5, application/json", "json"), ("text/csv;q=0.5,*/*;q=0.1", "csv"), ("text/csv;q=0.5, */*", "json"), ("text/csv, application/json", "csv"),
    ("text/csvx", "json"), ("x/y;a=text/csv", "json"), ("", "json"), (" ,; , text/csv", "csv"),
])  # fmt: skip
def test_accept_says_whether_csv_is_wanted_more_than_json(admin, searched, accept, kind):
    reply = admin.get(f"/v1/accounts/{searched[0]}/entries?limit=1", Accept=accept)
    assert (reply.status, kind in reply.headers["Content-Type"]) == (200, True), reply.headers["Content-Type"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '"quoted", with comma', "two\nlines", "plain", "'", " =1", "x;=1", "＝1"])
def test_texts_in_an_export_are_no_formulas(admin, ledger, text):
    payer, payee = ledger.open_accounts(1, 0)
    admin.transfer(payer, [(payee, 1)], description=text)
    body = admin.get(f"/v1/accounts/{payee}/entries?format=csv").body.decode()
    (line,) = list(csv.reader(io.StringIO(body, newline="")))[1:]
    marked = re.sub(r"(^|[;\t\r\n])([=＝+@-])", r"\1'\2", text)
    assert line[-1] == ("'" + marked if text[0] in "\t\r\n" else marked)


def test_a_long_export_is_complete_and_in_order(admin, ledger):
    account, payee = ledger.open_accounts(100000, 0)
    for _ in range(3):
        ledger.execute(
            "select count(*) from (select tokpay.transfer_batch(array_agg(row(%s, array[%s::bigint], array[1::bigint], null, null, null, null)"
            "::tokpay.transfer_request)) from generate_series(1, 5000)) t",
            [account, payee],
        )
    lines = rows(admin.get(f"/v1/accounts/{payee}/entries?format=csv"))[1:]
    assert [int(line[1]) for line in lines] == list(range(15000, 0, -1))
    assert [int(line[5]) for line in lines] == list(range(15000, 0, -1))


# Sums


def test_a_summary_has_a_row_per_day_with_the_closing_balance(admin, searched):
    account, a, b, times = searched
    summary = admin.get(f"/v1/accounts/{account}/summary?by=counterparty").json
    assert len(summary["data"]) == 31
    assert [(row["in"], row["out"], row["closing"]) for row in summary["data"][:-1]] == [(0, 0, 0)] * 30
    today = summary["data"][-1]
    assert (today["in"], today["out"], today["closing"]) == (115, 20, 95)
    assert today["start"] == times[0][:10] + "T00:00:00.000000Z"
    assert [(party["in"], party["out"]) for party in summary["by"]] == [(100, 0), (15, 9), (0, 11)]
    assert [party["account"] for party in summary["by"][1:]] == [a, b]
    part = admin.get(f"/v1/accounts/{account}/summary?from={times[1]}&to={times[3]}").json
    assert [(row["in"], row["out"], row["closing"]) for row in part["data"]] == [(6, 7, 94)]
    assert part["by"] == []


@pytest.mark.parametrize("query, starts", [
    ("from=2026-03-28T12:00:00Z&to=2026-03-30T12:00:00Z&tz=Europe/Berlin", ["2026-03-27T23", "2026-03-28T23", "2026-03-29T22"]),
    ("from=2026-03-10T00:00:00Z&to=2026-03-17T00:00:00Z&bucket=week", ["2026-03-09T00", "2026-03-16T00"]),
    ("from=2026-01-31T23:30:00Z&to=2026-03-01T00:00:00Z&bucket=month", ["2026-01-01T00", "2026-02-01T00"]),
    ("from=2026-01-31T23:30:00Z&to=2026-03-01T00:00:00Z&bucket=month&tz=Asia/Tokyo", ["2026-01-31T15", "2026-02-28T15"]),
])  # fmt: skip
def test_buckets_begin_where_the_time_zone_has_them(admin, ledger, query, starts):
    summary = admin.get(f"/v1/accounts/{ledger.open_account()}/summary?{query}").json
    assert [row["start"][:13] for row in summary["data"]] == starts


@pytest.mark.parametrize("query", [
    "bucket=year", "by=kind", "tz=Nowhere/City", "tz=" + "x" * 65, "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=1", "to=0001-01-01T00:00:00Z&bucket=month", "from=0001-12-31T00:00:00Z&to=0002-01-02T00:00:00Z",
])  # fmt: skip
def test_a_summary_of_something_else_is_refused(admin, ledger, query):
    assert refusal(admin.get(f"/v1/accounts/{ledger.open_account()}/summary?{query}")) == (422, "invalid_request")


# Previews


def preview(client, debit, credits):
    legs = [{"account": account, "amount": amount} for account, amount in credits]
    reply = client.post("/v1/transfers:preview", {"debit": debit, "credits": legs})
    assert reply.status == 200, reply
    return reply.json


def test_a_preview_shows_names_total_and_balances_after(admin, ledger):
    name = new_key()
    payer, payee = ledger.open_account(100, name=name), ledger.open_account(5)
    seen = preview(admin, payer, [(payee, 10), (payee, 20)])
    assert seen == {
        "total": 30, "currency": "USD", "refusals": [],
        "debit": {"account": payer, "name": name, "currency": "USD", "amount": 30, "balance": 100, "available": 100, "balance_after": 70},
        "credits": [{"account": payee, "name": None, "currency": "USD", "amount": 30, "balance": 5, "available": 5, "balance_after": 35}],
    }  # fmt: skip
    assert ledger.state(payer, payee) == [(100, 1), (5, 1)]


def test_a_preview_has_every_refusal_at_once(admin, ledger):
    payer, frozen, closed, euro = ledger.open_account(10), ledger.open_account(), ledger.open_account(), ledger.open_account(currency="EUR")
    full, mint = ledger.open_account(max_balance=5), ledger.open_account(min_balance=None)
    ledger.execute("select tokpay.freeze(%s), tokpay.close(%s)", [frozen, closed])
    seen = preview(admin, payer, [(frozen, 1), (closed, 1), (euro, 1), (full, 6), (UNKNOWN, 1), (payer, 1)])
    assert {(one["code"], one["account"]) for one in seen["refusals"]} == {
        ("account_frozen", frozen), ("account_closed", closed), ("currency_mismatch", euro), ("balance_limit", full),
        ("account_not_found", UNKNOWN), ("same_account", payer), ("insufficient_funds", payer),
    }  # fmt: skip
    figures = {one["code"]: (one["balance"], one["required"], one["available"]) for one in seen["refusals"]}
    assert (figures["insufficient_funds"], figures["balance_limit"]) == ((10, 11, 10), (0, 6, 5 - 5))
    highest = (1 << 63) - 1
    assert [one["code"] for one in preview(admin, payer, [(full, highest), (frozen, highest)])["refusals"]].count("amount_overflow") == 1
    teller = Client(ledger.api_key("transfer"))
    assert [one["code"] for one in preview(teller, mint, [(payer, 1)])["refusals"]] == ["not_permitted"]
    assert preview(admin, mint, [(payer, 1)])["refusals"] == []
    teller.close()


@pytest.mark.parametrize("setup, code", [
    (None, None), ("select tokpay.freeze({0})", "account_frozen"), ("select tokpay.freeze({1})", "account_frozen"), ("select tokpay.set_limits({1}, 0, 5)", "balance_limit"),
    ("select tokpay.set_limits({0}, -5, null)", None), ("select tokpay.hold({0}, array[{1}], array[1::bigint])", "insufficient_funds"),
    ("select tokpay.hold({0}, array[{1}], array[1::bigint], expires_in => '1 millisecond')", None),
])  # fmt: skip
def test_a_preview_foresees_what_the_transfer_answers(admin, ledger, setup, code):
    payer, payee = ledger.open_accounts(10, 0)
    if setup:
        ledger.execute(setup.format(payer, payee))
        time.sleep(0.01)
    foreseen = preview(admin, payer, [(payee, 10)])["refusals"]
    reply = admin.transfer(payer, [(payee, 10)])
    assert [one["code"] for one in foreseen] == ([code] if code else [])
    assert (reply.json["code"] if code else reply.status) == (code or 201)


# The caller and the gateway


def test_me_tells_who_is_calling(admin, ledger):
    assert admin.get("/v1/me").json == {"kind": "api_key", "scopes": ["read", "transfer", "fund", "admin"], "all_accounts": True, "accounts": []}
    mine, other = ledger.open_accounts(10, 20)
    caller = Client(ledger.api_key("transfer", accounts=[mine]))
    assert caller.get("/v1/me").json == {"kind": "api_key", "scopes": ["transfer"], "all_accounts": False, "accounts": [admin.get(f"/v1/accounts/{mine}").json]}
    assert caller.get("/v1/me?x=1").status == 422
    caller.close()
    nobody = Client()
    assert refusal(nobody.get("/v1/me")) == (401, "unauthenticated")
    nobody.close()


def test_config_is_for_everybody(ledger):
    nobody = Client()
    config = nobody.get("/v1/config").json
    assert {"code": "JPY", "exponent": 0} in config["currencies"] and {"code": "USD", "exponent": 2} in config["currencies"]
    assert config["providers"] == [{"name": "demo", "label": "Demo sign-in"}]
    assert config["demo_funding"] == {"max_top_up_major_units": 1000, "max_daily_major_units": 5000}
    nobody.close()




def test_etags_cover_every_member(admin, ledger):
    account, payee = ledger.open_accounts(10, 0)
    changes = [
        lambda: admin.post("/v1/holds", {"debit": account, "credits": [{"account": payee, "amount": 1}]}, new_key()),
        lambda: ledger.execute("select tokpay.set_limits(%s, -1, null)", [account]),
        lambda: admin.transfer(account, [(payee, 1)]),
    ]
    paths = [f"/v1/accounts/{account}", f"/v1/accounts/{account}/balance"]
    for change in changes:
        tags = [admin.get(path).headers["ETag"] for path in paths]
        change()
        assert [admin.get(path, If_None_Match=tag).status for path, tag in zip(paths, tags, strict=True)] == [200, 200]
    for change in {"metadata": {"a": 1}}, {"max_balance": 100}, {"status": "frozen"}:
        tag = admin.get(paths[0]).headers["ETag"]
        admin.patch(paths[0], change)
        assert admin.get(paths[0], If_None_Match=tag).status == 200, json.dumps(change)
