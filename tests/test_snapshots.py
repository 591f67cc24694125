"""Calls under a snapshot: what has changed since fails to serialize, and a row has one version."""

import random
import threading
import time

import pytest

from account_calls import AT_ONCE, CAPTURE, DONE, EXPIRE, HOLD, NOT_PENDING, PAY, REVERSE, VOID, funds, hold, pay
from lock_session import SNAPSHOT_LEVELS, Session


# Snapshots


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("ended", [CAPTURE, VOID], ids=["captured", "voided"])
@pytest.mark.parametrize("call", [CAPTURE, VOID], ids=["capture", "void"])
def test_a_hold_that_was_ended_since_the_snapshot_fails_to_serialize(database, accounts, isolation, ended, call):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    database.execute(ended, [held])
    assert late.run(call, [held]) == "40001"
    assert late.run(call, [held]) == NOT_PENDING


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("call", [CAPTURE, VOID], ids=["capture", "void"])
def test_an_end_that_waited_fails_to_serialize(database, accounts, isolation, call):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    one, late = Session(database), Session(database, isolation)
    one.run(VOID, [held])
    late.start(late.run, call, [held])
    one.commit()
    assert late.answer() == "40001"


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_a_replay_of_a_capture_the_snapshot_cannot_see_fails_to_serialize(database, accounts, isolation):
    a, b, _ = accounts
    held = hold(database, a, [b], [60])
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    capture = "select transfer, replayed from tokpay.capture(%s, null, 'c')"
    [(transfer, _)] = database.execute(capture, [held])
    assert late.run(capture, [held]) == "40001"
    assert late.run(capture, [held]) == (transfer, True)


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_a_replay_of_a_reverse_the_snapshot_cannot_see_fails_to_serialize(database, accounts, isolation):
    a, b, _ = accounts
    paid = pay(database, a, b, 10)
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    reverse = "select transfer, replayed from tokpay.reverse(%s, 'r')"
    [(transfer, _)] = database.execute(reverse, [paid])
    assert late.run(reverse, [paid]) == "40001"
    assert late.run(reverse, [paid]) == (transfer, True)


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("call", [CAPTURE, VOID, REVERSE], ids=["capture", "void", "reverse"])
def test_a_target_the_snapshot_cannot_see_fails_to_serialize(database, accounts, isolation, call):
    a, b, _ = accounts
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    target = pay(database, a, b, 10) if call == REVERSE else hold(database, a, [b], [60])
    assert late.run(call, [target]) == "40001"
    assert late.run(call, [target]) == DONE
    late.commit()


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize(
    "change", ["tokpay.freeze(%s)", "tokpay.set_limits(%s, 50, null)", "tokpay.hold(%s, %s, '{1}')"], ids=["freeze", "limits", "hold"]
)
def test_a_transfer_after_a_change_of_its_account_fails_to_serialize(database, accounts, isolation, change):
    a, b, _ = accounts
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    database.execute(f"select {change}", [a, [b]][: change.count("%s")])
    assert late.run(PAY, [a, b, 1]) == "40001"


def test_a_top_up_from_a_funding_account_the_snapshot_cannot_see_fails_to_serialize(database):
    [(currency,)] = database.execute("select code from tokpay.currencies where funding is null limit 1")
    open_account = "select tokpay.open_account(currency => %s)"
    late = Session(database, "REPEATABLE READ")
    late.run("select 1")
    database.execute(open_account, [currency])
    [account] = late.run(open_account, [currency])
    assert late.run("select tokpay.top_up(%s, 1)", [account]) == "40001"
    [account] = late.run(open_account, [currency])
    assert late.run("select credit_balances from tokpay.top_up(%s, 1)", [account]) == ([1],)
    late.commit()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", *SNAPSHOT_LEVELS])
