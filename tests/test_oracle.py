"""Random histories: the extension answers and books exactly what the plain rules of oracle.sql and oracle_calls.sql do.

SEED repeats a run, ORACLE_OPERATIONS sets its length.
"""

import itertools
import os
import pathlib
import random
import re
import time
from collections import Counter
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest
from oracle_history import LIMIT, MONEY, SHORT, History

OPERATIONS = int(os.environ.get("ORACLE_OPERATIONS", "20000"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
ORACLE = [(pathlib.Path(__file__).parent / name).read_text() for name in ("oracle.sql", "oracle_calls.sql")]

CODES = {
    "TP001": "invalid_request", "TP002": "key_reused", "TP003": "account_not_found",
    "TP004": "same_account", "TP005": "currency_mismatch", "TP006": "transfer_not_found",
    "TP007": "account_frozen", "TP008": "account_closed", "TP009": "amount_overflow",
    "TP010": "insufficient_funds", "TP011": "balance_limit", "TP013": "hold_not_pending",
    "TP014": "already_reversed", "TP016": "not_permitted", "TP017": "name_taken",
    "TP018": "account_in_use",
}  # fmt: skip

# The calls, of either schema; the oracle's get one more argument, what the reply told.
RESULT = "transfer, at, debit_balance, debit_version, credit_balances, credit_versions, replayed"
OUTCOME = f"position, code, {RESULT}, account, balance, required, detail"
CALLS = {
    "transfer": "%s, %s::bigint[], %s::bigint[], %s, %s, %s::jsonb",
    "top_up": "%s, %s, %s, %s",
    "hold": "%s, %s::bigint[], %s::bigint[], %s, %s::interval, %s, %s::jsonb",
    "capture": "%s, %s::bigint[], %s",
    "void": "%s, %s",
    "reverse": "%s, %s, %s",
    "transfer_by_key": "%s, %s",
    "expire_holds": "%s",
    "open_account": "%s, %s, %s, %s",
    "set_limits": "%s, %s, %s",
    "set_metadata": "%s, %s::jsonb",
    "freeze": "%s",
    "unfreeze": "%s",
    "close": "%s",
    "balance_at": "%s, %s",
    "balances": "%s::bigint[]",
    "history": "%s, %s, %s, %s, %s",
}

# min_balance, max_balance, currency of the accounts, in the order in which they are opened.
ACCOUNTS = [
    (0, None, "USD"), (0, None, "USD"), (0, None, "USD"), (-500, None, "USD"), (0, 300, "USD"),
    (None, None, "USD"), (0, None, "EUR"), (0, LIMIT, "EUR"), (None, None, "JPY"),
    (0, None, "JPY"), (-LIMIT, None, "JPY"),
]  # fmt: skip


def open_accounts(database):
    """(id, currency) of every account, funding accounts included."""
    connection = database.connect()
    with connection.cursor() as cursor:
        for arguments in ACCOUNTS:
            cursor.execute(
                "select tokpay.open_account(min_balance => %s, max_balance => %s, currency => %s)", arguments
            )
        cursor.execute("select id, currency from tokpay.accounts order by id")
        return cursor.fetchall()


def requests_literal(cursor, requests):
    row = f"row({CALLS['transfer']}, %s)::tokpay.transfer_request"
    rows = [
        "null::tokpay.transfer_request" if request is None else cursor.mogrify(row, request).decode()
        for request in requests
    ]
    return f"array[{', '.join(rows)}]::tokpay.transfer_request[]"


def outcomes_of(cursor, requests):
    batch = requests_literal(cursor, requests)
    cursor.execute(f"select {OUTCOME} from tokpay.transfer_batch({batch}) order by position")
    return cursor.fetchall()


def answer(cursor, call, name, arguments):
    """(code, detail, rows) of a call that raises its refusals."""
    columns = RESULT if name in (*MONEY, "transfer_by_key") else "*"
    in_transaction = cursor.connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE
    try:
        if in_transaction:
            cursor.execute("savepoint call")
        cursor.execute(f"select {columns} from {call}", arguments)
        return "ok", None, cursor.fetchall()
    except psycopg2.Error as error:
        if error.pgcode not in CODES:
            raise
        if in_transaction:
            cursor.execute("rollback to call")
        return CODES[error.pgcode], error.diag.message_detail, []


def comparable(got, wanted):
    """Both without the detail where a chain uses a key twice: the oracle speaks of the first use, which is undone."""
    if (got[1], wanted[1]) == ("key_reused", "key_reused") and (got[-1] or "").startswith("The chain uses key "):
        return got[:-1], wanted[:-1]
    return got, wanted


def microseconds(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


class Comparison:
    """Makes each call in both schemas and insists on equal answers."""

    def __init__(self, history, seen):
        self.history = history
        self.seen = seen
        self.done = 0
        self.expired = 0  # microseconds since the epoch: by then all short holds have

    def here(self):
        return f"SEED={SEED}, after {self.done} operations"

    def clock(self):
        """A time at which each hold has expired or will not for hours."""
        while (now := time.time_ns() // 1000) <= self.expired:
            pass
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=now)

    def make(self, cursor, name, arguments):
        if name == "batch":
            self.make_batch(cursor, arguments)
            return
        clock = self.clock()
        code, detail, rows = answer(cursor, f"tokpay.{name}({CALLS[name]})", name, arguments)
        told = (*(rows[0] if rows and name in (*MONEY, "open_account") else ()), None, None)[:2]
        oracle = f"oracle.{name}({CALLS[name]}, row(%s, %s, %s)::oracle.told)"
        expected = answer(cursor, oracle, name, (*arguments, clock, *told))
        actual = (code, detail, rows)
        assert actual == expected, f"{self.here()}: {name}{arguments}: {actual} is not {expected}"
        replayed = name in MONEY and bool(rows) and rows[0][-1]
        self.seen[name, "replayed" if replayed else code] += 1
        self.done += 1
        if code == "ok":
            self.history.learn(name, arguments, rows[0] if rows else None)
            if name == "hold" and not replayed and arguments[4] in SHORT:
                self.expired = max(self.expired, microseconds(rows[0][1]) + SHORT[arguments[4]])

    def make_batch(self, cursor, requests):
        clock = self.clock()
        actual = outcomes_of(cursor, requests)
        told = [cursor.mogrify("row(%s, %s, %s)", (clock, *row[2:4])).decode() for row in actual]
        cursor.execute(
            f"select {OUTCOME} from oracle.transfer_batch({requests_literal(cursor, requests)}, "
            f"array[{', '.join(told)}]::oracle.told[]) order by position"
        )
        expected = cursor.fetchall()
        assert len(actual) == len(requests)
        for request, got, wanted in zip(requests, actual, expected):
            got, wanted = comparable(got, wanted)
            assert got == wanted, f"{self.here()}: {request} of {requests}: {got} is not {wanted}"
            self.seen["batch", "replayed" if got[8] else got[1]] += 1
            self.done += 1
            if got[1] == "ok":
                self.history.learn("transfer", request, got[2:9])


BOOKS = {
    "accounts": "id, name, currency, balance, held, available, min_balance, max_balance, status, version, metadata",
    "holds": "id, debit, amount, credits, amounts, currency, at, expires_at",
    "entries": "account, version, transfer, amount, balance, kind, at",
    "receipts": "id, kind, status, currency, debit, amount, credits, amounts, key, hold, reverses, reversed_by, "
    "description, metadata, at, expires_at, debit_balance, debit_version, credit_balances, credit_versions",
}  # fmt: skip


def assert_equal_books(database, names, done):
    for name in names:
        actual, expected = (f"select {BOOKS[name]} from {schema}.{name}" for schema in ("tokpay", "oracle"))
        for where, these, those in (("extension", actual, expected), ("oracle", expected, actual)):
            rows = database.execute(f"{these} except {those}")
            assert rows == [], f"SEED={SEED}, after {done} operations: {name} of the {where} alone: {rows[:3]}"


FOR_ADMINS = {"top_up", "open_account", "set_limits", "set_metadata", "freeze", "unfreeze", "close"}
# What each kind of call must have met: in a history of 10,000 calls ok and replayed, in one of 200,000 every code that
# it has. not_leader takes a standby.
COMMON = {"ok", "invalid_request"}
KEYED = {*COMMON, "replayed", "key_reused", "not_permitted", "account_frozen", "account_closed", "amount_overflow"}
TRANSFERS = {*KEYED, "account_not_found", "same_account", "currency_mismatch", "insufficient_funds", "balance_limit"}
EXPECTED = {
    "transfer": TRANSFERS,
    "batch": {*TRANSFERS, "chain_failed"},
    "hold": TRANSFERS - {"balance_limit"},
    "top_up": KEYED - {"not_permitted"} | {"account_not_found", "same_account", "balance_limit"},
    "capture": KEYED | {"transfer_not_found", "hold_not_pending", "balance_limit"},
    "void": {*COMMON, "replayed", "key_reused", "transfer_not_found", "hold_not_pending"},
    "reverse": KEYED | {"transfer_not_found", "already_reversed", "insufficient_funds", "balance_limit"},
    "open_account": {*COMMON, "name_taken", "balance_limit"},
    "set_limits": {*COMMON, "account_not_found", "account_closed", "balance_limit"},
    "set_metadata": {*COMMON, "account_not_found"},
    "freeze": {*COMMON, "account_not_found", "account_closed"},
    "unfreeze": {*COMMON, "account_not_found", "account_closed"},
    "close": {*COMMON, "account_not_found", "account_in_use"},
    "balance_at": {*COMMON, "account_not_found"},
    "history": {*COMMON, "account_not_found"},
    "expire_holds": COMMON,
    "transfer_by_key": {"ok"},
    "balances": {"ok"},
}
SHORT_HISTORY, LONG_HISTORY = 10_000, 200_000


def never_met(seen):
    met = seen.keys()
    if OPERATIONS < SHORT_HISTORY:
        return set()
    if OPERATIONS >= LONG_HISTORY:
        return {(name, code) for name, codes in EXPECTED.items() for code in codes} - met
    codes = {code for codes in EXPECTED.values() for code in codes} - {code for _, code in met}
    return codes | {(name, code) for name in EXPECTED for code in EXPECTED[name] & {"ok", "replayed"}} - met


def some_calls_in_a_transaction(comparison, connection):
    """A few calls in one transaction, which is undone now and then; the oracle's go with it."""
    history = comparison.history
    before = {currency: list(accounts) for currency, accounts in history.by_currency.items()}, list(history.frozen)
    level = history.random.choice(["read committed", "repeatable read", "serializable"])
    with connection.cursor() as cursor:
        cursor.execute(f"begin isolation level {level}")
        for _ in range(history.random.randint(2, 6)):
            comparison.make(cursor, *history.next())
        if history.maybe(0.6):
            cursor.execute("commit")
        else:
            cursor.execute("rollback")
            history.by_currency, history.frozen = before


def test_random_histories_equal_the_oracle(database):
    print(f"SEED={SEED} ORACLE_OPERATIONS={OPERATIONS}")
    accounts = open_accounts(database)
    for script in ORACLE:
        database.execute(script)
    database.execute("select oracle.take_over()")
    history = History(SEED, accounts)
    seen = Counter()
    comparison = Comparison(history, seen)
    admin, teller = database.connect(role="tokpay_admin"), database.connect(role="tokpay_teller")
    for connection in (admin, teller):  # the oracle's plans are made while its tables are empty
        connection.cursor().execute("set enable_seqscan = off")
    next_look = 0
    while comparison.done < OPERATIONS:
        if comparison.done >= next_look:
            assert_equal_books(database, ["accounts", "holds"], comparison.done)
            next_look += 5000
        name, arguments = history.next()
        for_tellers = name not in FOR_ADMINS
        if history.maybe(0.05):
            some_calls_in_a_transaction(comparison, admin)
        else:
            connection = teller if for_tellers and history.maybe(0.3) else admin
            comparison.make(connection.cursor(), name, arguments)
    assert_equal_books(database, BOOKS, comparison.done)
    assert database.faults() == []
    for name in EXPECTED:
        print(f"{name}: {dict(sorted((code, count) for (call, code), count in seen.items() if call == name))}")
    assert not never_met(seen), f"SEED={SEED}: the history never met {never_met(seen)}"


# Money, holds that have expired and are ended on need, an account that is frozen and one that is closed.
USED = """
    select t.transfer from tokpay.accounts a, tokpay.top_up(a.id, 400) as t
    where a.currency = 'USD' and a.min_balance is not null and a.max_balance is null;
    select t.transfer from tokpay.accounts a, generate_series(1, 3), tokpay.hold(a.id,
        array(select id from tokpay.accounts where name = 'funding/USD'), '{100}', expires_in => '1 microsecond') as t
    where a.currency = 'USD' and a.balance = 400;
    select tokpay.freeze(max(id)), tokpay.close(max(id) - 2) from tokpay.accounts where currency = 'JPY';
    select pg_sleep(0.001);
"""


class Renumbered(dict):
    """Ids as 1, 2, 3, … in the order in which they are met."""

    def __missing__(self, key):
        self[key] = len(self) + 1
        return self[key]


def without_ids(outcomes):
    """Outcomes without what two runs may choose: times, and ids but for their order."""
    numbers = Renumbered()
    for _, code, transfer, _, *middle, detail in outcomes:
        detail = detail and re.sub(r"(?<=transfer )\d+,", "N,", detail)
        yield code, transfer and numbers[transfer], *middle, detail


def one_by_one(cursor, request):
    """The outcome of a single transfer, as transfer_batch would have it; account, balance and required are not told."""
    code, detail, rows = answer(cursor, f"tokpay.transfer({CALLS['transfer']})", "transfer", request)
    return 1, code, *(rows[0] if rows else (None,) * 7), None, None, None, detail


def units_of(requests):
    """Single requests, and chains with numbers of their own."""

    def unit_of(placed):
        place, (*_, chain) = placed
        return ("request", place) if chain is None else ("chain", chain)

    for number, ((kind, _), unit) in enumerate(itertools.groupby(enumerate(requests), unit_of)):
        yield [(*request[:-1], number if kind == "chain" else None) for _, request in unit]


@pytest.mark.parametrize("batch_size", [7, 500])
def test_batches_and_single_calls_leave_equal_books(new_database, batch_size):
    print(f"SEED={SEED}")
    batched, single = new_database(), new_database()
    accounts = open_accounts(batched)
    assert open_accounts(single) == accounts
    for database in (batched, single):
        database.execute(USED)
    units = list(units_of([request for request in History(SEED, accounts).batch(2000) if request is not None]))
    in_batches, alone = [], []
    cursor = batched.connect().cursor()
    for start in range(0, len(units), batch_size):
        in_batches += outcomes_of(cursor, [request for unit in units[start : start + batch_size] for request in unit])
    cursor = single.connect().cursor()
    for unit in units:
        if unit[0][-1] is None:
            alone.append(one_by_one(cursor, unit[0][:-1]))
        else:
            alone += outcomes_of(cursor, unit)
    told_alone = [(*outcome[:9], None, None, None, outcome[12]) if unit is None else outcome
        for outcome, unit in zip(in_batches, (request[-1] for unit in units for request in unit))]  # fmt: skip
    assert list(without_ids(told_alone)) == list(without_ids(alone)), f"SEED={SEED}"
    assert {"ok", "chain_failed", "key_reused", "account_frozen"} <= {outcome[1] for outcome in in_batches}
    for books in (
        "select id, balance, held, available, version, status from tokpay.accounts",
        "select id, debit, amount from tokpay.holds",
        "select account, version, dense_rank() over (order by transfer), amount, balance, kind from tokpay.entries",
        "select row_number() over (order by id), kind, status, debit, credits, amounts, key, description, metadata, "
        "debit_balance, debit_version, credit_balances, credit_versions from tokpay.receipts",
    ):
        assert sorted(batched.execute(books), key=str) == sorted(single.execute(books), key=str), books
    assert batched.faults() == single.faults() == []
