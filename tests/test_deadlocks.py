"""No single call deadlocks with another."""

import random
import threading
import time

import psycopg2
import pytest

from account_calls import AT_ONCE, CAPTURE, EXPIRE, FREEZE, HOLD, REVERSE, VOID, hold
from lock_session import Session


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
