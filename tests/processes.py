"""Waiting for conditions; stopping, continuing and telling the state of processes."""

import contextlib
import os
import pathlib
import random
import signal
import socket
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


def listens_no_more(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def free_ports(count):
    """Ports below those that outgoing connections take, so that a restarted server finds its own again."""
    free = []
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
    return free[:count]


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
