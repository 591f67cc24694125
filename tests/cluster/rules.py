"""The rules that a history has to keep. Each yields a sentence for every violation it finds.

README.md tells what each one catches, and why together they are what ../../README.md promises.
"""

from effects import Reservations, attempts_by_place, effects, is_from_before, reservations, timelines
from history import MONEY, NEVER
from order import build


class Evidence:
    """A history, and what several rules work out of it."""

    def __init__(self, history):
        self.history = history
        self.attempts = attempts_by_place(history)
        self.effects = effects(history)
        self.timelines = timelines(history, self.effects)
        self.stale = []  # what linearizable() has found; the order of all accounts presumes that of each

    def acknowledged(self):
        """The calls that were told of a transfer."""
        return (call for call in self.history.calls if call.transfer is not None and call.result == "ok")


def acknowledged(evidence):
    """What was acknowledged is in the ledger, as it was acknowledged, and stays there."""
    history = evidence.history
    for call in evidence.acknowledged():
        row = history.ledger_of(call).by_transfer.get(call.transfer)
        if row is None:
            yield f"{call}: transfer {call.transfer} is not in the ledger"
        elif row.place != call.place:
            yield f"{call}: transfer {call.transfer} is another one in the ledger: {row}"
        elif call.legs and call.do == "transfer" and credits_of(row) != sorted(call.legs):
            yield f"{call}: asked for {call.legs}, in the ledger are {row.entries}"
    for row in history.before_retries.rows:
        if row.transfer not in history.ledger.by_transfer:
            yield f"{row} was in the ledger and is no longer"


def credits_of(row):
    return sorted((account, amount) for account, _, amount, _ in row.entries if account != row.debit)


def one_effect(evidence):
    """One effect per key, one end per hold, and none that nobody has asked for."""
    ledger = evidence.history.ledger
    for (debit, key), rows in ledger.by_place.items():
        if key is not None and len(rows) > 1:
            yield f"key {debit}/{key} has {len(rows)} effects: {', '.join(map(str, rows))}"
    ends = {}
    for row in ledger.rows:
        if row.kind in ("capture", "void"):
            ends.setdefault(row.hold, []).append(row)
        if row.place not in evidence.attempts and not is_from_before(evidence.history, row):
            yield f"nobody asked for {row}"
    for hold, rows in ends.items():
        if len(rows) > 1:
            yield f"hold {hold} has {len(rows)} ends: {', '.join(map(str, rows))}"
        if hold not in ledger.by_transfer:
            yield f"{rows[0]} ends hold {hold}, which is not in the ledger"


def equal_replies(evidence):
    """All replies for one key are equal, and none takes an earlier one back."""
    for calls in evidence.attempts.values():
        told = [call for call in calls if call.result == "ok"]
        for call in told[1:]:
            if (call.transfer, call.at, call.shows) != (told[0].transfer, told[0].at, told[0].shows):
                yield f"two replies for one key: {told[0]} of transfer {told[0].transfer} at {told[0].at}, {call} of {call.transfer} at {call.at}"
    first_told = {}
    for call in evidence.acknowledged():
        first_told[call.place] = min(first_told.get(call.place, NEVER), call.end)
    for call in evidence.history.calls:
        if call.result == "refused" and call.start > first_told.get(call.place, NEVER):
            yield f"{call}, though it was acknowledged before"


def failures(evidence):
    """What certainly failed, each time it was asked for, is not in the ledger."""
    for place, calls in evidence.attempts.items():
        row = evidence.history.ledger.of(place)
        if row is not None and all(call.result in ("failed", "refused") for call in calls):
            yield f"{calls[-1]}, but in the ledger is {row}"


def replay(evidence):
    """Versions count without a gap, the entries add up to every balance seen, no account passes its floor, no money is made."""
    history = evidence.history
    for account, entries in history.ledger.entries.items():
        yield from replay_account(account, entries, history.opening(account))
    for row in history.ledger.rows:
        if row.entries and not is_from_before(history, row) and sum(amount for _, _, amount, _ in row.entries) != 0:
            yield f"the entries of {row} do not add up to nothing: {row.entries}"
    told = [(call, call.shows) for call in history.calls] + [(row, row.sees) for row in history.ledger.rows]
    for cause, states in told:
        for account, version, balance in states:
            expected = balance_at(history, account, version)
            if version is not None and expected is not None and balance != expected:
                yield f"{cause}: version {version} of account {account} has {expected}, not {balance}"


def replay_account(account, entries, opening):
    version, balance, floor = opening
    for following in sorted(number for number in entries if number > opening[0]):
        row, amount, after = entries[following]
        if following != version + 1:
            yield f"account {account} has no version between {version} and {following}"
        elif balance + amount != after:
            yield f"account {account} goes from {balance} by {amount} to {after} with {row}"
        if floor is not None and after < floor:
            yield f"account {account} is at {after}, below its floor, after {row}"
        version, balance = following, after


def balance_at(history, account, version):
    """None where the ledger has no such version."""
    opening = history.opening(account)
    if version == opening[0]:
        return opening[1]
    entry = history.ledger.entry(account, version)
    return entry and entry[2]


def shown(evidence):
    """What a reply shows is in the ledger that was dumped before anything was tried again."""
    history = evidence.history
    for call in history.calls:
        ledger = history.ledger_of(call)
        if call.mentions is not None and call.mentions not in ledger.by_transfer:
            yield f"{call}: transfer {call.mentions}, which it mentions, is not in the ledger"
        for account, version, _ in call.shows:
            if version is not None and version > history.opening(account)[0] and ledger.entry(account, version) is None:
                if call.do in MONEY and call.transfer not in ledger.by_transfer:
                    continue  # that of acknowledged()
                yield f"{call}: account {account} never had version {version}"


