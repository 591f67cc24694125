"""A call inside whatever SQL surrounds it, beside whatever a DBA does to the tables, against whoever means harm."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import uuid

import psycopg2
import pytest

from lock_session import Session

PAY = "select debit_balance from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"
HOLD = "select transfer from tokpay.hold(%s, array[%s::bigint], array[%s::bigint])"
BALANCES = "select array_agg(balance order by id) from tokpay.accounts where name is null"


@pytest.fixture
def accounts(database):
    """Three accounts with 100 each, ascending by id."""
    ids = open_accounts(database, 3)
    yield ids
    assert database.faults() == []


def open_accounts(database, count):
    ids = [database.execute("select tokpay.open_account()")[0][0] for _ in range(count)]
    for account in ids:
        database.execute("select tokpay.top_up(%s, 100)", [account])
    return ids


def balances(database):
    return database.execute(BALANCES)[0][0]


def sqlstate(connection, statement, parameters=None):
    """That of a statement run on its own; "ok" where it succeeds. Leaves nothing behind."""
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            cursor.execute(statement, parameters)
            return "ok"
        except psycopg2.Error as error:
            return error.pgcode
        finally:
            cursor.execute("rollback")


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
    assert balances(database) == [100 - 10 * kept, 100 + 10 * kept, 100]


def test_two_hundred_subtransactions_keep_what_was_not_rolled_back(database, accounts):
    """More than PostgreSQL caches per backend; others see all of it or nothing."""
    a, b, c = accounts
    session = Session(database)
    for n in range(200):
        session.run("savepoint s")
        session.run(PAY, [a, b, 1] if n % 2 else [b, c, 1])
        session.run("release s" if n % 4 < 2 else "rollback to s")
    assert balances(database) == [100, 100, 100]
    session.commit()
    assert balances(database) == [50, 100, 150]


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
        assert balances(database) == [100, 100, 100]
        waiter = Session(database)
        waiter.start(waiter.run, PAY, [a, c, 50])
    finally:
        database.execute(f"{end} prepared %s", [name])
    assert waiter.answer() == ("TP010" if kept else (50,))
    waiter.rollback()
    assert balances(database) == [100 - 60 * kept, 100 + 60 * kept, 100]
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
    assert balances(database) == [60, 140, 100]


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
    assert balances(database) == [70, 130, 100]
    with pytest.raises(psycopg2.Error) as refused:
        database.execute("do $$ begin insert into invoice values (30), (50); end $$")
    assert refused.value.pgcode == "TP010"
    assert balances(database) == [70, 130, 100]


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
    assert balances(database) == [100, 100, 100]


def test_two_ends_of_a_hold_in_one_statement_undo_it(database, accounts):
    a, b, _ = accounts
    [(held,)] = database.execute(HOLD, [a, b, 30])
    connection = database.connect()
    for second in ("capture", "void"):
        statement = f"select from tokpay.capture(%s) as c, lateral tokpay.{second}(%s + c.transfer * 0)"
        assert sqlstate(connection, statement, [held, held]) == "TP013"
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
    assert balances(database) == [84, 116, 100]


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
    assert balances(database) == [100, 100, 100]


# A standby


class Server:
    """PostgreSQL servers of the test's own, in a directory that goes away; nobody else can reach the sockets."""

    def __init__(self, directory):
        self.directory = directory
        self.user = "postgres" if os.geteuid() == 0 else None
        shutil.chown(directory, self.user) if self.user else None
        config = os.environ.get("PG_CONFIG") or subprocess.run(
            [os.path.join(os.path.dirname(__file__), "../instance/pg-config")], capture_output=True, text=True, check=True
        ).stdout.strip()  # fmt: skip
        self.bin = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        self.running = []

    def run(self, program, *arguments):
        done = subprocess.run(
            [os.path.join(self.bin, program), *arguments], user=self.user, cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self, name):
        self.run("pg_ctl", "start", "-w", "-s", "-D", name, "-l", f"{name}.log",
                 "-o", f"-c unix_socket_directories={self.directory} -c listen_addresses= -c port={self.port(name)} -c fsync=off")  # fmt: skip
        self.running.append(name)

    def port(self, name):
        return 5432 if name == "primary" else 5433

    def url(self, name):
        return f"postgresql://postgres@/postgres?host={self.directory}&port={self.port(name)}"

    def stop(self):
        for name in reversed(self.running):
            self.run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", name)


