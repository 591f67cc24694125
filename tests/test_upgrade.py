"""The update from 0.1.0: the same objects as a new installation, the same books, and no call between two versions."""

import pathlib
import shutil
import subprocess
import tempfile

import psycopg2
import pytest
from books_of_0_1_0 import OldBooks, install_0_1_0
from psycopg2 import errorcodes

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
LAST_COMMIT_OF_0_1_0 = "ad0b714bd0e3febb3ba293a1d52731dc40234351"
TRANSFER = "select tokpay.transfer({}, array[{}]::bigint[], array[1]::bigint[])"
# What two databases are compared by: everything that the extension's script makes.
ACL = "(select array_agg(row(grantor::regrole, grantee::regrole, privilege_type, is_grantable)::text order by grantee::regrole::text, privilege_type) from aclexplode({}))"
OURS = "'tokpay'::regnamespace"
CATALOG = {
    "extension": f"""select extversion, extrelocatable, extnamespace::regnamespace, extowner::regrole, array(
        select row(c::regclass, w)::text from unnest(extconfig, extcondition) as u (c, w) order by c::regclass::text)
        from pg_extension where extname = 'tokpay'""",
    "members": """select (pg_identify_object(classid, objid, objsubid)).* from pg_depend
        where refclassid = 'pg_extension'::regclass and deptype = 'e' and refobjid = (select oid from pg_extension where extname = 'tokpay')""",
    "dependencies": f"""select (pg_identify_object(d.classid, d.objid, d.objsubid)).identity,
        (pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid)).identity, d.deptype
        from pg_depend d where d.deptype <> 'e'
            and (d.classid, d.objid) in (select 'pg_class'::regclass, oid from pg_class where relnamespace = {OURS}
                union all select 'pg_proc'::regclass, oid from pg_proc where pronamespace = {OURS})""",
    "relations": f"""select c.relname, c.relkind, c.reloptions, c.relpersistence, c.relreplident, c.relrowsecurity, c.relowner::regrole, a.amname,
        {ACL.format("c.relacl")} from pg_class c left join pg_am a on a.oid = c.relam where c.relnamespace = {OURS}""",
    "columns": f"""select c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage, a.attcompression,
        a.attidentity, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid), a.attacl
        from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
        where c.relnamespace = {OURS} and a.attnum > 0""",
    "indexes": f"select pg_get_indexdef(indexrelid), indisunique, indisvalid, indisclustered, indisreplident from pg_index where indrelid in (select oid from pg_class where relnamespace = {OURS})",
    "constraints": f"select conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated from pg_constraint where connamespace = {OURS}",
    "triggers": f"select tgrelid::regclass, pg_get_triggerdef(t.oid), tgenabled from pg_trigger t join pg_class c on c.oid = tgrelid where not tgisinternal and relnamespace = {OURS}",
    "functions": f"select pg_get_functiondef(oid), proowner::regrole, {ACL.format('proacl')} from pg_proc where pronamespace = {OURS}",
    "views": f"select oid::regclass, pg_get_viewdef(oid) from pg_class where relnamespace = {OURS} and relkind = 'v'",
    "types": f"select typname, typtype, typowner::regrole, {ACL.format('typacl')} from pg_type where typnamespace = {OURS}",
    "sequences": "select sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size from pg_sequences where schemaname = 'tokpay'",
    "comments": """select (pg_identify_object(classoid, objoid, objsubid)).identity, description from pg_description
        where (pg_identify_object(classoid, objoid, objsubid)).identity ~ '^tokpay'""",
    "event triggers": "select evtname, evtevent, evtowner::regrole, evtfoid::regproc, evtenabled, evttags from pg_event_trigger",
    "what a dump holds for granted": f"""select (pg_identify_object(classoid, objoid, objsubid)).identity, privtype, {ACL.format("initprivs")} from pg_init_privs
        where (pg_identify_object(classoid, objoid, objsubid)).schema = 'tokpay'""",
    "schema": f"select nspowner::regrole, {ACL.format('nspacl')} from pg_namespace where nspname = 'tokpay'",
    "currencies": "select code, exponent, seeded from tokpay.currency",
}  # fmt: skip


