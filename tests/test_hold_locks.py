"""Holds, reverses, limits and status among several sessions: who waits for whom, who wins, and what time says."""

import random
import threading
import time

import psycopg2
import pytest

from lock_session import SNAPSHOT_LEVELS, Session

HOLD = "select transfer from tokpay.hold(%s, %s::bigint[], %s::bigint[], %s, %s::interval)"
CAPTURE = "select 'done' from tokpay.capture(%s)"
VOID = "select 'done' from tokpay.void(%s)"
REVERSE = "select 'done' from tokpay.reverse(%s)"
EXPIRE = "select tokpay.expire_holds()"
PAY = "select 'done' from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"
DONE = ("done",)
AT_ONCE = "1 microsecond"
NOT_PENDING = "TP013"


@pytest.fixture
def accounts(database):
    """Three accounts with 100 each, ascending by id."""
    ids = [database.execute("select tokpay.open_account()")[0][0] for _ in range(3)]
    for account in ids:
        database.execute("select tokpay.top_up(%s, 100)", [account])
    yield ids
    assert database.faults() == []


def hold(database, debit, credits, amounts, expires_in=None, key=None):
    return database.execute(HOLD, [debit, credits, amounts, key, expires_in])[0][0]


def pay(database, debit, credit, amount):
    [(transfer,)] = database.execute(
        "select transfer from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])", [debit, credit, amount]
    )
    return transfer


def status(database, transfer):
    return database.execute("select status from tokpay.transfers where id = %s", [transfer])[0][0]


def funds(database, account):
    return database.execute("select balance, held from tokpay.accounts where id = %s", [account])[0]


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
    held = hold(database, a, [b], [60], "1 second")
    one, two = Session(database), Session(database)
    assert one.run(first, [held]) == DONE
    time.sleep(1.1)
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
    held = hold(database, a, [b], [80], "1 second")
    one, spender = Session(database), Session(database)
    assert one.run(CAPTURE, [held]) == DONE
    time.sleep(1.1)
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


# Status and limits

FREEZE = "select 'done' from tokpay.freeze(%s)"
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


# No single call deadlocks with another


def chain_of(*legs):
    requests = ", ".join(
        f"row({debit}, array[{credit}], array[1], null, null, null, 1)::tokpay.transfer_request" for debit, credit in legs
    )
    return f"select string_agg(code, ' ') from tokpay.transfer_batch(array[{requests}])"


@pytest.mark.parametrize("kind", ["hold", "capture", "void", "reverse", "chain"])
def test_calls_with_opposite_account_order_do_not_deadlock(database, accounts, kind):
    """Both wait for b; unsorted, the first of them would hold b and want a, the second the reverse."""
    a, b, c = accounts
    calls = []
    for debit, credits in [(b, [a, c]), (a, [c, b])]:
        if kind == "hold":
            calls.append((HOLD, [debit, credits, [1, 1], None, None]))
        elif kind == "chain":
            calls.append((chain_of((debit, credits[0]), (credits[0], credits[1])), None))
        elif kind == "reverse":
            [(paid,)] = database.execute(
                "select transfer from tokpay.transfer(%s, %s, array[1, 1])", [debit, credits]
            )
            calls.append((REVERSE, [paid]))
        else:
            held = hold(database, debit, credits, [1, 1])
            calls.append((CAPTURE if kind == "capture" else VOID, [held]))
    holder, one, two = Session(database), Session(database), Session(database)
    holder.run("select from tokpay.account_state where id = %s for update", [b])
    one.start(one.run, *calls[0])
    two.start(two.run, *calls[1])
    holder.rollback()
    assert isinstance(one.answer(), tuple)
    one.commit()
    assert isinstance(two.answer(), tuple)
    two.commit()


