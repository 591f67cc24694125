"""The checker of cluster histories: good ones pass, and for each rule there are bad ones that this rule alone refuses.

What it says of orders is compared with a search through all orders, on thousands of small random histories; SEED repeats them.
"""

import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

CLUSTER = pathlib.Path(__file__).resolve().parent / "cluster"
sys.path.insert(0, str(CLUSTER))

from bad_histories import BAD, a_stale_read  # noqa: E402
from good_histories import GOOD, one_after_another  # noqa: E402
from rules import RULES, check  # noqa: E402
from story import Story, two_accounts  # noqa: E402

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
RANDOM_HISTORIES = 4000


def refusing(story):
    return {rule for rule, _ in check(story.history())}


@pytest.mark.parametrize("make", GOOD)
def test_a_good_history_passes(make):
    assert check(make().history()) == []


def test_every_rule_has_a_bad_history():
    assert set(BAD) == set(RULES)


@pytest.mark.parametrize("rule,make", [(rule, make) for rule, some in BAD.items() for make in some])
def test_a_bad_history_is_refused_by_its_rule_alone(rule, make):
    assert refusing(make()) == {rule}


# Orders, compared with a search through all of them


def is_before(one, other):
    return one[1] < other[0]


def has_an_order(operations):
    """operations: (start, end, is_read, {account: version}). Whether all fit into one order that agrees with real time."""
    dead_ends = set()

    def search(left, state):
        if not left:
            return True
        if left in dead_ends:
            return False
        for index in left:
            start, end, is_read, versions = operations[index]
            if any(is_before(operations[other], operations[index]) for other in left):
                continue
            step = 0 if is_read else 1
            if all(state[account] + step == version for account, version in versions.items()):
                following = state if is_read else {**state, **versions}
                if search(left - {index}, following):
                    return True
        dead_ends.add(left)
        return False

    return search(frozenset(range(len(operations))), {"1": 1, "2": 1, "3": 1})


def random_story(chance, accounts):
    """Up to nine operations, most of them as a correct ledger answers; and the same for has_an_order()."""
    story = Story(dict.fromkeys(["1", "2", "3"], 1000))
    points = sorted(chance.sample(range(100), chance.randint(2, 9)))
    states = [story.states(accounts)]
    width = chance.choice([3, 10, 30])
    for number, point in enumerate(points):
        start, end = point - chance.randint(0, width), point + chance.randint(0, width)
        if chance.random() < 0.1:
            start, end = start + 40, end + 40
        if chance.random() < 0.5:
            debit = chance.choice(accounts)
            credit = chance.choice([account for account in ["1", "2", "3"] if account != debit])
            story.transfer(start, end, debit, [(credit, 1)], f"key {number}")
            states.append(story.states(accounts))
        else:
            some = chance.sample(range(len(accounts)), chance.randint(1, len(accounts)))
            seen = states[-1] if chance.random() < 0.8 else chance.choice(states[-3:])
            story.read(start, end, states=[seen[index] for index in some])
    operations = [
        (call["start"], call["end"], call["do"] == "read", {account: version for account, version, _ in call["shows"]})
        for call in story.calls
    ]
    return story, operations


def compare_with_search(accounts, verdict, own_operations):
    """verdict: of a story, what is wrong with its order; own_operations: those that it is about."""
    chance = random.Random(f"{SEED} {accounts}")
    found = {True: 0, False: 0}
    for number in range(RANDOM_HISTORIES):
        story, operations = random_story(chance, accounts)
        wrong = verdict(story)
        ordered = has_an_order(own_operations(operations))
        assert ordered == (not wrong), f"SEED={SEED} history {number}: {wrong} {story.calls}"
        found[ordered] += 1
    assert min(found.values()) > RANDOM_HISTORIES / 10, f"SEED={SEED}: {found}"


def test_an_account_by_itself_is_refused_when_a_search_finds_no_order():
    def verdict(story):
        return [sentence for rule, sentence in check(story.history()) if rule == "linearizable" and sentence.startswith("account 1:")]

    def of_account_1(operations):
        return [(start, end, is_read, {"1": versions["1"]}) for start, end, is_read, versions in operations]

    compare_with_search(["1"], verdict, of_account_1)


def test_all_accounts_together_are_refused_when_a_search_finds_no_order():
    def verdict(story):
        violations = check(story.history())
        assert {rule for rule, _ in violations} <= {"linearizable", "one order"}
        return violations

    compare_with_search(["1", "2", "3"], verdict, list)


# The program


def test_the_program_says_what_is_wrong_and_refuses_what_tells_nothing(tmp_path):
    def run(story):
        lines = [story.setup, *story.calls, *({**row, "dump": 1} for row in story.rows)]
        path = tmp_path / "history.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = subprocess.run([sys.executable, CLUSTER / "checker.py", path], capture_output=True, text=True)
        assert not done.stderr
        return done.returncode, done.stdout

    status, said = run(one_after_another())
    assert status == 0 and "14 rules kept, 0 violated" in said
    status, said = run(a_stale_read())
    assert status == 1 and "VIOLATION of linearizable: account 1: transfer " in said
    status, said = run(two_accounts())
    assert status == 2 and "NOTHING CHECKED: no transfer was acknowledged" in said
