"""The running cluster as the suite sees it: containers by their labels, processes by their arguments, roles by Patroni and SQL."""

import contextlib
import json
import os
import pathlib
import subprocess
import time
from collections import namedtuple

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
MACHINES = (1, 2, 3)
PARTS = ("etcd", "db", "pool", "gateway")
CERTIFICATES = ["--cacert", "/etc/tokpay/patroni-ca.crt", "--cert", "/etc/tokpay/patroni.crt", "--key", "/etc/tokpay/patroni.key"]
ETCDCTL = """ETCDCTL_API=3 etcdctl --command-timeout 3s --cacert /etc/tokpay/etcd-ca.crt --cert /etc/tokpay/etcd.crt \
    --key /etc/tokpay/etcd.key"""
ALL_ENDPOINTS = "--endpoints https://machine1:2379,https://machine2:2379,https://machine3:2379"
# Of all machines at one moment: their numbers, None where there is none.
Roles = namedtuple("Roles", "leader sync third")


class Failure(Exception):
    """A row that did not go as its line says."""


def run(*command, check=True, timeout=60, **options):
    """What the command says."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def eventually(condition, seconds, what):
    """The first true value that the condition has."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Failure, subprocess.TimeoutExpired):
            if value := condition():
                return value
        if time.monotonic() > until:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.2)


