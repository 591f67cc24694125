"""Killed servers under HTTP load: nothing acknowledged is lost, nothing happens twice, no reply is taken back.

The instance is this test's own. Clients pay one another with keys of their own and ask again, with the
same key, until the answer is definite. SEED repeats their choices (not their interleaving).
"""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter

import psycopg2
import pytest
from http_client import Client, Ledger, Wire, request

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
CLIENTS = 16
ACCOUNTS = 50
OPENING_BALANCE = 2000
KILLS = 10
PORTS = ["HTTP_PORT", "ADMIN_PORT", "POOL_PORT", "PG_PORT", "OIDC_PORT"]
GONE = (OSError, http.client.HTTPException)  # what became of the request is unknown
# What instance/tokpay has set when it calls the functions of instance/processes.bash.
PROCESSES = """
set -euo pipefail
say() { :; }
fail() { printf '%s\\n' "$*" >&2; exit 1; }
as_server=(env --chdir=/)
if ((EUID == 0)); then
    as_server=(env --chdir=/ setpriv --reuid=postgres --regid=postgres --init-groups --reset-env)
fi
pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer)
pg_bin=$("$("$checkout/instance/pg-config")" --bindir)
pg_major=
source "$checkout/instance/processes.bash"
"""


def free_ports(count):
    """Ports below those that outgoing connections take, so that a restarted server finds its own again."""
    free = []
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
    return free[:count]


