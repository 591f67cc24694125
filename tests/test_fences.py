"""The fences: nothing is acknowledged or shown that the standby could lose, and nothing by a server that no longer leads.

Every mechanism has one directed test, which turns red in a build without it (tests/mutations)."""

import concurrent.futures
import contextlib
import os
import signal
import subprocess

import psycopg2
import pytest
from private_server import PrivateServer
from processes import eventually
from server_pair import CLUSTER, ServerPair, Standby, pause, waits

NOT_LEADER = "TP015"
SHORT = "-c tokpay.fence_timeout=300ms"  # where a call is to be refused
A_WHILE = 1.5


@pytest.fixture(scope="module")
def shared_pair():
    pair = ServerPair()
    yield pair
    pair.remove()


@pytest.fixture
def pair(shared_pair):
    yield shared_pair
    assert shared_pair.faults() == []


@pytest.fixture
def own_pair():
    """For what does not leave it as it was."""
    pair = ServerPair()
    yield pair
    if pair.leader.postmaster.poll() is None:
        assert pair.faults() == []
    pair.remove()


def sqlstate(connection, statement):
    """That of a statement in a transaction of its own, or of the one that is open; "ok" where it succeeds."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return "ok"
    except psycopg2.Error as error:
        return error.pgcode


def transfer(pair, amount=1, key="null"):
    return f"select transfer from tokpay.transfer({pair.payer}, array[{pair.payee}]::bigint[], array[{amount}]::bigint[], {key})"


def shown_balance(pair):
    """As the view has it, which is not fenced."""
    return pair.leader.execute("select balance from tokpay.accounts where id = %s", [pair.payer])[0][0]


def fence_counts(pair):
    status = pair.status()
    return status["fences"], status["commits_gated"]


class Committing:
    """A transfer in a session of its own whose commit waits for the standby."""

    def __init__(self, pair):
        self.connection = pair.connect()
        self.pid = self.connection.get_backend_pid()
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.answer = self.pool.submit(self.run, transfer(pair))
        waits(pair)

    def run(self, statement):
        cursor = self.connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone()

    def is_unanswered_for(self, seconds):
        with contextlib.suppress(concurrent.futures.TimeoutError):
            self.answer.result(timeout=seconds)
            return False
        return True


# Reads


def read_calls(pair):
    payer, payee = pair.payer, pair.payee
    return [
        f"balance({payer})", f"balances(array[{payer}, {payee}])", f"balance_at({payer}, now())", f"history({payer})", f"transfer_by_key({payer}, 'none')",
        "account_id('funding/USD')", f"gateway_balances(array[{payer}])", f"gateway_packed_balances(array[{payer}])", f"gateway_account({payer}, null)",
        "gateway_accounts(null, 0, 10)", f"gateway_balance_at({payer}, now(), null)", "gateway_transfer(1, null)", f"gateway_transfer_by_key({payer}, 'none', null)",
        f"gateway_holds({payer}, null, 0, 10)", f"gateway_entries({payer}, null)", f"gateway_summary({payer}, null, now() - interval '1 day', now(), 'UTC', 'day')",
        f"gateway_counterparties({payer}, null, now() - interval '1 day', now(), 10)", f"gateway_changes(array[{payer}], array[null], array[0], 10)",
        f"gateway_preview({payer}, array[{payee}], array[1], false, null)", f"reaches('owner:a', {payer})", "expire_holds()",
        "authenticate(array['\\x00'::bytea])", "gateway_credentials(array['\\x00'::bytea])",
    ]  # fmt: skip


def refused_calls(pair):
    """What is refused, or replayed, and why without the fence."""
    payer, payee = pair.payer, pair.payee
    batch = "transfer_batch(array[row({}, array[{}], array[{}], 'replayed', null, null, null)::tokpay.transfer_request])"
    return {
        f"transfer({payer}, array[{payee}]::bigint[], array[1000000]::bigint[])": "TP010",
        f"transfer({payer}, array[{payee}]::bigint[], array[6]::bigint[], 'replayed')": "TP002",
        f"transfer({payer}, array[{payee}]::bigint[], array[5]::bigint[], 'replayed')": "ok",
        batch.format(payer, payee, 5): "ok",
        batch.format(payer, payee, 6): "ok",
        "balance(987654321)": "TP003",
        "account_id('nobody')": "TP003",
        "gateway_holds(987654321, null, 0, 10)": "TP003",
        "void(987654321)": "TP006",
        "set_metadata(987654321, '{}')": "TP003",
        "open_account('taken')": "TP017",
        "open_account(currency => 'XYZ')": "TP001",
        "revoke_api_key(987654321)": "TP001",
        "set_api_key_limit(987654321, 5)": "TP001",
        "gateway_end_session(987654321, 1)": "ok",
    }


def state_of(pair, statement, options=SHORT):
    connection = pair.connect(options=options)
    state = sqlstate(connection, statement)
    connection.close()
    return state


def test_whatever_tells_of_the_books_waits_for_the_standby(pair):
    pair.leader.execute(transfer(pair, 5, "'replayed'"))
    pair.leader.execute("select tokpay.open_account('taken')")
    refused = refused_calls(pair)
    calls = [*read_calls(pair), *refused]
    assert {call: state for call in calls if (state := state_of(pair, f"select * from tokpay.{call}", "")) != refused.get(call, "ok")} == {}
    with pair.silent_standby():
        for some in (read_calls(pair), refused):
            assert {call: state for call in some if (state := state_of(pair, f"select * from tokpay.{call}")) != NOT_LEADER} == {}
        block = pair.connect(autocommit=False, options=SHORT)
        assert sqlstate(block, f"select tokpay.balance({pair.payer})") == NOT_LEADER, "inside a transaction it is the call that is refused"
        block.rollback()
        block.cursor().execute(f"select * from tokpay.accounts where id = {pair.payer}")
        block.close()
    assert {call: state for call in calls if (state := state_of(pair, f"select * from tokpay.{call}", "")) != refused.get(call, "ok")} == {}


def test_one_fence_for_a_statement_and_none_for_a_commit(pair):
    ((key,),) = pair.leader.execute("select tokpay.create_api_key('good', array['read'])")
    for statement, fences, gated in [
        (f"select tokpay.balance({pair.payer}) from generate_series(1, 50)", 1, 0),
        (f"select * from tokpay.balances(array[{pair.payer}, {pair.payee}])", 1, 0),
        (f"select * from tokpay.gateway_changes(array[{pair.payer}], array[null], array[0], 10)", 1, 0),
        (transfer(pair), 0, 1),
        (f"select tokpay.balance({pair.payer}), (tokpay.top_up({pair.payer}, 1)).transfer", 0, 1),
        ("select tokpay.epoch()", 0, 0),
        ("select count(*) from tokpay.transfers", 0, 0),
        ("select * from tokpay.authenticate(array['\\x00'::bytea])", 1, 0),
        (f"select * from tokpay.gateway_credentials(array[sha256('{key}')])", 0, 0),
    ]:
        before = fence_counts(pair)
        pair.leader.execute(statement)
        after = fence_counts(pair)
        assert (after[0] - before[0], after[1] - before[1]) == (fences, gated), statement
    block = pair.connect(autocommit=False)
    before = fence_counts(pair)
    for _ in range(3):
        block.cursor().execute(f"select tokpay.balance({pair.payer})")
    block.commit()
    assert fence_counts(pair) == (before[0] + 3, before[1]), "one for each call of a transaction, none for its end"


def test_a_snapshot_of_before_is_fenced_as_well(pair):
    reader = pair.connect(autocommit=False)
    reader.set_session(isolation_level="REPEATABLE READ")
    cursor = reader.cursor()
    cursor.execute(f"select tokpay.balance({pair.payer})")
    (before,) = cursor.fetchone()
    pair.leader.execute(transfer(pair))
    cursor.execute(f"select tokpay.balance({pair.payer})")
    assert cursor.fetchone() == (before,)
    cursor.execute("set tokpay.fence_timeout = '300ms'")
    with pair.silent_standby():
        assert sqlstate(reader, f"select tokpay.balance({pair.payer})") == NOT_LEADER
    reader.close()


# Commits


@pytest.mark.parametrize("level", ["off", "local", "remote_write"])
def test_a_commit_that_waits_for_too_little_is_refused(pair, level):
    before = shown_balance(pair)
    assert sqlstate(pair.connect(options=f"-c synchronous_commit={level}"), transfer(pair)) == NOT_LEADER
    assert shown_balance(pair) == before


def test_a_transaction_cannot_be_prepared(pair):
    counted = "select (refused ->> 'prepared')::int from tokpay.cluster_status()"
    ((before,),) = pair.leader.execute(counted)
    session = pair.connect()
    session.cursor().execute("begin")
    session.cursor().execute(transfer(pair))
    assert sqlstate(session, "prepare transaction 'later'") == "0A000"
    session.close()
    assert pair.leader.execute(counted) == [(before + 1,)]


@pytest.mark.parametrize("names", ["*", "", "second, *", "ANY 1 (second, third)", "FIRST 1 (second, third)", "third"])
def test_only_a_standby_that_has_to_acknowledge_counts(pair, names):
    """With * a running base backup acknowledges, of several it is not known who did."""
    before = shown_balance(pair)
    try:
        pair.leader.execute(f"alter system set synchronous_standby_names = '{names}'")
        pair.leader.execute("select pg_reload_conf()")
        eventually(lambda: state_of(pair, f"select tokpay.balance({pair.payer})") == NOT_LEADER, 10, "refusing reads")
        assert state_of(pair, transfer(pair)) == NOT_LEADER
    finally:
        pair.set_standby_names("second")
    assert shown_balance(pair) == before


def test_a_cancelled_commit_stays_unseen_until_the_standby_has_it(pair):
    before = shown_balance(pair)
    with pair.silent_standby():
        commit = Committing(pair)
        for _ in range(3):
            pair.leader.execute("select pg_cancel_backend(%s)", [commit.pid])
        assert commit.is_unanswered_for(A_WHILE)
        assert shown_balance(pair) == before
    assert commit.answer.result(timeout=20)
    assert commit.connection.notices == []
    assert shown_balance(pair) == before - 1
    commit.run("select 1")


def test_a_commit_that_nobody_waits_for_any_more_still_waits(pair):
    """An emptied synchronous_standby_names wakes whoever waits in PostgreSQL."""
    with pair.silent_standby():
        commit = Committing(pair)
        try:
            pair.set_standby_names("")
            assert commit.is_unanswered_for(A_WHILE)
            pair.leader.execute("select pg_cancel_backend(%s)", [commit.pid])
            assert commit.is_unanswered_for(A_WHILE)
        finally:
            pair.set_standby_names("second")
        assert commit.is_unanswered_for(A_WHILE)
    assert commit.answer.result(timeout=20)


@pytest.mark.parametrize("names", ["second", ""])
def test_a_terminated_commit_is_not_acknowledged(pair, names):
    with pair.silent_standby():
        commit = Committing(pair)
        try:
            pair.set_standby_names(names)
            if names == "":
                assert commit.is_unanswered_for(A_WHILE)
            pair.leader.execute("select pg_terminate_backend(%s)", [commit.pid])
            with pytest.raises(psycopg2.OperationalError):
                commit.answer.result(timeout=20)
        finally:
            pair.set_standby_names("second")
        assert state_of(pair, f"select tokpay.balance({pair.payer})") == NOT_LEADER, "visible here, and not shown"


# Leading


def test_rows_and_answers_tell_the_epoch(pair):
    assert pair.leader.execute("select tokpay.epoch()") == [("1.1.1",)]
    assert pair.leader.execute("select distinct e.incarnation, e.timeline, e.counter from tokpay.journal j left join tokpay.epoch e on e.id = j.epoch") == [(1, 1, 1)]
    packed = pair.leader.execute("select tokpay.gateway_packed_balances(array[1]::bigint[])")[0][0]
    assert bytes(packed)[:20] == bytes.fromhex("0000000000000001000000010000000000000001")


def test_a_restarted_leader_shows_nothing_before_the_standby_has_its_epoch(own_pair):
    pair = own_pair
    before = shown_balance(pair)
    with pair.silent_standby():
        commit = Committing(pair)
        pair.restart_leader(signal.SIGQUIT)
        with pytest.raises(psycopg2.OperationalError):
            commit.answer.result(timeout=20)
        assert shown_balance(pair) == before - 1, "it has committed here"
        pause(A_WHILE)
        for call in ("epoch()", f"balance({pair.payer})", f"transfer_by_key({pair.payer}, 'none')"):
            assert state_of(pair, f"select * from tokpay.{call}") == NOT_LEADER, call
        assert state_of(pair, transfer(pair)) == NOT_LEADER
        assert pair.status()["role"] == "primary"
    pair.wait_until_led()
    assert pair.leader.execute("select tokpay.epoch()") == [("1.1.2",)]
    assert pair.leader.execute("select tokpay.balance(%s)", [pair.payer]) == [(before - 1,)]


def test_a_deposed_leader_answers_nothing_and_the_promoted_one_leads_when_it_has_a_standby(own_pair):
    pair = own_pair
    pair.leader.execute(transfer(pair, 7, "'kept'"))
    promoted = pair.standby
    promoted.execute("select pg_promote()")
    eventually(lambda: state_of(pair, f"select tokpay.balance({pair.payer})") == NOT_LEADER, 10, "noticing")
    assert state_of(pair, transfer(pair)) == NOT_LEADER
    old = pair.leader
    try:
        pair.leader = promoted
        assert state_of(pair, f"select tokpay.balance({pair.payer})") == NOT_LEADER, "it has no standby yet"
        next_standby = Standby(promoted)
        try:
            pair.wait_until_led()
            assert promoted.execute("select tokpay.epoch()") == [("1.2.2",)]
            assert promoted.execute("select tokpay.balance(%s)", [pair.payer]) == [(993,)]
            promoted.execute(transfer(pair))
            assert promoted.execute("select array_agg(epoch order by id) from tokpay.journal") == [([1, 1, 2],)]
            assert next_standby.execute("select role from tokpay.cluster_status()") == [("standby",)]
        finally:
            next_standby.postmaster.send_signal(signal.SIGQUIT)
            next_standby.postmaster.wait()
    finally:
        pair.leader = old
    assert state_of(pair, f"select tokpay.balance({pair.payer})") == NOT_LEADER


def test_a_fast_shutdown_does_not_wait_for_the_standby(own_pair):
    pair = own_pair
    with pair.silent_standby():
        commit = Committing(pair)
        for pid in [pair.standby.postmaster.pid, *pair.standby.receivers()]:
            os.kill(pid, signal.SIGKILL)
    pair.standby.postmaster.wait()
    pair.leader.postmaster.send_signal(signal.SIGINT)
    pair.leader.postmaster.wait(timeout=20)
    with pytest.raises(psycopg2.OperationalError):
        commit.answer.result(timeout=20)


def test_a_new_incarnation_is_an_epoch_of_its_own(pair):
    counter = int(pair.leader.execute("select tokpay.epoch()")[0][0].rpartition(".")[2])
    early = pair.connect(autocommit=False)
    early.cursor().execute(transfer(pair))
    assert pair.leader.execute("select tokpay.new_incarnation()") == [(2,)]
    eventually(lambda: pair.status()["epoch"] == f"2.1.{counter + 1}", 10, "the new epoch")
    with pytest.raises(psycopg2.Error) as refused:
        early.commit()
    assert refused.value.pgcode == NOT_LEADER
    pair.leader.execute(transfer(pair))
    assert pair.leader.execute("select e.incarnation from tokpay.journal j join tokpay.epoch e on e.id = j.epoch order by j.id desc limit 1") == [(2,)]


# The mode


def test_setting_library_and_books_have_to_agree():
    server = PrivateServer(CLUSTER)
    try:
        server.execute("create extension tokpay")
        call = "select tokpay.open_account()"
        for settings, started, answer in [
            ({}, False, NOT_LEADER),
            ({"tokpay.cluster": "off"}, False, "ok"),
            ({"tokpay.cluster": "off"}, True, NOT_LEADER),
            ({"tokpay.cluster": "on", "shared_preload_libraries": ""}, True, NOT_LEADER),
            ({"tokpay.cluster": "on", "shared_preload_libraries": ""}, False, NOT_LEADER),
            ({"tokpay.cluster": "on", "shared_preload_libraries": "tokpay", "tokpay.database": "other"}, True, NOT_LEADER),
        ]:
            with open(server.data / "postgresql.conf", "a") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            server.postmaster.send_signal(signal.SIGINT)
            server.postmaster.wait(timeout=30)
            server.start()
            server.execute("insert into tokpay.cluster (incarnation) values (1) on conflict do nothing" if started else "delete from tokpay.cluster")
            connection = psycopg2.connect(server.url)
            connection.autocommit = True
            state = sqlstate(connection, call)
            connection.close()
            assert state == answer, (settings, started)
    finally:
        server.remove()


def test_a_connection_learns_at_once_that_its_books_are_a_clusters(new_database):
    """On a server that is not set up for one."""
    database = new_database()
    session = database.connect()
    assert sqlstate(session, "select tokpay.open_account()") == "ok"
    assert sqlstate(session, "select tokpay.start_cluster()") == NOT_LEADER
    database.execute("insert into tokpay.cluster (incarnation) values (3)")
    assert sqlstate(session, "select tokpay.open_account()") == NOT_LEADER
    database.execute("delete from tokpay.cluster")
    assert sqlstate(session, "select tokpay.open_account()") == "ok"
    assert database.execute("select role, epoch, standby, fences from tokpay.cluster_status()") == [("single", "1.1.0", None, 0)]


def test_a_dump_carries_the_cluster_and_its_epochs(pair, new_database):
    database = new_database()
    dump = subprocess.run([f"{pair.leader.bin}/pg_dump", "--data-only", "--extension=tokpay", pair.leader.url], capture_output=True, text=True, check=True).stdout
    database.disconnect()
    psql = [f"{pair.leader.bin}/psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "-d", psycopg2.extensions.make_dsn(database.server_url, dbname=database.name)]
    subprocess.run(psql, input=dump, capture_output=True, text=True, check=True)
    for table in ("cluster", "epoch", "journal"):
        rows = f"select * from tokpay.{table} order by 1"
        assert database.execute(rows) == pair.leader.execute(rows) != [], table
    assert database.faults() == []
    assert sqlstate(database.connect(), f"select tokpay.balance({pair.payer})") == NOT_LEADER
