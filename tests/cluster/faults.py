"""How things are broken and mended: processes, machines, networks. Every function of the cluster takes it first."""

import os
import pathlib
import signal
import subprocess
import time

from cluster import ETCDCTL, MACHINES, PARTS, Failure, eventually, run

FREEZERS = ("/sys/fs/cgroup/freezer/{0}", "/sys/fs/cgroup/{0}", "/sys/fs/cgroup/tokpay.slice/{0}")
DATABASE_PORT, REST_PORT, ETCD_PORTS = "5432", "8008", "2379:2380"

DATA = {"db": "/var/lib/postgresql", "etcd": "/var/lib/etcd"}

# Processes


def send(pids, number):
    """The signal, to those of them that live."""
    if not pids:
        raise Failure("there is no such process")
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def state(pid):
    """The letter of /proc; Z for what is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def postmaster(cluster, machine):
    """The server's first process; its children have other arguments."""
    return cluster.processes(machine, "db", ["bin/postgres", "-D"])


def postgres_family(cluster, machine):
    return postmaster(cluster, machine) + cluster.processes(machine, "db", ["postgres: "])


def patroni(cluster, machine):
    return cluster.processes(machine, "db", ["python3", "patroni"])


def kill_postgres(cluster, machine):
    """As a crash: nobody of them sees the others die."""
    family = postgres_family(cluster, machine)
    send(postmaster(cluster, machine), signal.SIGSTOP)
    send(family, signal.SIGKILL)
    return family


# Machines


def lose_machine(cluster, machine):
    """Silently, as a power failure: its link is down before anything dies, so that nobody hears of it."""
    cluster.in_network(machine, "ip", "link", "set", "eth0", "down")
    kill_parts(cluster, machine)


def kill_parts(cluster, machine):
    """docker kill keeps Docker from starting them again."""
    names = [cluster.names[machine, part] for part in PARTS]
    subprocess.run(["docker", "kill", *names], capture_output=True, check=False, timeout=60)
    eventually(lambda: not any(cluster.pid(machine, part) for part in PARTS), 30, f"the death of machine {machine}")


def kill_containers(cluster, which):
    """which: (machine, part)."""
    run("docker", "kill", *(cluster.names[one] for one in which))


def restart_parts(cluster, machine):
    """In order, as an administrator does."""
    run("docker", "restart", "--time", "90", *(cluster.names[machine, part] for part in PARTS), timeout=300)


def wipe(cluster, machine, parts=tuple(DATA)):
    """Its disk is replaced by an empty one."""
    for part in parts:
        directory = DATA[part]
        mounts = ["--volumes-from", cluster.names[machine, part], "--user", "0", "--entrypoint", "/bin/sh"]
        run("docker", "run", "--rm", *mounts, cluster.image(part), "-c", f"rm -rf {directory}/*")


def has_data(cluster, machine):
    """Whether anything is on its disk."""
    mounts = ["--volumes-from", cluster.names[machine, "db"], "--user", "0", "--entrypoint", "/bin/sh"]
    return bool(run("docker", "run", "--rm", *mounts, cluster.image("db"), "-c", f"ls {DATA['db']}").strip())


def freezer(machine):
    """The control group of a machine's containers, and how it is frozen and thawed: [(file, frozen, thawed)]."""
    for pattern in FREEZERS:
        directory = pathlib.Path(pattern.format(f"tokpay-machine{machine}.slice"))
        if (directory / "freezer.state").exists():
            return directory / "freezer.state", "FROZEN", "THAWED"
        if (directory / "cgroup.freeze").exists():
            return directory / "cgroup.freeze", "1", "0"
    raise Failure(f"machine {machine} has no control group of its own")


def freeze(machine):
    file, frozen, _ = freezer(machine)
    file.write_text(frozen)
    eventually(lambda: file.read_text().strip() == frozen, 10, f"machine {machine} frozen")


