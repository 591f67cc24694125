"""make backup, make restore and make force-leader on the running cluster, which they change: for operators, and
for the suite's end. Both begin a new incarnation, and the truth about every key is told afterwards. Also the loss of all of etcd's data."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import faults
import pytest
from cluster import CHECKOUT, MACHINES, PARTS, Cluster, Failure, eventually, run


@pytest.fixture
def cluster():
    return Cluster(os.environ.get("RUN_DIR", ".run"))


def make(cluster, target, **variables):
    words = [f"{name}={value}" for name, value in variables.items()]
    environment = {**os.environ, "RUN_DIR": str(cluster.run_dir), "BUILD": "no"}
    done = subprocess.run(["make", "-s", "-C", CHECKOUT, target, *words], capture_output=True, text=True, env=environment, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Api:
    """The front door."""

    def __init__(self, cluster):
        port = os.environ.get("HTTP_PORT", "8080")
        self.url = f"http://127.0.0.1:{port}"
        self.authorization = "Bearer " + (cluster.run_dir / "cluster-api-key").read_text().strip()

    def ask(self, method, path, body=None, key=None):
        """Status, headers, body."""
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as reply:
                return reply.status, reply.headers, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read() or b"{}")

    def pay(self, debit, credit, key):
        return self.ask("POST", "/v1/transfers", {"debit": debit, "credits": [{"account": credit, "amount": 5}]}, key)

    def account(self, money):
        status, _, account = self.ask("POST", "/v1/accounts", {"name": f"backup-{uuid.uuid4().hex}"})
        assert status == 201
        if money:
            assert self.ask("POST", "/v1/top-ups", {"account": account["id"], "amount": money}, uuid.uuid4().hex)[0] == 201
        return account["id"]


def incarnation(headers):
    return int(headers["TokPay-Epoch"].split(".")[0])


def leader(cluster):
    return eventually(lambda: cluster.roles().leader, 60, "a leader")


def assert_books_are_right(cluster):
    assert cluster.sql(leader(cluster), "select check_name || detail from tokpay.verify() where not ok") == []


def test_a_restore_tells_the_truth_about_keys(cluster):
    api = Api(cluster)
    alice, bob = api.account(100), api.account(0)
    assert api.pay(alice, bob, "before")[0] == 201
    make(cluster, "backup")
    assert api.pay(alice, bob, "after the backup")[0] == 201
    time.sleep(1.1)
    moment = cluster.sql(leader(cluster), "select clock_timestamp()")[0]
    time.sleep(1.1)
    status, headers, _ = api.pay(alice, bob, "after the moment")
    assert status == 201
    old = incarnation(headers)

    said = make(cluster, "restore", TO=moment)
    assert f"incarnation {old + 1}" in said

    # Acknowledged before the moment: there, with its key. After it: gone, and nobody says anything else.
    status, headers, balance = api.ask("GET", f"/v1/accounts/{alice}/balance")
    assert (status, incarnation(headers), balance["balance"]) == (200, old + 1, 90)
    for key in ("before", "after%20the%20backup"):
        assert api.ask("GET", f"/v1/transfers?debit={alice}&key={key}")[0] == 200
    assert api.ask("GET", f"/v1/transfers?debit={alice}&key=after%20the%20moment")[0] == 404
    assert api.pay(alice, bob, "before")[0] == 200
    status, headers, _ = api.pay(alice, bob, "after the moment")
    assert (status, headers.get("Idempotency-Replayed")) == (201, None)
    assert api.pay(alice, bob, "after the moment")[0] == 200
    assert_books_are_right(cluster)
    make(cluster, "cluster-status")


def test_a_forced_leader_has_what_its_role_promises(cluster):
    """The synchronous standby goes on alone: nothing acknowledged is lost, and the incarnation says that it might be."""
    api = Api(cluster)
    alice, bob = api.account(100), api.account(0)
    status, headers, _ = api.pay(alice, bob, "acknowledged")
    assert status == 201
    old = incarnation(headers)
    survivor = cluster.roles().sync
    refused = subprocess.run(["make", "-s", "-C", CHECKOUT, "force-leader", f"MACHINE=machine{survivor}"],
                             capture_output=True, text=True, check=False, env={**os.environ, "RUN_DIR": str(cluster.run_dir)})
    assert refused.returncode != 0 and "gone for good" in refused.stderr, "two machines live"

    lost = [machine for machine in MACHINES if machine != survivor]
    run("docker", "kill", *(cluster.names[machine, part] for machine in lost for part in PARTS))
    said = make(cluster, "force-leader", MACHINE=f"machine{survivor}")
    assert f"incarnation {old + 1}" in said and "Nothing acknowledged is lost" in said
    # Alone it commits nothing.
    with pytest.raises((Failure, subprocess.TimeoutExpired)):
        cluster.sql(survivor, "select tokpay.set_metadata(1, '{}')", timeout=5)

    make(cluster, "cluster")
    status, headers, balance = api.ask("GET", f"/v1/accounts/{alice}/balance")
    assert (status, incarnation(headers), balance["balance"]) == (200, old + 1, 95)
    assert api.pay(alice, bob, "acknowledged")[0] == 200
    assert_books_are_right(cluster)
    make(cluster, "cluster-status")


HALT_S = 120  # failsafe mode bridges a minute


def position(cluster, machine):
    return int(cluster.sql(machine, "select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'")[0])


def test_without_etcds_data_the_cluster_halts_until_an_operator_decides(cluster):
    api = Api(cluster)
    alice, bob = api.account(1000), api.account(0)
    assert api.pay(alice, bob, "acknowledged")[0] == 201
    roles = cluster.roles()
    etcd = [(machine, "etcd") for machine in MACHINES]
    faults.kill_containers(cluster, etcd)
    for machine in MACHINES:
        faults.wipe(cluster, machine, ["etcd"])
    run("docker", "start", *(cluster.names[one] for one in etcd))
    paid = 0
    until = time.monotonic() + HALT_S
    while (status := api.pay(alice, bob, f"meanwhile {paid}")[0]) == 201:
        assert time.monotonic() < until, "it goes on"
        paid += 1
        time.sleep(1)
    assert status in (503, 504)
    for machine in (roles.sync, roles.third):
        assert not cluster.is_primary(machine)
        with pytest.raises(Failure, match="not the leader"):
            cluster.sql(machine, f"select tokpay.balance({alice})")

    # Of two standbys the one that has more has all that was acknowledged, whichever was the synchronous one.
    survivor = max(roles.sync, roles.third, key=lambda machine: position(cluster, machine))
    run("docker", "kill", *(cluster.names[machine, part] for machine in MACHINES if machine != survivor for part in PARTS))
    make(cluster, "force-leader", MACHINE=f"machine{survivor}")
    make(cluster, "cluster")
    for key in ("acknowledged", *(f"meanwhile {number}" for number in range(paid))):
        assert api.pay(alice, bob, key)[0] == 200, key
    assert api.ask("GET", f"/v1/accounts/{bob}/balance")[2]["balance"] in (5 * (paid + 1), 5 * (paid + 2)), "one has no known outcome"
    assert_books_are_right(cluster)
    make(cluster, "cluster-status")
