"""API keys for a list of accounts: what is not in it is unknown to them, and of payments they see their own side."""

from http_client import UNKNOWN, admin, as_answered, client, ledger, new_key  # noqa: F401 (fixtures)


def test_accounts_out_of_reach_answer_like_unknown_ones(client, ledger):
    mine, other = ledger.open_accounts(10, 10)
    caller = client("read", "transfer", "fund", accounts=[mine])

    def answers(account):
        """Everything the key can learn of an account, with its id taken out."""
        credits = [{"account": mine, "amount": 1}]
        item = {"key": "k", "debit": account, "credits": credits}
        replies = [
            caller.get(f"/v1/accounts/{account}"),
            caller.get(f"/v1/accounts/{account}/balance"),
            caller.get(f"/v1/accounts/{account}/entries"),
            caller.get(f"/v1/transfers?debit={account}&key=k"),
            caller.post("/v1/balances:query", {"accounts": [account]}),
            caller.post("/v1/transfers", {"debit": account, "credits": credits}, "k"),
            caller.post("/v1/transfers:batch", {"transfers": [item]}),
            caller.post("/v1/top-ups", {"account": account, "amount": 1}, "k"),
        ]
        return [(reply.status, reply.body.replace(account.encode(), b"ID")) for reply in replies]

    assert answers(other) == answers(UNKNOWN)
    assert [status for status, _ in answers(other)] == [404, 404, 404, 404, 200, 422, 200, 422]
    assert ledger.state(mine, other) == [(10, 1), (10, 1)]
    assert caller.get(f"/v1/accounts/{mine}/balance").json["balance"] == 10


def test_a_limited_key_pays_anybody_and_sees_only_its_own_side(client, ledger):
    mine, payee = ledger.open_accounts(10, 90)
    caller = client("read", "transfer", accounts=[mine])
    transfer = caller.transfer(mine, [(payee, 4)], "k", metadata={"m": 1})
    assert transfer.status == 201
    assert transfer.json["debit"] == {"account": mine, "amount": 4, "balance": 6, "version": 2}
    assert transfer.json["credits"] == [{"account": payee, "amount": 4, "balance": None, "version": None}]
    assert (transfer.json["key"], transfer.json["metadata"]) == ("k", {"m": 1})
    for reply in caller.get(transfer.headers["Location"]), caller.get(f"/v1/transfers?debit={mine}&key=k"):
        assert as_answered(reply) == transfer.json
    (result,) = caller.post(
        "/v1/transfers:batch",
        {"transfers": [{"key": "b", "debit": mine, "credits": [{"account": payee, "amount": 1}]}]},
    ).json["results"]
    assert result["transfer"]["credits"][0]["balance"] is None


def test_a_payee_sees_the_payer_and_its_own_legs_without_key_metadata_and_balances(client, ledger, admin):
    payer, mine, third = ledger.open_accounts(100, 5, 0)
    whole = admin.transfer(payer, [(third, 1), (mine, 2), (mine, 3)], "k", description="for you", metadata={"m": 1}).json
    payee = client("read", accounts=[mine])
    receipt = payee.get(f"/v1/transfers/{whole['id']}")
    assert {party["account"] for party in receipt.json["parties"]} == {payer, mine}
    seen = as_answered(receipt)
    assert seen == {
        **whole, "key": None, "metadata": None, "amount": 5,  # of its own legs: the sum tells of the others
        "debit": {"account": payer, "amount": 5, "balance": None, "version": None},
        "credits": [{"account": mine, "amount": 2, "balance": 7, "version": 2},
                    {"account": mine, "amount": 3, "balance": 10, "version": 3}],
    }  # fmt: skip
    newest = payee.get(f"/v1/accounts/{mine}/entries").json["data"][0]
    assert (newest["metadata"], newest["description"], newest["counterparties"]) == (None, "for you", [payer])
    stranger = client("read", accounts=[ledger.open_account()])
    missing = stranger.get("/v1/transfers/" + UNKNOWN)
    assert stranger.get(f"/v1/transfers/{whole['id']}").body == missing.body
    assert payee.get(f"/v1/transfers?debit={payer}&key=k").status == 404


