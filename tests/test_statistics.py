"""The view stat: what a server has done since it started."""

import psycopg2
import pytest
from private_server import PrivateServer

COUNTERS = ["calls", "credits", "replays", "transfers", "top_ups", "holds", "captures", "voids", "reversals", "expiries"]


@pytest.fixture
def server(request):
    made = PrivateServer(getattr(request, "param", "shared_preload_libraries = 'tokpay'\n"))
    made.execute("create extension tokpay")
    yield made
    made.remove()


def counters(server):
    """What is not 0 of it."""
    row = dict(zip([*COUNTERS, "refusals", "batch_sizes"], server.execute(f"select {', '.join(COUNTERS)}, refusals, batch_sizes from tokpay.stat")[0]))
    return {name: value for name, value in row.items() if value}


def refused(server, statement, code):
    with pytest.raises(psycopg2.Error) as refusal:
        server.execute(statement)
    assert refusal.value.pgcode == code


def test_what_is_done_is_counted_once(server):
    assert counters(server) == {}
    payer, payee, other = (server.execute("select tokpay.open_account()")[0][0] for _ in range(3))
    server.execute(f"select tokpay.top_up({payer}, 1000)")
    assert counters(server) == {"calls": 1, "credits": 1, "top_ups": 1, "batch_sizes": {"1": 1}}
    for _ in range(2):
        server.execute(f"select tokpay.transfer({payer}, array[{payee}, {other}], array[1, 2], 'k')")
    transfer = server.execute(f"select transfer from tokpay.transfer({payer}, array[{payee}], array[3])")[0][0]
    server.execute(f"select tokpay.reverse({transfer})")
    captured, voided, expired = (
        server.execute(f"select transfer from tokpay.hold({payer}, array[{payee}], array[5], expires_in => '{time}')")[0][0]
        for time in ("1 day", "1 day", "1 microsecond")
    )
    server.execute(f"select tokpay.capture({captured})")
    server.execute(f"select tokpay.void({voided})")
    server.execute("select tokpay.expire_holds()")
    refused(server, f"select tokpay.transfer({payee}, array[{payer}], array[100000])", "TP010")
    refused(server, f"select tokpay.transfer({payee}, array[{payer}], array[0])", "TP001")
    refused(server, f"select tokpay.capture({expired})", "TP013")
    refused(server, "select tokpay.capture(987654321)", "TP006")
    refused(server, "select tokpay.top_up(987654321, 1)", "TP003")
    server.execute(f"select tokpay.hold({payer}, array[{payee}], array[900], expires_in => '1 microsecond')")
    server.execute(f"select tokpay.transfer({payer}, array[{payee}], array[900])")  # ends the hold
    server.execute(f"select tokpay.gateway_batch(array_fill(row('void', null, null, null, null, null, null, null, {expired}, null, null)::tokpay.gateway_request, array[3]))")
    server.execute(f"""select tokpay.transfer_batch(array[
        ({payer}, array[{payee}], array[1], null, null, null, null), ({payer}, array[{payer}], array[1], null, null, null, null),
        ({payer}, array[{payee}], array[1], 'c1', null, null, 7), ({payer}, array[0], array[1], 'c2', null, null, 7),
        ({payer}, array[{payee}, {other}], array[1, 1], 'k2', null, null, null)]::tokpay.transfer_request[])""")
    assert counters(server) == {
        "calls": 16, "credits": 1 + 2 + 1 + 1 + 1 + 1 + 3, "replays": 1, "top_ups": 1, "transfers": 5, "reversals": 1, "holds": 4, "captures": 1,
        "voids": 1, "expiries": 2, "batch_sizes": {"1": 14, "4": 1, "8": 1},
        "refusals": {"insufficient_funds": 1, "invalid_request": 1, "hold_not_pending": 4, "transfer_not_found": 1, "same_account": 1, "account_not_found": 2, "chain_failed": 1},
    }  # fmt: skip


def test_processes_count_together_and_a_restart_begins_anew(server):
    account = server.execute("select tokpay.open_account()")[0][0]
    for _ in range(3):
        server.execute(f"select tokpay.top_up({account}, 1)")  # each on a connection of its own
    session = psycopg2.connect(server.url)
    session.cursor().execute(f"select tokpay.top_up({account}, 1)")
    session.rollback()
    assert counters(server)["top_ups"] == 4
    since = server.execute("select since from tokpay.stat where since between pg_postmaster_start_time() and clock_timestamp()")
    session.close()
    server.stop()
    server.start()
    assert counters(server) == {}
    assert server.execute("select since from tokpay.stat") > since


def test_readers_see_it_and_nobody_else_does(server):
    server.execute("create role reader login in role tokpay_reader")
    server.execute("create role anybody login")
    server.execute("set role reader; select * from tokpay.stat")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.execute("set role anybody; select * from tokpay.stat")


@pytest.mark.parametrize("server", [""], indirect=True)
def test_a_library_that_is_not_preloaded_says_what_is_to_do(server):
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState) as error:
        server.execute("select * from tokpay.stat")
    assert "shared_preload_libraries" in error.value.diag.message_hint
