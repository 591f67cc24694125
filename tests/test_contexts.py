"""A call inside whatever SQL surrounds it."""

import os
import socket
import uuid

import psycopg2
import psycopg2.extras
import pytest

from lock_session import Session
from processes import eventually, stopped

PAY = "select debit_balance from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"
HOLD = "select transfer from tokpay.hold(%s, array[%s::bigint], array[%s::bigint])"


# Transactions


@pytest.mark.parametrize("end, kept", [("commit", 1), ("rollback", 0)])
def test_a_transfer_shares_the_fate_of_the_callers_other_statements(database, accounts, end, kept):
    a, b, _ = accounts
    database.execute("create table invoice (id integer)")
    session = Session(database)
    session.run("insert into invoice values (1)")
    assert session.run(PAY, [a, b, 10]) == (90,)
    session.run("insert into invoice values (2)")
    getattr(session, end)()
    assert database.execute("select count(*) from invoice") == [(2 * kept,)]
    assert database.balances() == [100 - 10 * kept, 100 + 10 * kept, 100]


def test_two_hundred_subtransactions_keep_what_was_not_rolled_back(database, accounts):
    """More than PostgreSQL caches per backend; others see all of it or nothing."""
    a, b, c = accounts
    session = Session(database)
    for n in range(200):
        session.run("savepoint s")
        session.run(PAY, [a, b, 1] if n % 2 else [b, c, 1])
        session.run("release s" if n % 4 < 2 else "rollback to s")
    assert database.balances() == [100, 100, 100]
    session.commit()
    assert database.balances() == [50, 100, 150]


@pytest.mark.parametrize("table, mode, then", [("pg_extension", "single", 100), ("tokpay.cluster", "cluster", "TP015")])
def test_a_call_that_is_cut_off_while_it_looks_at_the_catalog_leaves_nothing_half_known(database, accounts, table, mode, then):
    if mode == "cluster":
        database.execute("insert into tokpay.cluster (incarnation) values (1)")
    locker = Session(database)
    locker.run(f"lock table {table} in access exclusive mode")
    fresh = Session(database)
    fresh.run("set lock_timeout = '50ms'")
    fresh.commit()
    balance = ("select tokpay.balance(%s)", [accounts[0]])
    assert fresh.run(*balance) == "55P03"
    locker.rollback()
    assert fresh.run(*balance) in (then, (then,))


@pytest.mark.parametrize("function", ["gateway_batch", "gateway_packed_batch"])
def test_a_gateways_call_that_is_executed_after_its_client_has_gone_moves_nothing(database, accounts, function):
    """By then a repetition may have been refused, and a client told so."""
    a, b, _ = accounts
    call = f"select * from tokpay.{function}(array[row('transfer', {a}, array[{b}], array[60], 'k', null, null, null, null, null, null)::tokpay.gateway_request])"
    connection = psycopg2.connect(database.server_url, dbname=database.name, async_=True)
    psycopg2.extras.wait_select(connection)
    pid = connection.info.backend_pid
    with stopped([pid]):
        connection.cursor().execute(call)
        with socket.socket(fileno=os.dup(connection.fileno())) as client:
            client.shutdown(socket.SHUT_RDWR)  # close() may reset the connection, and then nobody reads the call
        assert database.execute("select code from tokpay.gateway_batch(array[row('transfer', %s, array[%s], array[101], 'k', null, null, null, null, null, null)"
                                "::tokpay.gateway_request])", [a, b]) == [("insufficient_funds",)]  # fmt: skip
    eventually(lambda: database.execute("select from pg_stat_activity where pid = %s", [pid]) == [], 20, "the backend's end")
    connection.close()
    assert database.balances() == [100, 100, 100]


@pytest.mark.parametrize("end, kept", [("commit", 1), ("rollback", 0)])
def test_a_prepared_transfer_keeps_its_locks_and_its_money(database, accounts, end, kept):
    if database.execute("show max_prepared_transactions") == [("0",)]:
        pytest.skip("max_prepared_transactions is 0: the server knows no two-phase commit")
    a, b, c = accounts
    name = f"tokpay {uuid.uuid4()}"
    connection = database.connect()
    cursor = connection.cursor()
    cursor.execute("begin")
    cursor.execute(PAY, [a, b, 60])
    cursor.execute(HOLD, [a, c, 40])
    cursor.execute("prepare transaction %s", [name])
    try:
        connection.close()
        assert database.balances() == [100, 100, 100]
        waiter = Session(database)
        waiter.start(waiter.run, PAY, [a, c, 50])
    finally:
        database.execute(f"{end} prepared %s", [name])
    assert waiter.answer() == ("TP010" if kept else (50,))
    waiter.rollback()
    assert database.balances() == [100 - 60 * kept, 100 + 60 * kept, 100]
    assert database.execute("select count(*) from tokpay.holds") == [(kept,)]


def test_a_procedure_commits_between_transfers(database, accounts):
    a, b, _ = accounts
    database.execute(
        """create procedure pay(a bigint, b bigint) language plpgsql as $$
        begin
            for n in 1..6 loop
                perform tokpay.transfer(a, array[b], array[10]);
                if n % 3 = 0 then rollback; else commit; end if;
            end loop;
        end $$"""
    )
    database.execute("call pay(%s, %s)", [a, b])
    assert database.balances() == [60, 140, 100]


