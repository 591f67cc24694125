"""The memory of a gateway whose connections do nothing.

What is counted is VmRSS of /proc/PID/status, all that the process occupies. The kernel's part of a
connection, a socket without data, is not in it.
"""

from dataclasses import dataclass

from measure.checkout import Failure
from measure.driver import finish_load

REQUESTS_PER_S = 5_000
# Long enough for every connection to be answered some times: they have had a request, as those of real
# clients have, and none keeps the memory of a crowd that came all at once.
ROUNDS = 3


@dataclass
class Idle:
    before_mib: float
    total_mib: float
    each_kib: float


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise Failure(f"process {pid} has no memory")


def with_idle_connections(gateway, connections):
    """Opens them, has each of them answered, and leaves them alone."""
    before = rss_kib(gateway.pid)
    client = gateway.start_load(
        *("balance",),
        connections=connections,
        rate=REQUESTS_PER_S,
        warm_up=0,
        seconds=ROUNDS * connections / REQUESTS_PER_S,
        hold=1,
    )
    told = client.stdout.readline()  # the client waits for the end of its input now
    after = rss_kib(gateway.pid)
    finish_load(client, told)
    return Idle(before / 1024, after / 1024, (after - before) / connections)