@pytest.fixture
def standby():
    """A primary and its standby."""
    directory = tempfile.mkdtemp(prefix="tokpay-standby-")
    server = Server(directory)
    try:
        server.run("initdb", "-D", "primary", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        server.start("primary")
        server.run("pg_basebackup", "-D", "standby", "-d", server.url("primary"), "-R", "-c", "fast", "--no-sync")
        server.start("standby")
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


def test_a_standby_answers_not_leader_and_shows_its_books(standby):
    primary = psycopg2.connect(standby.url("primary"))
    primary.autocommit = True
    cursor = primary.cursor()
    cursor.execute("create extension tokpay; select tokpay.open_account() from generate_series(1, 2)")
    cursor.execute("select min(id), max(id) from tokpay.accounts where name is null")
    a, b = cursor.fetchone()
    cursor.execute("select tokpay.top_up(%s, 100)", [a])
    cursor.execute(HOLD, [a, b, 10])
    (held,) = cursor.fetchone()
    cursor.execute("select pg_current_wal_lsn()")
    (lsn,) = cursor.fetchone()
    copy = psycopg2.connect(standby.url("standby"))
    copy.autocommit = True
    reader = copy.cursor()
    until = time.monotonic() + 30
    while True:
        reader.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [lsn])
        if reader.fetchone()[0]:
            break
        assert time.monotonic() < until, "the standby does not follow"
        time.sleep(0.05)
    calls = [
        f"transfer({a}, array[{b}], array[1])", f"top_up({a}, 1)", f"hold({a}, array[{b}], array[1])", f"capture({held})", f"void({held})",
        f"reverse({held})", "expire_holds()", "open_account()", f"set_limits({a}, 0, null)", f"set_metadata({a}, '{{}}')", f"freeze({a})",
        f"unfreeze({a})", f"close({a})", "add_currency('ABC', 2::smallint)", f"balance({a})", f"balances(array[{a}])", f"balance_at({a}, now())",
        f"history({a})", f"transfer_by_key({a}, 'k')", "account_id('funding/USD')", "create_api_key('k', '{read}')", "revoke_api_key(1)",
        f"transfer_batch(array[row({a}, array[{b}], array[1], null, null, null, null)::tokpay.transfer_request])",
    ]  # fmt: skip
    assert {call: state for call in calls if (state := sqlstate(copy, f"select * from tokpay.{call}")) != "TP015"} == {}
    reader.execute("select balance, held from tokpay.accounts where id = %s", [a])
    assert reader.fetchone() == (100, 10)
    for view, rows in [("transfers", 2), ("entries", 2), ("holds", 1), ("receipts", 2)]:
        reader.execute(f"select count(*) from tokpay.{view}")
        assert reader.fetchone() == (rows,), view
    reader.execute("select count(*) filter (where not ok), count(*) > 5 from tokpay.verify()")
    assert reader.fetchone() == (0, True)
    primary.close()
    copy.close()


# Who means harm


@pytest.fixture
def make_role(database):
    """A function that makes roles; they belong to the server, so the test's end drops them."""
    roles = []

    def make(options="", member_of=()):
        role = f"tokpay_test_{uuid.uuid4().hex[:12]}"
        database.execute(f"create role {role} {options}")
        roles.append(role)
        for group in member_of:
            database.execute(f"grant {group} to {role}")
        return role

    yield make
    for role in roles:
        database.execute(f"drop owned by {role} cascade")
        database.execute(f"drop role {role}")


