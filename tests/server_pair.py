"""A cluster's two machines as two PostgreSQL servers of a test's own: a leader and its synchronous standby."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import psycopg2
from private_server import PrivateServer
from processes import eventually, process_state, stopped

STANDBY_NAME = "second"
CLUSTER = "shared_preload_libraries = 'tokpay'\ntokpay.cluster = on\ntokpay.database = 'postgres'\nmax_prepared_transactions = 2\nwal_sender_timeout = 0\n"


class Standby(PrivateServer):
    """A copy of a running leader that streams from it."""

    def __init__(self, leader):
        self.bin, self.as_server, self.directory = leader.bin, leader.as_server, leader.directory / "standby"
        self.directory.mkdir()
        if self.as_server:
            shutil.chown(self.directory, "postgres")
        self.data = self.directory / "data"
        copy = [f"{self.bin}/pg_basebackup", f"--pgdata={self.data}", f"--dbname={leader.url}", "--checkpoint=fast", "--no-sync"]
        subprocess.run([*self.as_server, *copy], check=True, capture_output=True, cwd="/")
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"unix_socket_directories = '{self.directory}'\nprimary_conninfo = 'host={leader.directory} user=postgres application_name={STANDBY_NAME}'\nwal_retrieve_retry_interval = '100ms'\n")
        (self.data / "standby.signal").touch()
        if self.as_server:
            shutil.chown(self.data / "standby.signal", "postgres")
        self.url = f"postgresql://postgres@/postgres?host={self.directory}"
        self.start()

    def receivers(self):
        return processes_of(self.postmaster.pid, "walreceiver")


def processes_of(postmaster, title):
    """The numbers of a server's processes whose title has this word."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and process_state(entry)[1] == postmaster and title in open(f"/proc/{entry}/cmdline").read():
                found.append(int(entry))
    return found


class ServerPair:
    """The leader's books have two accounts, of which the first has 1000."""

    def __init__(self):
        self.leader = PrivateServer(CLUSTER)
        self.standby = None
        try:
            self.leader.execute("create extension tokpay; select tokpay.start_cluster()")
            self.leader.execute(f"alter system set synchronous_standby_names = '{STANDBY_NAME}'")
            self.standby = Standby(self.leader)
            self.leader.execute("select pg_reload_conf()")
            self.wait_until_led()
            self.payer, self.payee = [self.leader.execute("select tokpay.open_account()")[0][0] for _ in range(2)]
            self.leader.execute("select tokpay.top_up(%s, 1000)", [self.payer])
        except BaseException:
            self.remove()
            raise

    def wait_until_led(self):
        eventually(lambda: self.status()["role"] == "leader", 30, "leading")
        eventually(lambda: self.status()["streaming"], 30, "streaming")

    def status(self):
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("select * from tokpay.cluster_status()")
        row = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
        connection.close()
        return row

    def connect(self, autocommit=True, options=""):
        connection = psycopg2.connect(self.leader.url, options=options)
        connection.autocommit = autocommit
        return connection

    def set_standby_names(self, names):
        """And waits until every fence goes by them."""
        self.leader.execute(f"alter system set synchronous_standby_names = '{names}'")
        self.leader.execute("select pg_reload_conf()")
        wanted = None if names in ("", "*") or "ANY" in names else names
        eventually(lambda: self.status()["standby"] == wanted, 10, "new names")

    def silent_standby(self):
        """A standby that receives and acknowledges nothing; it stays connected."""
        return stopped(self.standby.receivers())

    def restart_leader(self, number=signal.SIGINT):
        self.leader.postmaster.send_signal(number)
        self.leader.postmaster.wait(timeout=30)
        self.leader.start()

    def faults(self):
        return self.leader.execute("select check_name, detail from tokpay.verify() where not ok")

    def remove(self):
        for server in (self.standby, self.leader):
            if server is not None and server.postmaster.poll() is None:
                for pid in processes_of(server.postmaster.pid, ""):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                server.postmaster.send_signal(signal.SIGQUIT)
                server.postmaster.wait(timeout=30)
        shutil.rmtree(self.leader.directory, ignore_errors=True)  # a process that was killed may still write


def waits(pair, seconds=5):
    """Until a session of the leader waits for its standby."""
    eventually(lambda: pair.leader.execute("select count(*) from pg_stat_activity where wait_event = 'SyncRep'") != [(0,)], seconds, "waiting for the standby")


def pause(seconds):
    time.sleep(seconds)
