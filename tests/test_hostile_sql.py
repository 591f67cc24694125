"""Calls and tables against whoever means harm, and a superuser's mistakes."""

import re
import uuid

import psycopg2
import pytest

from account_calls import sqlstate
from table_guards import SWITCH_OFF

PAY = "select debit_balance from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"


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
    a, b = database.open_accounts(2)
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
    "alter table tokpay.{table} add column extra integer not null default 7, add column more text",
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
    assert database.balances() == [100 - len(MISSING), 100 + len(MISSING), 100]


def test_a_library_of_another_version_than_the_extension_refuses(database, accounts):
    a, _, _ = accounts
    cursor = database.connect(autocommit=False).cursor()
    cursor.execute("select tokpay.balance(%s)", [a])
    cursor.execute("update pg_extension set extversion = '0.1.0' where extname = 'tokpay'")
    with pytest.raises(psycopg2.Error) as refused:
        cursor.connection.cursor().execute("alter table tokpay.account_state set (fillfactor = 75); select tokpay.balance(%s)", [a])
    assert refused.value.pgcode == "55000"
    assert "ALTER EXTENSION tokpay UPDATE" in refused.value.diag.message_hint
