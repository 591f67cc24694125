"""Histories made by hand, for the tests of the checker: a ledger that obeys, and whose replies can then be falsified."""

from history import History


class Story:
    """Calls take effect in the order in which they are told, whatever their times. All members are those of history.py."""

    def __init__(self, accounts, epoch=None):
        """accounts: {account: balance}."""
        self.epoch = epoch
        self.state = {account: (1, balance) for account, balance in accounts.items()}
        self.setup = {"line": "setup", "seed": 1, "accounts": {account: [1, balance, 0] for account, balance in accounts.items()}}
        self.rows = [
            {"line": "row", "transfer": f"0{account}", "kind": "top_up", "debit": "funding", "key": None, "hold": None,
             "epoch": None, "entries": [[account, 1, balance, balance]]}
            for account, balance in accounts.items()
        ]  # fmt: skip
        self.first_dump = None
        self.calls, self.nodes = [], []

    def call(self, start, end, do, result, **members):
        self.calls.append({"line": "call", "client": f"client {len(self.calls)}", "do": do, "start": start, "end": end,
                           "result": result, "epoch": self.epoch, "retry": self.first_dump is not None, **members})  # fmt: skip
        return self.calls[-1]

    def transfer(self, start, end, debit, legs, key, result="ok", applied=True):
        """A transfer to [(account, amount)]; applied says what became of an unknown one. The call."""
        asked = {"debit": debit, "key": key, "legs": [list(leg) for leg in legs]}
        if not applied:
            return self.call(start, end, "transfer", result, **asked)
        changes = [(debit, -sum(amount for _, amount in legs)), *legs]
        row = self.row("transfer", debit, key, changes)
        told = {"transfer": row["transfer"], "at": f"at {row['transfer']}", "shows": self.states(account for account, _ in changes)}
        return self.call(start, end, "transfer", result, **asked, **(told if result == "ok" else {}))

    def again(self, start, end, call):
        """The same once more: its replay."""
        return self.call(start, end, call["do"], "ok", **{name: call[name] for name in call if name in (
            "debit", "key", "legs", "hold", "transfer", "at", "shows")})  # fmt: skip

    def row(self, kind, debit, key, changes=(), hold=None):
        entries = []
        for account, amount in changes:
            version, balance = self.state[account]
            self.state[account] = version + 1, balance + amount
            entries.append([account, version + 1, amount, balance + amount])
        self.rows.append({"line": "row", "transfer": str(len(self.rows) + 100), "kind": kind, "debit": debit, "key": key,
                          "hold": hold, "epoch": self.epoch, "entries": entries})  # fmt: skip
        return self.rows[-1]

    def hold(self, start, end, debit, key, amount=5):
        row = self.row("hold", debit, key)
        row["amount"] = amount
        row["sees"] = self.states([debit])
        return self.call(start, end, "hold", "ok", debit=debit, key=key, transfer=row["transfer"], at="then", shows=row["sees"])

    def end_hold(self, start, end, do, hold, key, changes=()):
        row = self.row(do, hold["debit"], key, changes, hold["transfer"])
        return self.call(start, end, do, "ok", debit=hold["debit"], key=key, hold=hold["transfer"], transfer=row["transfer"],
                         at="then", shows=self.states(account for account, _ in changes))  # fmt: skip

    def read(self, start, end, *accounts, states=None):
        """Of the state at this point of the story, or of other states."""
        return self.call(start, end, "read", "ok", shows=states or self.states(accounts))

    def refused(self, start, end, debit, key, required, balance=None):
        balance = self.state[debit][1] if balance is None else balance
        return self.call(start, end, "transfer", "refused", debit=debit, key=key, legs=[], code="insufficient_funds",
                         shows=[[debit, None, balance]], available=balance, required=required)  # fmt: skip

    def lookup(self, start, end, debit, key, row=None):
        found = {"transfer": row["transfer"]} if row else {}
        return self.call(start, end, "lookup", "ok" if row else "absent", debit=debit, key=key, **found)

    def states(self, accounts):
        return [[account, *self.state[account]] for account in accounts]

    def dump(self):
        """The end of the clients; what follows are retries."""
        self.first_dump = [{**row, "dump": 1} for row in self.rows]

    def node(self, name, position="0/1", digest="d", faults=()):
        self.nodes.append({"line": "node", "node": name, "position": position, "digest": digest, "faults": list(faults)})

    def history(self):
        first = self.first_dump or [{**row, "dump": 1} for row in self.rows]
        second = [{**row, "dump": 2} for row in self.rows]
        before = [call for call in self.calls if not call["retry"]]
        after = [call for call in self.calls if call["retry"]]
        return History([self.setup, *before, *first, *after, *second, *self.nodes])


def two_accounts(epoch=None):
    return Story({"1": 100, "2": 100}, epoch)
