"""Another machine becomes the leader under HTTP load: clients see slow answers, and no failed ones; every reply is of an
epoch that no earlier one is beyond.

The servers are this test's own. SEED repeats the clients' choices (not their interleaving).
"""

import http.server
import re
import signal
import ssl
import threading
import time

import pytest
from http_client import Client, new_key
from payers import Load
from private_cluster import Cluster
from private_instance import Gateway
from processes import eventually, stopped
from test_http_tls import write_certificate

DEADLINE_S = 30
SHORT_DEADLINE_S = 6


@pytest.fixture
def cluster():
    made = Cluster()
    yield made
    made.remove()


@pytest.fixture
def start(cluster):
    """A function that starts gateways of one worker."""
    started = []

    def start(**settings):
        started.append(Gateway(cluster, threads=1, **settings))
        return started[-1]

    yield start
    for gateway in started:
        gateway.terminate(seconds=60)


def epoch_of(reply):
    return tuple(int(part) for part in reply.headers["TokPay-Epoch"].split("."))


def metric(gateway, series):
    text = Client(url=gateway.admin_url).get("/metrics").body.decode()
    found = re.search(rf"^{re.escape(series)} (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None


def leads(gateway, machine):
    return metric(gateway, f'tokpay_leader{{member="127.0.0.1:{machine.port}"}}') == 1


class Reader(threading.Thread):
    """Reads one balance again and again, and whatever else it is given."""

    def __init__(self, cluster, gateway):
        super().__init__()
        with_ledger = cluster.ledger()
        account = with_ledger.open_account(100)
        self.client = Client(with_ledger.api_key("admin"), gateway.url, timeout=60)
        with_ledger.close()
        self.paths = [f"/v1/accounts/{account}/balance", f"/v1/accounts/{account}", f"/v1/accounts/{account}/entries"]
        self.replies = []
        self.stopping = False
        self.slowest_s = 0
        self.failure = None
        self.start()

    def run(self):
        try:
            while not self.stopping:
                asked = time.monotonic()
                self.replies.append(self.client.get(self.paths[len(self.replies) % len(self.paths)]))
                self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
                time.sleep(0.01)
        except Exception as error:
            self.failure = repr(error)

    def stop(self):
        """All were answered, and none from an epoch before that of the one before it."""
        self.stopping = True
        self.join()
        assert self.failure is None
        assert {reply.status for reply in self.replies} == {200}
        epochs = [epoch_of(reply) for reply in self.replies]
        assert epochs == sorted(epochs)
        return epochs


class Request(threading.Thread):
    """One transfer of 1 in the background; reply is there once it is joined."""

    def __init__(self, key, gateway, debit, credit):
        super().__init__()
        self.client = Client(key, gateway.url, timeout=60)
        self.debit, self.credit, self.name = debit, credit, new_key()
        self.reply = None
        self.start()

    def run(self):
        asked = time.monotonic()
        self.reply = self.again()
        self.took_s = time.monotonic() - asked

    def again(self):
        return self.client.transfer(self.debit, [(self.credit, 1)], self.name)


def check_load(load):
    """No request has failed."""
    seen = load.stop()
    assert set(seen) <= {200, 201, 422, "the same again"}, seen
    load.check_books()


def machine_processes(machine):
    return [*machine.postgresql(), machine.pgbouncer.pid]


def test_switchovers_fail_no_request(cluster, start):
    gateway = start(request_deadline_ms=DEADLINE_S * 1000)
    load, reader = Load(cluster, [gateway.url], DEADLINE_S), Reader(cluster, gateway)
    for count in (1, 2, 3):
        load.goes_on()
        cluster.switch_over()
        load.goes_on()
        assert leads(gateway, cluster.leader)
        assert metric(gateway, "tokpay_failovers_total") == count
    epochs = reader.stop()
    assert len(set(epochs)) == 4
    assert metric(gateway, 'tokpay_epoch{part="timeline"}') == epochs[-1][1]
    assert reader.slowest_s > 0.1, "no answer was slow: nothing was held"
    check_load(load)


def test_a_leader_that_is_killed_fails_no_request(cluster, start):
    gateway = start(request_deadline_ms=DEADLINE_S * 1000)
    load, reader = Load(cluster, [gateway.url], DEADLINE_S), Reader(cluster, gateway)
    load.goes_on()
    cluster.leader.kill()
    assert gateway.probe("/livez") == 200
    assert gateway.probe("/readyz") == 200
    cluster.promote()
    load.goes_on()
    assert leads(gateway, cluster.leader)
    assert len(set(reader.stop())) == 2
    check_load(load)


def test_a_leader_that_falls_silent_fails_no_request_and_finds_nobody_when_it_is_back(cluster, start):
    gateway = start(request_deadline_ms=DEADLINE_S * 1000)
    load, reader = Load(cluster, [gateway.url], DEADLINE_S), Reader(cluster, gateway)
    load.goes_on()
    silent = cluster.leader
    with stopped(machine_processes(silent)):
        cluster.promote()
        load.goes_on()
        assert leads(gateway, cluster.leader)
    for _ in range(20):  # it takes itself for the leader still
        assert leads(gateway, cluster.leader)
        time.sleep(0.1)
    load.goes_on()
    assert len(set(reader.stop())) == 2
    check_load(load)


def test_a_call_under_way_to_a_silent_leader_is_given_up_once_another_leads(cluster, start):
    gateway = start(request_deadline_ms=DEADLINE_S * 1000)
    ledger = cluster.ledger()
    key = ledger.api_key("transfer")
    payer, payee = ledger.open_accounts(1000, 0)
    ledger.close()
    Request(key, gateway, payer, payee).join()
    lanes = ("transfer", "credential")  # it may have to ask for the key first
    calls = sum(gateway.lane("calls_total", lane) for lane in lanes)
    with stopped([cluster.leader.pgbouncer.pid]):
        request = Request(key, gateway, payer, payee)
        eventually(lambda: sum(gateway.lane("calls_total", lane) for lane in lanes) > calls, 5, "the call")
        cluster.promote()
        request.join()
    assert request.reply.status == 201
    assert request.took_s < 4.5, "it has waited for the call's own time-out"


def test_without_a_leader_what_was_sent_is_unknown_and_the_rest_certainly_not_executed(cluster, start):
    gateway = start(request_deadline_ms=SHORT_DEADLINE_S * 1000)
    ledger = cluster.ledger()
    key = ledger.api_key("read", "transfer")
    payer, payee = ledger.open_accounts(1000, 0)
    for _ in range(10):  # until the API key was asked for just before
        Request(key, gateway, payer, payee).join()
        calls = gateway.lane("calls_total")
        with stopped([cluster.leader.pgbouncer.pid]):
            sent = Request(key, gateway, payer, payee)
            eventually(lambda: gateway.lane("calls_total") > calls or not sent.is_alive(), 10, "a call")
            eventually(lambda: not leads(gateway, cluster.leader), 10, "doubt")
            assert gateway.probe("/readyz") == 200, "it holds requests"
            unsent = [Request(key, gateway, payer, payee) for _ in range(5)]
            balance = Client(key, gateway.url).get(f"/v1/accounts/{payer}/balance")
            for request in [sent, *unsent]:
                request.join()
            eventually(lambda: gateway.probe("/readyz") == 503, 10, "the end of holding")
            assert gateway.probe("/livez") == 200
        eventually(lambda: gateway.probe("/readyz") == 200, 20, "the leader")
        if gateway.lane("calls_total") > calls:
            break
    assert (sent.reply.status, sent.reply.code) == (504, "outcome_unknown")
    for reply in [balance, *(request.reply for request in unsent)]:
        assert (reply.status, reply.code) == (503, "not_leader")
        assert reply.headers["Retry-After"]
    assert all(request.took_s >= SHORT_DEADLINE_S * 0.9 for request in unsent)
    assert sent.again().status in (200, 201)
    assert {request.again().status for request in unsent} == {201}
    assert ledger.faults() == []
    ledger.close()


def test_nothing_of_an_older_epoch_is_shown(cluster, start):
    """The first leader comes back beside the second, and then stays alone."""
    gateway = start(request_deadline_ms=SHORT_DEADLINE_S * 1000)
    ledger = cluster.ledger()
    key = ledger.api_key("admin")
    account = ledger.open_account(100)
    ledger.close()
    client = Client(key, gateway.url)
    before = epoch_of(client.get(f"/v1/accounts/{account}/balance"))
    first = cluster.leader
    with stopped(machine_processes(first)):
        cluster.promote()
        eventually(lambda: leads(gateway, cluster.leader), 10, "the second leader")
        assert epoch_of(client.get(f"/v1/accounts/{account}/balance")) > before
    with stopped(machine_processes(cluster.leader)):
        eventually(lambda: not leads(gateway, cluster.leader), 10, "doubt")
        assert first.execute("select pg_is_in_recovery()") == [(False,)]
        for path in (f"/v1/accounts/{account}/balance", f"/v1/accounts/{account}", "/v1/config"):
            reply = client.get(path)
            assert (reply.status, reply.code) == (503, "not_leader"), path
        assert not leads(gateway, first)
    eventually(lambda: client.get(f"/v1/accounts/{account}/balance").status == 200, 10, "the second leader")
    assert "which is over" in gateway.log.read_text()


def test_an_incarnation_that_is_over_is_not_shown(cluster, start):
    """The setting says 2, the books say 1."""
    gateway = start(request_deadline_ms=SHORT_DEADLINE_S * 1000, incarnation=2, is_ready=False)
    reply = Client(url=gateway.url).get("/v1/config")
    assert (reply.status, reply.code) == (503, "not_leader")
    assert gateway.probe("/readyz") == 503
    assert "which is over" in gateway.log.read_text()


def test_a_new_incarnation_is_shown_once_the_operator_has_accepted_it(cluster, start):
    """The server says that it is another, as one does that was restored."""
    cluster.leader.configure()
    cluster.leader.execute("select pg_reload_conf()")
    cluster.standby.stop()
    gateway = start(request_deadline_ms=SHORT_DEADLINE_S * 1000)
    client = Client(url=gateway.url)
    assert epoch_of(client.get("/v1/config"))[0] == 1
    cluster.leader.execute("create or replace function tokpay.epoch() returns text language sql stable as $$ select '2.1.0'::text $$")
    eventually(lambda: client.get("/v1/config").json.get("code") == "not_leader", 10, "not_leader")
    eventually(lambda: gateway.probe("/readyz") == 503, 10, "the end of holding")
    assert "set incarnation = 2 in the file and send SIGHUP" in gateway.log.read_text()
    assert metric(gateway, 'tokpay_epoch{part="incarnation"}') == 1
    cluster.write_settings("incarnation = 2\n")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: client.get("/v1/config").status == 200, 10, "the new incarnation")
    assert epoch_of(client.get("/v1/config")) == (2, 1, 0)


