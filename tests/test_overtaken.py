"""A batch that was decided before its rows were locked, and finds one of them changed, answers and books as if
it had come after the change.

Forty transfers between accounts of their own make x an account that few requests are about. Beside them stand the
requests of a case, about x, y and z, while another transaction changes x and commits when the batch waits for it.
Then come batches that are all about x.
"""

import re

import psycopg2
import pytest

from conftest import Database
from lock_session import SNAPSHOT_LEVELS, Session
from private_server import PrivateServer

BYSTANDERS = 40
BEFORE = BYSTANDERS // 2  # of them come before the requests of the case
BATCH = """
    select code, debit_balance, debit_version, credit_balances, credit_versions, replayed, account, balance, required
    from tokpay.transfer_batch(array[{}]::tokpay.transfer_request[]) order by position"""
BOOKS = """
    select account, version, amount, balance, kind from tokpay.entries
    where account = any(%s) order by account, version"""
X, Y, Z = "x", "y", "z"

# What the other transaction does, the requests of the batch (debit, credits, amounts, key, chain), their codes
# afterwards, and how many rows of the journal it took back: those of requests that are refused or replayed after all. All
# others stay where they are.
CASES = {
    "x was paid": ("select tokpay.top_up({x}, 7)", [(X, [Y], [5], "k", None)], ["ok"], 0),
    "x has paid": ("select tokpay.transfer({x}, array[{z}], array[30])", [(X, [Y], [50], "k", None)], ["ok"], 0),
    "money that came through x is missing further on": (
        "select tokpay.transfer({x}, array[{z}], array[60])",
        [(X, [Y], [50], "k", None), (Y, [Z], [120], "l", None), (Z, [X], [1], "m", None)],
        ["insufficient_funds", "insufficient_funds", "ok"],
        2,
    ),
    "money has come that was missing": (
        "select tokpay.top_up({x}, 60)",
        [(X, [Y], [150], "k", None), (Y, [Z], [200], "l", None)],
        ["ok", "ok"],
        0,
    ),
    "the key was used for the same": (
        "select tokpay.transfer({x}, array[{y}], array[5], 'k')",
        [(X, [Y], [5], "k", None), (Y, [X], [1], None, None)],
        ["ok", "ok"],
        1,
    ),
    "the key was used for something else": (
        "select tokpay.transfer({x}, array[{y}], array[6], 'k')",
        [(X, [Y], [5], "k", None)],
        ["key_reused"],
        1,
    ),
    "x is frozen": ("select tokpay.freeze({x})", [(X, [Y], [5], "k", None), (Y, [X], [5], "l", None)], 2 * ["account_frozen"], 2),
    "the chain fails": (
        "select tokpay.transfer({x}, array[{z}], array[60])",
        [(Z, [Y], [5], "i", 1), (Y, [Z], [5], "j", 1), (X, [Y], [50], "k", 1), (Y, [Z], [100], "l", None)],
        ["chain_failed", "chain_failed", "insufficient_funds", "ok"],
        3,
    ),
    "x is named by many": (
        "select tokpay.top_up({x}, 7)",
        [(Y, [X, Z, X], [1, 2, 3], "k", None), (X, [Y], [104], "l", None)],
        ["ok", "ok"],
        0,
    ),
    "x reaches a waypoint": (
        "select tokpay.top_up({x}, 1) from generate_series(1, 126)",
        [(X, [Y], [1], None, None), (X, [Y], [1], None, None)],
        ["ok", "ok"],
        0,
    ),
    "there is a hold now": (
        "select tokpay.hold({x}, array[{z}], array[60])",
        [(X, [Y], [50], "k", None), (Y, [X], [5], "l", None), (X, [Y], [45], "m", None)],
        ["insufficient_funds", "ok", "ok"],
        1,
    ),
    "y and x are exchanged": (
        "select tokpay.transfer({y}, array[{x}], array[40])",
        [(Y, [X], [70], "k", None), (X, [Y], [130], "l", None)],
        ["insufficient_funds", "ok"],
        1,
    ),
}


