"""Dumps: books that were dumped and restored are the same books and go on, and a restore that cannot be right says so."""

import hashlib
import pathlib
import subprocess
import threading

import psycopg2
import pytest
from books_of_0_1_0 import OldBooks
from psycopg2 import errorcodes
from psycopg2.extensions import make_dsn

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNT_SEQUENCE = "alter sequence tokpay.account_id_seq start 103 increment by 10 restart"
TRANSFER_SEQUENCE = "alter sequence tokpay.transfer_id_seq start 1002 increment by 4 maxvalue 1000000000000 cache 8 restart"
GUARDED = ["journal", "account_state", "pending_hold", "waypoint"]


def run(program, *arguments, check=True, **options):
    """A program of the server's release; its output, or the exit status where it may fail."""
    pg_config = subprocess.run([CHECKOUT / "instance/pg-config"], capture_output=True, text=True, check=True).stdout.strip()
    bin_directory = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run([f"{bin_directory}/{program}", *arguments], capture_output=True, timeout=60, **options)
    if not check:
        return done.returncode
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def url(database):
    return make_dsn(database.server_url, dbname=database.name)


def dump(database, *arguments):
    return run("pg_dump", *arguments, "-d", url(database))


def psql(database, script):
    run("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "-d", url(database), input=script)


def restore(database, archive, *arguments, check=True):
    return run("pg_restore", *arguments, "-d", url(database), input=archive, check=check)


def value(database, statement, parameters=None):
    return database.execute(statement, parameters)[0][0]


def contents(database):
    """Every row of every table, and everything about every sequence."""
    names = database.execute("select relkind::text, relname from pg_class where relnamespace = 'tokpay'::regnamespace and relkind in ('r', 'S')")
    found = {name: database.execute(f"select t::text from tokpay.{name} t order by 1") for kind, name in names if kind == "r"}
    for name in (name for kind, name in names if kind == "S"):
        found[name] = database.execute(
            f"""select t.last_value, t.is_called, s.start_value, s.min_value, s.max_value, s.increment_by, s.cycle, s.cache_size
            from tokpay.{name} t, pg_sequences s where (s.schemaname, s.sequencename) = ('tokpay', %s)""",
            [name],
        )
    return found


def histories(database):
    return database.execute("select a.id, h.* from tokpay.accounts a, tokpay.history(a.id, null, 1000) h order by a.id, h.version")


def batch(database, debit, credit, count):
    database.execute(
        """select count(*) from tokpay.transfer_batch(array(
        select row(%s, array[%s], array[1], 'batch/' || n, null, null, null)::tokpay.transfer_request from generate_series(1, %s) n))""",
        [debit, credit, count],
    )


class Books:
    """A database in which everything there is has happened."""

    def __init__(self, database, sequences=()):
        self.database = database
        for statement in sequences:
            database.execute(statement)
        self.execute("select tokpay.add_currency('GOLD', 4::smallint)")
        self.payer, self.payee, self.frozen, self.closed = (
            value(database, "select tokpay.open_account(%s, metadata => '{\"a\": [1, \"\\u00e9\\\\n\"]}', owner => 'o')", [name])
            for name in ("payer", "payee", "frozen", "closed")
        )
        gold = value(database, "select tokpay.open_account('gold', 'GOLD', min_balance => null, max_balance => 77)")
        self.execute("select tokpay.top_up(%s, 100000), tokpay.top_up(%s, 77)", [self.payer, gold])
        self.request = [self.payer, [self.payee, self.frozen, self.payee], [3, 2, 1], "the key's \t own", "text \\ ; '", '{"b": null}']
        self.reply = self.transfer(database)
        batch(database, self.payer, self.payee, 300)
        hold = "select (tokpay.hold(%s, array[%s, %s], array[5, 6], %s, %s)).transfer"
        of = [self.payer, self.payee, self.frozen]
        self.pending = value(database, hold, [*of, "pending", "1 day"])
        self.execute(hold, [*of, "for ever", None])
        captured, voided = (value(database, hold, [*of, key, "1 day"]) for key in ("captured", "voided"))
        self.execute(hold, [*of, "expired", "1 microsecond"])
        self.execute("select tokpay.capture(%s, array[5, 0]::bigint[], 'capture'), tokpay.void(%s), tokpay.expire_holds()", [captured, voided])
        self.execute("select tokpay.reverse(%s, 'reverse')", [self.reply[0]])
        self.execute("select tokpay.freeze(%s), tokpay.close(%s), tokpay.set_limits(%s, -5, 1000000)", [self.frozen, self.closed, self.payee])
        self.api_key = value(database, "select tokpay.create_api_key('shop', '{read,fund}', array[%s], '1 day')", [self.payer])
        self.execute("select tokpay.create_api_key('gone', '{admin}')")
        self.execute("select tokpay.revoke_api_key(2)")
        assert database.faults() == []

    def execute(self, statement, parameters=None):
        self.database.execute(statement, parameters)

    def transfer(self, database):
        return database.execute("select * from tokpay.transfer(%s, %s::bigint[], %s::bigint[], %s, %s, %s)", self.request)[0]

    def check_copy(self, copy):
        """The copy is the same and goes on as the original does, ids included."""
        assert contents(copy) == contents(self.database)
        assert histories(copy) == histories(self.database)
        for one in (self.database, copy):  # ids are taken even by what is rolled back
            self.check_use(one)
            check_guards(one)
        goes_on = """select n, tokpay.open_account(), (tokpay.transfer(%s, array[%s], array[1::bigint])).transfer
            from generate_series(1, 20) n"""
        assert copy.execute(goes_on, [self.payer, self.payee]) == self.database.execute(goes_on, [self.payer, self.payee])
        assert value(copy, "select count(*) from tokpay.currencies where code in ('GOLD', 'USD', 'JPY')") == 3
        assert (copy.faults(), self.database.faults()) == ([], [])

    def check_use(self, copy):
        """Old keys, holds and API keys are known."""
        assert self.transfer(copy) == (*self.reply[:-1], True)
        digest = hashlib.sha256(self.api_key.encode()).digest()
        assert copy.execute("select scopes, accounts from tokpay.authenticate(array[%s])", [digest]) == [(["read", "fund"], [self.payer])]
        connection = copy.connect(autocommit=False)
        connection.cursor().execute("select tokpay.void(%s), tokpay.add_currency('GEMS', 0::smallint)", [self.pending])
        connection.rollback()


def check_guards(database):
    for table in GUARDED:
        for statement in (f"delete from tokpay.{table}", f"truncate tokpay.{table}"):
            with pytest.raises(psycopg2.Error) as refused:
                database.execute(statement)
            assert refused.value.pgcode == errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE, statement


@pytest.fixture(params=[[], [ACCOUNT_SEQUENCE, TRANSFER_SEQUENCE]], ids=["sequences as made", "sequences with strides"])
def books(database, request):
    return Books(database, request.param)


@pytest.fixture
def empty(new_database):
    made = new_database()
    made.execute("drop extension tokpay")
    made.execute("drop schema if exists tokpay")
    return made


@pytest.mark.parametrize("arguments", [[], ["--inserts"], ["--serializable-deferrable", "--no-owner"]], ids=" ".join)
def test_a_dump_restored_by_psql_is_the_same_books(books, empty, arguments):
    psql(empty, dump(books.database, *arguments))
    books.check_copy(empty)


@pytest.mark.parametrize("arguments", [[], ["--single-transaction"], ["--disable-triggers"]], ids=" ".join)
def test_an_archive_restored_by_pg_restore_is_the_same_books(books, empty, arguments):
    restore(empty, dump(books.database, "-Fc"), "--exit-on-error", *arguments)
    books.check_copy(empty)


def test_a_directory_dumped_and_restored_by_two_workers_is_the_same_books(books, empty, tmp_path):
    dump(books.database, "-Fd", "-j2", "-f", tmp_path / "dump")
    run("pg_restore", "--exit-on-error", "-j2", "-d", url(empty), tmp_path / "dump")
    books.check_copy(empty)


def test_a_restored_dump_can_be_dumped_and_restored(books, empty, new_database):
    psql(empty, dump(books.database))
    again = new_database()
    psql(again, dump(empty, "--data-only"))
    books.check_copy(again)


def test_data_alone_restored_into_a_new_extension_is_the_same_books(books, new_database):
    copy = new_database()
    psql(copy, dump(books.database, "--data-only"))
    books.check_copy(copy)


def test_data_restored_without_triggers_is_right_or_verify_tells_what_to_do(books, new_database):
    copy = new_database()
    restore(copy, dump(books.database, "-Fc"), "--data-only", "--disable-triggers", "--exit-on-error")
    settings = value(copy, "select count(*) from tokpay.sequence_setting")
    assert [name for name, _ in copy.faults()] == ["sequences"] * bool(settings)
    copy.execute("update tokpay.sequence_setting set name = name")
    books.check_copy(copy)


@pytest.mark.parametrize("bounds", ["minvalue 500 start 500 restart", "minvalue -9 start -9 maxvalue 400 restart", "increment by -1 minvalue -900 maxvalue -1 start -1 restart"])
def test_sequences_moved_out_of_their_first_bounds_survive(database, empty, bounds):
    database.execute(f"alter sequence tokpay.api_key_id_seq {bounds}")
    database.execute("select tokpay.create_api_key('shop', '{read}') from generate_series(1, 2)")
    psql(empty, dump(database))
    assert contents(empty) == contents(database)
    assert empty.faults() == []


def test_sequences_set_back_to_what_they_were_stay_so(database, empty):
    database.execute(TRANSFER_SEQUENCE)
    database.execute("alter sequence tokpay.transfer_id_seq start 1 increment by 1 minvalue 1 no maxvalue cache 1 restart")
    psql(empty, dump(database))
    assert contents(empty) == contents(database)
    assert empty.faults() == []


class Traffic(threading.Thread):
    """Moves and reserves money until it is told to stop."""

    def __init__(self, books, number):
        super().__init__()
        self.books, self.number = books, number
        self.connection = books.database.connect()
        self.stopping = False
        self.rounds = 0
        self.failure = None

    def run(self):
        cursor = self.connection.cursor()
        payer, payee = self.books.payer, self.books.payee
        try:
            while not self.stopping:
                debit, credit = (payer, payee) if self.rounds % 2 else (payee, payer)
                cursor.execute("select tokpay.transfer(%s, array[%s], array[1::bigint], %s)", [debit, credit, f"{self.number}/{self.rounds}"])
                cursor.execute("select (tokpay.hold(%s, array[%s], array[1::bigint])).transfer", [debit, credit])
                hold = cursor.fetchone()[0]
                cursor.execute("select tokpay.open_account()")
                if self.rounds % 4:
                    cursor.execute("select tokpay.capture(%s)", [hold])
                self.rounds += 1
        except Exception as error:
            self.failure = error


def test_a_dump_taken_under_load_is_consistent(books, new_database, tmp_path):
    traffic = [Traffic(books, number) for number in range(4)]
    for thread in traffic:
        thread.start()
    dumped = []
    for number in range(2):
        before = sum(thread.rounds for thread in traffic)
        dump(books.database, "-Fd", "-j2", "-f", tmp_path / str(number))
        dumped.append(sum(thread.rounds for thread in traffic) - before)
    for thread in traffic:
        thread.stopping = True
    for thread in traffic:
        thread.join()
    assert [thread.failure for thread in traffic if thread.failure] == []
    assert all(rounds > 10 for rounds in dumped), "no transfers during the dumps"
    assert books.database.faults() == []
    for number in range(2):
        copy = new_database()
        copy.execute("drop extension tokpay")
        copy.execute("drop schema if exists tokpay")
        run("pg_restore", "--exit-on-error", "-d", url(copy), tmp_path / str(number))
        assert copy.faults() == []
        books.check_use(copy)
        batch(copy, books.payer, books.payee, 400)
        assert copy.faults() == []


# Restores into a database that is not empty: what happened since the dump, and what verify() has to
# tell. Nothing: the restore changed nothing.
def test_data_restored_onto_the_same_data_fails_and_changes_nothing(books):
    before = contents(books.database)
    archive = dump(books.database, "-Fc")
    assert restore(books.database, archive, "--data-only", "--disable-triggers", check=False) != 0
    assert contents(books.database) == before
    assert books.database.faults() == []
    check_guards(books.database)
    books.check_use(books.database)


def test_data_restored_onto_later_books_fails_and_verify_tells(books):
    archive = dump(books.database, "-Fc")
    for (hold,) in books.database.execute("select hold from tokpay.pending_hold"):
        books.execute("select tokpay.void(%s)", [hold])
    books.execute("select tokpay.transfer(%s, array[%s], array[1::bigint]), tokpay.open_account() from generate_series(1, 50)", [books.payer, books.payee])
    assert books.database.faults() == []
    before = contents(books.database)
    assert restore(books.database, archive, "--data-only", "--disable-triggers", check=False) != 0
    assert {name for name, _ in books.database.faults()} == {"holds", "sequences"}
    assert contents(books.database)["journal"] == before["journal"]
    assert contents(books.database)["account_state"] == before["account_state"]
    check_guards(books.database)


def test_data_restored_onto_other_books_fails_and_verify_tells(books, new_database):
    other = new_database()
    Books(other, ["alter sequence tokpay.account_id_seq restart 5000000", "alter sequence tokpay.transfer_id_seq restart 5000000"])
    assert restore(other, dump(books.database, "-Fc"), "--data-only", "--disable-triggers", check=False) != 0
    assert {"accounts", "sequences"} <= {name for name, _ in other.faults()}
    check_guards(other)


def test_data_restored_onto_other_books_in_one_transaction_changes_nothing(books, new_database):
    other = new_database()
    Books(other, ["alter sequence tokpay.account_id_seq restart 5000000", "alter sequence tokpay.transfer_id_seq restart 5000000"])
    rows = {name: rows for name, rows in contents(other).items() if not name.endswith("_seq")}
    assert restore(other, dump(books.database, "-Fc"), "--data-only", "--disable-triggers", "--single-transaction", check=False) != 0
    assert {name: rows for name, rows in contents(other).items() if not name.endswith("_seq")} == rows
    assert other.faults() == []
    check_guards(other)


def test_verify_tells_that_a_restore_which_stopped_left_the_guards_off(books):
    archive = dump(books.database, "-Fc", "--extension", "tokpay")
    assert restore(books.database, archive, "--data-only", "--disable-triggers", "--exit-on-error", "-t", "journal", check=False) != 0
    assert [name for name, _ in books.database.faults()] == ["guards"]


def test_books_of_0_1_0_restored_from_a_dump_replay_their_keys(new_database, empty):
    """The extension comes as it is now, its rows as they were: without key filters, targets and waypoints."""
    books = OldBooks(new_database)
    psql(empty, dump(books.old))
    books.check_replay(empty)
    assert histories(empty) == histories(books.now)
    assert [name for name, _ in empty.faults()] == ["waypoints"]
    batch(empty, *books.accounts, 100)
    batch(empty, *books.accounts, 100)
    books.check_replay(empty)
    assert value(empty, "select count(*) from tokpay.journal where key like 'batch/%'") == 100
    assert [name for name, _ in empty.faults()] == ["waypoints"]