class Patroni:
    """What a machine's REST interface says of /primary, to whoever has the client's certificate."""

    def __init__(self, directory, status):
        self.status = status
        self.asked = 0
        patroni = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                patroni.asked += self.path == "/primary"
                self.send_response(patroni.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "server/certificate.pem", directory / "server/key.pem")
        context.load_verify_locations(directory / "client/certificate.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def patronis(cluster, tmp_path):
    """Two that lie: they call the standby the primary."""
    for name in ("server", "client"):
        (tmp_path / name).mkdir()
        write_certificate(tmp_path / name)
    made = [Patroni(tmp_path, 503), Patroni(tmp_path, 200)]
    client = "".join(f"patroni-{name} = {tmp_path}/client/{name}.pem\n" for name in ("certificate", "key"))
    authorities = f"patroni-authorities = {tmp_path}/server/certificate.pem\n"
    cluster.write_settings("".join(f"patroni = {patroni.url}\n" for patroni in made) + authorities + client)
    yield made
    for patroni in made:
        patroni.server.shutdown()
        patroni.server.server_close()


def questions(machine):
    return machine.log().count(": select tokpay.epoch()")  # what fails is repeated, after two blanks


def test_patronis_word_is_a_hint_and_the_ledgers_the_truth(cluster, patronis, start):
    cluster.standby.set("log_statement = 'all'")
    cluster.standby.execute("select pg_reload_conf()")
    gateway = start(request_deadline_ms=DEADLINE_S * 1000)
    eventually(lambda: all(patroni.asked > 1 for patroni in patronis), 20, "the hints")
    before, polls = questions(cluster.standby), patronis[1].asked
    eventually(lambda: patronis[1].asked >= polls + 6, 30, "more hints")
    assert questions(cluster.standby) - before >= 9, "whom they name is not asked at once"
    assert leads(gateway, cluster.leader) and metric(gateway, "tokpay_failovers_total") == 0
    assert Client(url=gateway.url).get("/v1/config").status == 200
    cluster.switch_over()
    eventually(lambda: leads(gateway, cluster.leader), 20, "the new leader")
