"""The lock protocol, one claim a test: who waits for whom, and what they see afterwards."""

import psycopg2
import pytest

from lock_session import SNAPSHOT_LEVELS, Session


def test_second_first_use_of_a_key_waits_and_replays(database, accounts):
    a, b, _ = accounts
    first, second = Session(database), Session(database)
    reply = first.transfer(a, [b], [10], "k")
    second.start(second.transfer, a, [b], [10], "k")
    first.commit()
    assert second.answer() == (*reply[:3], True)
    second.commit()
    assert database.execute("select tokpay.balance(%s)", [a]) == [(90,)]


def test_second_first_use_of_a_key_executes_when_the_first_is_rolled_back(database, accounts):
    a, b, _ = accounts
    first, second = Session(database), Session(database)
    first.transfer(a, [b], [10], "k")
    second.start(second.transfer, a, [b], [10], "k")
    first.rollback()
    assert second.answer()[1:] == (90, 2, False)
    second.commit()


def test_second_use_with_another_amount_waits_and_is_refused(database, accounts):
    a, b, _ = accounts
    first, second = Session(database), Session(database)
    first.transfer(a, [b], [10], "k")
    second.start(second.transfer, a, [b], [11], "k")
    first.commit()
    assert second.answer() == "TP002"


def test_a_key_rolled_back_to_a_savepoint_is_free(database, accounts):
    a, b, _ = accounts
    first, second = Session(database), Session(database)
    first.run("savepoint s")
    first.transfer(a, [b], [10], "k")
    first.run("rollback to s")
    assert second.transfer(a, [b], [10], "k")[3] is False
    second.commit()
    assert first.transfer(a, [b], [10], "k")[3] is True
    first.commit()


def test_a_waiter_sees_the_balance_it_waited_for(database, accounts):
    a, b, c = accounts
    first, second = Session(database), Session(database)
    first.transfer(a, [b], [60])
    second.start(second.transfer, a, [c], [60])
    first.commit()
    assert second.answer() == "TP010"


def test_a_waiter_spends_money_it_waited_for(database, accounts):
    a, b, c = accounts
    first, second = Session(database), Session(database)
    first.transfer(a, [b], [60])
    second.start(second.transfer, b, [c], [150])
    first.commit()
    assert second.answer()[1:3] == (10, 3)
    second.commit()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", *SNAPSHOT_LEVELS])
def test_a_reader_never_waits(database, accounts, isolation):
    a, b, _ = accounts
    writer, reader = Session(database), Session(database, isolation)
    writer.transfer(a, [b], [10], "k")
    reader.run("set statement_timeout = '2s'")
    assert reader.run("select tokpay.balance(%s)", [a]) == (100,)
    assert reader.run("select sum(balance) from tokpay.balances(%s)", [accounts]) == (300,)
    assert reader.run("select count(*) from tokpay.history(%s)", [a]) == (1,)
    assert reader.run("select tokpay.transfer_by_key(%s, 'k')", [a]) == (None,)
    assert reader.run("select bool_and(ok) from tokpay.verify()") == (True,)
    writer.commit()
    seen = 90 if isolation == "READ COMMITTED" else 100
    assert reader.run("select tokpay.balance(%s)", [a]) == (seen,)


def test_a_writer_never_waits_for_a_reader(database, accounts):
    a, b, _ = accounts
    reader, writer = Session(database, "SERIALIZABLE"), Session(database)
    reader.run("select count(*) from tokpay.balances(%s), tokpay.history(%s), tokpay.verify()", [accounts, a])
    writer.run("set statement_timeout = '2s'")
    assert writer.transfer(a, [b], [10])[1] == 90
    writer.commit()


def test_transfers_between_other_accounts_never_wait(database, accounts):
    a, b, c = accounts
    d = database.execute("select tokpay.open_account()")[0][0]
    first, second = Session(database), Session(database)
    first.transfer(a, [b], [10])
    second.run("set statement_timeout = '2s'")
    assert second.transfer(c, [d], [10])[1] == 90
    second.commit()
    first.commit()


