"""The update of the extension on the running cluster, with a failover in the middle: the libraries are new already on all
machines, the books are those of 0.1.0. All accounts are gone afterwards; API keys stay."""

import os
import subprocess
import sys
import uuid

import faults
import pytest
from cluster import CHECKOUT, MACHINES, Cluster, eventually, run
from test_backup import Api, assert_books_are_right, leader

sys.path.append(str(CHECKOUT / "tests"))
from books_of_0_1_0 import COLUMNS  # noqa: E402

VERSION = "select extversion from pg_extension where extname = 'tokpay'"
UPDATE = "alter extension tokpay update"
PAYMENTS = 20


@pytest.fixture
def cluster():
    return Cluster(os.environ.get("RUN_DIR", ".run"))


def start_cluster(incarnation):
    """What 0.1.0 did not have, in the incarnation that the gateways accept: it is another one after a restore."""
    return "; ".join(["select tokpay.start_cluster()", *["select tokpay.new_incarnation()"] * (incarnation - 1)])


def begin_new_books(cluster, machine, start):
    """Without holds and refunds, which 0.1.0 did not have. Gateways remember the epochs of the old ones, so they begin anew."""
    api_keys = COLUMNS["api_key"]
    steps = [
        f"copy (select {api_keys} from tokpay.api_key) to '/tmp/api_key'", "drop extension tokpay", "create extension tokpay", start,
        f"copy tokpay.api_key ({api_keys}) from '/tmp/api_key'", "select setval('tokpay.api_key_id_seq', max(id)) from tokpay.api_key",
    ]  # fmt: skip
    cluster.sql(machine, "; ".join(steps), timeout=120)
    run("docker", "restart", *(cluster.names[each, "gateway"] for each in MACHINES), timeout=180)
    cluster.wait_until_healthy()


def go_back_to_0_1_0(cluster, machine):
    """The same money, keys and accounts, as 0.1.0 had them."""
    rows = {table: f"from tokpay.{table}{' where not seeded' if table == 'currency' else ''}" for table in COLUMNS}
    save = [f"copy (select {columns} {rows[table]}) to '/tmp/{table}'" for table, columns in COLUMNS.items()]
    load = [f"copy tokpay.{table} ({columns}) from '/tmp/{table}'" for table, columns in COLUMNS.items()]
    sequences = ("account_id_seq", "transfer_id_seq", "api_key_id_seq")
    keep = [f"create temp table at_{name} as select last_value, is_called from tokpay.{name}" for name in sequences]
    put = [f"select setval('tokpay.{name}', last_value, is_called) from at_{name}" for name in sequences]
    old = ["drop extension tokpay", "create extension tokpay version '0.1.0'"]
    cluster.sql(machine, "; ".join([*save, *keep, *old, *load, *put]), timeout=120)


def under_way(cluster, machine, statement):
    words = ["docker", "exec", "--user", "postgres", cluster.names[machine, "db"], "psql", "-qX", "-h", "/run/postgresql", "-d", "tokpay", "-c", statement]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


def lose_leader(cluster, machine):
    """The machine that leads instead."""
    faults.lose_machine(cluster, machine)

    def successor():
        other = cluster.roles([m for m in MACHINES if m != machine]).leader
        return other if other != machine and other and cluster.is_primary(other) else None

    return eventually(successor, 90, "another leader")


def test_an_update_with_a_failover_in_the_middle_loses_nothing(cluster):
    api = Api(cluster)
    first = leader(cluster)
    start = start_cluster(int(cluster.sql(first, "select incarnation from tokpay.cluster")[0]))
    begin_new_books(cluster, first, start)
    alice, bob = api.account(1000), api.account(0)
    keys = [uuid.uuid4().hex for _ in range(PAYMENTS)]
    assert {api.pay(alice, bob, key)[0] for key in keys} == {201}
    go_back_to_0_1_0(cluster, first)
    assert api.ask("GET", f"/v1/accounts/{bob}/balance")[0] >= 500, "a new library answers nothing from old books"

    # In the middle: done, but not committed.
    update = under_way(cluster, first, f"begin; {UPDATE}; select pg_sleep(600)")
    eventually(lambda: cluster.sql(first, "select pid from pg_stat_activity where wait_event = 'PgSleep' and query ~ 'update'"), 60, "the update under way")
    second = lose_leader(cluster, first)
    update.kill()
    update.wait()
    assert cluster.sql(second, VERSION) == ["0.1.0"]
    faults.mend(cluster)
    eventually(lambda: all(cluster.roles()), 240, "two standbys")

    # At its end: acknowledged just before the machine is lost.
    cluster.sql(second, f"{UPDATE}; {start}", timeout=120)
    third = lose_leader(cluster, second)
    assert cluster.sql(third, VERSION) == cluster.sql(third, "select default_version from pg_available_extensions where name = 'tokpay'")
    for key in keys:
        assert api.pay(alice, bob, key)[0] == 200, "a replay"
    assert api.pay(alice, bob, uuid.uuid4().hex)[0] == 201
    assert api.ask("GET", f"/v1/accounts/{bob}/balance")[2]["balance"] == 5 * (PAYMENTS + 1)
    faults.mend(cluster)
    cluster.wait_until_healthy()
    assert_books_are_right(cluster)
