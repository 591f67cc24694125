"""An instance of a test's own, for what would disturb the other tests: ways to kill, stop and restart its parts."""

import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
from http_client import Client, Ledger
from ports import free_ports
from processes import children, eventually, process_state, process_title, signal_all

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("TOKPAY_TEST_GATEWAY", CHECKOUT / "build/gateway/tokpay-gateway"))
PORTS = ["HTTP_PORT", "ADMIN_PORT", "POOL_PORT", "PG_PORT", "OIDC_PORT"]
GONE = (OSError, http.client.HTTPException)  # what became of the request is unknown
# What instance/tokpay has set when it calls the functions of its parts.
PROCESSES = """
set -euo pipefail
say() { :; }
fail() { printf '%s\\n' "$*" >&2; exit 1; }
server_user=$(id -un)
as_server=(env --chdir=/)
if ((EUID == 0)); then
    server_user=postgres
    as_server=(env --chdir=/ setpriv --reuid=postgres --regid=postgres --init-groups --reset-env)
fi
pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer)
pg_bin=$("$("$checkout/instance/pg-config")" --bindir)
pg_major=
for file in home settings processes; do
    source "$checkout/instance/$file.bash"
done
"""


def call(function, home, environment):
    """A function of instance/*.bash for the instance in home."""
    environment = {**environment, "checkout": str(CHECKOUT), "home": str(home)}
    done = subprocess.run(["bash", "-c", PROCESSES + function], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class Instance:
    """A private instance of everything, and ways to kill its parts."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-instance-"))
        self.directory.chmod(0o755)  # the servers' user may be another one
        self.run_dir = self.directory / "run"
        self.environment = {**os.environ, "RUN_DIR": str(self.run_dir)}
        self.environment |= {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
        self.tokpay("start")
        link = self.run_dir / "home"
        self.home = link.resolve() if link.is_symlink() else self.run_dir
        self.url = f"http://127.0.0.1:{self.environment['HTTP_PORT']}"
        self.pg_url = (self.run_dir / "pg-url").read_text().strip()

    def tokpay(self, command):
        done = subprocess.run([CHECKOUT / "instance/tokpay", command], env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def remove(self):
        self.tokpay("stop")
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def ledger(self):
        return Ledger(self.pg_url)

    def call(self, function):
        call(function, self.home, self.environment)

    def pgbouncer(self):
        return int((self.home / "pgbouncer.pid").read_text())

    def postmaster(self):
        return int((self.home / "data/postmaster.pid").read_text().split()[0])

    def postgresql(self):
        """The postmaster, stopped so that it starts no more of them, and every child."""
        postmaster = self.postmaster()
        os.kill(postmaster, signal.SIGSTOP)
        return [postmaster, *children(postmaster)]

    def gateway_backends(self, *roles):
        """Also those that log in just now, which pg_stat_activity does not show, and whose role may not be known yet."""
        titles = {pid: process_title(pid) for pid in children(self.postmaster())}
        return [pid for pid, title in titles.items() if not title.startswith("postgres: ") or {*roles} & {*title.split()}]

    def kill_postgresql(self):
        """SIGKILL for the postmaster and every child, none of which gets to see the others die."""
        lock_file = self.home / "data/postmaster.pid"
        postmaster, *_ = family = self.postgresql()
        signal_all(family, signal.SIGKILL)
        eventually(lambda: all(process_state(pid)[0] == "Z" for pid in family), 10, "dying")
        # As after a power failure, but for a number that lives on as a zombie.
        if os.path.exists(f"/proc/{postmaster}"):
            lock_file.unlink()
        for left in (self.home / "socket").glob(f".s.PGSQL.{self.environment['PG_PORT']}*"):
            left.unlink()

    def start_postgresql(self):
        self.call("start_postgresql")

    def restart_postgresql(self):
        self.call("stop_part postgresql INT 30 QUIT; start_postgresql")

    def kill_pgbouncer(self):
        pid = self.pgbouncer()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: process_state(pid)[0] == "Z", 10, "dying")

    def start_pgbouncer(self):
        self.call("start_pgbouncer")

    def restart_pgbouncer(self):
        self.call("stop_part pgbouncer TERM 5 KILL; start_pgbouncer")

    def stop_gateway(self):
        """The instance's own, which leaves the database to others."""
        self.call("stop_part gateway TERM 15 KILL")


class Gateway:
    """Another gateway on the instance's database; settings as in request_deadline_ms=2000."""

    def __init__(self, instance, threads=2, is_ready=True, **settings):
        port, admin_port = free_ports(2)
        self.url, self.admin_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}"
        settings |= {"listen": f"127.0.0.1:{port}", "admin_listen": f"127.0.0.1:{admin_port}", "threads": threads}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self.log = instance.directory / f"gateway-{port}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([PROGRAM, "--config", instance.home / "gateway.conf", *arguments], stderr=log)
        try:
            eventually(self.ready if is_ready else self.lives, 20, "the gateway")
        except AssertionError:
            self.process.kill()
            raise

    def ready(self):
        return self.probe("/readyz") == 200

    def lives(self):
        return self.probe("/livez") == 200

    def probe(self, path):
        """The status; None where nobody answers."""
        try:
            return Client(url=self.admin_url).get(path).status
        except GONE:
            return None

    def lane(self, metric, lane="transfer"):
        """calls_total, depth and the like of a lane."""
        text = Client(url=self.admin_url).get("/metrics").body.decode()
        return int(re.search(rf'^tokpay_lane_{metric}{{lane="{lane}"}} (\d+)$', text, re.MULTILINE)[1])

    def terminate(self, seconds):
        """SIGTERM; what it wrote, once it has ended well."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=seconds)
        written = self.log.read_text()
        assert status == 0, written
        return written


@pytest.fixture(scope="module")
def instance():
    """An instance of the module's own, whose database is left to gateways of the tests'."""
    made = Instance()
    made.stop_gateway()
    yield made
    made.remove()


@pytest.fixture
def ledger(instance):
    """Its books; they have to be in order after the test."""
    books = instance.ledger()
    yield books
    assert books.faults() == []
    books.close()
