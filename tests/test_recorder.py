"""What the clients of the cluster's tests record of a real instance passes the checker, and a falsified copy does not.

The instance is this test's own, and is disturbed: PgBouncer and PostgreSQL are killed under the clients.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from http_client import Ledger
from private_instance import Instance
from processes import eventually

CLUSTER = pathlib.Path(__file__).resolve().parent / "cluster"
sys.path.insert(0, str(CLUSTER))

import ledger_dump  # noqa: E402
from history import History  # noqa: E402
from rules import check  # noqa: E402

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
ACCOUNTS = 12
TIMEOUT_S = 30


@pytest.fixture(scope="module")
def instance():
    made = Instance()
    yield made
    made.remove()


def query_of(ledger):
    return lambda statement: [value for (value,) in ledger.execute(f"select x::text from ({statement}) as t(x)")]


class Recording:
    def __init__(self, instance, path):
        ledger = Ledger(instance.pg_url)
        self.query = query_of(ledger)
        self.path = path
        self.accounts = ledger.open_accounts(*[10**9] * ACCOUNTS)
        funding = str(ledger.value("select funding from tokpay.currencies where code = 'USD'"))
        self.append([ledger_dump.setup_line(self.query, SEED, [*self.accounts, funding])])
        settings = {
            "history": str(path), "seed": SEED, "key": ledger.api_key("admin"), "urls": [instance.url],
            "pools": [(instance.run_dir / "pool-url").read_text().strip()], "sql_epoch": "null", "accounts": self.accounts,
            "http_clients": 8, "sql_clients": 2, "pause_s": 0.01, "timeout_s": TIMEOUT_S,
        }  # fmt: skip
        self.settings = path.with_suffix(".settings")
        self.settings.write_text(json.dumps(settings))
        self.process = subprocess.Popen([sys.executable, CLUSTER / "recorder.py", self.settings])

    def append(self, lines):
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def lines(self):
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def goes_on(self, count=200):
        wanted = len(self.acknowledged()) + count
        eventually(lambda: len(self.acknowledged()) >= wanted, 60, "acknowledgements")

    def acknowledged(self):
        return [line for line in self.lines() if line.get("result") == "ok" and "transfer" in line]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=2 * TIMEOUT_S) == 0

    def dump(self, number):
        self.append(ledger_dump.row_lines(self.query, number, self.accounts))

    def settle(self):
        subprocess.run([sys.executable, CLUSTER / "recorder.py", self.settings, "--settle"], check=True, timeout=200)


def test_what_is_recorded_of_a_disturbed_instance_passes_and_a_falsified_copy_does_not(instance, tmp_path):
    recording = Recording(instance, tmp_path / "history.jsonl")
    recording.goes_on()
    instance.kill_pgbouncer()
    instance.start_pgbouncer()
    recording.goes_on()
    instance.kill_postgresql()
    time.sleep(0.3)
    instance.start_postgresql()
    recording.goes_on()
    recording.end()
    recording.query = query_of(Ledger(instance.pg_url))
    recording.dump(1)
    recording.settle()
    recording.dump(2)
    recording.append([ledger_dump.node_line(recording.query, "one", "0/0")])
    lines = recording.lines()
    assert check(History(lines)) == [], f"SEED={SEED}"
    for rule, falsified in FALSIFIED.items():
        assert rule in {found for found, _ in check(History(falsified(json.loads(json.dumps(lines)))))}, f"SEED={SEED}: {rule}"
    checked = subprocess.run([CLUSTER / "checker.py", recording.path], capture_output=True, text=True, check=True)
    print(checked.stdout)
    for what in ("transfer ok", "transfer refused", "hold ok", "capture ok", "void ok", "read ok", "lookup ok", "unknown"):
        assert what in checked.stdout, what


def last(lines, matches):
    return next(line for line in reversed(lines) if matches(line))


def without_the_last_row(lines):
    told = {line.get("transfer") for line in lines if line["line"] == "call" and line["result"] == "ok"}
    lost = last(lines, lambda line: line["line"] == "row" and line["transfer"] in told)["transfer"]
    return [line for line in lines if line["line"] != "row" or line["transfer"] != lost]


def with_a_stale_read(lines):
    read = last(lines, lambda line: line.get("do") == "read" and line["result"] == "ok")
    account = read["shows"][0][0]
    entries = {entry[1]: entry[3] for line in lines if line["line"] == "row" for entry in line["entries"] if entry[0] == account}
    version = read["shows"][0][1] - 20
    read["shows"][0] = [account, version, entries[version]]
    return lines


def with_a_wrong_balance(lines):
    last(lines, lambda line: line.get("do") == "read" and line["result"] == "ok")["shows"][0][2] += 1
    return lines


def with_a_failure_that_was_none(lines):
    asked = Counter((line["debit"], line["key"]) for line in lines if line.get("do") == "transfer")
    once = last(lines, lambda line: line.get("do") == "transfer" and line["result"] == "ok" and asked[line["debit"], line["key"]] == 1)
    once["result"] = "failed"
    return lines


FALSIFIED = {
    "acknowledged": without_the_last_row, "linearizable": with_a_stale_read, "replay": with_a_wrong_balance, "failures": with_a_failure_that_was_none,
}  # fmt: skip
