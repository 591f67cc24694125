"""Random histories: the extension answers and books exactly what the plain rules of oracle.sql do.

SEED repeats a run, ORACLE_OPERATIONS sets its length.
"""

import os
import pathlib
import random
from collections import Counter

import psycopg2
import pytest

OPERATIONS = int(os.environ.get("ORACLE_OPERATIONS", "20000"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
HIGHEST = (1 << 63) - 1
ORACLE = (pathlib.Path(__file__).parent / "oracle.sql").read_text()

CODES = {
    "00000": "ok", "TP001": "invalid_request", "TP002": "key_reused", "TP003": "account_not_found",
    "TP016": "not_permitted", "TP004": "same_account", "TP005": "currency_mismatch",
    "TP009": "amount_overflow", "TP010": "insufficient_funds", "TP011": "balance_limit",
}  # fmt: skip
COLUMNS = (
    "code, transfer, debit_balance, debit_version, credit_balances, credit_versions, replayed, "
    "account, balance, required, detail"
)
# min_balance, max_balance, currency of the accounts, in the order in which they are opened.
ACCOUNTS = [
    (0, None, "USD"), (0, None, "USD"), (0, None, "USD"), (-500, None, "USD"), (0, 300, "USD"),
    (None, None, "USD"), (0, None, "EUR"), (0, 1 << 62, "EUR"), (None, None, "JPY"),
    (0, None, "JPY"), (-(1 << 62), None, "JPY"),
]  # fmt: skip


class History:
    """A stream of random requests that often collide, repeat and break a rule."""

    def __init__(self, seed, accounts):
        self.random = random.Random(seed)
        self.by_currency = {}
        for account, currency in accounts:
            self.by_currency.setdefault(currency, []).append(account)
        self.all = [account for account, _ in accounts]
        self.sent = []

    def amount(self, currency):
        choose = self.random.random()
        if choose < 0.01:
            return self.random.choice([0, -1, -HIGHEST - 1, None])
        if currency == "JPY" or choose < 0.02:
            return self.random.choice(
                [HIGHEST, HIGHEST - 1, 1 << 62, (1 << 62) - 1, self.random.randint(1, HIGHEST), 1]
            )
        return self.random.randint(1, 120)

    def key(self):
        choose = self.random.random()
        if choose < 0.5:
            return None
        if choose < 0.51:
            return self.random.choice(["", "k" * 256, "é" * 128])
        return f"key {self.random.randrange(3000)}"

    def request(self):
        """debit, credits, amounts, key, description, metadata (as text), chain; or None."""
        choose = self.random.random()
        if choose < 0.2 and self.sent:
            return self.repeat(self.random.choice(self.sent[-400:]))
        if choose < 0.205:
            return None
        currency = self.random.choice(["USD", "USD", "USD", "EUR", "JPY"])
        accounts = self.by_currency[currency]
        debit = self.random.choice(accounts)
        others = [account for account in accounts if account != debit]
        count = self.random.choice([1, 1, 1, 2, 2, 3, 5, 8])
        credits = [self.random.choice(others) for _ in range(count)]
        if self.random.random() < 0.04:
            credits[self.random.randrange(count)] = self.random.choice([debit, 999999999, None, *self.all])
        if self.random.random() < 0.01:
            debit = self.random.choice([None, 999999999])
        amounts = [self.amount(currency) for _ in range(self.length(count))]
        request = (
            debit, credits, amounts, self.key(),
            self.random.choice([None, None, "", "rent"]),
            self.random.choice([None, None, "{}", '{"a": 1, "b": [1.50, null]}']),
            7 if self.random.random() < 0.005 else None,
        )  # fmt: skip
        self.sent.append(request)
        return request

    def length(self, count):
        return count if self.random.random() < 0.99 else self.random.randrange(count + 2)

    def repeat(self, request):
        """The same request, spelt differently or changed in one field now and then."""
        debit, credits, amounts, key, description, metadata, chain = request
        if metadata and self.random.random() < 0.3:
            metadata = metadata.replace("1.50", "1.5").replace('"a": 1, ', '"a": 0, "a": 1.0,')
        match self.random.randrange(16):
            case 0:
                amounts = amounts[::-1]
            case 1:
                credits = credits[::-1]
            case 2:
                description = "other"
            case 3:
                metadata = '{"a": 2}'
            case 4:
                debit = self.random.choice(self.all)
        return debit, credits, amounts, key, description, metadata, chain


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


REQUEST = "(%s, %s::bigint[], %s::bigint[], %s, %s, %s::jsonb, %s)::tokpay.transfer_request"


def batch_literal(cursor, requests):
    rows = [
        "null::tokpay.transfer_request" if request is None else cursor.mogrify("row" + REQUEST, request).decode()
        for request in requests
    ]
    return f"array[{', '.join(rows)}]::tokpay.transfer_request[]"


def outcomes_of(cursor, schema, requests):
    cursor.execute(
        f"select {COLUMNS} from {schema}.transfer_batch({batch_literal(cursor, requests)}) order by position"
    )
    return cursor.fetchall()


def single_call(cursor, call, arguments):
    """code, result columns and detail of a call that raises its refusals."""
    try:
        cursor.execute(
            "select transfer, debit_balance, debit_version, credit_balances, credit_versions, replayed "
            f"from tokpay.{call}",
            arguments,
        )
        return ("ok", *cursor.fetchone(), None)
    except psycopg2.Error as error:
        return (CODES[error.pgcode], None, None, None, None, None, None, error.diag.message_detail)


def without_refusal_columns(outcome):
    return (*outcome[:7], outcome[10])


TRANSFER = "transfer(%s, %s::bigint[], %s::bigint[], %s, %s, %s::jsonb)"
BOOKS = {
    "accounts": (
        "select id, balance, version from tokpay.accounts",
        "select id, balance, version from oracle.account",
    ),
    "entries": (
        "select account, version, transfer, amount, balance from tokpay.entries",
        "select account, version, transfer, amount, balance from oracle.entry",
    ),
    "transfers": (
        "select id, kind, debit, credits, amounts, key, description, metadata, debit_balance, debit_version, "
        "credit_balances, credit_versions from tokpay.receipts",
        "select id, kind, debit, credits, amounts, key, description, metadata, debit_balance, debit_version, "
        "credit_balances, credit_versions from oracle.transfer",
    ),
}


def test_random_histories_equal_the_oracle(database):
    print(f"SEED={SEED} ORACLE_OPERATIONS={OPERATIONS}")
    accounts = open_accounts(database)
    database.execute(ORACLE)
    database.execute("select oracle.take_over()")
    history = History(SEED, accounts)
    funder = database.connect().cursor()
    teller = database.connect(role="tokpay_teller").cursor()
    seen = Counter()
    done = 0
    while done < OPERATIONS:
        cursor = teller if history.random.random() < 0.3 else funder
        kind = history.random.choice(["batch", "batch", "batch", "transfer", "top_up"])
        if kind == "batch":
            calls = [history.request() for _ in range(history.random.choice([0, 1, 2, 5, 20, 100]))]
            actual = outcomes_of(cursor, "tokpay", calls)
            expected = outcomes_of(cursor, "oracle", calls)
        elif kind == "transfer":
            calls = [history.request() or (None,) * 7]
            calls = [(*calls[0][:6], None)]
            actual = [single_call(cursor, TRANSFER, calls[0][:6])]
            expected = [without_refusal_columns(outcome) for outcome in outcomes_of(cursor, "oracle", calls)]
        else:
            account, currency = history.random.choice(accounts)
            calls = [(history.random.choice([account] * 20 + [None, 999999999]),
                      history.amount(currency), history.key(), history.random.choice([None, "gift"]))]  # fmt: skip
            actual = [single_call(funder, "top_up(%s, %s, %s, %s)", calls[0])]
            funder.execute(f"select {COLUMNS} from oracle.top_up(%s, %s, %s, %s)", calls[0])
            expected = [without_refusal_columns(funder.fetchone())]
        assert len(actual) == len(calls)
        for call, got, wanted in zip(calls, actual, expected):
            assert got == wanted, f"SEED={SEED}, after {done} operations, {kind} {call}"
            seen["replayed" if got[6] else got[0]] += 1
            done += 1
    for name, (actual, expected) in BOOKS.items():
        difference = f"(({actual}) except ({expected})) union all (({expected}) except ({actual}))"
        assert database.execute(difference) == [], f"SEED={SEED}: {name} differ"
    assert database.faults() == []
    print(dict(seen))
    missing = ({*CODES.values(), "replayed"}) - seen.keys()
    assert not missing, f"SEED={SEED}: the history never met {missing}"


@pytest.mark.parametrize("batch_size", [7, 500])
def test_batches_and_single_calls_leave_equal_books(new_database, batch_size):
    print(f"SEED={SEED}")
    batched, single = new_database(), new_database()
    accounts = open_accounts(batched)
    assert open_accounts(single) == accounts
    history = History(SEED, accounts)
    requests = [request for request in (history.request() for _ in range(2000)) if request and request[6] is None]
    cursor = batched.connect().cursor()
    in_batches = []
    for start in range(0, len(requests), batch_size):
        in_batches += outcomes_of(cursor, "tokpay", requests[start : start + batch_size])
    cursor = single.connect().cursor()
    one_by_one = [single_call(cursor, TRANSFER, request[:6]) for request in requests]
    assert [without_refusal_columns(outcome) for outcome in in_batches] == one_by_one, f"SEED={SEED}"
    for name, (books, _) in BOOKS.items():
        assert sorted(batched.execute(books), key=str) == sorted(single.execute(books), key=str), f"{name} differ"
    assert batched.faults() == single.faults() == []
