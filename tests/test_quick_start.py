"""README's quick start works when pasted."""

import os
import re
import subprocess
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def shell_blocks():
    """The quick start's commands that are meant for the second terminal: HTTP, then SQL."""
    section = re.search(r"^## Quick start\n(.*?)^## ", README.read_text(), re.M | re.S).group(1)
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    assert blocks[0] == "make run\n"
    return blocks[1:]


def paste(block):
    """Runs a block as it stands, but for this run's port and directory."""
    block = block.replace("http://127.0.0.1:8080", os.environ["TOKPAY_TEST_HTTP"])
    block = block.replace(".run/", os.environ["TOKPAY_TEST_RUN_DIR"] + "/")
    done = subprocess.run(["bash", "-e", "-c", block], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return done.stdout


def test_the_quick_start_pays_over_http_and_in_sql():
    http, sql = shell_blocks()

    said = paste(http)
    assert '"balance":100000' in said                # alice, before
    assert said.count('"amount":4000') == 2          # the payment's sum and its debit
    assert '"balance":96000' in said                 # alice, after
    assert "Idempotency-Replayed: true" in said
    assert '"amount":1500,"balance":101500' in said  # bob's newest entry

    said = paste(sql)
    assert re.search(r"alice +\| +96000 \| USD", said)
    assert re.search(r"\{103200,100300\}", said)     # carol and dave after the taxi
    assert re.search(r"\| +-1000 \| +100500 \| \{\d+,\d+\}", said)
    assert "| f " not in said.split("check_name")[1]
