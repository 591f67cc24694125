"""Money that is reserved, captured, released, taken back and given back over HTTP."""

import concurrent.futures
import threading
import time

import psycopg2
import pytest
from http_client import UNKNOWN, Client, Ledger, admin, as_answered, environment, ledger, new_key  # noqa: F401 (fixtures)

DAY_S = 86400


def leg(account, amount, balance, version):
    return {"account": account, "amount": amount, "balance": balance, "version": version}


def refusal(reply):
    return reply.status, reply.code


def hold(client, debit, credits, key=None, **members):
    legs = [{"account": account, "amount": amount} for account, amount in credits]
    return client.post("/v1/holds", {"debit": debit, "credits": legs, **members}, key or new_key())


def act(client, path, body=None, key=None):
    """A POST about a hold or transfer; without a body where there is nothing to say."""
    return client.request("POST", path, body, {"Idempotency-Key": key or new_key()})


def lasts(ledger, transfer):
    """Seconds from a hold's time to its expiry."""
    return ledger.value("select extract(epoch from expires_at - at)::bigint from tokpay.transfers where id = %s", [transfer])


# Holds


def test_a_hold_reserves_and_changes_no_balance(admin, ledger):
    payer, a, b = ledger.open_accounts(100, 0, 0)
    reply = hold(admin, payer, [(a, 30), (b, 20)], "h", description="room", metadata={"n": 1})
    assert reply.status == 201
    assert reply.headers["Location"] == f"/v1/transfers/{reply.json['id']}"
    assert reply.json == {
        "id": reply.json["id"], "kind": "hold", "status": "pending", "currency": "USD", "amount": 50, "description": "room",
        "metadata": {"n": 1}, "at": reply.json["at"], "key": "h", "debit": leg(payer, 50, 100, 1),
        "credits": [leg(a, 30, None, None), leg(b, 20, None, None)], "hold": None, "reverses": None, "reversed_by": None,
        "expires_at": reply.json["expires_at"],
    }  # fmt: skip
    assert as_answered(admin.get(reply.headers["Location"])) == reply.json
    assert lasts(ledger, reply.json["id"]) == 7 * DAY_S
    balance = admin.get(f"/v1/accounts/{payer}/balance").json
    assert (balance["balance"], balance["held"], balance["available"], balance["version"]) == (100, 50, 50, 1)
    assert refusal(admin.transfer(payer, [(a, 51)])) == (422, "insufficient_funds")


@pytest.mark.parametrize("members, seconds", [({}, 7 * DAY_S), ({"expires_in": 1}, 1), ({"expires_in": 36525 * DAY_S}, 36525 * DAY_S), ({"expires_in": None}, None)])
def test_a_hold_lasts_as_long_as_was_asked(admin, ledger, members, seconds):
    payer, payee = ledger.open_accounts(1, 0)
    assert lasts(ledger, hold(admin, payer, [(payee, 1)], **members).json["id"]) == seconds


@pytest.mark.parametrize("expires_in", [0, -1, 36525 * DAY_S + 1, 1.5, "7 days", True, [], 1 << 63])
def test_a_time_that_is_none_is_pointed_at(admin, ledger, expires_in):
    payer, payee = ledger.open_accounts(1, 0)
    reply = hold(admin, payer, [(payee, 1)], expires_in=expires_in)
    assert (refusal(reply), reply.pointers) == ((422, "invalid_request"), ["/expires_in"])


def test_a_hold_is_captured_whole_without_a_body(admin, ledger):
    payer, payee = ledger.open_accounts(100, 5)
    held = hold(admin, payer, [(payee, 30)]).json["id"]
    reply = act(admin, f"/v1/holds/{held}:capture", key="c")
    assert reply.status == 201
    capture = reply.json
    assert (capture["kind"], capture["status"], capture["hold"], capture["key"], capture["amount"]) == ("capture", "posted", held, "c", 30)
    assert (capture["debit"], capture["credits"]) == (leg(payer, 30, 70, 2), [leg(payee, 30, 35, 2)])
    assert as_answered(admin.get(reply.headers["Location"])) == reply.json
    assert admin.get(f"/v1/transfers/{held}").json["status"] == "captured"


