"""What a row does to the cluster, and how it is mended. What the row has to remember is in the scene's notes."""

import signal
import time

import faults
from cluster import MACHINES, Failure, eventually, run
from evidence import is_stopped, leader_changed
from scene import the_leader

CLIENTS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename <> 'postgres'"
WAITERS = 2  # commits that wait for the standby, before they are disturbed
CLIENTS_TRY_S = 2  # for so long clients reach a database that must tell them nothing
TRANSFERS_TRY_S = 2  # within it a transfer reaches its commit; standbys that are cut off for so long do not give up

# Processes


def kill(part, words, number=signal.SIGKILL):
    def inject(scene):
        scene.notes["killed"] = scene.cluster.processes(scene.roles.leader, part, words)
        faults.send(scene.notes["killed"], number)

    return inject


def kill_postgres(scene):
    faults.kill_postgres(scene.cluster, scene.roles.leader)


def kill_etcd_leader(scene):
    machine = scene.notes["etcd"] = scene.cluster.etcd_leader()
    scene.notes["killed"] = scene.cluster.processes(machine, "etcd", ["etcd --config-file"])
    faults.send(scene.notes["killed"], signal.SIGKILL)


def take_patroni_away(scene):
    """It dies and is not started again; its database goes on."""
    scene.cluster.execute(scene.roles.leader, "db", "sv", "once", "/run/service/patroni")
    faults.send(faults.patroni(scene.cluster, scene.roles.leader), signal.SIGKILL)


def give_patroni_back(scene):
    scene.cluster.execute(scene.roles.leader, "db", "sv", "up", "/run/service/patroni")


def stop_patroni(scene):
    scene.notes["stopped"] = faults.patroni(scene.cluster, scene.roles.leader)
    faults.send(scene.notes["stopped"], signal.SIGSTOP)


def go_on(scene):
    faults.send(scene.notes["stopped"], signal.SIGCONT)


def stop_process(machine_of, words):
    def inject(scene):
        scene.notes["stopped"] = scene.cluster.processes(machine_of(scene), "db", words)
        faults.send(scene.notes["stopped"], signal.SIGSTOP)

    return inject


def walsender_of_sync(scene):
    sync = f"machine{scene.roles.sync}"
    rows = scene.cluster.sql(scene.roles.leader, f"select pid from pg_stat_replication where application_name = '{sync}'")
    inside = {pid: line for pid, line in numbers_inside(scene, scene.roles.leader).items() if line in rows}
    scene.notes["stopped"] = list(inside)
    faults.send(scene.notes["stopped"], signal.SIGSTOP)
    eventually(lambda: is_stopped(scene), 5, "the walsender stopped")


def stop_part(part, words):
    """Of the leader's machine."""

    def inject(scene):
        scene.notes["stopped"] = scene.cluster.processes(scene.roles.leader, part, words)
        faults.send(scene.notes["stopped"], signal.SIGSTOP)

    return inject


def numbers_inside(scene, machine):
    """{the host's number: the container's}."""
    numbers = {}
    for pid in scene.cluster.processes(machine, "db", []):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            line = next(line for line in file if line.startswith("NSpid:"))
        numbers[pid] = line.split()[-1]
    return numbers


# Machines


def lose(machine_of):
    def inject(scene):
        scene.notes["lost"] = machine_of(scene)
        faults.lose_machine(scene.cluster, scene.notes["lost"])

    return inject


def lose_leader(with_etcd):
    """The leader's machine, with the leader of etcd on it or elsewhere."""

    def inject(scene):
        faults.move_etcd_leader(scene.cluster, scene.roles.leader if with_etcd else scene.roles.third)
        scene.notes["injected"] = time.monotonic()
        lose(the_leader)(scene)

    return inject


def lose_with_disk(machine_of):
    def inject(scene):
        lose(machine_of)(scene)
        faults.wipe(scene.cluster, scene.notes["lost"])

    return inject


def bring_back(scene):
    faults.mend(scene.cluster)


def lose_both_standbys(scene):
    for machine in scene.others:
        faults.lose_machine(scene.cluster, machine)


def stop_all_etcd(scene):
    faults.kill_containers(scene.cluster, [(machine, "etcd") for machine in MACHINES])


