"""The random calls of test_oracle.py: a stream that often collides, repeats and breaks a rule."""

import random
from datetime import timedelta

HIGHEST = (1 << 63) - 1
LIMIT = 1 << 62
MONEY = ("transfer", "top_up", "hold", "capture", "void", "reverse")
# How often each is called; "batch" has many requests.
WEIGHTS = {
    "batch": 22, "transfer": 8, "top_up": 9, "hold": 16, "capture": 12, "void": 3, "reverse": 8,
    "transfer_by_key": 2, "expire_holds": 0.7, "open_account": 1.2, "set_limits": 1.5, "set_metadata": 0.5,
    "freeze": 0.5, "unfreeze": 1.5, "close": 1, "balance_at": 3, "balances": 1, "history": 4,
}  # fmt: skip
# expires_in of holds that have expired by the next call, in microseconds.
SHORT = {"1 microsecond": 1, "1 millisecond": 1000}


class History:
    """A stream of random calls that often collide, repeat and break a rule."""

    def __init__(self, seed, accounts):
        self.random = random.Random(seed)
        self.by_currency = {}
        for account, currency in accounts:
            self.by_currency.setdefault(currency, []).append(account)
        self.frozen = []
        self.closed = []
        self.transfers = []  # (id, kind, amounts) of what was posted
        self.holds = []  # (id, amounts)
        self.times = []
        self.sent = {name: [] for name in MONEY}  # with a key
        self.chains = []
        self.planned = []  # calls that come next

    # Fields

    def maybe(self, probability):
        return self.random.random() < probability

    def account(self, currency=None):
        if self.maybe(0.005):
            return self.random.choice([None, 999999999, 0])
        return self.random.choice(self.by_currency[currency or self.random.choice(list(self.by_currency))])

    def any_account(self):
        """An account of an administrator's or a reader's call: closed, unknown or null now and then."""
        if self.maybe(0.08):
            return self.random.choice([None, 999999999, *self.closed[-3:]])
        return self.account()

    def amount(self, currency):
        if self.maybe(0.01):
            return self.random.choice([0, -1, -HIGHEST - 1, None])
        if currency == "JPY" or self.maybe(0.01):
            return self.random.choice([HIGHEST, HIGHEST - 1, LIMIT, LIMIT - 1, self.random.randint(1, HIGHEST), 1])
        return self.random.randint(1, 120)

    def key(self):
        if self.maybe(0.4):
            return None
        if self.maybe(0.01):
            return self.random.choice(["", "k" * 256, "é" * 128])
        return f"key {self.random.randrange(3000)}"

    def description(self):
        return self.random.choice([None, None, "", "rent"])

    def metadata(self):
        return self.random.choice([None, None, "{}", '{"a": 1, "b": [1.50, null]}'])

    def transfer_id(self):
        if self.transfers and self.maybe(0.97):
            return self.random.choice(self.transfers[-60:])[0]
        return self.random.choice([None, 999999999, self.random.randrange(1, 2000), 0, -1])

    def moment(self):
        if self.times and self.maybe(0.9):
            return self.random.choice(self.times) + timedelta(microseconds=self.random.choice([-1, 0, 0, 1]))
        return self.random.choice([None, "-infinity", "infinity", "epoch", "2100-01-01 00:00 UTC"])

    # Calls: a name and its arguments

    def next(self):
        """A call; of a batch the arguments are its requests."""
        if self.planned:
            return self.planned.pop(0)()
        name = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if name == "batch":
            return name, self.batch(self.random.choice([0, 1, 2, 5, 10, 30]))
        if name in MONEY and self.sent[name] and self.maybe(0.2):
            return self.repeated(name)
        return self.remembered(name, self.fresh(name))

    def fresh(self, name):
        return getattr(self, name)()

    def remembered(self, name, arguments):
        if name in MONEY and any(isinstance(value, str) and value.startswith("key") for value in arguments):
            self.sent[name].append(arguments)
        return name, arguments

    def repeated(self, name):
        """A call once more, now and then with one field changed or spelt differently, or as one of another kind."""
        arguments = list(self.random.choice(self.sent[name][-100:]))
        field = self.random.randrange(len(arguments))
        if self.maybe(0.25):
            arguments[field] = self.fresh(name)[field]
        elif self.maybe(0.1) and isinstance(arguments[field], list):
            arguments[field] = arguments[field][::-1]
        elif self.maybe(0.2) and isinstance(arguments[-1], str):
            arguments[-1] = arguments[-1].replace("1.50", "1.5").replace('"a": 1, ', '"a": 0, "a": 1.0,')
        elif self.maybe(0.1) and name == "transfer":
            return "hold", (*arguments[:4], "7 days", *arguments[4:])
        elif self.maybe(0.1) and name == "hold":
            return "transfer", (*arguments[:4], *arguments[5:])
        elif self.maybe(0.3) and name == "capture":
            arguments[1] = dict(self.holds).get(arguments[0]) if arguments[1] is None else None
        return name, tuple(arguments)

    def transfer(self):
        currency = self.random.choice(["USD", "USD", "USD", "EUR", "JPY"])
        debit = self.account(currency)
        others = [account for account in self.by_currency[currency] if account != debit]
        count = self.random.choice([1, 1, 1, 2, 2, 3, 5, 8])
        credits = [self.random.choice(others) for _ in range(count)]
        if self.maybe(0.03):
            credits[self.random.randrange(count)] = self.random.choice([debit, self.account()])
        length = count if self.maybe(0.99) else self.random.randrange(count + 2)
        amounts = [self.amount(currency) for _ in range(length)]
        return debit, credits, amounts, self.key(), self.description(), self.metadata()

    def top_up(self):
        currency = self.random.choice(["USD", "USD", "EUR", "JPY"])
        return self.account(currency), self.amount(currency), self.key(), self.random.choice([None, "gift"])

    def hold(self):
        *fields, description, metadata = self.transfer()
        expires_in = self.random.choice([None, *SHORT, *SHORT, "7 days", "7 days", "1200 months", "1 day"])
        if self.maybe(0.02):
            expires_in = self.random.choice(["0", "-1 microsecond", "36525 days 1 microsecond", "1 month -31 days"])
        return *fields, expires_in, description, metadata

    def capture(self):
        hold, amounts = self.a_hold()
        choose = self.random.random()
        if choose < 0.4 or amounts is None:
            return hold, None, self.key()
        if choose < 0.5:
            return hold, amounts, self.key()
        if choose < 0.85:
            return hold, [self.random.choice([0, self.random.randint(0, amount)]) for amount in amounts], self.key()
        place = self.random.randrange(len(amounts))
        wrong = self.random.choice([None, -1, min(amounts[place], HIGHEST - 1) + 1])
        changed = [*amounts[:place], wrong, *amounts[place + 1 :]]
        return hold, self.random.choice([changed, changed, amounts[1:], [*amounts, 0], [0] * len(amounts)]), self.key()

    def a_hold(self):
        if self.holds and self.maybe(0.9):
            return self.random.choice(self.holds if self.maybe(0.3) else self.holds[-25:])
        return self.transfer_id(), self.random.choice([None, [1], [5, 5]])

    def void(self):
        return self.a_hold()[0], self.key()

    def reverse(self):
        return self.transfer_id(), self.key(), self.random.choice([None, "sorry"])

    def transfer_by_key(self):
        return self.account(), self.random.choice([None, self.key(), self.key()])

    def expire_holds(self):
        return (self.random.choice([1, 2, 10, 1000, 0, -1, None, (1 << 31) - 1]),)

    def open_account(self):
        currency, *limits = self.random.choice([("USD", 0, None), ("EUR", 0, 500), ("JPY", None, None)])
        if self.maybe(0.1):
            limits = self.random.choice([1, -LIMIT - 1, 0]), self.random.choice([-1, LIMIT + 1])
        named = self.maybe(0.5) or len(self.by_currency[currency]) >= 12
        return f"name {self.random.randrange(10)}" if named else None, currency, *limits

    def set_limits(self):
        floors = [0, 0, 0, 0, None, -500, -LIMIT]
        ceilings = [None, None, None, 300, LIMIT, 0]
        if self.maybe(0.2):
            floors = [1, 50, LIMIT, LIMIT + 1, -LIMIT - 1, -HIGHEST - 1, HIGHEST, -1]
        if self.maybe(0.2):
            ceilings = [LIMIT + 1, -LIMIT, -LIMIT - 1, HIGHEST, -HIGHEST - 1, -1]
        return self.any_account(), self.random.choice(floors), self.random.choice(ceilings)

    def set_metadata(self):
        return self.any_account(), self.random.choice([None, "{}", '{"tier": 1}', "[1]", "null"])

    def freeze(self):
        return (self.any_account(),)

    def unfreeze(self):
        return (self.random.choice(self.frozen) if self.frozen and self.maybe(0.8) else self.any_account(),)

    def close(self):
        currency = self.random.choice(list(self.by_currency))
        newest = self.by_currency[currency][-1]
        return (newest if self.maybe(0.5) else self.any_account(),)

    def balance_at(self):
        return self.any_account(), self.moment()

    def balances(self):
        return ([self.account() for _ in range(self.random.randrange(30))],)

    def history(self):
        before = [None, None, 0, 1, 2, 127, 128, 129, 256, 257, 384, self.random.randrange(3000), HIGHEST, -HIGHEST - 1]
        since, until = (self.moment() if self.maybe(0.4) else None for _ in range(2))
        max_rows = self.random.choice([1, 2, 5, 100, 100, 130, 300, (1 << 31) - 1 if self.maybe(0.02) else 7])
        if self.maybe(0.02):
            max_rows = self.random.choice([0, -1, None])
        return self.any_account(), self.random.choice(before), max_rows, since, until

    # Batches: requests are a transfer's arguments and a chain, or None

    def batch(self, count):
        requests = []
        while len(requests) < count:
            choose = self.random.random()
            if choose < 0.12:
                requests += self.chain()
            elif choose < 0.15 and self.chains:
                requests += self.repeated_chain()
            elif choose < 0.3 and self.sent["transfer"]:
                name, arguments = self.repeated("transfer")
                requests.append((*(arguments if name == "transfer" else self.fresh("transfer")), None))
            else:
                requests.append((*self.remembered("transfer", self.fresh("transfer"))[1], None))
        if requests and self.maybe(0.05):
            requests[self.random.randrange(len(requests))] = None
        return requests

    def chain(self):
        number = self.random.randrange(1 << 31) if self.maybe(0.9) else self.random.choice([0, 7, -1])
        fields = [self.fresh("transfer") for _ in range(self.random.choice([1, 2, 2, 3, 4]))]
        if self.maybe(0.5):
            fields = [(*request[:3], f"key {self.random.randrange(3000)}", *request[4:]) for request in fields]
        chain = [(*request, number) for request in fields]
        self.chains.append(chain)
        return chain

    def repeated_chain(self):
        """A chain once more, now and then with a request changed, dropped, added, repeated or moved."""
        chain = list(self.random.choice(self.chains[-50:]))
        place = self.random.randrange(len(chain))
        match self.random.randrange(8):
            case 0:
                chain[place] = (*self.fresh("transfer"), chain[0][-1])
            case 1:
                del chain[place]
            case 2:
                chain.insert(place, (*self.fresh("transfer"), chain[0][-1]))
            case 3:
                chain.insert(place, chain[self.random.randrange(len(chain))])
            case 4:
                chain.reverse()
        return chain

    # What replies tell

    def plan_a_short_life(self, account, accounts):
        """The account is closed while a hold and a transfer that credit it could be captured and reversed."""
        funding, other, *_ = accounts
        self.planned = [
            lambda: ("hold", (funding, [account], [1], None, None, None, None)),
            lambda: ("top_up", (account, 5, None, None)),
            lambda: ("transfer", (account, [other], [5], None, None, None)),
            lambda: ("close", (account,)),
            lambda: ("reverse", (self.transfers[-2][0], None, None)),
            lambda: ("capture", (self.holds[-1][0], None, None)),
        ]

    def learn(self, name, arguments, row):
        if name == "open_account":
            if self.holds and len(self.transfers) > 1:
                self.plan_a_short_life(row[0], self.by_currency[arguments[1]])
            self.by_currency[arguments[1]].append(row[0])
        elif name == "freeze":
            self.frozen.append(arguments[0])
        elif name == "unfreeze" and arguments[0] in self.frozen:
            self.frozen.remove(arguments[0])
        elif name == "close":
            self.closed.append(arguments[0])
            for accounts in self.by_currency.values():
                if arguments[0] in accounts and len(accounts) > 4 and self.maybe(0.95):
                    accounts.remove(arguments[0])
        elif name in MONEY:
            transfer, at, *_, replayed = row
            if not replayed:
                self.transfers.append((transfer, name))
                self.times.append(at)
                if name == "hold":
                    self.holds.append((transfer, arguments[2]))
