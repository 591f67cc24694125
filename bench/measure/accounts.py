"""Accounts with money in them, as many as a benchmark wants."""

from dataclasses import dataclass

MAX_CREDITS = 10_000
OPENING_BALANCE = 1_000_000
HOT_BALANCE = 10**15  # of the account that pays everybody
NO_CEILING = 2**63 - 1


@dataclass
class Population:
    """The accounts of a database: `accounts` ids from `first_account`, and two of their own."""

    first_account: int
    accounts: int
    payer: int
    payee: int


def open_accounts(execute, accounts):
    """Opens them all, with money; execute runs a statement in a database without accounts of this kind."""
    ((payer,),) = execute("select tokpay.open_account('bench/payer')")
    ((payee,),) = execute("select tokpay.open_account('bench/payee')")
    population = Population(payee + 1, accounts, payer, payee)
    insert_accounts(execute, population)
    fund(execute, population)
    return population


def find_accounts(execute, accounts):
    """What open_accounts() has opened."""
    ((payer, payee),) = execute("select tokpay.account_id('bench/payer'), tokpay.account_id('bench/payee')")
    return Population(payee + 1, accounts, payer, payee)


def insert_accounts(execute, population):
    """Accounts as pg_restore brings them: a million calls of open_account would take minutes."""
    first = population.first_account
    ids = [first, first + population.accounts - 1]
    execute("insert into tokpay.account_info (account, metadata) select id, '{}' from generate_series(%s, %s) as id", ids)
    execute(
        f"""insert into tokpay.account_state (id, currency, min_balance, max_balance, key_filter)
        select id, 'USD', 0, {NO_CEILING}, 0 from generate_series(%s, %s) as id""",
        ids,
    )
    execute("select setval('tokpay.account_id_seq', %s)", ids[1:])


def fund(execute, population):
    """Money from the funding account. Each transfer credits accounts that lie far apart, so that every
    update finds room on its page and the table stays packed as it was."""
    transfers = -(-population.accounts // MAX_CREDITS)
    execute("select * from tokpay.top_up(%s, %s)", [population.payer, HOT_BALANCE])
    for i in range(transfers):
        execute(
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
