#!/usr/bin/python3
"""Breaks the running cluster row by row while clients are at work, and checks what they were told. make test-cluster calls it.

Environment: RUN_DIR; SEED; ROUNDS (1), of which each has a history of its own; CLUSTER=short, the rows of about five minutes;
FAULTS, a regular expression for the names of rows; CLUSTER_DIR (build/cluster), for histories, logs and figures. The last line is "N passed, N failed".
"""

import json
import os
import pathlib
import random
import re
import signal
import sys
import time

import faults
from checker import report
from cluster import CHECKOUT, Cluster, Failure, eventually, run
from load import CONTAINER, Load, new_seed
from rows import ROWS
from scene import Scene

LANDING_S = 90
CALLS = 100  # acknowledged writes, and reads, before and after a fault
# The longest that a class of faults may stall writes or reads, whatever this run has measured; seconds.
CEILINGS = {
    "none": 8, "pool": 12, "crash": 30, "switchover": 30, "standby": 30, "loss": 60, "deposed": 60, "apart": 60, "stuck": 60, "packets": 60, "both": 60, "two": 90,
}  # fmt: skip
TOLERANCE_S = 2  # below it nothing is compared


class Suite:
    def __init__(self):
        self.cluster = Cluster(os.environ.get("RUN_DIR", CHECKOUT / ".run"))
        self.seed = int(os.environ.get("SEED") or new_seed())
        self.chance = random.Random(self.seed)
        self.directory = pathlib.Path(os.environ.get("CLUSTER_DIR", CHECKOUT / "build/cluster"))
        self.calibrated = {}  # class of faults: the stall that was measured first
        self.results = []
        self.passed = self.failed = 0
        self.load = None

    def rows(self):
        wanted = re.compile(os.environ.get("FAULTS", ""))
        chosen = [row for row in ROWS if wanted.search(row.name) and (row.short or os.environ.get("CLUSTER") != "short")]
        return self.chance.sample(chosen, len(chosen)) if int(os.environ.get("ROUNDS", 1)) > 1 else chosen

    def count(self, passed, text):
        self.passed, self.failed = self.passed + passed, self.failed + (not passed)
        print(f"{'ok     ' if passed else 'FAILED '} {text}", flush=True)

    def round(self, number):
        directory = self.directory / f"round-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        self.cluster.wait_until_healthy()
        self.load = Load(self.cluster, directory, self.chance.randrange(1 << 32))
        self.load.start()
        try:
            for row in self.rows():
                self.row(row)
            self.load.finish()
            self.count(report(self.load.path) == 0, f"the history of round {number}")
        finally:
            self.cluster.logs(directory / "log")

    def row(self, row):
        print(f"        {row.name} …", flush=True)
        scene = None
        try:
            scene = self.scene()
            self.count(True, f"{row.name}: {self.broken(row, scene)}")
        except Failure as failure:
            self.count(False, f"{row.name}: {failure}")
            self.load.mark(f"failed: {row.name}")
            faults.mend(self.cluster)
            if scene is not None:
                row.heal(scene)
            self.cluster.wait_until_healthy()

    def scene(self):
        """A healthy cluster that has just served a hundred writes and reads."""
        self.cluster.wait_until_healthy()
        self.load.wait_for(CALLS, time.monotonic())
        roles = self.cluster.roles()
        if not all(roles):
            raise Failure(f"not tested: {roles}")
        return Scene(self.cluster, self.load, self.chance, roles, self.load.epoch(), self.cluster.timeline())

    def broken(self, row, scene):
        """Breaks and mends; what there is to say of it."""
        injected = scene.notes["injected"] = time.monotonic()
        self.load.mark(row.name, roles=scene.roles)
        row.inject(scene)
        try:
            evidence = eventually(lambda: row.landed(scene), LANDING_S, "landing")
        except Failure as failure:
            raise Failure(f"not tested: {failure}") from failure
        measured_from = injected
        if row.serves:
            self.load.wait_for(CALLS, time.monotonic())
        self.load.mark(f"mended: {row.name}", evidence=evidence)
        if not row.serves:
            measured_from = time.monotonic()
        row.heal(scene)
        self.load.wait_for(CALLS, time.monotonic())
        self.cluster.wait_until_healthy()
        return self.judge(row, scene, evidence, measured_from, time.monotonic())

    def judge(self, row, scene, evidence, since, until):
        writes_s, reads_s = self.load.stalls(since, until)
        worst = max(writes_s, reads_s)
        bound = min(CEILINGS[row.stalls], max(TOLERANCE_S, 2 * self.calibrated.setdefault(row.stalls, worst)))
        unanswered = self.load.unanswered(scene.notes["injected"], until)
        self.results.append({
            "row": row.name, "evidence": evidence, "writes_s": writes_s, "reads_s": reads_s, "bound_s": bound,
            "unanswered": unanswered, "took_s": until - scene.notes["injected"],
        })  # fmt: skip
        said = f"{evidence}; writes stalled {writes_s:.1f} s, reads {reads_s:.1f} s, at most {bound:.1f} s; {unanswered} requests unanswered"
        timeline = self.cluster.timeline()
        if not row.changes and timeline != scene.timeline:
            raise Failure(f"the leader changed without cause, timeline {timeline} after {scene.timeline}; {said}")
        if worst > bound:
            raise Failure(f"too long; {said}")
        return said

    def run(self):
        print(f"SEED={self.seed}", flush=True)
        for number in range(1, int(os.environ.get("ROUNDS", 1)) + 1):
            self.round(number)

    def end(self):
        run("docker", "rm", "--force", CONTAINER, check=False)
        faults.mend(self.cluster)
        (self.directory / f"results-{self.seed}.json").write_text(json.dumps({"seed": self.seed, "rows": self.results}, indent=1))
        print(f"SEED={self.seed}; histories and logs are in {self.directory}")
        print(f"{self.passed} passed, {self.failed} failed")
        return int(self.failed > 0 or self.passed == 0)


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def main():
    signal.signal(signal.SIGTERM, interrupted)
    try:
        suite = Suite()
    except Failure as failure:
        print(f"{failure}\n0 passed, 1 failed")
        return 1
    try:
        suite.run()
    except (Exception, KeyboardInterrupt) as error:
        suite.count(False, f"the run ended early: {error!r}")
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
