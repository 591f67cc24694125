"""Calls about accounts and holds as tests of locks make them, and what became of them."""

import psycopg2

HOLD = "select transfer from tokpay.hold(%s, %s::bigint[], %s::bigint[], %s, %s::interval)"
CAPTURE = "select 'done' from tokpay.capture(%s)"
VOID = "select 'done' from tokpay.void(%s)"
REVERSE = "select 'done' from tokpay.reverse(%s)"
FREEZE = "select 'done' from tokpay.freeze(%s)"
EXPIRE = "select tokpay.expire_holds()"
PAY = "select 'done' from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])"
DONE = ("done",)
AT_ONCE = "1 microsecond"
NOT_PENDING = "TP013"


def hold(database, debit, credits, amounts, expires_in=None, key=None):
    return database.execute(HOLD, [debit, credits, amounts, key, expires_in])[0][0]


def pay(database, debit, credit, amount):
    [(transfer,)] = database.execute(
        "select transfer from tokpay.transfer(%s, array[%s::bigint], array[%s::bigint])", [debit, credit, amount]
    )
    return transfer


def status(database, transfer):
    return database.execute("select status from tokpay.transfers where id = %s", [transfer])[0][0]


def funds(database, account):
    return database.execute("select balance, held from tokpay.accounts where id = %s", [account])[0]


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