def test_single_calls_of_every_kind_never_deadlock(database, accounts):
    """Eight sessions on three accounts; PostgreSQL would notice a deadlock after ten milliseconds."""
    seed = random.randrange(1 << 32)
    print("SEED", seed)
    until = time.monotonic() + 2
    codes, failures = set(), []

    def work(number):
        chance = random.Random(f"{seed} {number}")
        connection = database.connect()
        cursor = connection.cursor()
        cursor.execute("set deadlock_timeout = '10ms'")
        known = []

        def legs():
            a, b, c = chance.sample(accounts, 3)
            return a, chance.choice([[b], [b, c], [c, b, c]])

        while time.monotonic() < until:
            debit, credits = legs()
            amounts = [chance.randint(1, 20) for _ in credits]
            other = chance.choice(known) if known else 0
            statement, parameters = chance.choice([
                ("select transfer from tokpay.transfer(%s, %s, %s::bigint[])", [debit, credits, amounts]),
                (HOLD, [debit, credits, amounts, None, chance.choice([AT_ONCE, "1 hour"])]),
                (CAPTURE, [other]),
                (VOID, [other]),
                (REVERSE, [other]),
                (EXPIRE, []),
                (chain_of((debit, credits[0]), (credits[0], debit)), None),
                (FREEZE.replace("freeze", chance.choice(["freeze", "unfreeze", "unfreeze"])), [debit]),
                ("select tokpay.set_limits(%s, 0, %s)", [debit, chance.choice([None, 10000])]),
            ])  # fmt: skip
            try:
                cursor.execute(statement, parameters)
                [row] = cursor.fetchall()
                if statement.startswith("select transfer"):
                    known.append(row[0])
            except psycopg2.Error as error:
                codes.add(error.pgcode)
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert codes <= {"TP006", "TP007", "TP010", "TP011", "TP013", "TP014", "TP001"}, seed
    assert database.execute("select sum(balance) from tokpay.balances(%s)", [accounts]) == [(300,)]


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
    reads = "select tokpay.balance(%s), (select sum(balance) from tokpay.balances(%s)), (select sum(balance) from tokpay.accounts)"
    assert late.run(reads, [a, accounts]) == (100, 300, 0)
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


# The clock set back


def set_last_at(database, account, ahead):
    """As if the account's latest transfer had been made when the clock was `ahead` of now."""
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("alter table tokpay.account_state disable trigger all")
        cursor.execute(
            "update tokpay.account_state set last_at = clock_timestamp() + %s::interval where id = %s returning last_at",
            [ahead, account],
        )
        (last_at,) = cursor.fetchone()
        for guard in ("immutable", "immutable_row"):
            cursor.execute(f"alter table tokpay.account_state enable always trigger {guard}")
    connection.commit()
    return last_at


@pytest.mark.parametrize("ahead", ["debit", "credit"])
def test_time_increases_when_the_clock_is_set_back(database, accounts, ahead):
    a, b, c = accounts
    last_at = set_last_at(database, a if ahead == "debit" else b, "3 hours")
    transfers = [
        ("transfer", [a, [b], [1]]),
        ("hold", [a, [b], [2]]),
        ("transfer", [b, [a], [3]]),
        ("hold", [b, [c], [4]]),
        ("transfer", [c, [a], [5]]),
    ]
    times = [last_at]
    for function, request in transfers:
        [(at, transfer)] = database.execute(
            f"select at, transfer from tokpay.{function}(%s, %s::bigint[], %s::bigint[])", request
        )
        times.append(at)
        if function == "hold":
            times.append(database.execute("select at from tokpay.capture(%s)", [transfer])[0][0])
    times.append(database.execute("select at from tokpay.reverse(%s)", [transfer])[0][0])
    steps = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
    assert steps == [0.000001] * len(steps)


def test_a_hold_that_was_over_before_the_clock_was_set_back_is_not_captured(database, accounts):
    a, b, c = accounts
    held = [hold(database, a, [b], [30], "1 hour"), hold(database, a, [b], [20], "5 hours")]
    set_last_at(database, a, "3 hours")
    one = Session(database)
    assert one.run(CAPTURE, [held[0]]) == NOT_PENDING
    assert one.run(EXPIRE) == (0,)  # by the clock it is not over
    assert one.run(CAPTURE, [held[1]]) == DONE
    assert one.run(PAY, [a, c, 80]) == DONE  # needs its money
    one.commit()
    assert [status(database, transfer) for transfer in held] == ["expired", "captured"]
    [(late,)] = database.execute(
        "select max(at) < clock_timestamp() + interval '3 hours 1 second' and min(at) > clock_timestamp() + interval '2 hours'"
        " from tokpay.transfers where kind in ('capture', 'transfer')"
    )
    assert late is True


def test_a_hold_that_was_over_before_the_clock_was_set_back_is_voided(database, accounts):
    a, b, _ = accounts
    held = hold(database, a, [b], [30], "1 hour")
    last_at = set_last_at(database, a, "3 hours")
    [(at,)] = database.execute("select at from tokpay.void(%s)", [held])
    assert at > last_at
