"""The checkout that is measured, and how a benchmark speaks to the person who runs it."""

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """What ends a benchmark, in words for the person who runs it."""


def say(text):
    """Tells what is being done."""
    print(f"  {text}", file=sys.stderr, flush=True)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=CHECKOUT).stdout.strip()


def output_if_any(*command):
    try:
        return output(*command)
    except (OSError, subprocess.CalledProcessError):
        return ""
