"""Runs a client: one measurement, told as one line of JSON."""

import json
import subprocess

from measure.checkout import CHECKOUT, Failure

DRIVERS = CHECKOUT / "build/bench/driver"


def start_load(driver, options, environment=None):
    """The client at work, a subprocess; finish_load() waits for what it measures."""
    arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return subprocess.Popen(
        [DRIVERS / driver, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_load(client, told=""):
    """What it measures, the part of it that was read already included."""
    try:
        out, errors = client.communicate()
    except BaseException:
        client.kill()
        raise
    if client.returncode != 0:
        raise Failure(f"{' '.join(map(str, client.args))}\n{errors}")
    return json.loads(told + out)
