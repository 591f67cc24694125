"""Histories that can have been, for the tests of the checker."""

from story import two_accounts


def one_after_another():
    story = two_accounts()
    call = story.transfer(0, 1, "1", [("2", 10)], "a")
    story.read(2, 3, "1", "2")
    story.again(4, 5, call)
    story.refused(6, 7, "1", "b", 91)
    story.transfer(8, 9, "1", [("2", 90)], "b")
    story.read(10, 11, "1", "2")
    return story


def reads_overlap_a_transfer():
    story = two_accounts()
    story.read(0, 9, "1", "2")
    story.read(1, 8, "1")
    story.transfer(2, 7, "1", [("2", 10)], "a")
    story.read(3, 6, "2")
    story.read(4, 9, "1", "2")
    return story


def transfers_overlap():
    story = two_accounts()
    story.transfer(5, 9, "1", [("2", 10)], "a")
    story.transfer(0, 6, "2", [("1", 110)], "b")
    story.transfer(1, 5, "1", [("2", 20)], "c")
    return story


def unknown_and_applied_later():
    story = two_accounts()
    story.read(20, 21, "1")
    story.transfer(0, 10, "1", [("2", 10)], "a", "unknown")
    story.read(20, 22, "1")
    return story


def unknown_and_never_applied():
    story = two_accounts()
    story.transfer(0, 10, "1", [("2", 10)], "a", "unknown", applied=False)
    story.read(20, 22, "1")
    story.dump()
    story.transfer(30, 31, "1", [("2", 10)], "a")
    return story


def failed_then_repeated():
    story = two_accounts()
    story.transfer(0, 1, "1", [("2", 10)], "a", "failed", applied=False)
    story.read(2, 3, "1")
    story.transfer(4, 5, "1", [("2", 10)], "a")
    return story


def looked_up():
    story = two_accounts()
    story.lookup(0, 5, "1", "a")
    story.transfer(0, 9, "1", [("2", 10)], "a")
    story.lookup(1, 6, "1", "a", story.rows[-1])
    story.lookup(10, 11, "1", "b")
    return story


def holds_end_once():
    story = two_accounts()
    first, second = story.hold(0, 1, "1", "a"), story.hold(0, 1, "1", "b")
    story.end_hold(2, 3, "capture", first, "c", [("1", -5), ("2", 5)])
    story.end_hold(2, 3, "void", second, "d")
    story.read(4, 5, "1", "2")
    story.read(4, 5, states=[["1", 2, 95, 0]])
    return story


def held_while_it_is():
    """A read beside the beginning or the end of a hold may find it or not."""
    story = two_accounts()
    hold = story.hold(0, 9, "1", "a")
    story.read(5, 6, states=[["1", 1, 100, 0]])
    story.read(5, 6, states=[["1", 1, 100, 5]])
    story.read(10, 11, states=[["1", 1, 100, 5]])
    story.read(13, 14, states=[["1", 1, 100, 5]])
    story.read(13, 14, states=[["1", 1, 100, 0]])
    story.end_hold(12, 19, "void", hold, "b")
    return story


def a_failover():
    """The old leader's last reads return late; what was unknown is repeated in the next epoch."""
    story = two_accounts("1.1.1")
    story.transfer(0, 1, "1", [("2", 10)], "a")
    story.read(2, 30, "1", "2")
    story.transfer(3, 4, "1", [("2", 10)], "b", "unknown", applied=False)
    story.epoch = "1.2.2"
    story.transfer(10, 20, "1", [("2", 10)], "b")
    story.read(31, 32, "1", "2")
    story.node("machine1"), story.node("machine2"), story.node("machine3", "0/2", "later")
    return story


def a_refusal_of_an_old_moment():
    story = two_accounts()
    story.transfer(0, 9, "1", [("2", 10)], "a")
    story.refused(1, 2, "1", "b", 101, balance=100)
    return story


GOOD = [
    one_after_another, reads_overlap_a_transfer, transfers_overlap, unknown_and_applied_later, unknown_and_never_applied,
    failed_then_repeated, looked_up, holds_end_once, held_while_it_is, a_failover, a_refusal_of_an_old_moment,
]  # fmt: skip
