"""The history of a run: what clients asked and were told, what became of it, and what was done to the cluster.

    history  = { line LF }            every line is a JSON object; the order is that in which things ended
    line     = setup | call | mark | row | node
    setup    = {"line": "setup", "seed": integer, "accounts": {account: [version, balance, floor]}}
                                      the accounts of the run as they were before its first call
    call     = {"line": "call", "client": string, "do": operation, "start": time, "end": time, "result": result,
                "epoch": epoch | null,          of the reply
                "key": string, "debit": account, "legs": [[account, amount], …],   what was asked, where it has that
                "hold": transfer,               of capture and void
                "transfer": transfer, "at": string, "shows": [state, …],     what was answered
                "code": string, "required": amount, "available": amount,    of a refusal
                "mentions": transfer}                                       what has ended the hold, says a refusal
    operation = "transfer" | "hold" | "capture" | "void"      asked under a key: a client may ask for the same again
              | "read"                          shows are the accounts' states in one snapshot
              | "lookup"                        what became of a key
    result   = "ok"                   acknowledged; of a lookup: found
             | "absent"               of a lookup: not committed yet
             | "refused"              by a rule of the ledger; shows has the balance with null for its version
             | "failed"               certainly not executed
             | "unknown"              executed once, or not at all, or will be
    mark     = {"line": "mark", "time": time, "what": string, …}         a fault, a change of leader
    row      = {"line": "row", "dump": 1 | 2, "transfer": transfer, "kind": operation | "top_up", "debit": account, "key": string | null,
                "hold": transfer | null, "epoch": epoch | null, "entries": [[account, version, amount, balance], …],
                "amount": amount, "sees": [state]}          of a hold and a void: the debit's state, which they leave alone
                                      one transfer of the ledger. Dump 1 is made when all clients have ended; the calls
                                      after it are retries of what is unknown; dump 2 is made after them
    node     = {"line": "node", "node": string, "position": string, "digest": string, "faults": [string, …]}
                                      a machine's own state after dump 2: faults are what verify() found
    state    = [account, version, balance]   or [account, version, balance, held] of a read
    account, transfer = digits        amount, version, balance = integer
    epoch    = incarnation "." timeline "." counter
    time     = integer                nanoseconds of CLOCK_MONOTONIC, the same for all on one machine

Members that do not apply are absent. The shows of an acknowledged operation are the states right after it.
"""

import json
import math

MONEY = {"transfer", "hold", "capture", "void"}
ALWAYS, NEVER = -math.inf, math.inf  # times before and after everything


class Call:
    """A call as above; members that are absent are None."""

    __slots__ = (
        "client", "do", "start", "end", "result", "epoch", "key", "debit", "legs", "hold",
        "transfer", "at", "shows", "code", "required", "available", "mentions", "held", "retry",
    )  # fmt: skip

    def __init__(self, members, retry=False):
        for name in self.__slots__:
            setattr(self, name, members.get(name))
        self.epoch = parse_epoch(self.epoch)
        self.held = {state[0]: state[3] for state in self.shows or () if len(state) > 3}
        self.shows = [tuple(state[:3]) for state in self.shows or ()]
        self.legs = self.legs and [tuple(leg) for leg in self.legs]
        self.retry = retry  # made after dump 1

    @property
    def place(self):
        """Where its key is unique."""
        return self.debit, self.key

    def __str__(self):
        subject = f" {self.debit}/{self.key}" if self.key is not None else ""
        epoch = f" in epoch {'.'.join(map(str, self.epoch))}" if self.epoch else ""
        shows = f" {self.shows[:4]}" if self.shows else ""
        return f"{self.client}'s {self.do}{subject}: {self.code or self.result}{shows}{epoch} [{seconds(self.start)} to {seconds(self.end)}]"


class Row:
    """A transfer of the ledger."""

    __slots__ = ("transfer", "kind", "debit", "key", "hold", "epoch", "entries", "amount", "sees")

    def __init__(self, members):
        for name in self.__slots__:
            setattr(self, name, members.get(name))
        self.epoch = parse_epoch(self.epoch)
        self.entries = [tuple(entry) for entry in self.entries]
        self.sees = [tuple(state) for state in self.sees or ()]

    @property
    def place(self):
        return self.debit, self.key

    def __str__(self):
        return f"{self.kind} {self.transfer} ({self.debit}/{self.key})"


class Ledger:
    """The rows of one dump: by transfer, by place, and each account's entries by version."""

    def __init__(self, rows):
        self.rows = rows
        self.by_transfer = {row.transfer: row for row in rows}
        self.by_place = {}
        self.entries = {}  # account: {version: (row, amount, balance)}
        for row in rows:
            self.by_place.setdefault(row.place, []).append(row)
            for account, version, amount, balance in row.entries:
                self.entries.setdefault(account, {})[version] = row, amount, balance

    def entry(self, account, version):
        """(row, amount, balance), or None."""
        return self.entries.get(account, {}).get(version)

    def of(self, place):
        """The row of a key, or None."""
        rows = self.by_place.get(place)
        return rows and rows[0]


class History:
    def __init__(self, lines):
        """lines: the objects above."""
        self.seed = None
        self.accounts = {}  # account: (version, balance, floor) before the first call
        self.calls, self.marks, self.nodes = [], [], []
        rows = {1: [], 2: []}
        for line in lines:
            match line["line"]:
                case "setup":
                    self.seed = line.get("seed")
                    self.accounts = {account: tuple(state) for account, state in line["accounts"].items()}
                case "call":
                    self.calls.append(Call(line, retry=bool(rows[1])))
                case "mark":
                    self.marks.append(line)
                case "row":
                    rows[line["dump"]].append(Row(line))
                case "node":
                    self.nodes.append(line)
                case other:
                    raise ValueError(f"a history has no line {other!r}")
        self.before_retries = Ledger(rows[1])
        self.ledger = Ledger(rows[2]) if rows[2] else self.before_retries

    def ledger_of(self, call):
        """The dump that has to show what the call was told."""
        return self.ledger if call.retry else self.before_retries

    def opening(self, account):
        """(version, balance, floor) before the run; an account without a line starts empty."""
        return self.accounts.get(account, (0, 0, None))


def parse_epoch(text):
    """What orders epochs; None where there is none."""
    return tuple(int(number) for number in text.split(".")) if text else None


def seconds(nanoseconds):
    return f"{nanoseconds / 1e9:.6f}" if nanoseconds is not None else "?"


def read(path):
    with open(path, encoding="utf-8") as file:
        return History(json.loads(line) for line in file)