def stop_archive(scene):
    faults.kill_containers(scene.cluster, [(0, "backup")])
    scene.cluster.sql(scene.roles.leader, "select pg_switch_wal()")


def restart_one_by_one(scene):
    """All parts of the third machine, then of the synchronous standby, then of the leader."""
    for machine in (scene.roles.third, scene.roles.sync, scene.roles.leader):
        scene.notes["restarted"] = scene.notes.get("restarted", []) + [machine]
        faults.restart_parts(scene.cluster, machine)
        scene.cluster.wait_until_healthy()


def freeze_leader(scene):
    faults.freeze(scene.roles.leader)


def thaw_leader(scene):
    faults.thaw(scene.roles.leader)


# Networks


def cut_leader_off(scene):
    faults.cut_off(scene.cluster, scene.roles.leader)


def cut_leader_from_standbys(scene):
    faults.cut_from(scene.cluster, scene.roles.leader, scene.others, faults.DATABASE_PORT)


def cut_leader_from_etcd(scene):
    faults.cut_from(scene.cluster, scene.roles.leader, scene.others, faults.ETCD_PORTS)


def deafen_leader(scene):
    faults.drop(scene.cluster, scene.roles.leader, "INPUT -i eth0")


def silence_leader(scene):
    faults.drop(scene.cluster, scene.roles.leader, "OUTPUT -o eth0")


def cut_third_off(scene):
    faults.cut_off(scene.cluster, scene.roles.third)


def lose_packets(scene):
    for machine in MACHINES:
        faults.drop(scene.cluster, machine, "INPUT -i eth0 -m statistic --mode random --probability 0.1")


def mend_networks(scene):
    for machine in MACHINES:
        faults.mend_network(scene.cluster, machine)


# Settings


def set_on(scene, machine, *settings):
    """As an administrator who overrides what Patroni has set: "name = value", or the name alone to take that back."""
    for setting in settings:
        statement = f"alter system set {setting}" if "=" in setting else f"alter system reset {setting}"
        scene.cluster.sql(machine, statement)
    scene.cluster.sql(machine, "select pg_reload_conf()")


def name_no_standby(scene):
    set_on(scene, scene.roles.leader, "synchronous_standby_names = ''")


def set_right(scene):
    """Networks and machines too."""
    faults.mend(scene.cluster)
    for machine in MACHINES:
        eventually(lambda machine=machine: set_on(scene, machine, "synchronous_standby_names", "tokpay.cluster") or True, 120, "settings")
        if scene.cluster.sql(machine, "select name from pg_settings where pending_restart"):
            run("docker", "restart", "--time", "90", scene.cluster.names[machine, "db"], timeout=120)


# Sequences


def make_commits_wait(scene):
    """Those of the leader, for standbys that are cut off; the agent that would stop such a leader is away. By chance refusals, which
    wait with their rows locked, keep every transfer from its commit: then the clients go on, and the cut is made again."""
    leader = scene.roles.leader
    scene.cluster.execute(leader, "db", "sv", "down", "/run/service/agent")
    # A read waits as well, but PostgreSQL's own wait says so in the title of the process; of the role whose callers may fund.
    transfers = ["postgres: ", " tokpay_gateway_admin tokpay ", " waiting for "]

    def cut_until_commits_wait():
        cut_leader_from_standbys(scene)
        try:
            waits = lambda: scene.cluster.waiting(leader) >= WAITERS and scene.cluster.processes(leader, "db", transfers)
            return eventually(waits, TRANSFERS_TRY_S, "commits that wait")
        except Failure:
            faults.mend_network(scene.cluster, leader)
            scene.load.wait_for(WAITERS, time.monotonic(), 10)
            raise

    eventually(cut_until_commits_wait, 15, "commits that wait")


def storm_then_failover(scene):
    """Commits wait for standbys that are cut off, are cancelled and terminated, and then the machine is lost."""
    leader = scene.roles.leader
    make_commits_wait(scene)
    scene.notes["hit"] = faults.storm(scene.cluster, leader, 2)
    if not scene.notes["hit"]:
        raise Failure("no waiting commit was hit")
    faults.lose_machine(scene.cluster, leader)