OBJECTS = """
    select 'select tokpay.' || quote_ident(proname) || '(' || array_to_string(array(
        select format('(select null::%s)', t::regtype) from unnest(proargtypes) as t), ', ') || ')'
    from pg_proc where pronamespace = 'tokpay'::regnamespace
    union all
    select format(case relkind when 'S' then s else t end, oid::regclass)
    from pg_class, unnest(
        array['select nextval(%L)', 'select setval(%L, 1)', 'select currval(%L)', 'select last_value from %s'],
        array['select from %s', 'insert into %s default values', 'delete from %s', 'create table x as table %s']) as c (s, t)
    where relnamespace = 'tokpay'::regnamespace and relkind in ('r', 'v', 'S') and not (relkind = 'v' and t ~ '^(insert|delete)')
    union all
    select format('create temporary table x (y %s)', oid::regtype)
    from pg_type where typnamespace = 'tokpay'::regnamespace and typtype = 'c'
        and typrelid in (select oid from pg_class where relkind = 'c')"""


@pytest.mark.parametrize("usage", [False, True], ids=["alone", "with usage of the schema"])
def test_a_role_without_rights_may_do_nothing(database, accounts, make_role, usage):
    role = make_role()
    if usage:
        database.execute(f"grant usage on schema tokpay to {role}")
    statements = [statement for (statement,) in database.execute(OBJECTS)]
    assert len(statements) > 80
    connection = database.connect(role)
    assert {s: state for s in statements if (state := sqlstate(connection, s)) != "42501"} == {}


def test_set_role_gives_the_rights_of_that_role_and_no_other(database, accounts, make_role):
    a, b, _ = accounts
    [(floorless,)] = database.execute("select tokpay.open_account(min_balance => null)")
    teller = make_role("noinherit", ["tokpay_teller", "tokpay_funder"])
    session = database.connect()
    pay = f"select tokpay.transfer({a}, array[{b}], array[1])"
    create = f"select tokpay.transfer({floorless}, array[{b}], array[1])"
    for role, expected in [
        ("tokpay_reader", ("42501", "42501")),
        ("tokpay_teller", ("ok", "TP016")),
        ("tokpay_funder", ("ok", "ok")),
        ("none", ("ok", "ok")),
        (teller, ("42501", "42501")),
    ]:
        session.cursor().execute(f"set role {role}")
        assert (sqlstate(session, pay), sqlstate(session, create)) == expected, role


def test_a_function_with_its_owners_rights_pays_with_them(database, accounts, make_role):
    a, b, _ = accounts
    payer, owner = make_role(), make_role(member_of=["tokpay_teller"])
    database.execute(
        f"create function pay() returns void language sql security definer as"
        f" $$ select tokpay.transfer({a}, array[{b}::bigint], array[10::bigint]) $$; alter function pay() owner to {owner}"
    )
    session = database.connect(payer)
    assert sqlstate(session, "select pay()") == "ok"
    assert sqlstate(session, f"select tokpay.balance({a})") == "42501"


def test_every_function_with_the_owners_rights_fixes_its_search_path(database):
    assert database.execute(
        """select oid::regprocedure from pg_proc where pronamespace = 'tokpay'::regnamespace and prosecdef
        and (proconfig is null or not 'search_path=pg_catalog, pg_temp' = any (proconfig))"""
    ) == []  # fmt: skip
    assert database.execute("select count(*) > 5 from pg_proc where pronamespace = 'tokpay'::regnamespace and prosecdef") == [(True,)]