def eventually(condition, seconds, what):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def process_state(pid):
    """The letter of /proc/PID/stat and the parent; Z and 0 where the process is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except OSError:
        return "Z", 0


class Instance:
    """A private instance of everything, and ways to kill its parts."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-crash-"))
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
        """A function of instance/processes.bash."""
        environment = {**self.environment, "checkout": str(CHECKOUT), "home": str(self.home)}
        done = subprocess.run(["bash", "-c", PROCESSES + function], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def kill_postgresql(self):
        """SIGKILL for the postmaster and every child, none of which gets to see the others die."""
        lock_file = self.home / "data/postmaster.pid"
        postmaster = int(lock_file.read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        processes = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
        family = [postmaster, *(pid for pid in processes if process_state(pid)[1] == postmaster)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):  # a backend may just have ended by itself
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: all(process_state(pid)[0] == "Z" for pid in family), 10, "dying")
        # As after a power failure, but for a number that lives on as a zombie.
        if os.path.exists(f"/proc/{postmaster}"):
            lock_file.unlink()
        for left in (self.home / "socket").glob(f".s.PGSQL.{self.environment['PG_PORT']}*"):
            left.unlink()

    def start_postgresql(self):
        self.call("start_postgresql")

    def kill_pgbouncer(self):
        pid = int((self.home / "pgbouncer.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: process_state(pid)[0] == "Z", 10, "dying")

    def start_pgbouncer(self):
        self.call("start_pgbouncer")


class Gateway:
    """A second gateway on the instance's database."""

    def __init__(self, instance):
        port, admin_port = free_ports(2)
        self.url, self.admin_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}"
        self.process = subprocess.Popen(
            [CHECKOUT / "build/gateway/tokpay-gateway", "--config", instance.home / "gateway.conf",
             "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin_port}", "--threads", "2"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        eventually(self.ready, 20, "the second gateway")

    def ready(self):
        try:
            return Client(url=self.admin_url).get("/readyz").status == 200
        except GONE:
            return False

    def terminate(self, seconds):
        """SIGTERM; what it wrote, once it has ended well."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, errors
        return errors


class Payer(threading.Thread):
    """A client that pays at random and writes down every answer."""

    def __init__(self, number, load):
        super().__init__(name=f"client {number}")
        self.random = random.Random(f"{SEED} {number}")
        self.load = load
        self.key = load.keys[number % len(load.keys)]
        self.clients = {}
        self.acknowledged = {}  # (debit, key): the reply's body
        self.refused = []  # (debit, key) that was not executed and is not asked again
        self.seen = Counter()
        self.failure = None

    def run(self):
        try:
            serial = 0
            while not self.load.stopping:
                serial += 1
                self.pay(f"{self.name}/{serial}")
                time.sleep(self.random.uniform(0, 0.02))
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"

    def client(self, url):
        if url not in self.clients:
            self.clients[url] = Client(self.key, url, timeout=20)
        return self.clients[url]

    def pay(self, key):
        debit, *others = self.random.sample(self.load.accounts, self.random.randint(2, 5))
        credits = [(account, self.random.randint(1, 400)) for account in others * self.random.randint(1, 2)]
        again = self.random.random() < 0.1
        body = self.until_definite(debit, credits, key)
        if body is not None and again:
            assert self.until_definite(debit, credits, key) == body, f"{key} was answered in two ways"
            self.seen["the same again"] += 1

    def until_definite(self, debit, credits, key):
        """The body of the transfer, None where it was refused."""
        unknown = False
        give_up = time.monotonic() + 30
        while True:
            assert time.monotonic() < give_up, f"{key}: no definite answer"
            url = self.random.choice(self.load.urls)
            try:
                reply = self.client(url).transfer(debit, credits, key)
            except GONE as error:
                self.client(url).close()
                self.seen[type(error).__name__] += 1
                unknown = True
                time.sleep(0.05)
                continue
            self.seen[reply.status] += 1
            if reply.status in (200, 201):
                assert self.acknowledged.setdefault((debit, key), reply.body) == reply.body, key
                return reply.body
            if reply.status == 422:
                assert reply.code == "insufficient_funds", reply
                assert (debit, key) not in self.acknowledged, f"{key} was refused after it was acknowledged"
                self.refused.append((debit, key))
                return None
            assert reply.status in (503, 504), reply
            unknown = unknown or reply.status == 504
            # A 503 is certainly not executed: one that is not repeated must never appear.
            if not unknown and (debit, key) not in self.acknowledged and self.random.random() < 0.5:
                assert reply.headers["Retry-After"]
                self.refused.append((debit, key))
                self.seen["503 believed"] += 1
                return None
            time.sleep(0.05)


class Load:
    """Payers on fifty accounts, and the comparison of what they were told with the books."""

    def __init__(self, instance, *urls):
        self.instance = instance
        self.urls = [instance.url, *urls]
        ledger = instance.ledger()
        # Plain callers and funders travel in different lanes.
        self.keys = [ledger.api_key("read", "transfer"), ledger.api_key("read", "transfer", "fund")]
        self.accounts = ledger.open_accounts(*[OPENING_BALANCE] * ACCOUNTS)
        ledger.close()
        self.stopping = False
        self.payers = [Payer(number, self) for number in range(CLIENTS)]
        for payer in self.payers:
            payer.start()

    def answers(self):
        return sum(len(payer.acknowledged) for payer in self.payers)

    def goes_on(self, count=50, seconds=25):
        """Waits for so many more acknowledgements."""
        wanted = self.answers() + count
        eventually(lambda: self.answers() >= wanted or self.failures(), seconds, "going on")

    def failures(self):
        return [payer.failure for payer in self.payers if payer.failure]

    def stop(self):
        self.stopping = True
        for payer in self.payers:
            payer.join()
        assert self.failures() == []
        seen = sum((payer.seen for payer in self.payers), Counter())
        print(f"SEED={SEED}", dict(seen))
        return seen

    def check_books(self):
        """What was acknowledged is there once with the same content; nothing else is; money is conserved."""
        acknowledged = {place: body for payer in self.payers for place, body in payer.acknowledged.items()}
        refused = {place for payer in self.payers for place in payer.refused}
        assert len(acknowledged) > 200
        ledger = self.instance.ledger()
        ids = [int(account) for account in self.accounts]
        booked = ledger.execute("select debit::text, key, count(*) from tokpay.transfers where debit = any(%s) group by 1, 2", [ids])
        assert {(debit, key) for debit, key, _ in booked} == set(acknowledged), "acknowledged and booked differ"
        assert {count for _, _, count in booked} == {1}
        assert not refused & set(acknowledged), "refused and executed"
        assert ledger.value("select sum(balance) from tokpay.accounts where id = any(%s)", [ids]) == ACCOUNTS * OPENING_BALANCE
        assert ledger.faults() == []
        ledger.close()
        self.check_replies(list(acknowledged.values()))

    def check_replies(self, bodies, pipelined=200):
        """GET /v1/transfers/{id} answers what the transfer was answered with."""
        wire = Wire(self.instance.url)
        for start in range(0, len(bodies), pipelined):
            some = bodies[start : start + pipelined]
            paths = [b"/v1/transfers/" + body.split(b'"', 4)[3] for body in some]
            head = f"Authorization: Bearer {self.keys[0]}"
            wire.send(b"".join(request(f"GET {path.decode()} HTTP/1.1", head) for path in paths))
            for body in some:
                assert wire.reply()[::2] == (200, body)
        wire.close()


@pytest.fixture(scope="module")
def instance():
    made = Instance()
    yield made
    made.remove()


def test_ten_kills_of_postgresql_lose_nothing_acknowledged_and_do_nothing_twice(instance):
    load = Load(instance)
    chance = random.Random(SEED)
    for _ in range(KILLS):
        load.goes_on()
        time.sleep(chance.uniform(0, 0.7))
        instance.kill_postgresql()
        time.sleep(chance.choice([0, 0, 0.3]))
        instance.start_postgresql()
    load.goes_on()
    seen = load.stop()
    assert seen["the same again"] > 20
    load.check_books()


def test_kills_of_pgbouncer_lose_nothing_acknowledged_and_do_nothing_twice(instance):
    load = Load(instance)
    for _ in range(4):
        load.goes_on()
        instance.kill_pgbouncer()
        instance.start_pgbouncer()
    load.goes_on()
    load.stop()
    load.check_books()


def test_sigterm_of_a_gateway_under_load_drops_nothing_acknowledged(instance):
    gateways = [Gateway(instance) for _ in range(3)]
    load = Load(instance, *(gateway.url for gateway in gateways))
    for gateway in gateways:
        load.goes_on(300)
        assert "draining" in gateway.terminate(seconds=5)
        load.urls.remove(gateway.url)
    load.goes_on()
    load.stop()
    load.check_books()


@pytest.fixture
def locked(instance):
    """An account that a transaction of somebody else's keeps locked, one with money to pay it, a release."""
    ledger = instance.ledger()
    account, payee = ledger.open_account(1000), ledger.open_account()
    holder = psycopg2.connect(instance.pg_url)
    holder.cursor().execute("select transfer from tokpay.transfer(%s, array[%s]::bigint[], array[1])", [account, payee])
    yield ledger, account, payee, holder.commit
    holder.close()
    ledger.close()


def waiting(ledger):
    """The backends that wait for a lock, the oldest call first."""
    return [pid for (pid,) in ledger.execute(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' order by query_start"
    )]  # fmt: skip


def test_sigterm_lets_requests_under_way_finish(instance, locked):
    ledger, account, payee, release = locked
    gateway = Gateway(instance)
    key = ledger.api_key("transfer")
    replies = []

    def pay(number):
        replies.append(Client(key, gateway.url).transfer(account, [(payee, 1)], f"under way {number}"))

    threads = [threading.Thread(target=pay, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    eventually(lambda: waiting(ledger), 5, "waiting")
    time.sleep(0.3)  # the others stand in the queue
    gateway.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(OSError):
        Client(key, gateway.url).get("/v1/accounts")
    release()
    for thread in threads:
        thread.join()
    assert Counter(reply.status for reply in replies) == {201: 20}
    assert {reply.headers["Connection"] for reply in replies} == {"close"}
    assert gateway.process.wait(timeout=5) == 0
    assert ledger.state(account, payee) == [(979, 22), (21, 21)]


def test_a_call_that_may_have_been_executed_is_never_answered_503(instance, locked):
    """The first call is lost while it waits, its repetition is refused: the first one still may commit."""
    ledger, account, payee, release = locked
    replies = []
    client = Client(ledger.api_key("transfer"), instance.url)
    thread = threading.Thread(target=lambda: replies.append(client.transfer(account, [(payee, 5)], "lost")))
    thread.start()
    eventually(lambda: len(waiting(ledger)) == 2, 8, "a repetition")
    ledger.execute("select pg_cancel_backend(%s)", [waiting(ledger)[1]])
    thread.join()
    release()
    eventually(lambda: ledger.state(payee) == [(6, 2)], 5, "the first call")
    assert (replies[0].status, replies[0].code) == (504, "outcome_unknown")
    assert client.transfer(account, [(payee, 5)], "lost").status == 200
    assert ledger.state(account, payee) == [(994, 3), (6, 2)]
