"""What shows that a fault landed: each function returns what there is to say, and nothing before it is so."""

import time

import faults
from cluster import MACHINES

PACKETS = 500  # of a network that loses some


def leader_changed(scene):
    """Another machine leads, says its own database, on a later timeline."""
    roles = scene.cluster.roles(scene.others)
    if roles.leader and roles.leader != scene.roles.leader and scene.cluster.is_primary(roles.leader):
        return f"machine {roles.leader} leads after {scene.roles.leader}"
    return None


def timeline_changed(scene):
    timeline = scene.cluster.timeline()
    return timeline > scene.timeline and f"timeline {timeline} after {scene.timeline}"


def sync_changed(scene):
    sync = scene.cluster.roles([machine for machine in MACHINES if machine != scene.roles.sync]).sync
    return sync and sync != scene.roles.sync and f"machine {sync} acknowledges after {scene.roles.sync}"


def is_gone(machine_of):
    def landed(scene):
        machine = machine_of(scene)
        names = [member["name"] for member in scene.cluster.members(scene.others) if member["state"] in ("running", "streaming")]
        return f"machine{machine}" not in names and f"machine {machine} is gone"

    return landed


def other_processes(part, words):
    """The processes that were killed have successors."""

    def landed(scene):
        now = scene.cluster.processes(scene.roles.leader, part, words)
        return now and not set(now) & set(scene.notes["killed"]) and f"{part} is {now} after {scene.notes['killed']}"

    return landed


def zombie(scene):
    """The old leader's database still takes itself for the primary when another one leads."""
    changed = leader_changed(scene)
    if changed and scene.cluster.is_primary(scene.roles.leader):
        return f"{changed}, whose database is still a primary"
    return None


def packets_dropped(scene):
    counted = faults.dropped(scene.cluster, scene.roles.leader)
    return counted and f"{counted} packets dropped"


def packets_lost(scene):
    counted = sum(faults.dropped(scene.cluster, machine) for machine in MACHINES)
    return counted >= PACKETS and f"{counted} packets dropped"


def both(*shows):
    def landed(scene):
        evidence = [show(scene) for show in shows]
        return all(evidence) and ", ".join(evidence)

    return landed


def etcd_is_back(scene):
    now = scene.cluster.processes(scene.notes["etcd"], "etcd", ["etcd --config-file"])
    leader = scene.cluster.etcd_leader()
    return now and leader and not set(now) & set(scene.notes["killed"]) and f"etcd of machine {scene.notes['etcd']} is {now}, {leader} leads"


def is_stopped(scene):
    states = [faults.state(pid) for pid in scene.notes["stopped"]]
    return set(states) == {"T"} and f"{len(states)} processes stopped"


def nothing_acknowledged(scene):
    """Five seconds after the fault nothing more is acknowledged, for five seconds."""
    now = time.monotonic()
    since = scene.notes["injected"] + 5
    return now > since + 5 and sum(scene.load.acknowledged(since)) == 0 and "for 5 s nothing was acknowledged"


def storm_hit(scene):
    return scene.notes["hit"] and f"{scene.notes['hit']} signals to waiting commits"


def restarted(scene):
    old, new = scene.notes["killed"], scene.notes["primary"]
    return new and set(old) != set(new) and f"it had restarted as a primary: {new} after {old}"


def second_leader_changed(scene):
    machines = [machine for machine in MACHINES if machine != scene.notes["second"]]
    leader = scene.cluster.roles(machines).leader
    return leader in machines and scene.cluster.is_primary(leader) and f"machine {leader} leads after {scene.notes['second']}"


def disk_is_new(scene):
    lost = scene.notes["lost"]
    return not faults.has_data(scene.cluster, lost) and f"machine {lost} has lost its data"


def etcd_is_silent(scene):
    return scene.cluster.etcd_leader() is None and "etcd has no leader"


def archive_fails(scene):
    failed = int(scene.cluster.sql(scene.roles.leader, "select failed_count from pg_stat_archiver")[0])
    return failed > 0 and f"{failed} attempts to archive have failed"


def all_restarted(scene):
    return len(scene.notes.get("restarted", [])) == len(MACHINES) and f"restarted machines {scene.notes['restarted']}"


def no_standby_named(scene):
    named = scene.cluster.sql(scene.roles.leader, "show synchronous_standby_names")
    return named == [""] and nothing_acknowledged(scene)


def nobody_named(scene):
    return scene.notes["hit"] and f"{scene.notes['hit']} signals to commits that waited for nobody"


def receiver_acknowledged(scene):
    return "a receiver of WAL acknowledged as the synchronous standby"


def cluster_forgotten(scene):
    return scene.notes["set"] == ["off"] and f"tokpay.cluster is off, {scene.notes['connections']} clients are there"
