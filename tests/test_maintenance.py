"""Calls beside whatever a DBA does to the tables."""

import threading
import uuid

import psycopg2
import pytest

from lock_session import Session
from table_guards import SWITCH_OFF

PAY = "select debit_balance from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"
HOLD = "select transfer from tokpay.hold(%s, array[%s::bigint], array[%s::bigint])"

MAINTENANCE = {
    "vacuum full": ["vacuum full tokpay.account_state", "vacuum full tokpay.journal", "vacuum full tokpay.pending_hold"],
    "vacuum": ["vacuum (freeze, truncate) tokpay.account_state, tokpay.journal, tokpay.pending_hold"],
    "cluster": ["cluster tokpay.account_state using account_state_pkey", "cluster tokpay.journal using journal_id"],
    "reindex": ["reindex schema tokpay"],
    "reindex concurrently": ["reindex schema concurrently tokpay"],
    "analyze": ["analyze"],
    "restored backwards": [
        SWITCH_OFF + """create table kept as table tokpay.account_state; truncate tokpay.account_state;
        insert into tokpay.account_state select * from kept order by id desc; drop table kept"""],
    "other rows at the same places": [
        SWITCH_OFF + "create table kept as table tokpay.account_state; delete from tokpay.account_state",
        "vacuum (truncate off) tokpay.account_state",
        "insert into tokpay.account_state select * from kept order by id desc"],
    "shorter": [
        SWITCH_OFF + "create table kept as table tokpay.account_state; delete from tokpay.account_state",
        "vacuum (truncate) tokpay.account_state",
        "insert into tokpay.account_state select * from kept order by id desc"],
    "another index": ["create index on tokpay.account_state (balance)"],
}  # fmt: skip


@pytest.mark.parametrize("statements", MAINTENANCE.values(), ids=MAINTENANCE.keys())
def test_a_backend_finds_every_row_after_maintenance_between_its_calls(database, statements):
    """It remembers where rows were; 400 accounts are several pages."""
    database.execute("select tokpay.open_account() from generate_series(1, 400)")
    ids = [account for (account,) in database.execute("select id from tokpay.accounts where name is null order by id")]
    session = Session(database)
    session.run("select count(*) from (select tokpay.top_up(id, 100) from tokpay.accounts where name is null) as t")
    session.commit()
    read = "select array_agg(account::text || ' ' || balance) from tokpay.balances(%s)"
    expected = dict.fromkeys(ids, 100)
    for round_number in range(2):
        for debit, credit in zip(ids[::7], ids[3::7]):
            assert session.run(PAY, [debit, credit, 2]) == (expected[debit] - 2,)
            expected[debit] -= 2
            expected[credit] += 2
        (held,) = session.run(HOLD, [ids[0], ids[1], 5])
        session.commit()
        if round_number == 0:
            for statement in statements:
                database.execute(statement)
        assert session.run(read, [ids]) == ([f"{account} {balance}" for account, balance in expected.items()],)
        assert session.run("select debit_balance from tokpay.capture(%s)", [held]) == (expected[ids[0]] - 5,)
        expected[ids[0]] -= 5
        expected[ids[1]] += 5
        session.commit()
    for table in ("account_state", "journal", "pending_hold", "waypoint"):
        for guard in ("immutable", "immutable_row"):
            database.execute(f"alter table tokpay.{table} enable always trigger {guard}")
    assert database.faults() == []


def test_indexes_that_are_made_while_transfers_run_are_complete(database, accounts):
    a, b, c = accounts
    stop, failures = threading.Event(), []

    def work(debit, credit):
        try:
            cursor = database.connect().cursor()
            while not stop.is_set():
                for one, other in [(debit, credit), (credit, debit)]:
                    cursor.execute("select transfer from tokpay.transfer(%s, array[%s], '{1}', gen_random_uuid()::text)", [one, other])
                cursor.execute("select tokpay.capture(transfer) from tokpay.hold(%s, array[%s], '{1}')", [debit, credit])
                cursor.execute("select tokpay.transfer(%s, array[%s], '{1}')", [credit, debit])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in [(a, b), (b, c), (c, a)]]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            for table, columns in [("account_state", "balance"), ("journal", "at"), ("journal", "debit, amount"), ("pending_hold", "amount")]:
                for concurrently in ("", "concurrently"):
                    name = f"dba_{uuid.uuid4().hex[:8]}"
                    database.execute(f"create index {concurrently} {name} on tokpay.{table} ({columns})")
            database.execute("reindex index concurrently tokpay.journal_key")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    indexes = """select indexrelid::regclass::text from pg_index where indrelid in
        ('tokpay.account_state'::regclass, 'tokpay.journal'::regclass, 'tokpay.pending_hold'::regclass)"""
    try:
        database.execute("create extension amcheck")
    except psycopg2.Error:
        pytest.skip("amcheck is not installed")
    for (index,) in database.execute(indexes):
        database.execute("select bt_index_check(%s, heapallindexed => true)", [index])


def test_two_databases_of_one_server_keep_their_own_books(new_database):
    databases = [new_database() for _ in range(2)]
    ids = [database.open_accounts(3) for database in databases]
    assert ids[0] == ids[1]
    sessions = [Session(database) for database in databases]
    a, b, _ = ids[0]
    for n in range(1, 6):
        for session, step in zip(sessions, (1, 2)):
            assert session.transfer(a, [b], [step], f"k{n}")[1:] == (100 - n * step, 1 + n, False)
            session.commit()
    assert [database.balances() for database in databases] == [[95, 105, 100], [90, 110, 100]]
    sessions[0].connection.close()
    databases[0].execute("drop extension tokpay cascade")
    assert sessions[1].transfer(a, [b], [1])[1] == 89  # the roles are the server's and stay
    sessions[1].commit()
    assert databases[1].execute("select has_function_privilege('tokpay_teller', 'tokpay.void(bigint, text)', 'execute')") == [(True,)]
    assert databases[1].faults() == []
