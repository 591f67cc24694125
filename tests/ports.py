"""Ports that are free, and whether one is."""

import contextlib
import random
import socket


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
