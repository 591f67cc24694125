"""The times to which `make restore` goes, and those that it refuses before it stops anything."""

import datetime
import json
import subprocess
import time

import pytest
from documents import CHECKOUT

OLDEST_END = 1_600_000_000  # 2020-09-13 12:26:40 UTC


def info(*ends):
    """What `pgbackrest info --output=json` says of base backups that ended then, where it matters."""
    backups = [{"archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"}, "error": False, "label": "20261127-094934F",
                "lsn": {"start": "0/2000028", "stop": "0/2000138"}, "timestamp": {"start": end - 15, "stop": end}, "type": "full"} for end in ends]
    return json.dumps([{"archive": [{"id": "15-1", "max": "000000010000000000000004"}], "backup": backups, "name": "tokpay"}], separators=(",", ":"))


def target(to, *ends):
    """What it goes to, and what it says of a time that it refuses. The zone is that of an operator east of Greenwich."""
    script = 'set -euo pipefail; fail() { echo "$*" >&2; exit 1; }; source docker/recovery.bash; restore_target "$@"'
    done = subprocess.run(["bash", "-c", script, "-", to, info(*ends)], cwd=CHECKOUT, env={"PATH": "/usr/bin:/bin", "TZ": "AST-3"},
                          capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stdout.strip() or None, done.stderr.strip()


@pytest.mark.parametrize(("to", "normal"), [
    ("2020-09-13 12:26:41+00", "2020-09-13 12:26:41.000000+00"),
    ("2020-09-13 13:26:41.25+01", "2020-09-13 12:26:41.250000+00"),
    ("2020-09-13T12:26:41", "2020-09-13 12:26:41.000000+00"),
])
def test_a_time_is_told_in_utc(to, normal):
    assert target(to, OLDEST_END - 86400, OLDEST_END)[0] == normal


def test_words_of_dates_are_a_time():
    normal, _ = target("10 minutes ago", int(time.time()) - 3600)
    assert 600 <= time.time() - datetime.datetime.fromisoformat(normal + ":00").timestamp() < 660


@pytest.mark.parametrize(("to", "ends", "said"), [
    ("half past nine", [OLDEST_END], "is not a time"),
    ("tomorrow", [OLDEST_END], "is still to come"),
    ("1 second", [OLDEST_END], "is still to come"),
    ("2020-09-13 12:26:40.9+00", [OLDEST_END + 60, OLDEST_END], "is not after the end of the oldest backup, 2020-09-13 12:26:40+00"),
    ("2020-09-13 12:26:41+00", [], "there is no backup"),
])
def test_what_no_recovery_can_reach_is_refused(to, ends, said):
    refused = target(to, *ends)
    assert refused[0] is None and said in refused[1]
