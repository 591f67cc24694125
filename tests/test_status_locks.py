"""Status, limits and reverses among several sessions: who waits for whom, and who wins."""

import pytest

from account_calls import CAPTURE, DONE, FREEZE, PAY, REVERSE, VOID, funds, hold, pay
from lock_session import Session


# Status and limits

CLOSE = "select 'done' from tokpay.close(%s)"


@pytest.mark.parametrize("frozen", ["debit", "credit"])
@pytest.mark.parametrize("end, answer", [("commit", "TP007"), ("rollback", DONE)])
def test_a_transfer_waits_for_a_freeze(database, accounts, frozen, end, answer):
    a, b, _ = accounts
    one, two = Session(database), Session(database)
    assert one.run(FREEZE, [a if frozen == "debit" else b]) == DONE
    two.start(two.run, PAY, [a, b, 10])
    getattr(one, end)()
    assert two.answer() == answer
    two.commit()


@pytest.mark.parametrize("call, answer", [(CAPTURE, "TP007"), (VOID, DONE)], ids=["capture", "void"])
def test_the_end_of_a_hold_waits_for_a_freeze(database, accounts, call, answer):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    assert one.run(FREEZE, [b]) == DONE
    two.start(two.run, call, [held])
    one.commit()
    assert two.answer() == answer
    two.commit()


def test_a_freeze_waits_for_a_transfer_and_keeps_it(database, accounts):
    a, b, _ = accounts
    one, two = Session(database), Session(database)
    assert one.run(PAY, [a, b, 10]) == DONE
    two.start(two.run, FREEZE, [a])
    one.commit()
    assert two.answer() == DONE
    two.commit()
    assert database.execute("select status, balance from tokpay.accounts where id = %s", [a]) == [("frozen", 90)]


def test_a_close_and_a_transfer_wait_for_each_other(database, accounts):
    a, _, _ = accounts
    empty = [database.execute("select tokpay.open_account()")[0][0] for _ in range(2)]
    one, two = Session(database), Session(database)
    assert one.run(CLOSE, [empty[0]]) == DONE
    two.start(two.run, PAY, [a, empty[0], 10])
    one.commit()
    assert two.answer() == "TP008"
    assert one.run(PAY, [a, empty[1], 10]) == DONE
    two.start(two.run, CLOSE, [empty[1]])
    one.commit()
    assert two.answer() == "TP018"


@pytest.mark.parametrize(
    "limits, debit, credit, amount, refusal",
    [((50, None), 0, 1, 60, "TP010"), ((0, 110), 1, 0, 20, "TP011")],
    ids=["floor", "ceiling"],
)
def test_limits_and_a_transfer_wait_for_each_other(database, accounts, limits, debit, credit, amount, refusal):
    limit = "select 'done' from tokpay.set_limits(%s, %s, %s)"
    request = [accounts[debit], accounts[credit], amount]
    one, two = Session(database), Session(database)
    assert one.run(limit, [accounts[0], *limits]) == DONE
    two.start(two.run, PAY, request)
    one.commit()
    assert two.answer() == refusal
    assert one.run(limit, [accounts[0], 0, None]) == DONE
    one.commit()
    assert one.run(PAY, request) == DONE
    two.start(two.run, limit, [accounts[0], *limits])
    one.commit()
    assert two.answer() == "TP011"


# Reverses


@pytest.mark.parametrize("end, answer", [("commit", "TP014"), ("rollback", DONE)])
def test_a_second_reverse_waits_for_the_first(database, accounts, end, answer):
    a, b, _ = accounts
    transfer = pay(database, a, b, 50)
    one, two = Session(database), Session(database)
    assert one.run(REVERSE, [transfer]) == DONE
    two.start(two.run, REVERSE, [transfer])
    getattr(one, end)()
    assert two.answer() == answer
    two.commit()
    assert funds(database, a) == (100, 0)


def test_a_reverse_with_the_same_key_waits_and_replays(database, accounts):
    a, b, _ = accounts
    transfer = pay(database, a, b, 50)
    one, two = Session(database), Session(database)
    reverse = "select transfer, replayed from tokpay.reverse(%s, 'r')"
    (reversal, _) = one.run(reverse, [transfer])
    two.start(two.run, reverse, [transfer])
    one.commit()
    assert two.answer() == (reversal, True)
    two.commit()


@pytest.mark.parametrize("first", ["spending", "reverse"])
def test_a_reverse_and_the_spending_of_its_money_wait_for_each_other(database, accounts, first):
    a, b, c = accounts
    transfer = pay(database, a, b, 50)
    calls = [(PAY, [b, c, 120]), (REVERSE, [transfer])]
    if first == "reverse":
        calls.reverse()
    one, two = Session(database), Session(database)
    assert one.run(*calls[0]) == DONE
    two.start(two.run, *calls[1])
    one.commit()
    assert two.answer() == "TP010"