TRAPS = """
do $do$
declare
    f record;
    o record;
begin
    create schema evil;
    create function evil.spring() returns void language plpgsql as $$ begin raise exception 'trapped'; end $$;
    for f in select p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments, p.prorettype::regtype as result
        from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.prorettype::regtype::text <> 'internal'
            and not exists (select from pg_type t where t.typtype = 'p' and (t.oid = any (p.proargtypes) or t.oid = p.prorettype))
            and not p.proretset and p.provariadic = 0 and p.proname in ('sha256', 'convert_to', 'encode', 'clock_timestamp', 'octet_length',
                'gen_random_uuid', 'uuid_send', 'nextval', 'hashtextextended', 'now', 'quote_literal', 'timestamptz_pl_interval', 'int8eq', 'texteq')
    loop
        execute format('create function evil.%I(%s) returns %s language plpgsql as $$ begin raise exception ''trapped''; end $$',
            f.proname, f.arguments, f.result);
    end loop;
    for o in select oprname, oprleft::regtype as l, oprright::regtype as r, oprresult::regtype as result, row_number() over () as n
        from pg_operator where oprnamespace = 'pg_catalog'::regnamespace
            and oprleft in ('int8'::regtype, 'int4'::regtype, 'text'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'numeric'::regtype, 'jsonb'::regtype, '"char"'::regtype, 'oid'::regtype, 'name'::regtype, 'bytea'::regtype)
            and oprright in ('int8'::regtype, 'int4'::regtype, 'text'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'numeric'::regtype, 'jsonb'::regtype, '"char"'::regtype, 'oid'::regtype, 'name'::regtype, 'bytea'::regtype)
    loop
        execute format('create function evil.op_%s(%s, %s) returns %s language plpgsql as $$ begin raise exception ''trapped''; end $$', o.n, o.l, o.r, o.result);
        execute format('create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.op_%s)', o.oprname, o.l, o.r, o.n);
    end loop;
    for o in select relname from pg_class where relnamespace = 'tokpay'::regnamespace and relkind in ('r', 'v') loop
        execute format('create table evil.%I as select * from tokpay.%I limit 0', o.relname, o.relname);
    end loop;
    create sequence evil.transfer_id_seq;
    create sequence evil.account_id_seq;
end $do$;
grant usage on schema evil to public;
grant all on all tables in schema evil to public"""


def test_traps_before_pg_catalog_are_never_stepped_on(database, make_role):
    """Every operator and table name has a fake that raises, in a schema and among the temporary objects."""
    database.execute(TRAPS)
    [(trapped,)] = [database.execute("select count(*) from pg_operator where oprnamespace = 'evil'::regnamespace")[0]]
    assert trapped > 100
    admin = make_role(member_of=["tokpay_admin"])
    cursor = database.connect(admin).cursor()

    def ask(statement, *parameters):
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]

    for table in ("account_state", "account_info", "journal", "pending_hold", "waypoint", "currency", "pg_class", "pg_proc", "pg_authid"):
        cursor.execute(f"create temporary table {table} (id bigint, name text, code text, account bigint)")
    cursor.execute("insert into pg_temp.currency (code) values ('FAKE')")
    cursor.execute("set search_path = evil, pg_temp, tokpay, pg_catalog")
    with pytest.raises(psycopg2.Error, match="trapped"):
        ask("select 1::bigint + 1::bigint")
    a = ask("select tokpay.open_account('a', metadata => '{}')")
    b = ask("select tokpay.open_account('b')")
    assert ask("select tokpay.account_id('b')") == b
    assert ask("select (tokpay.top_up(%s, 100)).debit_balance", a) == -100
    assert ask("select (tokpay.transfer(%s, array[%s]::bigint[], '{30}', 'k')).debit_balance", a, b) == 70
    assert ask("select (tokpay.transfer(%s, array[%s]::bigint[], '{30}', 'k')).replayed", a, b) is True
    held = ask("select transfer from tokpay.hold(%s, array[%s]::bigint[], '{70}', null, '1 microsecond')", a, b)
    assert ask("select held from tokpay.accounts where id operator(pg_catalog.=) %s", a) == 70
    assert ask("select tokpay.expire_holds()") == 1
    assert ask("select status from tokpay.transfers where id operator(pg_catalog.=) %s", held) == "expired"
    held = ask("select transfer from tokpay.hold(%s, array[%s]::bigint[], '{70}', 'h')", a, b)
    captured = ask("select transfer from tokpay.capture(%s, '{20}')", held)
    assert ask("select debit_balance from tokpay.reverse(%s)", captured) == 70
    ask("select tokpay.set_limits(%s, 0, 1000)", a)
    ask("select tokpay.set_metadata(%s, '{\"a\": 1}')", a)
    ask("select tokpay.freeze(%s)", a)
    ask("select tokpay.unfreeze(%s)", a)
    assert ask("select tokpay.balance_at(%s, 'infinity')", a) == 70
    assert ask("select pg_catalog.count(*) from tokpay.history(%s)", a) == 4
    assert ask("select pg_catalog.count(*) from tokpay.entries") == 8
    assert ask("select tokpay.create_api_key('k', '{read}')").startswith("tokpay_")
    assert ask("select pg_catalog.count(id) from tokpay.authenticate(array['\\x00'::bytea])") == 0
    assert ask("select pg_catalog.bool_and(ok) from tokpay.verify()") is True
    cursor.execute("set statement_timeout = '10s'")
    for refused, code in [("select tokpay.open_account(currency => 'FAKE')", "TP001"), ("select tokpay.close(%s)", "TP018")]:
        with pytest.raises(psycopg2.Error) as error:
            ask(refused, *([a] if "%s" in refused else []))
        assert error.value.pgcode == code
    ask("select tokpay.add_currency('NEW', 2::smallint)")
    cursor.connection.close()
    database.execute("drop schema evil cascade")
    assert database.faults() == []