class Cluster:
    def __init__(self, run_dir):
        self.run_dir = pathlib.Path(run_dir)
        self.names = {}
        for line in run("docker", "ps", "--all", "--filter", "label=com.docker.compose.project=tokpay", "--format", "{{json .}}").splitlines():
            container = json.loads(line)
            labels = dict(label.partition("=")[::2] for label in container["Labels"].split(","))
            part = labels.get("tokpay.part")
            self.names[int(labels.get("tokpay.machine", 0)), "net" if part == "machine" else part] = container["Names"]
        if (1, "db") not in self.names:
            raise Failure("there is no cluster: make cluster")

    def password(self, role):
        lines = (self.run_dir / "cluster/secrets/passwords").read_text().splitlines()
        return dict(line.split() for line in lines)[role]

    def inspect(self, machine, part, what):
        return run("docker", "inspect", "--format", what, self.names[machine, part]).strip()

    def network(self):
        """(name, addresses by machine; 0 is the front door's)."""
        name = next(iter(json.loads(self.inspect(1, "net", "{{json .NetworkSettings.Networks}}"))))
        address = "{{(index .NetworkSettings.Networks \"" + name + "\").IPAddress}}"
        return name, {machine: self.inspect(machine, "net" if machine else "front", address) for machine in (0, *MACHINES)}

    def image(self, part):
        return self.inspect(1, part, "{{.Config.Image}}")

    def pid(self, machine, part):
        """The first process of a container, in the host's numbers; 0 while it does not run."""
        return int(self.inspect(machine, part, "{{.State.Pid}}"))

    def processes(self, machine, part, words):
        """Host's numbers of the processes whose arguments have all these words."""
        listed = run("docker", "top", self.names[machine, part], "-eo", "pid,args", check=False).splitlines()[1:]
        split = [line.split(None, 1) for line in listed]
        return [int(pid) for pid, arguments in split if all(word in arguments for word in words)]

    def execute(self, machine, part, *command, user=None, timeout=30):
        options = ["--user", user] if user else []
        return run("docker", "exec", *options, self.names[machine, part], *command, timeout=timeout)

    def in_network(self, machine, *command, check=True):
        """Runs the host's command in the machine's network namespace."""
        return run("nsenter", "--net", "--target", self.pid(machine, "net"), *command, check=check)

    # SQL

    def sql(self, machine, statement, timeout=30):
        """The rows of one column, as the machine's own administrator."""
        words = ["psql", "-qAtX", "-h", "/run/postgresql", "-U", "postgres", "-d", "tokpay", "-v", "ON_ERROR_STOP=1", "-c", statement]
        return self.execute(machine, "db", *words, user="postgres", timeout=timeout).splitlines()

    def query(self, machine):
        return lambda statement: self.sql(machine, statement, timeout=300)

    def is_primary(self, machine):
        return self.sql(machine, "select not pg_is_in_recovery()") == ["t"]

    def waiting(self, machine):
        """Backends whose commit waits for the standby."""
        return int(self.sql(machine, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'")[0])

    # Patroni and etcd

    def members(self, asked=None):
        """Patroni's members as one of its agents sees them; asked: the machines to try."""
        for machine in asked or MACHINES:
            with contextlib.suppress(Failure, subprocess.TimeoutExpired, ValueError):
                address = f"https://machine{machine}:8008/cluster"
                return json.loads(self.execute(machine, "db", "curl", "-fsS", "-m", "3", *CERTIFICATES, address, timeout=10))["members"]
        return []

    def roles(self, asked=None):
        """Machines with a role that runs; third is the standby that is not the synchronous one."""
        found = {"leader": None, "sync_standby": None, "replica": None}
        for member in self.members(asked):
            if member["state"] in ("running", "streaming"):
                found[member["role"]] = int(member["name"].removeprefix("machine"))
        return Roles(found["leader"], found["sync_standby"], found["replica"])

    def timeline(self, asked=None):
        return max((member.get("timeline") or 0 for member in self.members(asked) if member["role"] == "leader"), default=0)

    def etcd(self, *command, asked=None):
        """What the first machine that answers says, as JSON; of endpoints that do not answer it says nothing."""
        for machine in asked or MACHINES:
            with contextlib.suppress(Failure, subprocess.TimeoutExpired, ValueError):
                words = f"{ETCDCTL} {ALL_ENDPOINTS} {' '.join(command)} -w json 2>/dev/null; true"
                return json.loads(self.execute(machine, "db", "sh", "-c", words, timeout=15))
        return None

    def etcd_leader(self):
        for status in self.etcd("endpoint", "status") or []:
            if status["Status"]["leader"] == status["Status"]["header"]["member_id"]:
                return int(status["Endpoint"].split("machine")[1][0])
        return None

    def etcd_members(self):
        """{machine: its member's id as etcdctl takes it}."""
        members = self.etcd("member", "list")["members"]
        return {int(member["name"].removeprefix("machine")): f"{member['ID']:x}" for member in members}

    def patronictl(self, machine, *command, timeout=90):
        return self.execute(machine, "db", "patronictl", *command, user="postgres", timeout=timeout)

    def is_healthy(self):
        """All parts run, one leads, two stream on its timeline, one of them synchronously, and the gateways are ready."""
        running = run("docker", "ps", "--filter", "label=com.docker.compose.project=tokpay", "--format", "{{.Names}}").split()
        if not set(self.names.values()) <= set(running):
            return False
        members = self.members()
        roles = sorted((member["role"], member["state"]) for member in members)
        if roles != [("leader", "running"), ("replica", "streaming"), ("sync_standby", "streaming")]:
            return False
        if len({member.get("timeline") for member in members}) != 1:
            return False
        ready = ["curl", "-s", "-o", "/dev/null", "-m", "3", "-w", "%{http_code}", "http://127.0.0.1:9090/readyz"]
        return all(self.execute(machine, "gateway", *ready) == "200" for machine in MACHINES)

    def wait_until_healthy(self, seconds=240):
        eventually(self.is_healthy, seconds, "three healthy machines")

    def logs(self, directory):
        """Everybody's logs, one file a container."""
        os.makedirs(directory, exist_ok=True)
        for name in self.names.values():
            with open(pathlib.Path(directory, f"{name}.log"), "w", encoding="utf-8") as file:
                subprocess.run(["docker", "logs", "--timestamps", name], stdout=file, stderr=subprocess.STDOUT, check=False)
