"""Holds among several sessions: who waits for whom, who wins, and what is rolled back."""

import time

import pytest

from account_calls import AT_ONCE, CAPTURE, DONE, EXPIRE, HOLD, NOT_PENDING, PAY, VOID, funds, hold, status
from lock_session import Session


# Capture, void and expiry: exactly one


@pytest.mark.parametrize("second", [CAPTURE, VOID], ids=["capture", "void"])
@pytest.mark.parametrize("first, end", [(CAPTURE, "captured"), (VOID, "voided")], ids=["capture", "void"])
def test_the_second_end_of_a_hold_waits_and_is_refused(database, accounts, first, end, second):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    assert one.run(first, [held]) == DONE
    two.start(two.run, second, [held])
    one.commit()
    assert two.answer() == NOT_PENDING
    assert status(database, held) == end
    assert funds(database, a) == ((40, 0) if end == "captured" else (100, 0))


@pytest.mark.parametrize("second, end", [(CAPTURE, "captured"), (VOID, "voided")], ids=["capture", "void"])
@pytest.mark.parametrize("first", [CAPTURE, VOID], ids=["capture", "void"])
def test_the_second_end_of_a_hold_counts_when_the_first_is_rolled_back(database, accounts, first, second, end):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    assert one.run(first, [held]) == DONE
    two.start(two.run, second, [held])
    one.rollback()
    assert two.answer() == DONE
    two.commit()
    assert status(database, held) == end


@pytest.mark.parametrize("second", [CAPTURE, VOID], ids=["capture", "void"])
def test_the_end_of_a_hold_waits_for_its_expiry_and_is_refused(database, accounts, second):
    a, b, _ = accounts
    held = hold(database, a, [b], [60], AT_ONCE)
    one, two = Session(database), Session(database)
    assert one.run(EXPIRE) == (1,)
    two.start(two.run, second, [held])
    one.commit()
    assert two.answer() == NOT_PENDING
    assert status(database, held) == "expired"


def test_a_void_after_an_expiry_that_was_rolled_back_counts(database, accounts):
    a, b, _ = accounts
    held = hold(database, a, [b], [60], AT_ONCE)
    one, two = Session(database), Session(database)
    assert one.run(EXPIRE) == (1,)
    two.start(two.run, VOID, [held])
    one.rollback()
    assert two.answer() == DONE
    two.commit()
    assert status(database, held) == "voided"
    assert database.execute(EXPIRE) == [(0,)]


@pytest.mark.parametrize("first, end", [(CAPTURE, "captured"), (VOID, "voided")], ids=["capture", "void"])
def test_an_expiry_passes_by_a_hold_that_is_being_ended(database, accounts, first, end):
    a, b, _ = accounts
    one, two = Session(database), Session(database)
    held = hold(database, a, [b], [60], "2 seconds")
    assert one.run(first, [held]) == DONE
    time.sleep(2.1)
    two.run("set statement_timeout = '2s'")
    assert two.run(EXPIRE) == (0,)
    one.commit()
    assert two.run(EXPIRE) == (0,)
    two.commit()
    assert status(database, held) == end


def test_a_capture_with_the_same_key_waits_and_replays(database, accounts):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    capture = "select transfer, replayed from tokpay.capture(%s, array[20], 'c')"
    (transfer, _) = one.run(capture, [held])
    two.start(two.run, capture, [held])
    one.commit()
    assert two.answer() == (transfer, True)
    two.commit()
    assert funds(database, a) == (80, 0)


def test_captures_of_two_holds_of_one_account_both_count(database, accounts):
    a, b, c = accounts
    held = [hold(database, a, [b], [60]), hold(database, a, [c], [40])]
    one, two = Session(database), Session(database)
    assert one.run(CAPTURE, [held[0]]) == DONE
    two.start(two.run, CAPTURE, [held[1]])
    one.commit()
    assert two.answer() == DONE
    two.commit()
    assert funds(database, a) == (0, 0)


# The money of a hold


@pytest.mark.parametrize("end, answer", [("commit", "TP010"), ("rollback", DONE)])
def test_a_transfer_waits_for_the_hold_of_its_money(database, accounts, end, answer):
    a, b, c = accounts
    one, two = Session(database), Session(database)
    one.run(HOLD, [a, [b], [60], None, None])
    two.start(two.run, PAY, [a, c, 60])
    getattr(one, end)()
    assert two.answer() == answer
    two.commit()


@pytest.mark.parametrize("first", ["transfer", "hold"])
def test_a_hold_waits_for_who_takes_its_money(database, accounts, first):
    a, b, c = accounts
    one, two = Session(database), Session(database)
    if first == "transfer":
        one.transfer(a, [b], [60])
    else:
        one.run(HOLD, [a, [b], [60], None, None])
    two.start(two.run, HOLD, [a, [c], [60], None, None])
    one.commit()
    assert two.answer() == "TP010"


@pytest.mark.parametrize("end, answer", [(VOID, DONE), (CAPTURE, "TP010")], ids=["void", "capture"])
def test_a_transfer_waits_for_the_end_of_the_hold_it_needs(database, accounts, end, answer):
    a, b, c = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    one.run(end, [held])
    two.start(two.run, PAY, [a, c, 60])
    one.commit()
    assert two.answer() == answer
    two.commit()