def test_a_credited_account_is_locked_too(database, accounts):
    a, b, c = accounts
    first, second = Session(database), Session(database)
    first.transfer(a, [c], [10])
    second.start(second.transfer, b, [c], [10])
    first.commit()
    assert second.answer()[1] == 90
    second.commit()
    assert database.execute("select balance, version from tokpay.balances(%s)", [[c]]) == [(120, 3)]


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("changed", ["debit", "credit"])
def test_a_snapshot_transaction_on_a_changed_account_fails_to_serialize(database, accounts, isolation, changed):
    a, b, c = accounts
    late, other = Session(database, isolation), Session(database)
    late.run("select tokpay.balance(%s)", [a])
    other.transfer(*((a, [c], [1]) if changed == "debit" else (c, [b], [1])))
    other.commit()
    assert late.transfer(a, [b], [1]) == "40001"


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_a_snapshot_transaction_that_waited_for_a_change_fails_to_serialize(database, accounts, isolation):
    a, b, c = accounts
    late, other = Session(database, isolation), Session(database)
    other.transfer(a, [c], [1])
    late.start(late.transfer, a, [b], [1])
    other.commit()
    assert late.answer() == "40001"


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_a_replay_the_snapshot_cannot_see_fails_to_serialize(database, accounts, isolation):
    a, b, _ = accounts
    late, other = Session(database, isolation), Session(database)
    late.run("select tokpay.balance(%s)", [a])
    reply = other.transfer(a, [b], [1], "k")
    other.commit()
    assert late.transfer(a, [b], [1], "k") == "40001"
    assert late.transfer(a, [b], [1], "k") == (*reply[:3], True)
    late.commit()


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_accounts_the_snapshot_cannot_see_fail_to_serialize(database, accounts, isolation):
    late = Session(database, isolation)
    late.run("select tokpay.balance(%s)", [accounts[0]])
    [(payer,)] = database.execute("select tokpay.open_account()")
    [(payee,)] = database.execute("select tokpay.open_account()")
    assert late.transfer(payer, [payee], [1]) == "40001"
    assert late.transfer(payer, [payee + 1000], [1]) == "TP003"  # under the new snapshot: unknown for good


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
def test_a_snapshot_transaction_on_unchanged_accounts_goes_through(database, accounts, isolation):
    a, b, c = accounts
    d = database.execute("select tokpay.open_account()")[0][0]
    late, other = Session(database, isolation), Session(database)
    late.run("select tokpay.balance(%s)", [a])
    other.transfer(c, [d], [1])
    other.commit()
    assert late.transfer(a, [b], [1], "k")[1:] == (99, 2, False)
    assert late.transfer(a, [b], [1], "k")[1:] == (99, 2, True)
    assert late.transfer(a, [b], [1])[1:] == (98, 3, False)
    assert late.run("select tokpay.balance(%s)", [a]) == (98,)
    late.commit()


def test_write_skew_between_two_accounts_fails_under_serializable(database, accounts):
    """Each pays only where the other account still has money: one of the two must fail."""
    a, b, c = accounts
    d = database.execute("select tokpay.open_account()")[0][0]
    first, second = Session(database, "SERIALIZABLE"), Session(database, "SERIALIZABLE")
    assert first.run("select tokpay.balance(%s)", [b]) == (100,)
    assert second.run("select tokpay.balance(%s)", [a]) == (100,)
    results = []
    for session, debit, credit in [(first, a, c), (second, b, d)]:
        results.append(session.transfer(debit, [credit], [100]))
    for session in (first, second):
        try:
            session.commit()
        except psycopg2.Error as error:
            results.append(error.pgcode)
    assert "40001" in results


@pytest.mark.parametrize("form", ["transfers", "batches"])
def test_calls_with_opposite_account_order_do_not_deadlock(database, accounts, form):
    """Both wait for b; unsorted, the first of them would hold b and want a, the second the reverse."""
    a, b, c = accounts
    holder, one, two = Session(database), Session(database), Session(database)
    batch = """
        select string_agg(code, ' ') from tokpay.transfer_batch(array[
            row(%s, array[%s], array[1], null, null, null, null)::tokpay.transfer_request,
            row(%s, array[%s], array[1], null, null, null, null)::tokpay.transfer_request])"""
    holder.run("select from tokpay.account_state where id = %s for update", [b])
    if form == "batches":
        one.start(one.run, batch, (b, c, c, a))
        two.start(two.run, batch, (a, c, c, b))
    else:
        one.start(one.transfer, b, [a, c], [1, 1])
        two.start(two.transfer, a, [c, b], [1, 1])
    holder.rollback()
    assert one.answer() not in (None, "40P01")
    one.commit()
    assert two.answer() not in (None, "40P01")
    two.commit()