# The owner, and a superuser's mistakes

SWITCH_OFF = "alter table tokpay.account_state disable trigger all; alter table tokpay.journal disable trigger all;" \
    " alter table tokpay.pending_hold disable trigger all; alter table tokpay.waypoint disable trigger all;"  # fmt: skip
FORGERIES = [
    "update tokpay.account_state set balance = balance + 1 where id = {a}",
    "update tokpay.account_state set balance = balance + case id when {a} then 1 else -1 end where id in ({a}, {b})",
    "update tokpay.account_state set held = 0 where id = {a}",
    "update tokpay.account_state set last_at = last_at - interval '1 second' where id = {a}",
    "update tokpay.account_state set status = 'c' where id = {a}",
    "update tokpay.account_state set currency = 'EUR' where id = {a}",
    "update tokpay.account_state set min_balance = 1000 where id = {a}",
    "update tokpay.account_state set key_filter = 0",
    "delete from tokpay.account_state where id = {a}",
    "delete from tokpay.account_info where account = {a}",
    "delete from tokpay.journal where id = (select max(id) from tokpay.journal where kind = 't')",
    "delete from tokpay.journal where kind = 'v'",
    "update tokpay.journal set amount = amount + 1 where kind = 't'",
    "update tokpay.journal set legs[2] = legs[2] + 1 where kind = 't'",
    "update tokpay.journal set at = at + interval '1 day' where kind = 't'",
    "update tokpay.journal set target = null where kind = 'c'",
    "update tokpay.journal set key = 'k' where kind in ('t', 'r')",
    "update tokpay.journal set expires_at = at where kind = 'h'",
    "insert into tokpay.journal select 900000 + id, at, debit, amount, debit_balance, debit_version, debit_previous, kind, legs from tokpay.journal where kind = 't'",
    "delete from tokpay.pending_hold",
    "update tokpay.pending_hold set amount = amount + 1",
    "update tokpay.pending_hold set expires_at = 'infinity'",
    "insert into tokpay.waypoint values ({a}, 128, 1, now())",
    "alter sequence tokpay.transfer_id_seq restart 1",
    "create table child () inherits (tokpay.account_state); insert into child select * from only tokpay.account_state where id = {a}",
    "create table child () inherits (tokpay.journal); insert into child select * from only tokpay.journal where kind = 't'",
    "create table child () inherits (tokpay.pending_hold); insert into child select * from only tokpay.pending_hold",
    "drop trigger immutable on tokpay.journal",
    "alter table tokpay.waypoint disable trigger immutable_row",
]