ORDERS = {"x first": ([X], [Y, Z]), "x in between": ([Y], [X, Z]), "x last": ([Y, Z], [X])}  # before and after the bystanders


class Scene:
    """Accounts of its own with 100 each, and the batch."""

    call = BATCH
    request = "(%s, %s::bigint[], %s::bigint[], %s, null, null, %s)"

    def __init__(self, database, requests, order):
        self.database = database
        bystanders = [f"bystander {n}" for n in range(2 * BYSTANDERS)]
        names = [*order[0], *bystanders, *order[1]]
        rows = database.execute("select tokpay.open_account() from generate_series(1, %s) as n order by n", [len(names)])
        self.accounts = {name: account for name, (account,) in zip(names, rows, strict=True)}
        self.names = {account: name for name, account in self.accounts.items()}
        database.execute("select tokpay.top_up(account, 100) from unnest(%s) as account", [list(self.names)])
        others = [(bystanders[2 * n], [bystanders[2 * n + 1]], [n + 1], f"b{n}", None) for n in range(BYSTANDERS)]
        # In the middle, so that rows are taken back among others that stay.
        self.requests = [*others[:BEFORE], *requests, *others[BEFORE:]]
        self.taken_back = self.all_taken_back()

    def session(self, isolation="READ COMMITTED"):
        return Session(self.database, isolation)

    def change(self, session, statement):
        session.run(statement.format(**{name: self.accounts[name] for name in (X, Y, Z)}))

    def batch(self, session):
        """The outcomes, or the SQLSTATE."""
        with session.connection.cursor() as cursor:
            rows = [
                cursor.mogrify(
                    self.request,
                    (self.accounts[debit], [self.accounts[credit] for credit in credits], amounts, key, chain),
                ).decode()
                for debit, credits, amounts, key, chain in self.requests
            ]
            try:
                cursor.execute(self.call.format(", ".join(rows)))
                return [(*outcome[:6], self.names.get(outcome[6]), *outcome[7:]) for outcome in cursor.fetchall()]
            except psycopg2.Error as error:
                session.rollback()
                return error.pgcode

    def books(self):
        return [(self.names[entry[0]], *entry[1:]) for entry in self.database.execute(BOOKS, [list(self.names)])]

    def all_taken_back(self):
        return self.database.execute("select pg_stat_get_tuples_deleted('tokpay.journal'::regclass)")[0][0]

    def rows_taken_back(self):
        """How many rows of the journal were deleted since the scene was set."""
        return self.all_taken_back() - self.taken_back


def end(session):
    """Commits and disconnects, after which the server has counted what was done."""
    session.run("select pg_stat_force_next_flush()")
    session.commit()
    session.connection.close()


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize(("statement", "requests", "codes", "taken_back"), CASES.values(), ids=CASES)
def test_an_overtaken_batch_answers_as_if_it_came_later(file_database, statement, requests, codes, taken_back, order):
    later = Scene(file_database, requests, order)
    session = later.session()
    later.change(session, statement)
    session.commit()
    expected = later.batch(session)
    assert [outcome[0] for outcome in expected[BEFORE : BEFORE + len(codes)]] == codes
    end(session)
    assert later.rows_taken_back() == 0

    overtaken = Scene(file_database, requests, order)
    other, session = overtaken.session(), overtaken.session()
    overtaken.change(other, statement)
    session.start(overtaken.batch, session)
    other.commit()
    assert session.answer() == expected
    end(session)
    assert overtaken.books() == later.books()
    assert overtaken.rows_taken_back() == taken_back
    assert overtaken.database.faults() == []


EVERYBODY_PAYS_X = [(f"bystander {n}", [X], [1], f"c{n}", None) for n in range(BYSTANDERS)]