def test_a_part_is_captured_and_the_rest_released(admin, ledger):
    payer, a, b = ledger.open_accounts(100, 0, 0)
    held = hold(admin, payer, [(a, 30), (b, 20)]).json["id"]
    reply = act(admin, f"/v1/holds/{held}:capture", {"amounts": [10, 0]})
    assert (reply.status, reply.json["amount"], reply.json["credits"]) == (201, 10, [leg(a, 10, 10, 1), leg(b, 0, 0, 0)])
    balance = admin.get(f"/v1/accounts/{payer}/balance").json
    assert (balance["balance"], balance["held"]) == (90, 0)


@pytest.mark.parametrize("body, pointers", [
    ({"amounts": [31]}, ["/amounts/0"]), ({"amounts": [1, 1]}, ["/amounts"]), ({"amounts": [0]}, ["/amounts"]), ({"amounts": []}, ["/amounts"]), ({"amounts": None}, ["/amounts"]),
    ({"amounts": [-1]}, ["/amounts/0"]), ({"amounts": ["1"]}, ["/amounts/0"]), ({"amounts": [1.5]}, ["/amounts/0"]), ({"amount": 1}, ["/amount"]),
])  # fmt: skip
def test_a_capture_of_something_else_is_refused(admin, ledger, body, pointers):
    payer, payee = ledger.open_accounts(100, 0)
    held = hold(admin, payer, [(payee, 30)]).json["id"]
    reply = act(admin, f"/v1/holds/{held}:capture", body)
    assert (refusal(reply), reply.pointers) == ((422, "invalid_request"), pointers)
    assert admin.get(f"/v1/transfers/{held}").json["status"] == "pending"