def fill(database):
    """Two accounts with every kind of transfer between them."""
    a, b = open_accounts(database, 2)
    database.execute("select tokpay.transfer(%s, array[%s], '{10}', 'k')", [a, b])
    database.execute("select tokpay.reverse(transfer) from tokpay.transfer(%s, array[%s], '{5}')", [a, b])
    database.execute("select tokpay.capture(transfer) from tokpay.hold(%s, array[%s], '{6}')", [a, b])
    database.execute("select tokpay.void(transfer) from tokpay.hold(%s, array[%s], '{7}')", [a, b])
    database.execute("select tokpay.hold(%s, array[%s], '{8}')", [a, b])
    return a, b


def test_verify_finds_what_a_superuser_did_past_the_guards(database):
    a, b = fill(database)
    assert database.faults() == []
    connection = database.connect(autocommit=False)
    cursor = connection.cursor()
    unseen = []
    for forgery in FORGERIES:
        if "trigger" not in forgery:
            cursor.execute(SWITCH_OFF)
        cursor.execute(forgery.format(a=a, b=b))
        if "trigger" not in forgery:
            cursor.execute(re.sub(r"disable trigger all", "enable always trigger immutable", SWITCH_OFF))
            cursor.execute(re.sub(r"disable trigger all", "enable always trigger immutable_row", SWITCH_OFF))
        cursor.execute("select count(*) from tokpay.verify() where not ok")
        if cursor.fetchone() == (0,):
            unseen.append(forgery)
        connection.rollback()
    assert unseen == []
    assert database.faults() == []


CHANGED_TABLES = [
    "alter table tokpay.{table} add column extra integer",
    "alter table tokpay.{table} add column extra integer not null default 7",
    "alter table tokpay.{table} add column extra integer; alter table tokpay.{table} drop column extra",
    "alter table tokpay.{table} add check (true is null)",
    "alter table tokpay.{table} enable row level security; alter table tokpay.{table} force row level security",
    "create rule r as on insert to tokpay.{table} do instead nothing",
    "create rule r as on update to tokpay.{table} do instead nothing",
    "create table child () inherits (tokpay.{table})",
    "alter table tokpay.{table} set unlogged",
    "alter table tokpay.{table} replica identity full",
    "alter table tokpay.{table} set (fillfactor = 100, autovacuum_enabled = off)",
    "alter table tokpay.{table} set tablespace pg_default",
]


@pytest.mark.parametrize("table", ["account_state", "journal", "pending_hold", "waypoint"])
def test_a_changed_table_is_refused_or_written_right(database, table):
    a, b = fill(database)
    database.execute("select tokpay.top_up(%s, 300)", [a])
    calls = [
        f"transfer({a}, array_fill({b}::bigint, array[150]), array_fill(1::bigint, array[150]))",
        f"hold({b}, array[{a}], '{{3}}', null, '1 microsecond')",
        f"hold({b}, array[{a}], '{{3}}', 'h')",
        f"reverse((tokpay.capture((tokpay.transfer_by_key({b}, 'h')).transfer)).transfer)",
    ]
    cursor = database.connect(autocommit=False).cursor()
    for change in CHANGED_TABLES:
        for statement in [change.format(table=table), *(f"select tokpay.{call}" for call in calls), "select tokpay.expire_holds()"]:
            cursor.execute("savepoint s")
            try:
                cursor.execute(statement)
            except psycopg2.Error as error:
                assert error.pgcode[:2] in ("0A", "23", "2B", "42", "55", "TP"), (change, statement, error)
                cursor.execute("rollback to s")
        cursor.execute("select detail from tokpay.verify() where not ok")
        assert cursor.fetchall() == [], change
        cursor.connection.rollback()
    assert database.faults() == []


