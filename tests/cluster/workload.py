"""What the clients of a run ask for, at random.

A request has "do" and, as history.py has them, "debit", "key", "legs", "hold", or "accounts" of a read. Amounts are large and
odd, so that a balance tells its version.
"""

REMEMBERED = 4000  # requests that may be asked for again
TOO_MUCH = 10**14
LARGEST = 10**6
KINDS = {"transfer": 26, "read": 20, "read several": 18, "hold": 7, "end a hold": 7, "too much": 8, "again": 9, "lookup": 5}


class Workload:
    """One for all clients, which therefore repeat each other's requests, over HTTP and SQL."""

    def __init__(self, chance, accounts):
        self.random = chance
        self.accounts = accounts
        self.serial = 0
        self.asked = []  # requests with a key that were acknowledged or are unknown
        self.holds = []  # (hold's id, its request)

    def next(self, kinds=None):
        """A request; kinds: how often each comes, else KINDS."""
        weights = kinds or KINDS
        kind = self.random.choices(list(weights), list(weights.values()))[0]
        if kind in ("again", "lookup") and not self.asked or kind == "end a hold" and not self.holds:
            kind = "transfer"
        match kind:
            case "read":
                return {"do": "read", "accounts": [self.random.choice(self.accounts)]}
            case "read several":
                return {"do": "read", "accounts": self.random.sample(self.accounts, self.random.randint(2, len(self.accounts)))}
            case "lookup":
                request = self.random.choice(self.asked[-20:])
                return {"do": "lookup", "debit": request["debit"], "key": request["key"]}
            case "again":
                return self.random.choice(self.random.choice([self.asked, self.asked[-20:]]))
            case "end a hold":
                return self._end()
            case "hold":
                return self._order("hold", LARGEST)
            case "too much":
                return self._order("transfer", TOO_MUCH)
        return self._order("transfer", LARGEST)

    def _order(self, do, largest):
        debit, *credits = self.random.sample(self.accounts, self.random.choice([2, 2, 2, 3, 5]))
        legs = [(account, self.random.randint(largest // 2, largest)) for account in credits]
        return {"do": do, "debit": debit, "key": self._key(), "legs": legs}

    def _end(self):
        """Two clients may end the same hold; one of them can."""
        hold, request = self.random.choice(self.holds[-10:])
        do = self.random.choice(["capture", "capture", "void"])
        return {"do": do, "debit": request["debit"], "key": self._key(), "legs": request["legs"], "hold": hold}

    def _key(self):
        self.serial += 1
        return f"k{self.serial}"

    def learn(self, request, answer):
        """What a reply tells all clients."""
        if "key" not in request or request["do"] == "lookup":
            return
        if answer["result"] in ("ok", "unknown"):
            self.asked.append(request)
            del self.asked[:-REMEMBERED]
        if request["do"] == "hold" and answer["result"] == "ok":
            self.holds.append((answer["transfer"], request))
            del self.holds[:-50]