def catalog(database):
    return {name: sorted(map(str, database.execute(query))) for name, query in CATALOG.items()}


def refused(cursor, statement):
    """The error of a call that must not be answered."""
    with pytest.raises(psycopg2.Error) as raised:
        cursor.execute(statement)
    return raised.value


def money(database):
    return [database.execute(f"select * from tokpay.{table} order by 1") for table in ("account_state", "journal")]


@pytest.fixture
def books(new_database):
    return OldBooks(new_database)


def update(database):
    database.execute("alter extension tokpay update")


def test_an_updated_extension_is_the_one_a_new_installation_makes(new_database):
    fresh, updated = new_database(), new_database()
    install_0_1_0(updated)
    update(updated)
    wanted, found = catalog(fresh), catalog(updated)
    assert all(wanted.values()), "a query that compares nothing"
    assert {name: (set(found[name]) - set(wanted[name]), set(wanted[name]) - set(found[name])) for name in CATALOG if found[name] != wanted[name]} == {}


def test_updated_books_are_the_books_of_before(books):
    update(books.old)
    assert books.old.faults() == []
    for query in (
        "select * from tokpay.accounts order by id",
        "select * from tokpay.transfers order by id",
        "select a.id, h.* from tokpay.accounts a, tokpay.history(a.id, null, 1000) h order by a.id, h.version",
        "select a.id, h.* from tokpay.accounts a, tokpay.history(a.id, 100, 3) h order by a.id, h.version",
        "select * from tokpay.waypoint order by account, version",
        "select * from tokpay.currencies order by code",
        "select * from tokpay.api_key order by id",
    ):
        assert books.old.execute(query) == books.now.execute(query), query
    assert books.old.execute("select count(*) > 3 from tokpay.waypoint") == [(True,)]
    books.check_replay(books.old)


def test_updated_books_go_on(books):
    update(books.old)
    payer, payee = books.accounts
    goes_on = f"select n, (tokpay.hold({payer}, array[{payee}], array[1::bigint])).transfer, (tokpay.transfer({payer}, array[{payee}], array[1::bigint])).transfer, tokpay.open_account() from generate_series(1, 130) n"
    assert books.old.execute(goes_on) == books.now.execute(goes_on)
    for end in ("capture((select min(hold) from tokpay.pending_hold))", f"reverse({books.reply[0]})", "void((select max(hold) from tokpay.pending_hold))"):
        books.old.execute(f"select tokpay.{end}")
    refusal = refused(books.old.connect().cursor(), f"select tokpay.transfer({payer}, array[{payee}], array[8::bigint], 'old key')")
    assert refusal.diag.message_primary == "key reused"
    assert books.old.faults() == []


def test_every_c_function_of_0_1_0_has_its_symbol_in_this_library(database):
    install_0_1_0(database)
    names = database.execute("select prosrc from pg_proc where pronamespace = 'tokpay'::regnamespace and probin is not null")
    assert len(names) > 9
    for (name,) in names:
        database.execute(f"create function public.{name}() returns void language c as '$libdir/tokpay', '{name}'")


def test_functions_of_0_1_0_refuse_under_this_library_and_say_how_to_update(books):
    before = money(books.old)
    session = books.old.connect().cursor()
    for call in (
        "balance(2)", "balances(array[2])", "history(2)", "transfer_by_key(2, 'old key')", "transfer(2, array[3], array[1])", "top_up(2, 1)",
        "transfer_batch(array[row(2, array[3], array[1], null, null, null, null)::tokpay.transfer_request])", "account_entries(2)",
    ):  # fmt: skip
        error = refused(session, f"select tokpay.{call}")
        assert error.pgcode == errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE, call
        assert "ALTER EXTENSION tokpay UPDATE" in error.diag.message_hint, call
    assert money(books.old) == before


