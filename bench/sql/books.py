"""The databases that are measured: accounts with money in them, and the plain tables beside them.

A size is built once, as a template; a measurement works in a clone of it, so that every one begins
with the same books.
"""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from server import CHECKOUT, TELLER, Failure

HERE = Path(__file__).parent
DRIVER = CHECKOUT / "build/bench/driver/bench-load"
MAX_CREDITS = 10_000
OPENING_BALANCE = 1_000_000
HOT_BALANCE = 10**15  # of the account that pays everybody
NO_CEILING = 2**63 - 1

# Whatever random access needs is in memory when a measurement begins: as much as fits, the accounts last.
PREWARM = """
    select sum(bench.pg_prewarm(c.oid)) from (
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('tokpay', 'bench') and c.relkind in ('r', 'i')
            and c.relname not in ('journal', 'plain_transfer', 'account_info')
        order by c.relname like '%account%', c.relname
    ) as c"""


def say(text):
    """Tells what is being done."""
    print(f"  {text}", file=sys.stderr, flush=True)


@dataclass
class Population:
    """The accounts of a database: `accounts` ids from `first_account`, and two of their own."""

    first_account: int
    accounts: int
    payer: int
    payee: int


@dataclass
class Database:
    server: object
    name: str
    population: Population

    def execute(self, statement, parameters=None):
        return self.server.execute(self.name, statement, parameters)

    def prepare(self):
        """Brings server and database into the state in which a measurement begins."""
        self.execute(PREWARM)
        self.execute("checkpoint")

    def start_load(self, load, **options):
        """The driver at work, a subprocess; finish_load() waits for what it measures."""
        options = {
            **{"load": load, "database": self.name, "postmaster": self.server.postmaster},
            **asdict(self.population),
            **options,
        }
        arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        return subprocess.Popen(
            [DRIVER, *arguments],
            env=self.server.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_load(self, load, **options):
        return finish_load(self.start_load(load, **options))

    def check_books(self, thoroughly):
        """Fails unless every balance is accounted for: in the ledger by its own proof, or by its sum."""
        sums = self.execute("""
            select (select sum(balance) from tokpay.account_state),
                (select sum(balance) from bench.plain_account)""")
        plain_sum = HOT_BALANCE + OPENING_BALANCE * self.population.accounts
        if sums != [(0, plain_sum)]:
            raise Failure(f"money was made or lost: sums {sums}, not 0 and {plain_sum}")
        if thoroughly:
            faults = self.execute("select check_name, detail from tokpay.verify() where not ok")
            if faults:
                raise Failure(f"verify() finds: {faults}")


def finish_load(driver):
    try:
        out, errors = driver.communicate()
    except BaseException:
        driver.kill()
        raise
    if driver.returncode != 0:
        raise Failure(f"{' '.join(map(str, driver.args))}\n{errors}")
    return json.loads(out)


class Books:
    """The templates of a server, and the databases made of them."""

    def __init__(self, server):
        self.server = server
        self.fingerprint = fingerprint(server)
        for (name,) in server.execute("postgres", "select datname from pg_database where datname ~ '^clone_'"):
            self._drop(name)  # of a run that was interrupted

    def template(self, accounts, transfers=0):
        """The database with so many accounts that have made so many transfers already."""
        name = f"books_{accounts}_{transfers}"
        remark = f"{self.fingerprint}: whole"
        found = self.server.execute(
            "postgres",
            "select shobj_description(oid, 'pg_database') is not distinct from %s from pg_database where datname = %s",
            [remark, name],
        )
        if found != [(True,)]:
            self._drop(name)
            self._build(name, accounts, transfers)
            self.server.execute("postgres", f"comment on database {name} is %s", [remark])
        return self._database(name, accounts)

    @contextmanager
    def clone(self, accounts):
        """A copy of the template, dropped afterwards."""
        template = self.template(accounts)
        name = f"clone_{os.getpid()}"
        self.server.execute("postgres", f"create database {name} template {template.name} strategy file_copy")
        try:
            yield Database(self.server, name, template.population)
        finally:
            self._drop(name)

    def _drop(self, name):
        self.server.execute("postgres", f"drop database if exists {name} with (force)")

    def _database(self, name, accounts):
        ((payer, payee),) = self.server.execute(
            name, "select tokpay.account_id('bench/payer'), tokpay.account_id('bench/payee')"
        )
        return Database(self.server, name, Population(payee + 1, accounts, payer, payee))

    def _build(self, name, accounts, transfers):
        say(f"building a database of {accounts:,} accounts")
        self.server.execute("postgres", f"create database {name}")
        self.server.execute(name, "create extension tokpay")
        self.server.execute("postgres", f"grant tokpay_teller to {TELLER}")
        self.server.execute(name, "select tokpay.open_account('bench/payer')")
        self.server.execute(name, "select tokpay.open_account('bench/payee')")
        database = self._database(name, accounts)
        insert_accounts(database)
        fund(database)
        population = database.population
        self.server.psql(
            name,
            HERE / "plain.sql",
            first=population.first_account,
            last=population.first_account + accounts - 1,
            payer=population.payer,
            payee=population.payee,
        )
        self.server.execute(name, "vacuum analyze")
        if transfers:
            say(f"making {transfers:,} transfers in it")
            batch = 5_000
            database.run_load("transfer-batch", connections=2, threads=2, batch=batch, calls=transfers // batch)
            self.server.execute(name, "vacuum analyze")


def insert_accounts(database):
    """Accounts as pg_restore brings them: a million calls of open_account would take minutes."""
    first = database.population.first_account
    ids = [first, first + database.population.accounts - 1]
    database.execute(
        "insert into tokpay.account_info (account, metadata) select id, '{}' from generate_series(%s, %s) as id", ids
    )
    database.execute(
        f"""insert into tokpay.account_state (id, currency, min_balance, max_balance, key_filter)
        select id, 'USD', 0, {NO_CEILING}, 0 from generate_series(%s, %s) as id""",
        ids,
    )
    database.execute("select setval('tokpay.account_id_seq', %s)", ids[1:])


def fund(database):
    """Money from the funding account. Each transfer credits accounts that lie far apart, so that every
    update finds room on its page and the table stays packed as it was."""
    population = database.population
    transfers = -(-population.accounts // MAX_CREDITS)
    connection = database.server.connect(database.name)
    with connection.cursor() as cursor:
        cursor.execute("select * from tokpay.top_up(%s, %s)", [population.payer, HOT_BALANCE])
        for i in range(transfers):
            cursor.execute(
                """select t.transfer from (
                    select array_agg(id) as ids from generate_series(%s, %s, %s) as id
                ) as one, tokpay.transfer(tokpay.account_id('funding/USD'), ids,
                    array_fill(%s::bigint, array[cardinality(ids)])) as t""",
                [
                    population.first_account + i,
                    population.first_account + population.accounts - 1,
                    transfers,
                    OPENING_BALANCE,
                ],
            )
    connection.close()


def fingerprint(server):
    """Of what the databases were made from; others have to be built again."""
    digest = hashlib.sha256(server.version.encode())
    for file in [*sorted(server.extension_directory.glob("tokpay*")), HERE / "plain.sql", HERE / "books.py"]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