def test_a_transaction_ends_its_own_hold_at_every_level(database, accounts, isolation):
    a, b, c = accounts
    one = Session(database, isolation)
    (held,) = one.run(HOLD, [a, [b], [60], None, None])
    assert one.run("select count(*), min(amount) from tokpay.holds") == (1, 60)
    assert one.run(CAPTURE, [held]) == DONE
    (expired,) = one.run(HOLD, [a, [b], [30], None, AT_ONCE])
    assert one.run(PAY, [a, c, 40]) == DONE
    assert one.run("select status from tokpay.transfers where id = %s", [expired]) == ("expired",)
    one.commit()
    assert funds(database, a) == (0, 0)


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_expire_holds_under_a_snapshot_fails_to_serialize_where_the_account_changed(database, accounts, isolation):
    a, b, _ = accounts
    hold(database, a, [b], [60], AT_ONCE)
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    pay(database, a, b, 1)
    assert late.run(EXPIRE) == "40001"
    assert late.run(EXPIRE) == (1,)
    late.commit()


# Two versions of a row

MOVED = ["in place", "moved", "vacuum full"]


def change_often(database, accounts, how):
    """Leaves a behind many versions; where balances are indexed no version stays on its line pointer."""
    if how == "moved":
        database.execute("create index on tokpay.account_state (balance)")
    for _ in range(5):
        for debit, credit in [(0, 1), (1, 0)]:
            pay(database, accounts[debit], accounts[credit], 3)
    if how == "vacuum full":
        database.execute("vacuum full tokpay.account_state")


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("how", ["in place", "moved"])
def test_a_row_with_newer_versions_is_read_as_it_was_and_not_written(database, accounts, isolation, how):
    a, b, c = accounts
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [a])
    pay(database, c, a, 7)
    change_often(database, accounts, how)
    reads = "select tokpay.balance(%s), (select array_agg(balance) from tokpay.balances(%s)), (select sum(balance) from tokpay.accounts)"
    assert late.run(reads, [a, accounts]) == (100, [100, 100, 100], 0)
    assert late.run(PAY, [a, b, 1]) == "40001"


@pytest.mark.parametrize("how", MOVED)
def test_a_waiter_follows_a_row_to_its_newest_version(database, accounts, how):
    a, b, c = accounts
    session = Session(database)
    assert session.run(PAY, [a, b, 1]) == DONE  # knows where the rows are
    session.commit()
    change_often(database, accounts, how)
    one = Session(database)
    assert one.transfer(a, [c], [99])[1:3] == (0, 13)
    session.start(session.run, PAY, [a, b, 1])
    one.commit()
    assert session.answer() == "TP010"


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_no_reader_sees_two_versions_of_a_row_or_none(database, accounts, isolation):
    """Writers move rows within and between pages while the table is rewritten; every read adds up."""
    until = time.monotonic() + 2
    failures, reads, writes = [], [], []

    def loop(work):
        def run():
            try:
                connection = database.connect()
                cursor = connection.cursor()
                while time.monotonic() < until:
                    work(cursor)
            except Exception as error:
                failures.append(error)

        return threading.Thread(target=run)

    def write(cursor):
        debit, credit = random.sample(accounts, 2)
        cursor.execute(
            "select code from tokpay.transfer_batch(array["
            "row(%s, array[%s], array[5], null, null, null, null)::tokpay.transfer_request])",
            [debit, credit],
        )
        writes.append(cursor.fetchone()[0])

    def read(cursor):
        cursor.execute(f"begin isolation level {isolation}")
        for _ in range(5):
            cursor.execute(
                """select (select array[count(*), count(distinct id), sum(balance)] from tokpay.accounts),
                    (select array[count(*), count(balance), sum(balance)] from tokpay.balances(%s)),
                    (select sum(tokpay.balance(id)) from tokpay.accounts)""",
                [accounts],
            )
            reads.append(cursor.fetchone())
        cursor.execute("commit")

    def rewrite(cursor):
        cursor.execute("vacuum full tokpay.account_state")
        time.sleep(0.05)

    threads = [loop(work) for work in (write, write, write, read, read, rewrite)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert reads != []
    assert [row for row in reads if row != ([4, 4, 0], [3, 3, 300], 0)] == []
    assert writes.count("ok") > 20
