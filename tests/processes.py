"""Waiting for conditions; stopping, continuing and telling the state of processes."""

import contextlib
import os
import pathlib
import signal
import time


def eventually(condition, seconds, what):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def process_state(pid):
    """The letter of /proc/PID/stat and the parent; Z and 0 where the process is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except OSError:
        return "Z", 0


def process_title(pid):
    """Its command line, which a server may have replaced; empty where the process is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def children(parent):
    processes = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in processes if process_state(pid)[1] == parent]


def signal_all(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a backend may just have ended by itself
            os.kill(pid, number)


@contextlib.contextmanager
def stopped(pids):
    """SIGSTOP, and SIGCONT in the end."""
    try:
        signal_all(pids, signal.SIGSTOP)
        yield
    finally:
        signal_all(pids, signal.SIGCONT)