def test_a_do_block_and_a_deferred_trigger_pay(database, accounts):
    a, b, _ = accounts
    database.execute(
        f"""create table invoice (amount bigint);
        create function pay() returns trigger language plpgsql as $$
        begin
            perform tokpay.transfer({a}, array[{b}::bigint], array[new.amount]);
            return null;
        end $$;
        create constraint trigger pay after insert on invoice deferrable initially deferred
        for each row execute function pay()"""
    )
    database.execute("do $$ begin insert into invoice values (10), (20); end $$")
    assert database.balances() == [70, 130, 100]
    with pytest.raises(psycopg2.Error) as refused:
        database.execute("do $$ begin insert into invoice values (30), (50); end $$")
    assert refused.value.pgcode == "TP010"
    assert database.balances() == [70, 130, 100]


def test_a_read_only_transaction_writes_nothing_and_reads_everything(database, accounts):
    a, b, _ = accounts
    database.execute("select tokpay.hold(%s, array[%s], '{1}', null, '1 microsecond')", [a, b])
    session = Session(database)
    session.connection.set_session(readonly=True)
    for call in (
        f"tokpay.transfer({a}, array[{b}], array[1])",
        f"tokpay.hold({a}, array[{b}], array[1])",
        "tokpay.expire_holds()",
        f"tokpay.freeze({a})",
        "tokpay.open_account()",
    ):
        assert session.run(f"select {call}") == "25006", call
    assert session.run("select tokpay.balance(%s), (select count(*) from tokpay.history(%s))", [a, a]) == (100, 1)
    assert session.run("select bool_and(ok) from tokpay.verify()") == (True,)


# One statement, many calls


def test_calls_of_one_statement_see_each_other(database, accounts):
    a, b, c = accounts
    assert database.execute(
        """select c.debit_balance, v.debit_balance, r.debit_balance
        from tokpay.hold(%s, array[%s], '{30}') as h, lateral tokpay.capture(h.transfer, '{20}') as c,
            lateral tokpay.hold(%s, array[%s + c.transfer * 0], '{80}') as g, lateral tokpay.void(g.transfer) as v,
            lateral tokpay.reverse(c.transfer + v.transfer * 0) as r""",
        [a, b, a, c],
    ) == [(80, 80, 100)]
    assert database.balances() == [100, 100, 100]
    assert database.own.notices == []  # of a snapshot that is still active, say


def test_two_ends_of_a_hold_in_one_statement_undo_it(database, accounts):
    a, b, _ = accounts
    [(held,)] = database.execute(HOLD, [a, b, 30])
    for second in ("capture", "void"):
        statement = f"select from tokpay.capture(%s) as c, lateral tokpay.{second}(%s + c.transfer * 0)"
        assert Session(database).run(statement, [held, held]) == "TP013"
    assert database.execute("select held from tokpay.balances(array[%s])", [a]) == [(30,)]


def test_a_cursor_pays_for_the_rows_that_were_fetched(database, accounts):
    a, b, _ = accounts
    session = Session(database)
    session.run(f"""declare c cursor for select t.debit_balance from generate_series(1, 5) as n,
        lateral tokpay.transfer({a}, array[{b}::bigint], array[n]::bigint[]) as t""")
    assert [session.run("fetch c") for _ in range(2)] == [(99,), (97,)]
    assert session.run(PAY, [a, b, 10]) == (87,)
    assert session.run("fetch c") == (84,)
    session.run("close c")
    session.commit()
    assert database.balances() == [84, 116, 100]


def test_a_cursor_that_reads_keeps_its_snapshot(database, accounts):
    a, b, _ = accounts
    session = Session(database)
    session.run("declare c cursor for select balance, tokpay.balance(id) from tokpay.accounts where name is null order by id")
    assert session.run("fetch c") == (100, 100)
    session.run(PAY, [a, b, 10])
    assert session.run("fetch c") == (100, 100)
    session.commit()


# Parallel queries


@pytest.fixture
def parallel(database):
    """A session whose every query is planned in parallel where it may be."""
    session = Session(database)
    forced = "debug_parallel_query" if session.connection.server_version >= 160000 else "force_parallel_mode"
    for setting in (f"{forced} = on", "parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0"):
        session.run(f"set {setting}")
    session.commit()
    return session


def test_calls_and_reads_are_right_in_a_parallel_plan(database, accounts, parallel):
    a, b, _ = accounts
    database.execute("create table whom as select %s::bigint as account from generate_series(1, 20000)", [b])
    database.execute("analyze whom")
    assert parallel.run(PAY, [a, b, 10]) == (90,)
    [plan] = parallel.run("explain (format json) select count(*) from whom where account > 0")
    assert "Gather" in str(plan)
    assert parallel.run("select sum(tokpay.balance(account)), count(*) from whom") == (2200000, 20000)
    assert parallel.run("select sum(e.amount) from tokpay.entries e where account = %s", [b]) == (110,)
    assert parallel.run("select count(*) from tokpay.history(%s)", [b]) == (2,)
    assert parallel.run("select count(*) from tokpay.transfers") == (4,)
    assert parallel.run("select bool_and(ok) from tokpay.verify()") == (True,)
    parallel.commit()


def test_a_worker_refuses_to_write(database, accounts, parallel):
    """The caller's function lies about being parallel safe."""
    a, b, _ = accounts
    database.execute("select tokpay.hold(%s, array[%s], '{1}', null, '1 microsecond')", [a, b])
    for number, call in enumerate(
        [f"tokpay.transfer({a}, array[{b}], array[1])", f"tokpay.hold({a}, array[{b}], array[1])", f"tokpay.freeze({a})", "tokpay.expire_holds()"]
    ):  # fmt: skip
        database.execute(
            f"create function lie_{number}(n bigint) returns bigint language plpgsql parallel safe as"
            f" $$ begin perform {call}; return n; end $$"
        )
        assert parallel.run(f"select lie_{number}(1)") == "25000", call
    assert database.balances() == [100, 100, 100]
