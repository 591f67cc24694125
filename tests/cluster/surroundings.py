"""What a row does to that in which a machine lives: its clock, its disk, its pace, and what operators and clients ask of it."""

import time

import faults
from cluster import MACHINES, eventually, run
from evidence import leader_changed, nothing_acknowledged
from injections import bring_back, restart_in_place, switch_over

HOUR_S = 3600
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
DATA = "/var/lib/postgresql"
SMALL_DISK = "700m"
BALLAST = f"{DATA}/ballast"
PAUSES, LONGEST_PAUSE_S = 30, 0.3
SWITCHOVERS, EVERY_S = 3, 30

# Clocks


def clock_off(seconds):
    """The leader's database lives with a wrong clock, first with its lease, then without: its Patroni is stopped."""

    def inject(scene):
        wrong = f"export LD_PRELOAD=$(echo {FAKETIME}) FAKETIME={seconds:+}s FAKETIME_DONT_FAKE_MONOTONIC=1"
        restart_in_place(scene, prepare=wrong)
        scene.notes["injected"] = time.monotonic()
        now = float(scene.cluster.sql(scene.roles.leader, "select extract(epoch from clock_timestamp())")[0])
        scene.notes["off"] = now - time.time()

    return inject


def clock_is_off(scene):
    off = scene.notes["off"]
    return abs(abs(off) - HOUR_S) < 60 and f"its clock is {off:+.0f} s off"


def restart_leader(scene):
    """Its Patroni does not know a database of another time for its own."""
    run("docker", "restart", "--time", "10", scene.cluster.names[scene.roles.leader, "db"], timeout=60)
    faults.mend(scene.cluster)


# Disks


def on_small_disk(scene, machine):
    """The machine, as a standby that has copied the books to a new and small disk. Its container's restart brings the old one back."""
    service = [f"/run/service/{name}" for name in ("patroni", "agent")]
    scene.cluster.execute(machine, "db", "sv", "-w", "60", "down", *service, timeout=90)
    scene.cluster.execute(machine, "db", "sh", "-c", f"rm -rf {DATA}/*")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=700,uid=5432,gid=5432", "small", DATA]
    run("nsenter", "--mount", "--target", scene.cluster.pid(machine, "db"), *mount)
    scene.cluster.execute(machine, "db", "sv", "up", *service)
    scene.cluster.wait_until_healthy()


def fill_disk(scene, machine):
    """To the last byte."""
    scene.cluster.execute(machine, "db", "sh", "-c", f"cat /dev/zero >{BALLAST} 2>/dev/null || true", user="postgres", timeout=60)
    scene.notes |= {"full": machine, "injected": time.monotonic()}


def become_sync(scene, machine):
    """The other standby's Patroni goes away until Patroni names this one."""
    roles = scene.cluster.roles()
    if roles.sync != machine:
        scene.cluster.execute(roles.sync, "db", "sv", "-w", "60", "restart", "/run/service/patroni", timeout=90)
        eventually(lambda: scene.cluster.roles().sync == machine, 60, f"machine {machine} synchronous")
        scene.cluster.wait_until_healthy()


def fill_standby(scene):
    machine = scene.roles.third
    on_small_disk(scene, machine)
    become_sync(scene, machine)
    scene.roles = scene.cluster.roles()
    fill_disk(scene, machine)


def fill_leader(scene):
    machine = scene.roles.third
    on_small_disk(scene, machine)
    become_sync(scene, machine)
    scene.roles = scene.cluster.roles()
    switch_over(scene)
    eventually(lambda: scene.cluster.roles().leader == machine, 60, "the switchover")
    scene.cluster.wait_until_healthy()
    scene.roles = scene.cluster.roles()
    fill_disk(scene, machine)


def no_space_left(scene):
    said = run("docker", "logs", "--since", "5m", scene.cluster.names[scene.notes["full"], "db"], check=False)
    return ("No space left on device" in said or "the disk is full" in said) and f"no space left on machine {scene.notes['full']}"