TAKEN_APART = [
    "alter table tokpay.journal drop column debit_previous",
    "alter table tokpay.account_state drop column key_filter",
    "alter table tokpay.account_state alter column held type numeric",
    "drop table tokpay.waypoint",
    "drop function tokpay.leg_column(bigint[], integer)",
    "drop schema tokpay",
    "drop sequence tokpay.transfer_id_seq",
    "alter extension tokpay set schema public",
    "alter extension tokpay update to '99'",
]


def test_taking_the_extension_apart_is_refused(database, accounts):
    connection = database.connect()
    assert {s: state for s in TAKEN_APART if (state := sqlstate(connection, s)) not in ("2BP01", "0A000", "22023")} == {}


MISSING = [
    ("drop index tokpay.journal_key", "journal_key"),
    ("drop index tokpay.pending_hold_debit", "pending_hold_debit"),
    ("alter index tokpay.journal_target rename to gone", "journal_target"),
    ("alter table tokpay.journal drop constraint journal_id cascade", "journal_id"),
    ("alter table tokpay.account_state drop constraint account_state_pkey cascade", "account_state_pkey"),
    ("alter sequence tokpay.transfer_id_seq rename to gone", "transfer_id_seq"),
]


def test_a_missing_part_is_named_until_it_is_back(database, accounts):
    a, b, _ = accounts
    cursor = database.connect().cursor()
    for drop, missing in MISSING:
        cursor.execute(PAY, [a, b, 1])
        cursor.execute("begin")
        cursor.execute(drop)
        cursor.execute("savepoint s")
        for call in (f"tokpay.transfer({a}, array[{b}], array[1])", f"tokpay.balance({a})", f"tokpay.history({a})", "tokpay.expire_holds()"):
            with pytest.raises(psycopg2.Error) as refused:
                cursor.execute(f"select {call}")
            assert (refused.value.pgcode, refused.value.diag.message_primary) == ("42P01", f"tokpay.{missing} is missing")
            cursor.execute("rollback to s")
        cursor.execute("rollback")
    assert balances(database) == [100 - len(MISSING), 100 + len(MISSING), 100]


def test_a_library_of_another_version_than_the_extension_refuses(database, accounts):
    a, _, _ = accounts
    cursor = database.connect(autocommit=False).cursor()
    cursor.execute("select tokpay.balance(%s)", [a])
    cursor.execute("update pg_extension set extversion = '0.1.0' where extname = 'tokpay'")
    with pytest.raises(psycopg2.Error) as refused:
        cursor.connection.cursor().execute("alter table tokpay.account_state set (fillfactor = 75); select tokpay.balance(%s)", [a])
    assert refused.value.pgcode == "55000"
    assert "ALTER EXTENSION tokpay UPDATE" in refused.value.diag.message_hint


# A DBA at work

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
    ids = [open_accounts(database, 3) for database in databases]
    assert ids[0] == ids[1]
    sessions = [Session(database) for database in databases]
    a, b, _ = ids[0]
    for n in range(1, 6):
        for session, step in zip(sessions, (1, 2)):
            assert session.transfer(a, [b], [step], f"k{n}")[1:] == (100 - n * step, 1 + n, False)
            session.commit()
    assert [balances(database) for database in databases] == [[95, 105, 100], [90, 110, 100]]
    sessions[0].connection.close()
    databases[0].execute("drop extension tokpay cascade")
    assert sessions[1].transfer(a, [b], [1])[1] == 89  # the roles are the server's and stay
    sessions[1].commit()
    assert databases[1].execute("select has_function_privilege('tokpay_teller', 'tokpay.void(bigint, text)', 'execute')") == [(True,)]
    assert databases[1].faults() == []