def test_a_key_for_both_sides_sees_both(client, ledger, admin):
    payer, payee = ledger.open_accounts(10, 0)
    transfer = admin.transfer(payer, [(payee, 1)], "k", metadata={})
    both = client("read", accounts=[payer, payee])
    assert as_answered(both.get(transfer.headers["Location"])) == transfer.json
    (entry,) = both.get(f"/v1/accounts/{payee}/entries").json["data"]
    assert entry["metadata"] == {}


def test_a_limited_admin_lists_only_its_accounts(client, ledger):
    mine, other, second = ledger.open_account(name=new_key()), ledger.open_account(name=new_key()), ledger.open_account()
    caller = client("admin", accounts=[mine, second])
    assert [account["id"] for account in caller.get("/v1/accounts").json["data"]] == [mine, second]
    for account, status in ((mine, 200), (other, 404)):
        name = ledger.value("select name from tokpay.accounts where id = %s", [account])
        assert caller.get(f"/v1/accounts?name={name}").status == status
    page = caller.get("/v1/accounts?limit=1").json
    assert ([account["id"] for account in page["data"]], page["has_more"]) == ([mine], True)
    page = caller.get(f"/v1/accounts?limit=1&cursor={page['next_cursor']}").json
    assert ([account["id"] for account in page["data"]], page["has_more"]) == ([second], False)


def test_an_empty_list_reaches_nothing(client, ledger):
    (account,) = ledger.open_accounts(10)
    caller = client("admin", accounts=[])
    assert caller.get("/v1/accounts").json["data"] == []
    assert caller.get(f"/v1/accounts/{account}").status == 404
    refused = caller.transfer(account, [(UNKNOWN, 1)])
    assert (refused.status, refused.code) == (422, "account_not_found")


def test_a_limited_funder_sees_its_top_up_without_the_funding_account(client, ledger):
    mine = ledger.open_account()
    caller = client("fund", "read", accounts=[mine])
    top_up = caller.post("/v1/top-ups", {"account": mine, "amount": 7}, "k")
    assert top_up.status == 201
    assert (top_up.json["debit"]["balance"], top_up.json["key"]) == (None, None)
    assert top_up.json["credits"] == [{"account": mine, "amount": 7, "balance": 7, "version": 1}]
    replay = caller.post("/v1/top-ups", {"account": mine, "amount": 7}, "k")
    assert (replay.status, replay.body) == (200, top_up.body)


def test_a_batch_tells_reachable_and_unreachable_apart_in_order(client, ledger):
    mine, other = ledger.open_accounts(10, 10)
    caller = client("transfer", accounts=[mine])
    debits = [other, mine, UNKNOWN, mine, other]
    items = [
        {"key": str(i), "debit": debit, "credits": [{"account": other if debit == mine else mine, "amount": 1}]}
        for i, debit in enumerate(debits)
    ]
    results = caller.post("/v1/transfers:batch", {"transfers": items}).json["results"]
    assert [result["code"] for result in results] == [
        "account_not_found", "ok", "account_not_found", "ok", "account_not_found",
    ]  # fmt: skip
    assert [result["transfer"] and result["transfer"]["key"] for result in results] == [None, "1", None, "3", None]
    assert ledger.state(mine, other) == [(8, 3), (12, 3)]


def test_an_unreachable_payer_fails_its_chain(client, ledger):
    mine, other = ledger.open_accounts(10, 10)
    caller = client("transfer", accounts=[mine])
    items = [
        {"key": str(i), "debit": debit, "credits": [{"account": other if debit == mine else mine, "amount": 1}], "chain": chain}
        for i, (debit, chain) in enumerate([(mine, 1), (other, 1), (mine, 2), (UNKNOWN, 3), (mine, 3)])
    ]  # fmt: skip
    results = caller.post("/v1/transfers:batch", {"transfers": items}).json["results"]
    assert [result["code"] for result in results] == [
        "chain_failed", "account_not_found", "ok", "account_not_found", "chain_failed",
    ]  # fmt: skip
    assert [result["account"] for result in results] == [None, other, None, UNKNOWN, None]
    assert ledger.state(mine, other) == [(9, 2), (11, 2)]


def test_two_payers_may_use_the_same_key(client, ledger):
    a, b = ledger.open_accounts(10, 10)
    first, second = (client("transfer", accounts=[account]).transfer(account, [(payee, 1)], "same")
                     for account, payee in ((a, b), (b, a)))  # fmt: skip
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]