def make_room(scene):
    """The old disk comes back, empty: the machine copies the leader's."""
    machine = scene.notes["full"]
    scene.cluster.execute(machine, "db", "sv", "-w", "60", "force-stop", "/run/service/patroni", timeout=90)
    run("docker", "restart", "--time", "10", scene.cluster.names[machine, "db"], timeout=60)
    bring_back(scene)


# Pace


def stutter(scene):
    """Every machine stands still for a moment, in turn: what it says comes late, as on a network that delays."""
    for _ in range(PAUSES):
        machine = scene.chance.choice(MACHINES)
        pause_s = scene.chance.uniform(0, LONGEST_PAUSE_S)
        faults.freeze(machine)
        time.sleep(pause_s)
        faults.thaw(machine)
        scene.notes["paused"] = scene.notes.get("paused", 0) + pause_s


def has_paused(scene):
    return f"{PAUSES} pauses of {scene.notes['paused']:.1f} s in all"


# Operators


def rebuild_third(scene):
    """While clients write, the third machine comes back with an empty disk and copies the leader's."""
    faults.lose_machine(scene.cluster, scene.roles.third)
    faults.wipe(scene.cluster, scene.roles.third)
    scene.notes["empty"] = not faults.has_data(scene.cluster, scene.roles.third)
    bring_back(scene)


def is_rebuilt(scene):
    members = scene.cluster.members([scene.roles.leader])
    streams = any(member["name"] == f"machine{scene.roles.third}" and member["state"] == "streaming" for member in members)
    return scene.notes["empty"] and streams and f"machine {scene.roles.third} streams again from an empty disk"


def switch_over_often(scene):
    for _ in range(SWITCHOVERS):
        began = time.monotonic()
        scene.roles = scene.cluster.roles()
        switch_over(scene)
        eventually(lambda: leader_changed(scene), 60, "the switchover")
        scene.notes["switched"] = scene.notes.get("switched", 0) + 1
        scene.cluster.wait_until_healthy()
        time.sleep(max(0, began + EVERY_S - time.monotonic()))


def has_switched(scene):
    return scene.notes.get("switched") == SWITCHOVERS and f"{SWITCHOVERS} switchovers, one every {EVERY_S} s"


def strict(scene, value):
    scene.cluster.patronictl(scene.roles.leader, "edit-config", "--force", "-s", f"synchronous_mode_strict={value}")


def allow_alone(scene):
    """Patroni may run the leader without a standby, and both are lost; etcd is not."""
    strict(scene, "false")
    faults.kill_containers(scene.cluster, [(machine, "db") for machine in scene.others])


def nobody_is_waited_for(scene):
    """PostgreSQL would commit at once; the fences do not."""
    return scene.cluster.sql(scene.roles.leader, "show synchronous_standby_names") == [""] and nothing_acknowledged(scene)


def forbid_alone(scene):
    strict(scene, "true")
    bring_back(scene)


def lower_synchronous_commit(scene):
    """Of those who pay in SQL, from their next connection on."""
    set_of_tellers(scene, "set synchronous_commit = off")


def set_of_tellers(scene, setting):
    scene.cluster.sql(scene.roles.leader, f"alter role teller {setting}")
    scene.cluster.sql(scene.roles.leader, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'teller'")


def sql_is_refused(scene):
    """Nobody has paid in SQL for five seconds, though many tried."""
    since = scene.notes["injected"] + 2
    if time.monotonic() < since + 5:
        return None
    results = [result for start, _, is_write, result, client, _ in scene.load.calls if start > since and is_write and client.startswith("sql")]
    refused = results.count("failed")
    return refused >= 10 and "ok" not in results and f"{refused} payments in SQL were refused"


def raise_synchronous_commit(scene):
    set_of_tellers(scene, "reset synchronous_commit")


def fail_over_to_third(scene):
    """As an operator who does not ask which standby was waited for."""
    third = f"machine{scene.roles.third}"
    scene.notes["said"] = scene.cluster.patronictl(scene.roles.third, "failover", "--candidate", third, "--force")