def overtake_contended(database, order):
    """How many rows were taken back, and how many requests there were besides the others'."""
    requests = [(X, [Y], [100], "k", None), *EVERYBODY_PAYS_X, (X, [Z], [47], "l", None)]
    later = Scene(database, requests, order)
    session = later.session()
    later.change(session, "select tokpay.top_up({x}, 7)")
    session.commit()
    expected = later.batch(session)
    assert {code for code, *_ in expected} == {"ok"}
    session.commit()

    overtaken = Scene(database, requests, order)
    other, session = overtaken.session(), overtaken.session()
    overtaken.change(other, "select tokpay.top_up({x}, 7)")
    session.start(overtaken.batch, session)
    other.commit()
    assert session.answer() == expected
    end(session)
    assert overtaken.books() == later.books()
    assert database.faults() == []
    return overtaken.rows_taken_back(), len(requests)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_batch_whose_payee_is_contended_answers_as_if_it_came_later(file_database, order):
    taken_back, _ = overtake_contended(file_database, order)
    assert taken_back == 0


def test_further_indexes_of_the_journal_hold_the_rows_as_they_stay(database):
    database.execute("create extension amcheck")
    database.execute("create index further on tokpay.journal (debit_balance, at)")
    taken_back, requests = overtake_contended(database, ORDERS["x in between"])
    assert taken_back >= requests - 1
    database.execute("select bt_index_check('tokpay.further', true)")


@pytest.fixture
def decoding_server():
    server = PrivateServer(settings="wal_level = 'logical'")
    yield server
    server.remove()


def test_logical_decoding_tells_of_the_rows_as_they_stay(decoding_server):
    database = Database(decoding_server.url)
    database.execute("select pg_create_logical_replication_slot('s', 'test_decoding')")
    taken_back, requests = overtake_contended(database, ORDERS["x in between"])
    assert taken_back >= requests - 1  # the first one was decided before x had moved on
    changes = database.execute("select data from pg_logical_slot_get_changes('s', null, null)")
    decoded = {}
    for (change,) in changes:
        if told := re.match(r"table tokpay.journal: (INSERT|DELETE): id\[bigint\]:(\d+)(.*)", change):
            what, transfer, rest = told.groups()
            if what == "INSERT":
                decoded[int(transfer)] = rest
            else:
                del decoded[int(transfer)]
    rows = database.execute("select id, debit_balance, debit_version, debit_previous, legs::text from tokpay.journal")
    assert decoded.keys() == {row[0] for row in rows}
    for transfer, balance, version, previous, legs in rows:
        told = decoded[transfer]
        assert f"debit_balance[bigint]:{balance} debit_version[bigint]:{version} debit_previous[bigint]:{previous} " in told
        assert f"legs[bigint[]]:'{legs}'" in told
    database.drop()


@pytest.mark.parametrize("order", [ORDERS["x first"], ORDERS["x in between"]], ids=["x first", "x in between"])
def test_a_batch_is_overtaken_once_more_while_it_waits_for_the_contended_account(file_database, order):
    requests = [(Y, [Z], [5], "k", None), *EVERYBODY_PAYS_X, (X, [Z], [5], "l", None), (X, [Y], [147], "m", None)]
    changes = "select tokpay.top_up({x}, 7)", "select tokpay.freeze({z})"
    later = Scene(file_database, requests, order)
    session = later.session()
    for change in changes:
        later.change(session, change)
    session.commit()
    expected = later.batch(session)
    assert [code for code, *_ in expected if code != "ok"] == 2 * ["account_frozen"]
    session.commit()

    overtaken = Scene(file_database, requests, order)
    first, second, session = (overtaken.session() for _ in range(3))
    overtaken.change(first, changes[0])
    session.start(overtaken.batch, session)
    overtaken.change(second, changes[1])
    second.commit()
    first.commit()
    assert session.answer() == expected
    end(session)
    assert overtaken.books() == later.books()
    assert overtaken.rows_taken_back() == 2
    assert file_database.faults() == []


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_batch_stands_as_it_was_decided_when_the_other_transaction_is_rolled_back(file_database, order):
    requests = [(X, [Y], [100], "k", None)]
    scene = Scene(file_database, requests, order)
    other, session = scene.session(), scene.session()
    scene.change(other, "select tokpay.transfer({x}, array[{z}], array[60], 'k')")
    session.start(scene.batch, session)
    other.rollback()
    assert session.answer()[BEFORE][:2] == ("ok", 0)
    end(session)
    assert scene.rows_taken_back() == 0
    assert scene.database.faults() == []