def linearizable(evidence):
    """Every account by itself: there is an order of its transfers and reads by version that no two of them contradict in real time."""
    for account, timeline in evidence.timelines.items():
        latest = None  # of the versions before: what began last
        group, version = [], None
        for event in [*timeline.events, None]:
            if event is None or (event.version, event.is_read) != version:
                latest = max([event for event in (latest, *group) if event], key=lambda event: event.start, default=None)
                group, version = [], event and (event.version, event.is_read)
            if event is None:
                break
            group.append(event)
            if latest is not None and event.end < latest.start:
                sentence = f"account {account}: {told(event)} had ended before {told(latest)} began"
                evidence.stale.append(sentence)
                yield sentence


def told(event):
    return f"{event.cause} with version {event.version}"


def held(evidence):
    """What a read finds held is what the holds that it may have met reserve."""
    by_account = reservations(evidence.effects)
    nothing = Reservations([], {})
    for call in evidence.history.calls:
        for account, amount in call.held.items():
            low, high = by_account.get(account, nothing).bounds(call.start, call.end)
            if amount is not None and not low <= amount <= high:
                yield f"{call}: {amount} of account {account} are held, {low} to {high} may be"


def refusals(evidence):
    """A refusal shows too little money, and a balance that the account may have had at the time."""
    for call in evidence.history.calls:
        if call.result != "refused":
            continue
        if call.required is not None and call.available is not None and call.available >= call.required:
            yield f"{call}: {call.available} is enough for {call.required}"
        for account, version, balance in call.shows:
            if version is None and not possible_versions(evidence, call, account, balance):
                low, high = evidence.timelines[account].window(call.start, call.end)
                yield f"{call}: account {account} had versions {low} to {high} at the time, none of them with {balance}"


def possible_versions(evidence, call, account, balance):
    low, high = evidence.timelines[account].window(call.start, call.end)
    return [version for version in range(low, high + 1) if balance_at(evidence.history, account, version) == balance]


def one_order(evidence):
    """All accounts together: transfers, reads of several accounts, refusals and lookups have one order that agrees with real time."""
    history = evidence.history
    if evidence.stale:
        return
    reads, absences = [], []
    for call in history.calls:
        if call.do == "read" and call.result == "ok":
            reads.append((call, {account: version for account, version, _ in call.shows if version is not None}))
        elif call.result == "refused":
            seen = {account: possible_versions(evidence, call, account, balance) for account, _, balance in call.shows}
            reads.append((call, {account: versions[0] for account, versions in seen.items() if len(versions) == 1}))
        elif call.result == "absent" and (row := history.ledger.of(call.place)):
            absences.append((call, row.transfer))
    graph = build(evidence.effects, {account: opening[0] for account, opening in history.accounts.items()}, reads, absences)
    if knot := graph.knot():
        yield " ".join(f"({cause}) --{label}-->" for cause, label in graph.cycle(knot)) + " and so on in a circle"


def epochs_of_rows(evidence):
    """What is seen in an epoch was committed in it or an earlier one; an account's entries keep the order of epochs."""
    history = evidence.history
    for call in history.calls:
        if call.epoch is None:
            continue
        rows = [entry[0] for account, version, _ in call.shows if (entry := history.ledger.entry(account, version))]
        if call.transfer in history.ledger.by_transfer:
            rows.append(history.ledger.by_transfer[call.transfer])
        for row in rows:
            if row.epoch is not None and row.epoch > call.epoch:
                yield f"{call}: saw {row}, which was committed in epoch {'.'.join(map(str, row.epoch))}"
                break
    for account, entries in history.ledger.entries.items():
        latest = None
        for version in sorted(entries):
            row = entries[version][0]
            if latest is not None and row.epoch is not None and row.epoch < latest.epoch:
                yield f"account {account}: {row} of version {version} has an older epoch than {latest} before it"
            latest = row if row.epoch is not None else latest


def epochs_in_time(evidence):
    """Epochs do not interleave: once one has answered, no call that begins later is answered by an older one."""
    calls = [call for call in evidence.history.calls if call.epoch is not None]
    by_end = sorted(calls, key=lambda call: call.end)
    latest, ended = None, 0
    for call in sorted(calls, key=lambda call: call.start):
        while ended < len(by_end) and by_end[ended].end < call.start:
            if latest is None or by_end[ended].epoch > latest.epoch:
                latest = by_end[ended]
            ended += 1
        if latest is not None and call.epoch < latest.epoch:
            yield f"{call} came after {latest}"


def books(evidence):
    """verify() finds nothing on any machine."""
    for node in evidence.history.nodes:
        for fault in node["faults"]:
            yield f"verify() on {node['node']}: {fault}"


def copies(evidence):
    """All machines have the same ledger at the same position."""
    digests = {}
    for node in evidence.history.nodes:
        digests.setdefault(node["position"], {})[node["node"]] = node["digest"]
    for position, by_node in digests.items():
        if len(set(by_node.values())) > 1:
            yield f"at {position} the machines differ: {by_node}"


# In the order in which they are checked; later ones presume earlier ones.
RULES = {
    "acknowledged": acknowledged,
    "one effect": one_effect,
    "equal replies": equal_replies,
    "failures": failures,
    "replay": replay,
    "shown": shown,
    "linearizable": linearizable,
    "held": held,
    "refusals": refusals,
    "one order": one_order,
    "epochs of rows": epochs_of_rows,
    "epochs in time": epochs_in_time,
    "books": books,
    "copies": copies,
}


def check(history):
    """[(rule, sentence)] of everything that is wrong."""
    evidence = Evidence(history)
    return [(name, sentence) for name, rule in RULES.items() for sentence in rule(evidence)]
