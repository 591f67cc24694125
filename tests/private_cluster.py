"""Two machines of a test's own, each a PostgreSQL with its PgBouncer, of which one follows the other; and a gateway that knows both."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import psycopg2
from http_client import Ledger
from ports import free_ports
from processes import eventually, process_state, signal_all

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
LOGINS = ["tokpay_gateway", "tokpay_gateway_admin"]


class Machine:
    def __init__(self, cluster, number, port):
        self.cluster = cluster
        self.name = f"machine{number}"
        self.home = cluster.directory / self.name
        self.home.mkdir()
        if cluster.as_server:
            shutil.chown(self.home, "postgres")
        self.data = self.home / "data"
        self.port = port  # of PgBouncer
        self.url = f"postgresql://postgres@/tokpay?host={self.home}"
        self.pgbouncer = None

    def run(self, program, *arguments):
        command = [*self.cluster.as_server, self.cluster.bin / program, *arguments]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def configure(self, synchronous=""):
        """synchronous: the name of the standby whose word commits wait for."""
        (self.home / "own.conf").write_text(f"""
listen_addresses = ''
unix_socket_directories = '{self.home}'
fsync = off
hot_standby = on
wal_keep_size = '256MB'
wal_receiver_timeout = '5s'
wal_retrieve_retry_interval = '200ms'
recovery_target_timeline = 'latest'
synchronous_standby_names = '{synchronous}'
""")

    def set(self, line):
        with open(self.home / "own.conf", "a") as file:
            file.write(line + "\n")

    def make(self):
        self.run("initdb", f"--pgdata={self.data}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.include_own()

    def include_own(self):
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"include '{self.home}/own.conf'\n")

    def copy(self, leader):
        self.run("pg_basebackup", f"--pgdata={self.data}", f"--dbname={leader.url}", "--checkpoint=fast", "--no-sync")
        text = (self.data / "postgresql.conf").read_text().replace(str(leader.home), str(self.home))
        (self.data / "postgresql.conf").write_text(text)

    def follow(self, leader):
        """From the next start on."""
        (self.data / "standby.signal").touch()
        self.set(f"primary_conninfo = 'host={leader.home} user=postgres application_name={self.name}'")

    def start(self):
        self.run("pg_ctl", "start", "--silent", "--wait", "--pgdata", self.data, "--log", self.home / "log")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "stop", "--silent", "--mode", mode, "--pgdata", self.data)

    def promote(self):
        self.run("pg_ctl", "promote", "--silent", "--wait", "--pgdata", self.data)

    def execute(self, statement, database="tokpay"):
        with contextlib.closing(psycopg2.connect(self.url, dbname=database)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def log(self):
        return (self.home / "log").read_text()

    def start_pgbouncer(self):
        (self.home / "users").write_text("".join(f'"{name}" ""\n' for name in LOGINS))
        (self.home / "pgbouncer.ini").write_text(f"""
[databases]
tokpay = host={self.home} dbname=tokpay
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.home}/users
pool_mode = transaction
max_client_conn = 1000
query_wait_timeout = 5
server_connect_timeout = 1
server_login_retry = 1
""")
        with open(self.home / "pgbouncer.log", "ab") as log:
            command = [*self.cluster.as_server, self.cluster.pgbouncer, self.home / "pgbouncer.ini"]
            self.pgbouncer = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)

    def stop_pgbouncer(self):
        if self.pgbouncer is not None:
            self.pgbouncer.kill()
            self.pgbouncer.wait()

    def postgresql(self):
        """The postmaster, stopped so that it starts no more of them, and every child."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        processes = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
        return [postmaster, *(pid for pid in processes if process_state(pid)[1] == postmaster)]

    def kill(self):
        """SIGKILL for everything at once."""
        family = self.postgresql()
        signal_all([*family, self.pgbouncer.pid], signal.SIGKILL)
        self.pgbouncer.wait()
        eventually(lambda: all(process_state(pid)[0] == "Z" for pid in family), 10, "dying")
        for left in [*self.home.glob(".s.PGSQL.*"), self.data / "postmaster.pid"]:
            left.unlink(missing_ok=True)

    def remove(self):
        self.stop_pgbouncer()
        if (self.data / "postmaster.pid").exists():
            signal_all(self.postgresql(), signal.SIGCONT)
            self.stop("immediate")


class Cluster:
    """The first machine leads at first, and its commits wait for the second, so that nothing acknowledged is lost."""

    def __init__(self):
        pg_config = subprocess.run([CHECKOUT / "instance/pg-config"], capture_output=True, text=True, check=True).stdout.strip()
        self.bin = pathlib.Path(subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
        self.pgbouncer = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        self.as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"] if os.geteuid() == 0 else []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-cluster-"))
        self.directory.chmod(0o755)  # the servers' user may be another one
        self.machines = [Machine(self, number, port) for number, port in enumerate(free_ports(2), 1)]
        self.leader, self.standby = self.machines
        self.leader.configure()
        self.leader.make()
        self.leader.start()
        self.leader.execute("create database tokpay", "postgres")
        self.leader.execute("create extension tokpay")
        for login, role in zip(LOGINS, ["tokpay_teller", "tokpay_admin"]):
            self.leader.execute(f"create role {login} login in role {role}")
        self.standby.copy(self.leader)
        self.standby.configure()
        self.join()
        for machine in self.machines:
            machine.start_pgbouncer()
        self.home = self.directory
        self.write_settings()

    def write_settings(self, lines=""):
        uris = [[f"postgresql://{login}@127.0.0.1:{machine.port}/tokpay" for machine in self.machines] for login in LOGINS]
        settings = [f"{name} = {uri}\n" for name, several in zip(["database", "admin-database"], uris) for uri in several]
        (self.home / "gateway.conf").write_text("".join(settings) + lines)

    def join(self):
        """The standby begins to follow, and the leader's commits wait for it from then on."""
        self.standby.follow(self.leader)
        self.standby.start()
        self.leader.configure(synchronous=self.standby.name)
        self.leader.execute("select pg_reload_conf()")
        streaming = "select count(*) from pg_stat_replication where sync_state = 'sync'"
        eventually(lambda: self.leader.execute(streaming) == [(1,)], 20, "replication")

    def promote(self):
        self.standby.configure()
        self.standby.promote()
        self.leader, self.standby = self.standby, self.leader

    def switch_over(self):
        """As Patroni does it: the old leader is shut down, and follows once the new one leads."""
        self.leader.stop()
        self.promote()
        self.standby.configure()
        self.join()

    def ledger(self):
        return Ledger(self.leader.url)

    def remove(self):
        for machine in self.machines:
            machine.remove()
        shutil.rmtree(self.directory)
