"""When each transfer of the ledger took effect, and which versions of an account a call may have seen."""

import bisect
import itertools
from collections import namedtuple

from history import ALWAYS, MONEY, NEVER

# What happened to one account between start and end: a version was written, or seen as the latest.
Event = namedtuple("Event", "version is_read start end cause")


class Effect:
    """A row of the ledger with the interval in which it was committed."""

    __slots__ = ("row", "start", "end")

    def __init__(self, row, start, end):
        self.row, self.start, self.end = row, start, end

    def __str__(self):
        return str(self.row)


def attempts_by_place(history):
    """{(debit, key): the calls that asked for it}."""
    attempts = {}
    for call in history.calls:
        if call.do in MONEY:
            attempts.setdefault(call.place, []).append(call)
    return attempts


def is_from_before(history, row):
    """True of what was in the ledger before the first call."""
    return bool(row.entries) and all(version <= history.opening(account)[0] for account, version, *_ in row.entries)


def effects(history):
    """{transfer: Effect}. One begins with the first call that can have caused it, and has ended when a reply shows it."""
    attempts = attempts_by_place(history)
    shown = {}
    for call in history.calls:
        if call.transfer is not None and call.result == "ok":
            shown[call.transfer] = min(shown.get(call.transfer, NEVER), call.end)
    made = {}
    for row in history.ledger.rows:
        if is_from_before(history, row):
            made[row.transfer] = Effect(row, ALWAYS, ALWAYS)
            continue
        early = row.transfer in history.before_retries.by_transfer
        starts = [
            call.start
            for call in attempts.get(row.place, ())
            if call.result in ("ok", "unknown") and not (early and call.retry)
        ]
        made[row.transfer] = Effect(row, min(starts, default=ALWAYS), shown.get(row.transfer, NEVER))
    return made


class Timeline:
    """The events of one account in the order of its versions."""

    def __init__(self, events):
        self.events = sorted(events, key=lambda event: event[:2])
        self.ends = []  # ascending, each with the highest version that had ended by then
        self.highest = []
        for event in sorted(self.events, key=lambda event: event.end):
            self.ends.append(event.end)
            self.highest.append(max(event.version, self.highest[-1] if self.highest else 0))
        self.written = []  # version: when its write began at the earliest, ascending
        for event in self.events:
            if not event.is_read:
                self.written.append((max(event.start, self.written[-1][0] if self.written else ALWAYS), event.version))

    def window(self, start, end):
        """The lowest and the highest version that a read between start and end may see."""
        ended = bisect.bisect_left(self.ends, start)
        begun = bisect.bisect_right(self.written, (end, NEVER))
        return self.highest[ended - 1] if ended else 0, self.written[begun - 1][1] if begun else 0


def timelines(history, made):
    """{account: Timeline} of all writes, and of the reads that show versions of the ledger. made: of effects()."""
    events = {account: [Event(history.opening(account)[0], False, ALWAYS, ALWAYS, None)] for account in history.accounts}
    for effect in made.values():
        if effect.start == effect.end == ALWAYS:
            continue
        for account, version in last_versions(effect.row).items():
            events.setdefault(account, []).append(Event(version, False, effect.start, effect.end, effect))
        for account, version, _ in effect.row.sees:
            events.setdefault(account, []).append(Event(version, True, effect.start, effect.end, effect))
    for call in history.calls:
        if call.do == "read" and call.result == "ok":
            for account, version, _ in call.shows:
                if version is not None:
                    events.setdefault(account, []).append(Event(version, True, call.start, call.end, call))
    return {account: Timeline(some) for account, some in events.items()}


class Reservations:
    """What an account's holds reserve, as far as the times of their beginnings and ends tell."""

    def __init__(self, holds, ends):
        """holds: the Effects of its holds; ends: {hold: the Effect of its end}."""
        ended = [(effect.row.amount, ends[effect.row.transfer]) for effect in holds if effect.row.transfer in ends]
        self.begun = Sums((effect.start, effect.row.amount) for effect in holds)
        self.there = Sums((effect.end, effect.row.amount) for effect in holds)
        self.ending = Sums((end.start, amount) for amount, end in ended)
        self.gone = Sums((end.end, amount) for amount, end in ended)

    def bounds(self, start, end):
        """The least and the most that a read between start and end may find held."""
        return max(0, self.there.before(start) - self.ending.until(end)), self.begun.until(end) - self.gone.before(start)


class Sums:
    """Sums of amounts by time."""

    def __init__(self, pairs):
        ordered = sorted(pairs)
        self.times = [time for time, _ in ordered]
        self.sums = [0, *itertools.accumulate(amount for _, amount in ordered)]

    def before(self, time):
        return self.sums[bisect.bisect_left(self.times, time)]

    def until(self, time):
        return self.sums[bisect.bisect_right(self.times, time)]


def reservations(made):
    """{account: Reservations}. made: of effects()."""
    ends = {effect.row.hold: effect for effect in made.values() if effect.row.hold is not None}
    holds = {}
    for effect in made.values():
        if effect.row.kind == "hold":
            holds.setdefault(effect.row.debit, []).append(effect)
    return {account: Reservations(some, ends) for account, some in holds.items()}


def last_versions(row):
    """{account: the version that others see}: two entries of one account become visible at once."""
    versions = {}
    for account, version, *_ in row.entries:
        versions[account] = max(version, versions.get(account, 0))
    return versions
