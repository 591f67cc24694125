"""Histories that cannot have been, by the rule that alone refuses them, for the tests of the checker."""

from good_histories import one_after_another
from story import Story, two_accounts


def acknowledged_and_lost():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    del story.rows[-1]
    return story


def acknowledged_hold_and_lost():
    story = two_accounts()
    story.hold(0, 1, "1", "a")
    del story.rows[-1]
    return story


def acknowledged_with_other_payees():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")["legs"] = [["2", 11]]
    return story


def lost_between_the_dumps():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a", "unknown")
    story.dump()
    del story.rows[-1]
    return story


def executed_twice():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.row("transfer", "1", "a", [("1", -10), ("2", 10)])
    return story


def captured_and_voided():
    story = two_accounts()
    hold = story.hold(0, 1, "1", "a")
    story.end_hold(2, 3, "capture", hold, "b", [("1", -5), ("2", 5)])
    story.end_hold(2, 3, "void", hold, "c")
    return story


def nobody_asked():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.row("transfer", "1", "z", [("1", -10), ("2", 10)])
    return story


def two_answers():
    story = two_accounts()
    story.again(2, 3, story.transfer(0, 1, "1", [("2", 10)], "a"))["at"] = "another time"
    return story


def refused_what_was_acknowledged():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.refused(2, 3, "1", "a", 91)
    return story


def failed_and_executed():
    story = two_accounts()
    call = story.transfer(0, 1, "1", [("2", 10)], "a")
    call["result"] = "failed"
    for member in ("transfer", "at", "shows"):
        del call[member]
    return story


def a_balance_that_never_was():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.read(2, 3, "1", states=[["1", 2, 91]])
    return story


def below_the_floor():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 101)], "a")
    return story


def a_gap_in_the_versions():
    story = two_accounts()
    story.state["2"] = 2, 100
    story.transfer(0, 1, "1", [("2", 10)], "a")
    return story


def money_from_nowhere():
    story = two_accounts()
    story.row("transfer", "1", "a", [("1", -10), ("2", 11)])
    story.call(0, 1, "transfer", "unknown", debit="1", key="a", legs=[["2", 10]])
    return story


def read_and_lost():
    story = two_accounts()
    story.transfer(0, 9, "1", [("2", 10)], "a", "unknown", applied=False)
    story.read(5, 6, "1", states=[["1", 2, 90]])
    return story


def read_lost_and_applied_again():
    """A phantom that a retry makes look real."""
    story = two_accounts()
    story.transfer(0, 9, "1", [("2", 10)], "a", "unknown", applied=False)
    story.read(5, 6, "1", states=[["1", 2, 90]])
    story.dump()
    story.transfer(20, 21, "1", [("2", 10)], "a")
    return story


def a_hold_that_is_mentioned_and_lost():
    story = two_accounts()
    hold = story.hold(0, 1, "1", "a")
    story.call(2, 3, "void", "refused", debit="1", key="b", hold=hold["transfer"], code="hold_not_pending", mentions="77")
    return story


def a_stale_read():
    story = two_accounts()
    old = story.states("1")
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.read(2, 3, states=old)
    return story


def a_read_of_the_future():
    story = two_accounts()
    story.transfer(5, 6, "1", [("2", 10)], "a")
    story.read(2, 3, "1")
    return story


def reads_go_back():
    story = two_accounts()
    old = story.states("1")
    story.transfer(0, 90, "1", [("2", 10)], "a", "unknown")
    story.read(10, 11, "1")
    story.read(20, 21, states=old)
    return story


def transfers_against_time():
    story = two_accounts()
    story.transfer(5, 6, "1", [("2", 10)], "a")
    story.transfer(0, 1, "1", [("2", 10)], "b")
    return story


def a_hold_that_is_not_seen():
    story = two_accounts()
    story.hold(0, 1, "1", "a")
    story.read(2, 3, states=[["1", 1, 100, 0]])
    return story


def a_hold_that_is_lost_and_seen():
    story = two_accounts()
    story.call(0, 9, "hold", "unknown", debit="1", key="a", legs=[["2", 5]])
    story.read(2, 3, states=[["1", 1, 100, 5]])
    return story


def a_refusal_that_is_stale():
    story = two_accounts()
    story.transfer(0, 1, "2", [("1", 50)], "a")
    story.refused(2, 3, "1", "b", 120, balance=100)
    return story


