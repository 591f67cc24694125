"""A PostgreSQL of a test's own, for what would disturb the other tests or needs settings they do not have."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent


class PrivateServer:
    """Listens on a socket only. Nothing survives here that would not survive with fsync: processes die, the machine does not."""

    def __init__(self, settings=""):
        pg_config = subprocess.run([CHECKOUT / "instance/pg-config"], capture_output=True, text=True, check=True).stdout.strip()
        self.bin = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-server-"))
        self.as_server = []
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
            self.as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"]
        self.data = self.directory / "data"
        made = [f"{self.bin}/initdb", f"--pgdata={self.data}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*self.as_server, *made], check=True, capture_output=True, cwd="/")
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{self.directory}'\nfsync = off\nmax_wal_size = '64MB'\n{settings}")
        self.url = f"postgresql://postgres@/postgres?host={self.directory}"
        self.start()

    def start(self):
        """Again and again: backends of a killed postmaster hold the shared memory until they notice."""
        until = time.monotonic() + 30
        while True:
            with open(self.directory / "log", "ab") as log:
                self.postmaster = subprocess.Popen([*self.as_server, f"{self.bin}/postgres", "-D", self.data], stdout=log, stderr=log, cwd="/")
            if self.answers(until):
                return
            assert time.monotonic() < until, (self.directory / "log").read_text()[-2000:]
            time.sleep(0.1)

    def answers(self, until):
        while self.postmaster.poll() is None and time.monotonic() < until:
            try:
                psycopg2.connect(self.url).close()
                return True
            except psycopg2.OperationalError:
                time.sleep(0.05)
        return False

    def execute(self, statement, parameters=None):
        """The rows; waits for the server to be up again."""
        assert self.answers(time.monotonic() + 30)
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, parameters)
        rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def stop(self):
        self.postmaster.send_signal(signal.SIGINT)
        self.postmaster.wait(timeout=30)

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory)
