"""The clients of a run, in a container inside the cluster's network, and what their history says while it grows."""

import json
import random
import threading
import time

import ledger_dump
from cluster import CHECKOUT, MACHINES, Failure, eventually, run
from history import MONEY, parse_epoch

CONTAINER = "tokpay-clients"
ACCOUNTS = 16
OPENING_BALANCE = 10**12
HTTP_CLIENTS, SQL_CLIENTS, PAUSE_S = 14, 3, 0.08
TIMEOUT_S = 75  # above the gateways' deadline
PROGRESS_S = 150  # a cluster that is whole again answers a hundred of each within it


class Load:
    def __init__(self, cluster, directory, seed):
        self.cluster, self.directory, self.seed = cluster, directory, seed
        self.path = directory / "history.jsonl"
        self.path.write_text("")
        self.calls = []  # (start and end in seconds, is a write, result, client, code), in the order of the ends
        self.epochs = []  # (end, epoch), of the first reply of each
        self.marks = []
        self.accounts = self._open_accounts()
        self.following = True
        self.follower = threading.Thread(target=self._follow, daemon=True)

    def _open_accounts(self):
        leader = eventually(lambda: self.cluster.roles().leader, 60, "a leader")
        opened = self.cluster.sql(leader, f"select tokpay.open_account() from generate_series(1, {ACCOUNTS})")
        topped_up = f"select t.transfer from unnest('{ledger_dump.array(opened)}'::bigint[]) a, tokpay.top_up(a, {OPENING_BALANCE}) t"
        self.cluster.sql(leader, topped_up)
        funding = self.cluster.sql(leader, "select funding from tokpay.currencies where code = 'USD'")
        self._append([ledger_dump.setup_line(self.cluster.query(leader), self.seed, [*opened, *funding])])
        return opened

    def _append(self, lines):
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def _settings(self, addresses):
        password = self.cluster.password("teller")
        leader = eventually(lambda: self.cluster.roles().leader, 60, "a leader")
        known = self.cluster.sql(leader, "select to_regproc('tokpay.epoch') is not null") == ["t"]
        gateways = [f"http://{addresses[machine]}:8080" for machine in MACHINES]
        front = f"http://{addresses[0]}:8080"
        return {
            "history": "/run/clients/history.jsonl", "seed": self.seed, "key": (self.cluster.run_dir / "cluster-api-key").read_text().strip(),
            "urls": [url for gateway in gateways for url in (front, gateway)],
            "pools": [f"postgresql://teller:{password}@{addresses[machine]}:6432/tokpay?sslmode=require" for machine in MACHINES],
            "sql_epoch": "tokpay.epoch()" if known else "null", "accounts": self.accounts, "http_clients": HTTP_CLIENTS,
            "sql_clients": SQL_CLIENTS, "pause_s": PAUSE_S, "timeout_s": TIMEOUT_S,
        }  # fmt: skip

    def _container(self, *options, command=()):
        network, _ = self.cluster.network()
        mounts = ["-v", f"{CHECKOUT}/tests/cluster:/clients:ro", "-v", f"{self.directory}:/run/clients"]
        program = ["--entrypoint", "/usr/bin/python3", self.cluster.image("db"), "/clients/recorder.py", "/run/clients/settings.json"]
        run("docker", "run", "--name", CONTAINER, "--network", network, "--user", "0", *mounts, *options, *program, *command, timeout=300)

    def start(self):
        _, addresses = self.cluster.network()
        (self.directory / "settings.json").write_text(json.dumps(self._settings(addresses)))
        run("docker", "rm", "--force", CONTAINER, check=False)
        self._container("--detach", "--env", "PYTHONDONTWRITEBYTECODE=1")
        self.follower.start()

    def _follow(self):
        with open(self.path, encoding="utf-8") as file:
            rest = ""
            while self.following:
                rest += file.read()
                *lines, rest = rest.split("\n")
                for line in lines:
                    self._note(json.loads(line))
                time.sleep(0.1)

    def _note(self, line):
        if line["line"] != "call":
            return
        end = line["end"] / 1e9
        self.calls.append((line["start"] / 1e9, end, line["do"] in MONEY, line["result"], line["client"], line.get("code")))
        epoch = parse_epoch(line.get("epoch"))
        if epoch and (not self.epochs or epoch > self.epochs[-1][1]):
            self.epochs.append((end, epoch))

    def acknowledged(self, since, until=float("inf")):
        """(writes, reads) that began after a moment and were answered."""
        writes = reads = 0
        for start, end, is_write, result, _, _ in reversed(self.calls):
            if end < since:
                break
            if start >= since and end <= until and result == "ok":
                writes, reads = writes + is_write, reads + (not is_write)
        return writes, reads

    def wait_for(self, count, since, seconds=PROGRESS_S):
        """So many acknowledged writes and reads that began after a moment."""

        def enough():
            self.check()
            return min(self.acknowledged(since)) >= count

        eventually(enough, seconds, f"{count} acknowledged writes and reads")

    def stalls(self, since, until):
        """The longest times without an acknowledged write, and read: (writes, reads) in seconds."""
        longest = []
        for kind in (True, False):
            ends = [end for _, end, is_write, result, _, _ in self.calls if is_write == kind and result == "ok" and since < end < until]
            moments = [since, *ends, until]
            longest.append(max(after - before for before, after in zip(moments, moments[1:], strict=False)))
        return tuple(longest)

    def unanswered(self, since, until):
        """Requests over HTTP that were answered 503 or 504, or lost on the way to the front door. A gateway that died loses its own."""
        _, addresses = self.cluster.network()

        def counts(result, client, code):
            at_front = client.endswith(f"//{addresses[0]}:8080")
            return result in ("failed", "unknown") and client.startswith("http") and (at_front or code not in ("lost", "not sent"))

        return sum(counts(result, client, code) for _, end, _, result, client, code in self.calls if since < end < until)

    def epoch(self):
        return self.epochs[-1][1] if self.epochs else None

    def check(self):
        """The clients are at work."""
        if run("docker", "inspect", "--format", "{{.State.Running}}", CONTAINER).strip() != "true":
            raise RuntimeError("the clients have ended: " + run("docker", "logs", "--tail", "20", CONTAINER, check=False))

    def mark(self, what, **members):
        self.marks.append({"line": "mark", "time": time.monotonic_ns(), "what": what, **members})

    def finish(self):
        """Ends the clients, dumps the ledger, settles what is unknown, dumps it again, with every machine's state."""
        run("docker", "kill", "--signal", "TERM", CONTAINER, check=False)
        status = run("docker", "wait", CONTAINER, timeout=2 * TIMEOUT_S).strip()
        said = run("docker", "logs", CONTAINER, check=False)
        self.following = False
        run("docker", "rm", "--force", CONTAINER, check=False)
        if status != "0":
            raise Failure(f"the clients ended with {status}: {said}")
        self._append(self.marks)
        self.cluster.wait_until_healthy()
        self._dump(1)
        self._container("--rm", command=["--settle"])
        self._dump(2)
        self._append(self._nodes())

    def _dump(self, number):
        leader = eventually(lambda: self.cluster.roles().leader, 60, "a leader")
        self._append(ledger_dump.row_lines(self.cluster.query(leader), number, self.accounts))

    def _nodes(self):
        """The leader's digest at a position, and those of the standbys once they have come as far. Nothing writes to the books now."""
        roles = self.cluster.roles()
        position = self.cluster.sql(roles.leader, "select pg_current_wal_flush_lsn()")[0]
        reached = f"select pg_last_wal_replay_lsn() >= '{position}'"
        for machine in (roles.sync, roles.third):
            eventually(lambda machine=machine: self.cluster.sql(machine, reached) == ["t"], 60, f"machine {machine} at {position}")
        # A standby cancels a query that holds up its replay for long; then it is asked again.
        line = lambda machine: ledger_dump.node_line(self.cluster.query(machine), f"machine{machine}", position)
        return [eventually(lambda machine=machine: line(machine), 120, f"machine {machine}'s digest") for machine in MACHINES]


def new_seed():
    return random.randrange(1 << 32)