def thaw(machine):
    file, _, thawed = freezer(machine)
    file.write_text(thawed)


# Networks


def drop(cluster, machine, *rules):
    """Packets that match one of these rules of iptables, in the machine's own network, are dropped silently."""
    for rule in rules:
        chain, *match = rule.split()
        cluster.in_network(machine, "iptables", "-w", "-A", chain, *match, "-j", "DROP")


def dropped(cluster, machine):
    """How many packets have been dropped there."""
    listed = cluster.in_network(machine, "iptables", "-w", "-L", "-v", "-x", "-n").splitlines()
    return sum(int(line.split()[0]) for line in listed if " DROP " in line)


def mend_network(cluster, machine):
    cluster.in_network(machine, "iptables", "-w", "-F")
    cluster.in_network(machine, "ip", "link", "set", "eth0", "up")


def cut_off(cluster, machine):
    """From everybody."""
    drop(cluster, machine, "INPUT -i eth0", "OUTPUT -o eth0")


def cut_from(cluster, machine, others, port=None, ways=("out", "in")):
    """From other machines; with a port, only what concerns that port on either side. First nothing leaves, so that nobody
    waits for an acknowledgement of what has arrived."""
    _, addresses = cluster.network()
    rules = []
    for other in others:
        for way in ways:
            side = f"INPUT -s {addresses[other]}" if way == "in" else f"OUTPUT -d {addresses[other]}"
            rules += [f"{side} -p tcp --{end} {port}" for end in ("sport", "dport")] if port else [side]
    drop(cluster, machine, *rules)


def move_etcd_leader(cluster, machine):
    """Where it is already, nothing happens. etcd gives a move up where the member has just come back, so it is told again."""
    member = cluster.etcd_members()[machine]

    def moved():
        leader = cluster.etcd_leader()
        if leader != machine:
            cluster.execute(machine, "db", "sh", "-c", f"{ETCDCTL} --endpoints https://machine{leader}:2379 move-leader {member}")
        return leader == machine

    eventually(moved, 30, f"etcd's leader on machine {machine}")


def mend(cluster):
    """Whatever has been done: nothing is frozen, stopped, cut or dead any longer."""
    run("docker", "start", cluster.names[0, "backup"], check=False)
    for machine in MACHINES:
        thaw(machine)
        mend_network(cluster, machine)
        if missing := [part for part in PARTS if not cluster.pid(machine, part)]:
            names = [cluster.names[machine, part] for part in missing]
            subprocess.run(["docker", "start", *names], capture_output=True, check=False, timeout=120)
        for part in PARTS:
            for pid in cluster.processes(machine, part, []):
                if state(pid) == "T":
                    os.kill(pid, signal.SIGCONT)
        run("docker", "exec", cluster.names[machine, "db"], "sv", "up", "/run/service/patroni", "/run/service/agent", check=False)


# Commits that wait


def receive_wal(cluster, machine):
    """A receiver that acknowledges what it has, as a base backup's does."""
    receiver = "mkdir -p /tmp/wal && exec pg_receivewal -h /run/postgresql -U replicator -D /tmp/wal --synchronous --no-loop"
    words = ["sh", "-c", f"PATH=$PATH:/usr/lib/postgresql/17/bin; {receiver}"]
    environment = os.environ | {"PGPASSWORD": cluster.password("replicator")}
    options = ["--env", "PGPASSWORD", "--user", "postgres"]
    return subprocess.Popen(["docker", "exec", *options, cluster.names[machine, "db"], *words], stderr=subprocess.DEVNULL, env=environment)


def storm(cluster, machine, seconds, functions=("pg_cancel_backend", "pg_terminate_backend")):
    """Cancels and terminates whoever waits for the standby; how many were hit."""
    hit, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for function in functions:
            statement = f"select count({function}(pid)) from pg_stat_activity where wait_event = 'SyncRep' and backend_type = 'client backend'"
            hit += int(cluster.sql(machine, statement)[0])
    return hit
