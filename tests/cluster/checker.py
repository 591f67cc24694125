#!/usr/bin/python3
"""Checks histories: checker.py FILE...

Prints what is in each, then every violation under its rule's name. The status is 1 where there is one, 2 where a history
cannot tell anything: too few calls were acknowledged, or it has no ledger.
"""

import gc
import sys
from collections import Counter

from history import read
from rules import RULES, check

SHOWN = 5  # violations of one rule


def summary(history):
    results = Counter((call.do, call.result) for call in history.calls)
    counts = ", ".join(f"{count} {do} {result}" for (do, result), count in sorted(results.items()))
    epochs = sorted({call.epoch for call in history.calls if call.epoch})
    return (
        f"seed {history.seed}: {len(history.calls)} calls ({counts}), {len(history.ledger.rows)} transfers, "
        f"{len(history.ledger.entries)} accounts, {len(epochs)} epochs, {len(history.nodes)} machines"
    )


def tells_nothing(history):
    """Why, or None."""
    if not history.ledger.rows:
        return "it has no ledger"
    if not any(call.result == "ok" and call.transfer for call in history.calls):
        return "no transfer was acknowledged"
    if not any(call.result == "ok" and call.do == "read" for call in history.calls):
        return "no read was answered"
    return None


def report(path):
    """The exit status."""
    gc.disable()  # nothing of a history becomes garbage, and looking for it takes longer than the rules
    history = read(path)
    print(f"{path}: {summary(history)}")
    if reason := tells_nothing(history):
        print(f"NOTHING CHECKED: {reason}")
        return 2
    violations = check(history)
    by_rule = Counter(rule for rule, _ in violations)
    for name in RULES:
        for sentence in [sentence for rule, sentence in violations if rule == name][:SHOWN]:
            print(f"VIOLATION of {name}: {sentence}")
        if by_rule[name] > SHOWN:
            print(f"VIOLATION of {name}: {by_rule[name] - SHOWN} more")
    print(f"{len(RULES) - len(by_rule)} rules kept, {len(by_rule)} violated")
    return int(bool(violations))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(max(report(path) for path in sys.argv[1:]))
