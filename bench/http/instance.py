"""An instance of its own: PostgreSQL, PgBouncer and the gateway as instance/tokpay starts them, and accounts
with money in them. Beside it gateways with other settings on the same database."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import psycopg2

from measure.accounts import find_accounts, open_accounts
from measure.checkout import CHECKOUT, Failure, output, say
from measure.driver import finish_load, start_load

# Ids of seven digits, all of one length: requests are overwritten in place.
FIRST_ID = 1_000_000
# Where no other variable says so; below the system's ephemeral ports, which clients take.
PORTS = {"HTTP_PORT": 28080, "ADMIN_PORT": 29090, "POOL_PORT": 26432, "PG_PORT": 25433, "OIDC_PORT": 28081}
READY_TIMEOUT_S = 10
# Checkpoints come when a measurement asks for one.
SETTINGS = {"checkpoint_timeout": "1h", "max_wal_size": "24GB"}


def free_port(port):
    """The port if nothing listens on it, else the next that is free."""
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
        port += 1


class Gateway:
    """A gateway that runs: its port, its process, and the others that work for it."""

    def __init__(self, instance, port, pid, pooled=True):
        self.instance = instance
        self.port = port
        self.pid = pid
        self.pooled = pooled

    def start_load(self, load, **options):
        """The client at work, a subprocess; finish_load() waits for what it measures."""
        instance = self.instance
        return start_load(
            "bench-http",
            {
                **{"load": load, "port": self.port, "key_file": instance.key_file},
                **{"gateway": self.pid, "postgresql": instance.pid_of("postgresql")},
                **({"pgbouncer": instance.pid_of("pgbouncer")} if self.pooled else {}),
                **asdict(instance.population),
                **options,
            },
        )

    def run_load(self, load, **options):
        return finish_load(self.start_load(load, **options))


class Instance:
    def __init__(self, directory):
        self.run_dir = Path(directory)
        self.ports = {name: int(os.environ.get(name) or free_port(port)) for name, port in PORTS.items()}
        self.key_file = self.run_dir / "bench-key"
        library_directory = output(output("instance/pg-config"), "--pkglibdir")
        self.library = Path(library_directory) / "tokpay.so"
        self._lock()

    def _lock(self):
        self.run_dir.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = open(self.run_dir.with_suffix(".lock"), "w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another benchmark is at work in {self.run_dir}") from None

    def _tokpay(self, command):
        environment = {**os.environ, **{name: str(port) for name, port in self.ports.items()}}
        environment["RUN_DIR"] = str(self.run_dir)
        done = subprocess.run(
            [CHECKOUT / "instance/tokpay", command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failure(f"instance/tokpay {command} failed:\n{done.stdout}{done.stderr}")

    def start(self, accounts):
        """Starts it; accounts that are there already from a run with KEEP=1 are used again."""
        self._tokpay("stop")  # of a run that was killed
        books = f"{accounts} accounts, {self._fingerprint()}\n"
        made = self.run_dir / "bench-books"
        if not made.exists() or made.read_text() != books:
            self._remove()
        self._tokpay("start")
        for name, value in SETTINGS.items():
            self.execute(f"alter system set {name} = '{value}'")
        self.execute("select pg_reload_conf()")
        if made.exists():
            self.population = find_accounts(self.execute, accounts)
        else:
            self._make_books(accounts)
            made.write_text(books)
        self.execute("create extension if not exists pg_prewarm")
        self.execute(
            """select sum(pg_prewarm(oid)) from pg_class
            where relnamespace = 'tokpay'::regnamespace and relkind in ('r', 'i')"""
        )
        self.gateway = Gateway(self, self.ports["HTTP_PORT"], self.pid_of("gateway"))

    def _fingerprint(self):
        digest = hashlib.sha256(self.library.read_bytes())
        for file in (__file__, CHECKOUT / "bench/measure/accounts.py"):
            digest.update(Path(file).read_bytes())
        return digest.hexdigest()[:16]

    def _make_books(self, accounts):
        say(f"opening {accounts:,} accounts")
        self.execute("select setval('tokpay.account_id_seq', %s)", [FIRST_ID - 1])
        self.population = open_accounts(self.execute, accounts)
        ((key,),) = self.execute("select tokpay.create_api_key('bench', array['read', 'transfer'])")
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(key)
        self.execute("vacuum analyze")

    def stop(self, keep):
        self._tokpay("stop")
        if not keep:
            self._remove()

    def _remove(self):
        for directory in (self.home, self.run_dir):
            shutil.rmtree(directory, ignore_errors=True)

    @property
    def home(self):
        """Where instance/tokpay keeps what the servers need."""
        link = self.run_dir / "home"
        return link.resolve() if link.is_symlink() else self.run_dir

    def pid_of(self, part):
        file = self.home / ("data/postmaster.pid" if part == "postgresql" else f"{part}.pid")
        return int(file.read_text().split("\n", 1)[0])

    def execute(self, statement, parameters=None):
        """The rows of one statement as superuser, none where it has no result."""
        with closing(psycopg2.connect((self.run_dir / "pg-url").read_text().strip())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

    def pgbouncer_version(self):
        program = os.readlink(f"/proc/{self.pid_of('pgbouncer')}/exe")
        return output(program, "--version").split("\n", 1)[0].removeprefix("PgBouncer ")

    def check_sums(self):
        """Fails unless all balances together are nothing: what was paid was received."""
        ((total,),) = self.execute("select sum(balance) from tokpay.account_state")
        if total != 0:
            raise Failure(f"money was made or lost: the sum of all balances is {total}")

    @contextmanager
    def another_gateway(self, pooled):
        """A gateway beside that of the instance: through PgBouncer as well, or straight to PostgreSQL."""
        port = free_port(self.ports["HTTP_PORT"] + 1)
        admin_port = free_port(max(port, self.ports["ADMIN_PORT"]) + 1)
        settings = (self.home / "gateway.conf").read_text().splitlines()
        changed = {"listen": f"127.0.0.1:{port}", "admin-listen": f"127.0.0.1:{admin_port}"}
        lines = []
        for line in settings:
            name, _, value = line.partition(" = ")
            if not pooled:
                value = value.replace(f"port={self.ports['POOL_PORT']}", f"port={self.ports['PG_PORT']}")
            lines.append(f"{name} = {changed.get(name, value)}\n")
        file = self.run_dir / "bench-gateway.conf"
        file.touch(mode=0o600)
        file.write_text("".join(lines))
        with open(self.run_dir / "bench-gateway.log", "a") as log:
            process = subprocess.Popen(
                [self.home / "bin/tokpay-gateway", "--config", file], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait_until_ready(process, admin_port)
            yield Gateway(self, port, process.pid, pooled)
        finally:
            process.terminate()
            process.wait()

    def _wait_until_ready(self, process, admin_port):
        deadline = time.monotonic() + READY_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"a gateway did not start; its log is {self.run_dir}/bench-gateway.log")
