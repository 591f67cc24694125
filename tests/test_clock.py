"""The clock set back."""

import pytest

from account_calls import CAPTURE, DONE, EXPIRE, NOT_PENDING, PAY, hold, status
from lock_session import Session


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