def test_a_void_releases(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    held = hold(admin, payer, [(payee, 30)]).json["id"]
    reply = act(admin, f"/v1/holds/{held}:void", {})
    assert (reply.status, reply.json["kind"], reply.json["hold"]) == (201, "void", held)
    assert (reply.json["debit"], reply.json["credits"]) == (leg(payer, 30, 100, 1), [leg(payee, 30, None, None)])
    assert admin.get(f"/v1/transfers/{held}").json["status"] == "voided"
    for path in f"/v1/holds/{held}:capture", f"/v1/holds/{held}:void":
        assert refusal(act(admin, path)) == (409, "hold_not_pending")
    assert admin.get(f"/v1/accounts/{payer}/balance").json["available"] == 100


def test_an_expired_hold_is_ended_within_seconds(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    held = hold(admin, payer, [(payee, 30)], expires_in=1).json["id"]
    threading.Event().wait(1.1)
    assert refusal(act(admin, f"/v1/holds/{held}:capture")) == (409, "hold_not_pending")
    for _ in range(40):
        if admin.get(f"/v1/transfers/{held}").json["status"] == "expired":
            break
        threading.Event().wait(0.1)
    assert admin.get(f"/v1/transfers/{held}").json["status"] == "expired"
    assert admin.get(f"/v1/accounts/{payer}/balance").json["held"] == 0


def test_replays_answer_as_first(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    first = hold(admin, payer, [(payee, 30)], "h", metadata={"n": 1.0})
    again = hold(admin, payer, [(payee, 30)], "h", metadata={"n": 1})
    assert (again.status, again.headers["Idempotency-Replayed"], again.body) == (200, "true", first.body)
    path = f"/v1/holds/{first.json['id']}:capture"
    captured = act(admin, path, {"amounts": [20]}, "c")
    admin.transfer(payer, [(payee, 1)])
    for replay, wanted in ((act(admin, path, {"amounts": [20]}, "c"), captured), (hold(admin, payer, [(payee, 30)], "h", metadata={"n": 1}), first)):
        assert (replay.status, replay.headers["Idempotency-Replayed"], replay.body) == (200, "true", wanted.body)
    assert refusal(act(admin, path, {"amounts": [10]}, "c")) == (422, "key_reused")
    assert refusal(act(admin, path, {"amounts": [20]}, "h")) == (422, "key_reused")
    assert refusal(hold(admin, payer, [(payee, 30)], "c")) == (422, "key_reused")


def test_a_key_is_needed(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    held = hold(admin, payer, [(payee, 30)]).json["id"]
    body = {"debit": payer, "credits": [{"account": payee, "amount": 1}]}
    for path, sent in (("/v1/holds", body), (f"/v1/holds/{held}:capture", {}), (f"/v1/holds/{held}:void", {}), (f"/v1/transfers/{held}:reverse", {}),
                       (f"/v1/transfers/{held}:refund", {})):  # fmt: skip
        assert refusal(admin.post(path, sent)) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("path", ["/v1/holds/{}:capture", "/v1/holds/{}:void", "/v1/transfers/{}:reverse", "/v1/transfers/{}:refund"])
@pytest.mark.parametrize("id", [UNKNOWN, "0", "x", "1x", "-1", "9" * 20])
def test_an_unknown_one_is_404(admin, path, id):
    assert refusal(act(admin, path.format(id))) == (404, "not_found")


def test_of_capture_and_void_at_once_one_wins(admin, ledger):
    payer, payee = ledger.open_accounts(1000, 0)
    ids = [hold(admin, payer, [(payee, 10)]).json["id"] for _ in range(20)]
    start, answers = threading.Barrier(40), {}

    def end(id, verb):
        client = Client(admin.key)
        start.wait()
        answers[id, verb] = act(client, f"/v1/holds/{id}:{verb}").status
        client.close()

    threads = [threading.Thread(target=end, args=(id, verb)) for id in ids for verb in ("capture", "void")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted((answers[id, "capture"], answers[id, "void"])) for id in ids] == [[201, 409]] * 20
    captured = sum(answers[id, "capture"] == 201 for id in ids)
    assert ledger.state(payer, payee)[0] == (1000 - 10 * captured, 1 + captured)


def test_pending_holds_are_listed_page_by_page(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    holds = [hold(admin, payer, [(payee, 1)], description=str(i)) for i in range(5)]
    act(admin, f"/v1/holds/{holds[1].json['id']}:void")
    wanted = [reply.json for i, reply in enumerate(holds) if i != 1]
    page = admin.get(f"/v1/holds?account={payer}&limit=3").json
    assert (page["data"], page["has_more"]) == (wanted[:3], True)
    rest = admin.get(f"/v1/holds?account={payer}&limit=3&cursor={page['next_cursor']}").json
    assert (rest["data"], rest["has_more"], rest["next_cursor"]) == (wanted[3:], False, None)
    assert admin.get(f"/v1/holds?account={payee}").json["data"] == []
    for query, status in (("", 422), ("?account=x", 422), (f"?account={UNKNOWN}", 404), (f"?account={payer}&x=1", 422)):
        assert admin.get("/v1/holds" + query).status == status


# Reverses


def test_a_reverse_takes_a_transfer_back_once(admin, ledger):
    payer, a, b = ledger.open_accounts(100, 0, 7)
    paid = admin.transfer(payer, [(a, 30), (b, 20)], "k").json["id"]
    reply = act(admin, f"/v1/transfers/{paid}:reverse", {"description": "wrong"}, "r")
    assert reply.status == 201
    reverse = reply.json
    assert (reverse["kind"], reverse["reverses"], reverse["description"], reverse["amount"]) == ("reverse", paid, "wrong", -50)
    assert (reverse["debit"], reverse["credits"]) == (leg(payer, -50, 100, 3), [leg(a, -30, 0, 2), leg(b, -20, 7, 3)])
    assert as_answered(admin.get(reply.headers["Location"])) == reply.json
    assert admin.get(f"/v1/transfers/{paid}").json["reversed_by"] == reverse["id"]
    replay = act(admin, f"/v1/transfers/{paid}:reverse", {"description": "wrong"}, "r")
    assert (replay.status, replay.body) == (200, reply.body)
    assert refusal(act(admin, f"/v1/transfers/{paid}:reverse")) == (409, "already_reversed")
    assert refusal(act(admin, f"/v1/transfers/{reverse['id']}:reverse")) == (422, "invalid_request")
    assert admin.get(f"/v1/accounts/{a}/entries").json["data"][0]["amount"] == -30


def test_a_reverse_needs_the_money_to_be_there(admin, ledger):
    payer, a, b = ledger.open_accounts(100, 0, 0)
    paid = admin.transfer(payer, [(a, 30)]).json["id"]
    admin.transfer(a, [(b, 1)])
    reply = act(admin, f"/v1/transfers/{paid}:reverse")
    assert (refusal(reply), reply.json["account"], reply.json["available"], reply.json["required"]) == ((422, "insufficient_funds"), a, 29, 30)


# Refunds


def test_a_payee_gives_back_all_or_part_of_what_it_got(admin, ledger):
    payer, payee, other = ledger.open_accounts(100, 0, 0)
    paid = admin.transfer(payer, [(payee, 20), (other, 5), (payee, 10)], "k").json["id"]
    shop = Client(ledger.api_key("transfer", "read", accounts=[payee]))
    part = act(shop, f"/v1/transfers/{paid}:refund", {"amount": 4, "description": "broken"}, "k")
    assert part.status == 201
    refund = part.json
    assert (refund["kind"], refund["description"], refund["key"], refund["reverses"]) == ("transfer", "broken", "k", None)
    assert (refund["debit"], refund["credits"]) == (leg(payee, 4, 26, 3), [leg(payer, 4, None, None)])
    replay = act(shop, f"/v1/transfers/{paid}:refund", {"amount": 4, "description": "broken"}, "k")
    assert (replay.status, replay.body) == (200, part.body)
    too_much = act(shop, f"/v1/transfers/{paid}:refund", {"amount": 31})
    assert (refusal(too_much), too_much.pointers) == ((422, "invalid_request"), ["/amount"])
    assert refusal(act(shop, f"/v1/transfers/{paid}:refund", {"amount": 27})) == (422, "invalid_request")
    assert shop.get(f"/v1/transfers/{paid}").json["refunded"] == [{"account": payee, "amount": 4}]
    admin.transfer(payee, [(other, 1)])
    assert refusal(act(shop, f"/v1/transfers/{paid}:refund")) == (422, "insufficient_funds")
    admin.transfer(other, [(payee, 1)])
    rest = act(shop, f"/v1/transfers/{paid}:refund", {}, "rest")
    assert (rest.json["amount"], ledger.state(payee)[0][0]) == (26, 0)
    assert refusal(act(shop, f"/v1/transfers/{paid}:refund")) == (409, "already_reversed")
    replay = act(shop, f"/v1/transfers/{paid}:refund", {}, "rest")
    assert (replay.status, replay.body) == (200, rest.body)
    assert admin.get(f"/v1/transfers/{paid}").json["refunded"] == [{"account": payee, "amount": 30}]
    shop.close()


def test_who_reaches_several_payees_says_which_gives_back(admin, ledger):
    payer, a, b, other = ledger.open_accounts(100, 0, 0, 0)
    paid = admin.transfer(payer, [(a, 20), (b, 10)]).json["id"]
    which = act(admin, f"/v1/transfers/{paid}:refund")
    assert (refusal(which), which.pointers) == ((422, "invalid_request"), ["/account"])
    assert act(admin, f"/v1/transfers/{paid}:refund", {"account": b}).json["debit"]["account"] == b
    for account in other, payer, UNKNOWN:
        assert act(admin, f"/v1/transfers/{paid}:refund", {"account": account}).pointers == ["/account"]


def test_refunds_that_race_give_back_no_more_than_was_paid(admin, ledger):
    """The second begins before the first has ended, as two gateways would have it."""
    payer, payee = ledger.open_accounts(100, 1000)
    paid = admin.transfer(payer, [(payee, 30)]).json["id"]
    refund = "select amount from tokpay.gateway_refund(%s, %s, 20, %s, null, null, false)"
    first, second = (Ledger(environment("TOKPAY_TEST_PG_URL", "a superuser's URI")) for _ in range(2))
    first.connection.autocommit = False
    first.execute(refund, [paid, payee, "one"])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second.execute, refund, [paid, payee, "two"])
        time.sleep(0.1)
        first.connection.commit()
        with pytest.raises(psycopg2.Error) as refused:
            waiting.result()
    assert refused.value.pgcode in ("TP001", "55P03")  # the latter where this machine took 0.2 s
    assert ledger.state(payee)[0][0] == 1010
    assert admin.get(f"/v1/transfers/{paid}").json["refunded"] == [{"account": payee, "amount": 20}]


def test_a_key_of_one_refund_is_none_of_another(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    first, second = (admin.transfer(payer, [(payee, 20)]).json["id"] for _ in range(2))
    assert act(admin, f"/v1/transfers/{first}:refund", {"amount": 3}, "one").status == 201
    assert refusal(act(admin, f"/v1/transfers/{second}:refund", {"amount": 3}, "one")) == (422, "key_reused")


def test_a_key_of_a_transfer_is_none_of_a_refund(admin, ledger):
    payer, payee = ledger.open_accounts(100, 50)
    paid = admin.transfer(payer, [(payee, 20)]).json["id"]
    admin.transfer(payee, [(payer, 20)], "back")
    assert refusal(act(admin, f"/v1/transfers/{paid}:refund", None, "back")) == (422, "key_reused")
    assert admin.get(f"/v1/transfers/{paid}").json["refunded"] == []


def test_a_refund_that_was_reversed_may_be_made_again(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    paid = admin.transfer(payer, [(payee, 20)]).json["id"]
    refund = act(admin, f"/v1/transfers/{paid}:refund").json["id"]
    assert act(admin, f"/v1/transfers/{refund}:reverse").status == 201
    assert admin.get(f"/v1/transfers/{paid}").json["refunded"] == []
    assert act(admin, f"/v1/transfers/{paid}:refund").json["amount"] == 20
    assert ledger.state(payer, payee) == [(100, 5), (0, 4)]


def test_a_refund_creates_no_money(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    paid = admin.transfer(payer, [(payee, 20)]).json["id"]
    ledger.execute("select tokpay.set_limits(%s, null, null)", [payee])
    teller = Client(ledger.api_key("transfer", "read", accounts=[payee]))
    assert refusal(act(teller, f"/v1/transfers/{paid}:refund")) == (403, "not_permitted")
    assert act(admin, f"/v1/transfers/{paid}:refund").status == 201
    teller.close()


def test_what_was_reversed_is_not_given_back_again(admin, ledger):
    payer, payee = ledger.open_accounts(100, 50)
    paid = admin.transfer(payer, [(payee, 20)]).json["id"]
    refund = act(admin, f"/v1/transfers/{paid}:refund", {"amount": 1}, "f")
    assert act(admin, f"/v1/transfers/{paid}:reverse").status == 201
    assert refusal(act(admin, f"/v1/transfers/{paid}:refund", {"amount": 1})) == (409, "already_reversed")
    replay = act(admin, f"/v1/transfers/{paid}:refund", {"amount": 1}, "f")
    assert (replay.status, replay.body) == (200, refund.body)


def test_a_payer_gives_nothing_back(admin, ledger):
    payer, payee = ledger.open_accounts(100, 0)
    paid = admin.transfer(payer, [(payee, 20)]).json["id"]
    held = hold(admin, payer, [(payee, 20)]).json["id"]
    caller = Client(ledger.api_key("transfer", accounts=[payer]))
    assert refusal(act(caller, f"/v1/transfers/{paid}:refund")) == (422, "invalid_request")
    assert refusal(act(admin, f"/v1/transfers/{held}:refund")) == (422, "invalid_request")
    caller.close()
