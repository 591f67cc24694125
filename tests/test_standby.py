"""A standby refuses every call and shows its books."""

import os
import shutil
import subprocess
import tempfile
import time

import psycopg2
import pytest

from account_calls import sqlstate

HOLD = "select transfer from tokpay.hold(%s, array[%s::bigint], array[%s::bigint])"


class Server:
    """PostgreSQL servers of the test's own, in a directory that goes away; nobody else can reach the sockets."""

    def __init__(self, directory):
        self.directory = directory
        self.user = "postgres" if os.geteuid() == 0 else None
        shutil.chown(directory, self.user) if self.user else None
        config = os.environ.get("PG_CONFIG") or subprocess.run(
            [os.path.join(os.path.dirname(__file__), "../instance/pg-config")], capture_output=True, text=True, check=True
        ).stdout.strip()  # fmt: skip
        self.bin = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        self.running = []

    def run(self, program, *arguments):
        done = subprocess.run(
            [os.path.join(self.bin, program), *arguments], user=self.user, cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self, name):
        self.run("pg_ctl", "start", "-w", "-s", "-D", name, "-l", f"{name}.log",
                 "-o", f"-c unix_socket_directories={self.directory} -c listen_addresses= -c port={self.port(name)} -c fsync=off")  # fmt: skip
        self.running.append(name)

    def port(self, name):
        return 5432 if name == "primary" else 5433

    def url(self, name):
        return f"postgresql://postgres@/postgres?host={self.directory}&port={self.port(name)}"

    def stop(self):
        for name in reversed(self.running):
            self.run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", name)


@pytest.fixture
def standby():
    """A primary and its standby."""
    directory = tempfile.mkdtemp(prefix="tokpay-standby-")
    server = Server(directory)
    try:
        server.run("initdb", "-D", "primary", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        server.start("primary")
        server.run("pg_basebackup", "-D", "standby", "-d", server.url("primary"), "-R", "-c", "fast", "--no-sync")
        server.start("standby")
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


def test_a_standby_answers_not_leader_and_shows_its_books(standby):
    primary = psycopg2.connect(standby.url("primary"))
    primary.autocommit = True
    cursor = primary.cursor()
    cursor.execute("create extension tokpay; select tokpay.open_account() from generate_series(1, 2)")
    cursor.execute("select min(id), max(id) from tokpay.accounts where name is null")
    a, b = cursor.fetchone()
    cursor.execute("select tokpay.top_up(%s, 100)", [a])
    cursor.execute(HOLD, [a, b, 10])
    (held,) = cursor.fetchone()
    cursor.execute("select pg_current_wal_lsn()")
    (lsn,) = cursor.fetchone()
    copy = psycopg2.connect(standby.url("standby"))
    copy.autocommit = True
    reader = copy.cursor()
    until = time.monotonic() + 30
    while True:
        reader.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [lsn])
        if reader.fetchone()[0]:
            break
        assert time.monotonic() < until, "the standby does not follow"
        time.sleep(0.05)
    calls = [
        f"transfer({a}, array[{b}], array[1])", f"top_up({a}, 1)", f"hold({a}, array[{b}], array[1])", f"capture({held})", f"void({held})",
        f"reverse({held})", "expire_holds()", "open_account()", f"set_limits({a}, 0, null)", f"set_metadata({a}, '{{}}')", f"freeze({a})",
        f"unfreeze({a})", f"close({a})", "add_currency('ABC', 2::smallint)", f"balance({a})", f"balances(array[{a}])", f"balance_at({a}, now())",
        f"history({a})", f"transfer_by_key({a}, 'k')", "account_id('funding/USD')", "create_api_key('k', '{read}')", "revoke_api_key(1)",
        f"transfer_batch(array[row({a}, array[{b}], array[1], null, null, null, null)::tokpay.transfer_request])",
    ]  # fmt: skip
    assert {call: state for call in calls if (state := sqlstate(copy, f"select * from tokpay.{call}")) != "TP015"} == {}
    nulls = ["transfer(null, null, null)", "balance(null)", "balances(null)", "balance_at(null, now())", "history(null)"]
    assert {call: state for call in nulls if (state := sqlstate(copy, f"select * from tokpay.{call}")) != "TP001"} == {}, "what is invalid is so anywhere"
    reader.execute("select balance, held from tokpay.accounts where id = %s", [a])
    assert reader.fetchone() == (100, 10)
    for view, rows in [("transfers", 2), ("entries", 2), ("holds", 1), ("receipts", 2)]:
        reader.execute(f"select count(*) from tokpay.{view}")
        assert reader.fetchone() == (rows,), view
    reader.execute("select count(*) filter (where not ok), count(*) > 5 from tokpay.verify()")
    assert reader.fetchone() == (0, True)
    primary.close()
    copy.close()