@pytest.mark.parametrize("isolation", SNAPSHOT_LEVELS)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_an_overtaken_batch_with_a_snapshot_is_not_serializable(file_database, order, isolation):
    scene = Scene(file_database, [(X, [Y], [5], "k", None)], order)
    books = scene.books()
    other, session = scene.session(), scene.session(isolation)
    scene.change(other, "select tokpay.freeze({x})")
    session.start(scene.batch, session)
    other.commit()
    assert session.answer() == "40001"
    session.rollback()
    assert scene.books() == books
    assert scene.database.faults() == []


def test_an_overtaken_batch_replays_whole_and_its_savepoint_takes_all_of_it_back(file_database):
    scene = Scene(file_database, [(X, [Y], [5], "k", None)], ORDERS["x last"])
    books = scene.books()
    other, session = scene.session(), scene.session()
    scene.change(other, "select tokpay.top_up({x}, 7)")
    session.run("savepoint s")
    session.start(scene.batch, session)
    other.commit()
    first = session.answer()
    assert [(*outcome[:5], True, *outcome[6:]) for outcome in first] == scene.batch(session)
    session.run("rollback to s")
    assert scene.batch(session) == first
    session.rollback()
    assert len(scene.books()) == len(books) + 1  # the other's top-up
    assert scene.database.faults() == []


class HoldScene(Scene):
    """The same requests as holds, of which only the gateway's calls make several at once."""

    call = BATCH.replace("transfer_batch", "gateway_batch").replace("transfer_request", "gateway_request")
    request = "('hold', %s, %s::bigint[], %s::bigint[], %s, null, null, %s, null, null, null)"


# What was there before, what the other transaction does, and the requests: what the first decision has looked up, reached
# or reserved counts no more.
DECIDED_TWICE = {
    "a key was looked up": (
        Scene,
        "select tokpay.transfer({x}, array[{y}], array[1], 'old')",
        "select tokpay.transfer({x}, array[{y}], array[5], 'k')",
        [(X, [Y], [1], "old", None), (X, [Y], [5], "k", None)],
    ),
    "a waypoint was reached": (
        Scene,
        "select tokpay.top_up({x}, 1) from generate_series(1, 125)",
        "select tokpay.top_up({x}, 1)",
        [(X, [Y], [1], None, None), (X, [Y], [1], None, None)],
    ),
    "money was reserved": (
        HoldScene,
        "select tokpay.top_up({x}, 1)",
        "select tokpay.transfer({x}, array[{y}], array[40])",
        [(X, [Y], [50], "k", None), (X, [Z], [20], "l", None), (Y, [X], [130], "m", None)],
    ),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize(("scene", "before", "statement", "requests"), DECIDED_TWICE.values(), ids=DECIDED_TWICE)
def test_nothing_is_left_of_what_an_overtaken_batch_decided_first(file_database, scene, before, statement, requests, order):
    later, overtaken = scene(file_database, requests, order), scene(file_database, requests, order)
    for each in (later, overtaken):
        session = each.session()
        each.change(session, before)
        session.commit()
    session = later.session()
    later.change(session, statement)
    session.commit()
    expected = later.batch(session)
    assert isinstance(expected, list)
    session.commit()

    other, session = overtaken.session(), overtaken.session()
    overtaken.change(other, statement)
    session.start(overtaken.batch, session)
    other.commit()
    assert session.answer() == expected
    session.commit()
    assert overtaken.books() == later.books()
    assert file_database.faults() == []