def restart_then_die(scene):
    """Commits wait for standbys that are cut off, the database restarts where it is, and then the machine is lost."""
    leader = scene.roles.leader
    make_commits_wait(scene)
    restart_in_place(scene)
    time.sleep(CLIENTS_TRY_S)
    faults.lose_machine(scene.cluster, leader)


def restart_in_place(scene, prepare="true"):
    """While Patroni, which would have another machine lead, is stopped; prepare: what the shell that starts it does before."""
    leader = scene.roles.leader
    stop_patroni(scene)
    scene.notes["killed"] = faults.postmaster(scene.cluster, leader)
    restart = "pg_ctl restart -D /var/lib/postgresql/17/main -m immediate -w -t 20 >/tmp/restart.log 2>&1"
    scene.cluster.execute(leader, "db", "sh", "-c", f"{prepare}; PATH=$PATH:/usr/lib/postgresql/17/bin {restart}", user="postgres", timeout=40)
    eventually(lambda: scene.cluster.is_primary(leader), 20, "the restart")
    scene.notes["primary"] = faults.postmaster(scene.cluster, leader)


def unname_then_lose(scene):
    """Commits wait for standbys that are cut off, nobody is named any longer, who waits is terminated; then the machine is lost."""
    leader = scene.roles.leader
    stop_patroni(scene)  # it would take back what is set, and the standby's right to take over
    make_commits_wait(scene)
    name_no_standby(scene)
    # When PostgreSQL's wait is over the fence's goes on.
    eventually(lambda: not scene.cluster.processes(leader, "db", ["postgres: ", " waiting for "]), 10, "nobody waits as PostgreSQL does")
    scene.notes["hit"] = faults.storm(scene.cluster, leader, 2)
    faults.lose_machine(scene.cluster, leader)


def anybody_then_lose(scene):
    """Whoever streams may acknowledge, and the only one who does is a receiver of WAL on the leader's own machine, as of a base backup."""
    leader = scene.roles.leader
    stop_patroni(scene)
    scene.cluster.execute(leader, "db", "sv", "down", "/run/service/agent")
    set_on(scene, leader, "synchronous_standby_names = '*'")
    cut_leader_from_standbys(scene)
    scene.notes["receiver"] = faults.receive_wal(scene.cluster, leader)
    streams = "select count(*) from pg_stat_replication where application_name = 'pg_receivewal' and sync_state = 'sync'"
    eventually(lambda: scene.cluster.sql(leader, streams) == ["1"], 20, "the receiver acknowledges")
    scene.notes["hit"] = faults.storm(scene.cluster, leader, 2, functions=["pg_cancel_backend"])
    faults.lose_machine(scene.cluster, leader)


def forget_the_cluster_then_lose(scene):
    """The leader's database restarts as that of a single server without a standby; then its machine is lost."""
    leader = scene.roles.leader
    stop_patroni(scene)  # it would take the standby's right to take over
    scene.cluster.execute(leader, "db", "sv", "down", "/run/service/agent")
    set_on(scene, leader, "synchronous_standby_names = ''", "tokpay.cluster = off")
    cut_leader_from_standbys(scene)
    restart_in_place(scene)
    scene.notes["set"] = scene.cluster.sql(leader, "show tokpay.cluster")
    scene.notes["connections"] = eventually(lambda: int(scene.cluster.sql(leader, CLIENTS)[0]), 10, "clients of the restarted database")
    time.sleep(CLIENTS_TRY_S)
    faults.lose_machine(scene.cluster, leader)


def switch_over(scene):
    target = scene.roles.sync
    scene.cluster.patronictl(target, "switchover", "--leader", f"machine{scene.roles.leader}", "--candidate", f"machine{target}", "--force")


def switch_over_and_kill(scene):
    """The machine that takes over is lost as soon as it leads."""
    switch_over(scene)
    eventually(lambda: leader_changed(scene), 60, "the switchover")
    roles = eventually(lambda: (roles := scene.cluster.roles()).leader and roles.sync and roles, 60, "a synchronous standby")
    faults.lose_machine(scene.cluster, roles.leader)
    scene.notes["second"] = roles.leader
