"""README's quick start works when pasted, on the instance of TOKPAY_TEST_RUN_DIR."""

import re

import documents


def test_the_quick_start_pays_over_http_and_in_sql():
    section = re.search(r"^## Quick start\n(.*?)^## ", (documents.CHECKOUT / "README.md").read_text(), re.M | re.S).group(1)
    make_run, http, sql = [block.text for block in documents.blocks(section) if block.language == "sh"]
    assert make_run == "make run\n"

    said, = documents.paste("sh", [http], documents.CHECKOUT)
    assert '"balance":100000' in said                # alice, before
    assert said.count('"amount":4000') == 2          # the payment's sum and its debit
    assert '"balance":96000' in said                 # alice, after
    assert "Idempotency-Replayed: true" in said
    assert '"amount":1500,"balance":101500' in said  # bob's newest entry

    said, = documents.paste("sh", [sql], documents.CHECKOUT)
    assert re.search(r"alice +\| +96000 \| USD", said)
    assert re.search(r"\{103200,100300\}", said)     # carol and dave after the taxi
    assert re.search(r"\| +-1000 \| +100500 \| \{\d+,\d+\}", said)
    assert "| f " not in said.split("check_name")[1]
