"""A private PostgreSQL server in a directory of its own, reached through a socket there only."""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from measure.checkout import CHECKOUT, Failure, output

SOCKET_PATH_LIMIT = 100  # bytes; the system allows 107
PORT = 5432  # names the socket; nothing listens on TCP
SUPERUSER, TELLER = "postgres", "bench_teller"

# As instance/settings.bash has it, but for checkpoints: they come when a measurement asks for one.
SETTINGS = """
listen_addresses = ''
port = {port}
unix_socket_directories = '{directory}/socket'
unix_socket_permissions = 0700
max_connections = 600
password_encryption = 'scram-sha-256'
shared_buffers = {shared_buffers}MB
fsync = on
synchronous_commit = on
checkpoint_timeout = 1h
max_wal_size = 24GB
min_wal_size = 2GB
"""


class Server:
    def __init__(self, directory):
        pg_config = output("instance/pg-config")
        self.bin = Path(output(pg_config, "--bindir"))
        self.version = output(pg_config, "--version").removeprefix("PostgreSQL ")
        self.extension_directory = Path(output(pg_config, "--sharedir")) / "extension"
        self.library = Path(output(pg_config, "--pkglibdir")) / "tokpay.so"
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.name = Path(directory)
        self.directory = self._usable(self.name)
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self._lock()

    # The server's user reaches the directory and its socket has a path short enough, or it is
    # elsewhere and the name given becomes a link to it.
    def _usable(self, directory):
        if directory.is_symlink() and directory.exists():
            return directory.resolve()
        directory.parent.mkdir(parents=True, exist_ok=True)
        short = len(os.fsencode(directory)) + len("/socket/.s.PGSQL.5432") <= SOCKET_PATH_LIMIT
        if short and self._as_server("test", "-x", directory.parent, check=False).returncode == 0:
            directory.mkdir(exist_ok=True)
        else:
            elsewhere = tempfile.mkdtemp(prefix="tokpay-bench-", dir="/var/tmp")
            directory.unlink(missing_ok=True)
            directory.symlink_to(elsewhere)
            directory = Path(elsewhere)
        shutil.chown(directory, self.user)
        directory.chmod(0o700)
        return directory

    def _lock(self):
        self._lock_file = open(self.directory / "lock", "w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another benchmark is at work in {self.directory}") from None

    def _as_server(self, *command, check=True):
        identity = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        return subprocess.run(
            [str(word) for word in command],
            check=check,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **(identity if os.geteuid() == 0 else {}),
        )

    def start(self):
        self._pg_ctl("stop", "--mode=fast", check=False)  # of a run that was killed
        self.log.unlink(missing_ok=True)
        if not self._data_are_whole():
            self._initdb()
        (self.data / "bench.conf").write_text(self._settings())
        self._pg_ctl("start", f"--log={self.log}")
        self.execute("postgres", "alter system reset all")
        self._make_teller()

    def _data_are_whole(self):
        if not (self.directory / "whole").exists():
            return False
        return self.version.split(".")[0] == (self.data / "PG_VERSION").read_text().strip()

    def _initdb(self):
        shutil.rmtree(self.data, ignore_errors=True)
        password_file = self.directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_hex(24))
        shutil.chown(password_file, self.user)
        self._run(
            *(self.bin / "initdb", f"--pgdata={self.data}", f"--username={SUPERUSER}", f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"),
        )
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write("include 'bench.conf'\n")
        socket = self.directory / "socket"
        socket.mkdir(exist_ok=True)
        shutil.chown(socket, self.user)
        (self.directory / "whole").touch()

    def _settings(self):
        settings_bash = CHECKOUT / "instance/settings.bash"
        shared_buffers = output("bash", "-euc", f"source '{settings_bash}'; shared_buffers_mb")
        return SETTINGS.format(port=PORT, directory=self.directory, shared_buffers=shared_buffers)

    def _make_teller(self):
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute("select from pg_roles where rolname = %s", [TELLER])
            if cursor.rowcount == 0:
                cursor.execute(f"create role {TELLER} login password %s in role pg_checkpoint", [self.password])

    def _run(self, *command):
        result = self._as_server(*command, check=False)
        if result.returncode != 0:
            raise Failure(f"{Path(command[0]).name} failed:\n{result.stdout}")

    def _pg_ctl(self, action, *options, check=True):
        pg_ctl = self.bin / "pg_ctl"
        command = [pg_ctl, action, f"--pgdata={self.data}", "--wait", "--silent", "--timeout=120", *options]
        if check:
            self._run(*command)
        else:
            self._as_server(*command, check=False)

    def stop(self, keep):
        if self.data.exists():
            self._pg_ctl("stop", "--mode=fast" if keep else "--mode=immediate", check=False)
        if not keep:
            for directory in (self.data, self.directory / "socket"):
                shutil.rmtree(directory, ignore_errors=True)
            for name in ("whole", "password"):
                (self.directory / name).unlink(missing_ok=True)
            if self.name.is_symlink():
                shutil.rmtree(self.directory)
                self.name.unlink()

    @property
    def password(self):
        return (self.directory / "password").read_text()

    @property
    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def environment(self, user=TELLER):
        """What libpq's programs need to connect."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            **{"PGHOST": str(self.directory / "socket"), "PGPORT": str(PORT), "PGUSER": user},
            "PGPASSWORD": self.password,
        }

    def connect(self, database, user=SUPERUSER):
        connection = psycopg2.connect(
            host=self.directory / "socket", port=PORT, user=user, password=self.password, dbname=database
        )
        connection.autocommit = True
        return connection

    def execute(self, database, statement, parameters=None):
        """The rows of one statement as superuser, none where it has no result."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def set(self, name, value):
        """Changes a setting of the running server."""
        self.execute("postgres", f"alter system set {name} = {value}")
        self.execute("postgres", "select pg_reload_conf()")

    def psql(self, database, file, **variables):
        settings = [f"--set={name}={value}" for name, value in {"ON_ERROR_STOP": 1, **variables}.items()]
        subprocess.run(
            [self.bin / "psql", "--no-psqlrc", "--quiet", "--output=/dev/null", *settings, "-d", database, "-f", file],
            env=self.environment(SUPERUSER),
            check=True,
        )