def test_a_refused_request_locks_but_changes_nothing(database, accounts):
    a, b, _ = accounts
    first, second = Session(database), Session(database)
    assert first.run("select code from tokpay.transfer_batch(array[row(%s, array[%s], array[1000], null, null, null, null)"
                     "::tokpay.transfer_request])", [a, b]) == ("insufficient_funds",)  # fmt: skip
    second.start(second.transfer, a, [b], [1])
    first.commit()
    assert second.answer()[1:3] == (99, 2)
    second.commit()


def test_the_same_account_name_opened_twice_at_once_is_taken(database):
    first, second = Session(database), Session(database)
    first.run("select tokpay.open_account('shop')")
    second.start(second.run, "select tokpay.open_account('shop')")
    first.commit()
    assert second.answer() == "TP017"


def test_the_first_accounts_of_a_currency_share_one_funding_account(database):
    first, second = Session(database), Session(database)
    (one,) = first.run("select tokpay.open_account(currency => 'EUR')")
    second.start(second.run, "select tokpay.open_account(currency => 'EUR')")
    first.commit()
    (two,) = second.answer()
    second.commit()
    for account in (one, two):
        database.execute("select tokpay.top_up(%s, 5)", [account])
    assert database.execute("select balance from tokpay.accounts where name = 'funding/EUR'") == [(-10,)]
    assert database.faults() == []


GATEWAY_CALL = """
    with asked (kind, debit, credits, amounts) as (
        select 'transfer', %(debit)s, array[%(other)s]::bigint[], array[1]::bigint[] from generate_series(1, %(others)s)
        union all select 'transfer', %(debit)s, array[%(credit)s]::bigint[], array[%(amount)s]::bigint[])
    select tokpay.gateway_packed_batch(array(select row(asked.kind, asked.debit, asked.credits, asked.amounts, null, null, null, null, null, null, null)::tokpay.gateway_request from asked), %(timeout)s)"""


# Where few of a call's requests are about an account, its lock is first asked for by the update.
@pytest.mark.parametrize("others", [0, 40])
@pytest.mark.parametrize("amount", [1, 1000], ids=["executed", "refused"])
def test_the_gateways_call_gives_up_waiting_in_time_and_names_the_account(database, accounts, amount, others):
    a, b, c = accounts
    asked = {"debit": a, "credit": b, "amount": amount, "other": c, "others": others, "timeout": 10}
    holder, gateway = Session(database), Session(database)
    holder.run("select 1 from tokpay.account_state where id = %s for no key update", [b])
    with pytest.raises(psycopg2.errors.LockNotAvailable) as error:
        gateway.connection.cursor().execute(GATEWAY_CALL, asked)
    assert error.value.diag.message_detail.startswith(f"Account {b} ")
    gateway.rollback()
    assert gateway.run("show lock_timeout") == ("0",)
    holder.commit()
    assert len(gateway.run(GATEWAY_CALL, asked)[0]) > 0
    assert gateway.run("show lock_timeout") == ("0",)
    gateway.rollback()


def test_without_a_timeout_the_gateways_call_waits_as_the_session_does(database, accounts):
    a, b, c = accounts
    asked = {"debit": a, "credit": b, "amount": 1, "other": c, "others": 0, "timeout": None}
    holder, gateway = Session(database), Session(database)
    holder.transfer(b, [c], [10])
    gateway.run("set local lock_timeout = '10ms'")
    assert gateway.run(GATEWAY_CALL, asked) == "55P03"
    gateway.start(gateway.run, GATEWAY_CALL, asked)
    holder.commit()
    assert len(gateway.answer()[0]) > 0
    gateway.rollback()