@pytest.mark.parametrize("end", [CAPTURE, VOID], ids=["capture", "void"])
def test_a_hold_that_expires_is_spent_once(database, accounts, end):
    a, b, c = accounts
    held = hold(database, a, [b], [80], AT_ONCE)
    spender, other, late = Session(database), Session(database), Session(database)
    assert spender.run(PAY, [a, c, 70]) == DONE
    assert funds(database, a) == (100, 80)  # nobody sees it before it is committed
    other.start(other.run, end, [held])
    late.start(late.run, PAY, [a, c, 31])
    spender.commit()
    assert other.answer() == NOT_PENDING
    assert late.answer() == "TP010"
    assert status(database, held) == "expired"
    assert funds(database, a) == (30, 0)


def test_an_expired_hold_is_pending_again_when_its_spender_is_rolled_back(database, accounts):
    a, b, c = accounts
    held = hold(database, a, [b], [80], AT_ONCE)
    spender, other = Session(database), Session(database)
    assert spender.run(PAY, [a, c, 70]) == DONE
    other.start(other.run, PAY, [a, b, 90])
    spender.rollback()
    assert other.answer() == DONE
    other.rollback()
    assert (status(database, held), funds(database, a)) == ("pending", (100, 80))
    assert database.execute(EXPIRE) == [(1,)]


def test_money_captured_before_its_hold_expired_cannot_be_spent_after(database, accounts):
    a, b, c = accounts
    one, spender = Session(database), Session(database)
    held = hold(database, a, [b], [80], "2 seconds")
    assert one.run(CAPTURE, [held]) == DONE
    time.sleep(2.1)
    spender.start(spender.run, PAY, [a, c, 70])
    one.commit()
    assert spender.answer() == "TP010"


# expire_holds never waits


def test_expire_holds_passes_by_locked_accounts_and_never_waits(database, accounts):
    a, b, c = accounts
    held = [hold(database, account, [c], [10], AT_ONCE) for account in (a, b)]
    one, two = Session(database), Session(database)
    assert one.run(PAY, [a, c, 1]) == DONE
    two.run("set statement_timeout = '2s'")
    assert two.run(EXPIRE) == (1,)
    two.commit()
    assert [status(database, transfer) for transfer in held] == ["pending", "expired"]
    one.commit()
    assert two.run(EXPIRE) == (1,)
    two.commit()


@pytest.mark.parametrize("end, left", [("commit", 0), ("rollback", 2)])
def test_two_expire_holds_at_once_end_each_hold_once(database, accounts, end, left):
    a, b, c = accounts
    for account in (a, b):
        hold(database, account, [c], [10], AT_ONCE)
    one, two = Session(database), Session(database)
    assert one.run(EXPIRE) == (2,)
    two.run("set statement_timeout = '2s'")
    assert two.run(EXPIRE) == (0,)
    getattr(one, end)()
    assert two.run(EXPIRE) == (left,)
    two.commit()


def test_expire_holds_ends_others_where_the_oldest_is_locked(database, accounts):
    a, b, c = accounts
    held = [hold(database, account, [c], [10], AT_ONCE) for account in (a, b)]
    one, two = Session(database), Session(database)
    assert one.run(PAY, [a, c, 1]) == DONE
    two.run("set statement_timeout = '2s'")
    assert two.run("select tokpay.expire_holds(1)") == (1,)
    two.commit()
    one.commit()
    assert [status(database, transfer) for transfer in held] == ["pending", "expired"]


def test_an_expiry_that_was_overtaken_ends_no_hold_twice(database, accounts):
    """The void comes when expire_holds has found the hold and has not locked its account yet."""
    a, b, _ = accounts
    held = hold(database, a, [b], [60], AT_ONCE)
    one, two = Session(database), Session(database)
    one.run("lock table tokpay.account_state in share mode")
    two.start(two.run, EXPIRE)
    assert one.run(VOID, [held]) == DONE
    one.commit()
    assert two.answer() == (0,)
    two.commit()
    assert status(database, held) == "voided"


# Savepoints


def test_a_capture_rolled_back_to_a_savepoint_leaves_the_hold_to_others(database, accounts):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, two = Session(database), Session(database)
    one.run("savepoint s")
    assert one.run(CAPTURE, [held]) == DONE
    one.run("rollback to s")
    assert one.run("select status from tokpay.transfers where id = %s", [held]) == ("pending",)
    two.run("set statement_timeout = '2s'")
    assert two.run(VOID, [held]) == DONE
    two.commit()
    assert one.run(CAPTURE, [held]) == NOT_PENDING


def test_a_hold_rolled_back_to_a_savepoint_was_not_made(database, accounts):
    a, b, c = accounts
    one, two = Session(database), Session(database)
    one.run("savepoint s")
    (held,) = one.run(HOLD, [a, [b], [60], "k", None])
    one.run("rollback to s")
    two.run("set statement_timeout = '2s'")
    assert two.run(PAY, [a, c, 100]) == DONE
    two.commit()
    assert one.run(CAPTURE, [held]) == "TP006"
    assert one.run(HOLD, [a, [b], [60], "k", None]) == "TP010"


def test_an_expiry_rolled_back_to_a_savepoint_happens_again(database, accounts):
    a, b, _ = accounts
    held = hold(database, a, [b], [60], AT_ONCE)
    one = Session(database)
    one.run("savepoint s")
    assert one.run(PAY, [a, b, 90]) == DONE
    one.run("rollback to s")
    assert one.run(EXPIRE) == (1,)
    one.run("rollback to s")
    assert one.run(VOID, [held]) == DONE
    one.commit()
    assert status(database, held) == "voided"