def test_a_connection_that_sees_another_version_refuses_until_it_is_its_own(database):
    account, other = (database.execute("select tokpay.open_account()")[0][0] for _ in range(2))
    database.execute("select tokpay.top_up(%s, 10)", [account])
    session = database.connect().cursor()
    calls = [TRANSFER.format(account, other), f"select tokpay.balance({account})", f"select tokpay.hold({account}, array[{other}], array[1::bigint])"]
    for call in calls:
        session.execute(call)
    for version in ("0.1.0", "0.9.0"):
        database.execute("update pg_extension set extversion = %s where extname = 'tokpay'", [version])
        database.execute("create or replace function public.anything() returns integer language sql return 1")
        before = money(database)
        for call in calls:
            error = refused(session, call)
            assert error.pgcode == errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE
            assert f"version {version}" in error.diag.message_primary and "Reconnect" in error.diag.message_hint
        assert money(database) == before
    database.execute("update pg_extension set extversion = default_version from pg_available_extensions where name = extname and extname = 'tokpay'")
    for call in calls:
        session.execute(call)
    assert database.faults() == []


@pytest.fixture(scope="module")
def old_library():
    """The library of 0.1.0, built from its last commit where the checkout has it."""
    if shutil.which("git") is None:
        pytest.skip("there is no git to find version 0.1.0 with")
    git = subprocess.run(["git", "-C", CHECKOUT, "archive", LAST_COMMIT_OF_0_1_0, "extension", "sql"], capture_output=True)
    if git.returncode != 0:
        pytest.skip("the history of 0.1.0 is not here")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-0.1.0-"))
    directory.chmod(0o755)  # the server's user may be another one
    subprocess.run(["tar", "-x", "-C", directory], input=git.stdout, check=True)
    pg_config = subprocess.run([CHECKOUT / "instance/pg-config"], capture_output=True, text=True, check=True).stdout.strip()
    made = subprocess.run(["make", "-C", directory / "extension", "-j2", f"PG_CONFIG={pg_config}"], capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    yield directory / "extension/tokpay.so"
    shutil.rmtree(directory)


def test_a_connection_with_the_library_of_0_1_0_writes_nothing_after_the_update(books, old_library):
    payer, payee = books.accounts
    use_old = "update pg_proc set probin = %s where pronamespace = 'tokpay'::regnamespace and prosrc = any(%s)"
    names = [name for (name,) in books.old.execute("select prosrc from pg_proc where pronamespace = 'tokpay'::regnamespace and probin is not null")]
    books.old.execute(use_old, [str(old_library), names])
    sessions = [books.old.connect().cursor() for _ in range(2)]  # one has called, one only connected
    sessions[0].execute(TRANSFER.format(payer, payee))
    sessions[0].execute(f"select tokpay.balance({payer})")
    balance = sessions[0].fetchone()
    update(books.old)
    # Such a connection goes on in its old library though the file is another by now.
    books.old.execute(use_old, [str(old_library), names])
    before = money(books.old)
    for session in sessions:
        for call in (TRANSFER.format(payer, payee), f"select tokpay.top_up({payer}, 1)",
            f"select * from tokpay.transfer_batch(array[row({payer}, array[{payee}], array[1], null, null, null, null)::tokpay.transfer_request])"):  # fmt: skip
            refused(session, call)
        try:
            session.execute(f"select tokpay.balance({payer})")
            assert session.fetchone() == balance
        except psycopg2.Error:
            pass
    assert money(books.old) == before
    books.old.execute(use_old, ["$libdir/tokpay", names])
    books.old.disconnect()
    books.old.execute(TRANSFER.format(payer, payee))
    assert books.old.faults() == []