def a_refusal_of_what_was_lost():
    story = two_accounts()
    story.transfer(0, 9, "1", [("2", 10)], "a", "unknown", applied=False)
    story.refused(2, 3, "1", "b", 95, balance=90)
    return story


def refused_with_enough():
    story = two_accounts()
    story.refused(2, 3, "1", "b", 100)
    return story


def a_long_fork():
    story = Story({"1": 100, "2": 100, "3": 100, "4": 100})
    one, two = story.states("1"), story.states("2")
    story.transfer(0, 9, "1", [("3", 10)], "a")
    story.transfer(0, 9, "2", [("4", 10)], "b")
    story.read(1, 8, states=story.states("1") + two)
    story.read(1, 8, states=one + story.states("2"))
    return story


def half_a_transfer():
    story = two_accounts()
    old = story.states("2")
    story.transfer(0, 9, "1", [("2", 10)], "a")
    story.read(1, 8, states=story.states("1") + old)
    return story


def a_fork_in_a_hold():
    """A hold was made before the first transfer and after the second, a read saw them the other way round."""
    story = Story({"1": 100, "2": 100, "3": 100, "4": 100})
    two = story.states("2")
    story.hold(12, 50, "1", "c")
    story.transfer(0, 90, "1", [("3", 10)], "a")
    story.read(1, 80, states=story.states("1") + two)
    story.transfer(2, 10, "2", [("4", 10)], "b")
    return story


def a_fork_in_a_refusal():
    """A read saw the first transfer and not the second; after the second, a refusal did not see the first."""
    story = Story({"1": 100, "2": 100, "3": 100, "4": 100})
    two = story.states("2")
    story.transfer(0, 90, "1", [("3", 10)], "a")
    story.read(1, 80, states=story.states("1") + two)
    story.transfer(2, 10, "2", [("4", 10)], "b")
    story.refused(12, 50, "1", "c", 101, balance=100)
    return story


def not_found_after_all():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.lookup(2, 3, "1", "a")
    return story


def a_phantom_of_an_old_epoch():
    """Seen in epoch 1, lost, and committed with the same version in epoch 2 by a client's retry."""
    story = two_accounts("1.1.1")
    story.transfer(0, 9, "1", [("2", 10)], "a", "unknown", applied=False)
    story.read(5, 6, "1", states=[["1", 2, 90]])
    story.epoch = "1.2.2"
    story.transfer(10, 11, "1", [("2", 10)], "a")
    return story


def an_entry_of_a_deposed_leader():
    story = two_accounts("1.2.2")
    story.transfer(0, 9, "1", [("2", 10)], "a")
    story.epoch = "1.1.1"
    story.row("transfer", "1", "b", [("1", -10), ("2", 10)])
    story.call(0, 9, "transfer", "unknown", debit="1", key="b", legs=[["2", 10]])
    return story


def two_leaders_at_once():
    story = two_accounts("1.2.2")
    story.read(0, 1, "1")
    story.epoch = "1.1.1"
    story.read(2, 3, "1")
    return story


def books_in_disorder():
    story = one_after_another()
    story.node("machine1", faults=["chain: account 1"])
    return story


def copies_that_differ():
    story = one_after_another()
    story.node("machine1"), story.node("machine2", digest="e")
    return story


BAD = {
    "acknowledged": [acknowledged_and_lost, acknowledged_hold_and_lost, acknowledged_with_other_payees, lost_between_the_dumps],
    "one effect": [executed_twice, captured_and_voided, nobody_asked],
    "equal replies": [two_answers, refused_what_was_acknowledged],
    "failures": [failed_and_executed],
    "replay": [a_balance_that_never_was, below_the_floor, a_gap_in_the_versions, money_from_nowhere],
    "shown": [read_and_lost, read_lost_and_applied_again, a_hold_that_is_mentioned_and_lost],
    "linearizable": [a_stale_read, a_read_of_the_future, reads_go_back, transfers_against_time],
    "held": [a_hold_that_is_not_seen, a_hold_that_is_lost_and_seen],
    "refusals": [a_refusal_that_is_stale, a_refusal_of_what_was_lost, refused_with_enough],
    "one order": [a_long_fork, half_a_transfer, a_fork_in_a_hold, a_fork_in_a_refusal, not_found_after_all],
    "epochs of rows": [a_phantom_of_an_old_epoch, an_entry_of_a_deposed_leader],
    "epochs in time": [two_leaders_at_once],
    "books": [books_in_disorder],
    "copies": [copies_that_differ],
}
