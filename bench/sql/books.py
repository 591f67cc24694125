"""The databases that are measured: accounts with money in them, and the plain tables beside them.

A size is built once, as a template; a measurement works in a clone of it, so that every one begins
with the same books.
"""

import hashlib
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from measure.accounts import HOT_BALANCE, OPENING_BALANCE, Population, find_accounts, open_accounts
from measure.checkout import CHECKOUT, Failure, say
from measure.driver import finish_load, start_load
from server import TELLER

HERE = Path(__file__).parent

# Whatever random access needs is in memory when a measurement begins: as much as fits, the accounts last.
PREWARM = """
    select sum(bench.pg_prewarm(c.oid)) from (
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('tokpay', 'bench') and c.relkind in ('r', 'i')
            and c.relname not in ('journal', 'plain_transfer', 'account_info')
        order by c.relname like '%account%', c.relname
    ) as c"""


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
        return start_load("bench-load", options, self.server.environment())

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
        return Database(self.server, name, find_accounts(partial(self.server.execute, name), accounts))

    def _build(self, name, accounts, transfers):
        say(f"building a database of {accounts:,} accounts")
        self.server.execute("postgres", f"create database {name}")
        self.server.execute(name, "create extension tokpay")
        self.server.execute("postgres", f"grant tokpay_teller to {TELLER}")
        population = open_accounts(partial(self.server.execute, name), accounts)
        database = Database(self.server, name, population)
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


def fingerprint(server):
    """Of what the databases were made from; others have to be built again."""
    digest = hashlib.sha256(server.version.encode())
    accounts = CHECKOUT / "bench/measure/accounts.py"
    for file in [*sorted(server.extension_directory.glob("tokpay*")), HERE / "plain.sql", HERE / "books.py", accounts]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
