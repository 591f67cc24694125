"""Clients who pay one another while servers fail, and the comparison of what they were told with the books."""

import os
import random
import threading
import time
from collections import Counter

from http_client import Client, Wire, request
from private_instance import GONE
from processes import eventually

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CLIENTS = 16
ACCOUNTS = 50
OPENING_BALANCE = 2000
LATE_S = 4  # no answer comes so long after its deadline, even where the machine stands still for a while


class Payer(threading.Thread):
    """A client that pays at random and writes down every answer."""

    def __init__(self, number, load):
        super().__init__(name=f"client {number}")
        self.random = random.Random(f"{SEED} {number}")
        self.load = load
        self.key = load.keys[number % len(load.keys)]
        self.clients = {}
        self.acknowledged = {}  # (debit, key): the reply's body
        self.refused = []  # (debit, key) that was not executed and is not asked again
        self.seen = Counter()
        self.replies = 0
        self.failure = None

    def run(self):
        try:
            serial = 0
            while not self.load.stopping:
                serial += 1
                self.pay(f"{self.name}/{serial}")
                time.sleep(self.random.uniform(0, 0.02))
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"

    def client(self, url):
        if url not in self.clients:
            self.clients[url] = Client(self.key, url, timeout=20)
        return self.clients[url]

    def pay(self, key):
        debit, *others = self.random.sample(self.load.accounts, self.random.randint(2, 5))
        credits = [(account, self.random.randint(1, 400)) for account in others * self.random.randint(1, 2)]
        again = self.random.random() < 0.1
        body = self.until_definite(debit, credits, key)
        if body is not None and again:
            assert self.until_definite(debit, credits, key) == body, f"{key} was answered in two ways"
            self.seen["the same again"] += 1

    def until_definite(self, debit, credits, key):
        """The body of the transfer, None where it was refused."""
        unknown = False
        give_up = time.monotonic() + 30
        while True:
            assert time.monotonic() < give_up, f"{key}: no definite answer"
            url = self.random.choice(self.load.urls)
            asked = time.monotonic()
            try:
                reply = self.client(url).transfer(debit, credits, key)
            except GONE as error:
                self.client(url).close()
                self.seen[type(error).__name__] += 1
                unknown = True
                time.sleep(0.05)
                continue
            assert time.monotonic() < asked + self.load.deadline_s + LATE_S, f"{key}: {reply} is late"
            self.seen[reply.status] += 1
            self.replies += 1
            if reply.status in (200, 201):
                assert self.acknowledged.setdefault((debit, key), reply.body) == reply.body, key
                return reply.body
            if reply.status == 422:
                assert reply.code == "insufficient_funds", reply
                assert (debit, key) not in self.acknowledged, f"{key} was refused after it was acknowledged"
                self.refused.append((debit, key))
                return None
            assert reply.status in (503, 504), reply
            unknown = unknown or reply.status == 504
            # A 503 is certainly not executed: one that is not repeated must never appear.
            if not unknown and (debit, key) not in self.acknowledged and self.random.random() < 0.5:
                assert reply.headers["Retry-After"]
                self.refused.append((debit, key))
                self.seen["503 believed"] += 1
                return None
            time.sleep(0.05)


class Load:
    """Payers on fifty accounts, and the comparison of what they were told with the books."""

    def __init__(self, instance, urls=None, deadline_s=10):
        """urls: of the gateways to ask, else the instance's own; deadline_s: theirs."""
        self.instance = instance
        self.urls = urls or [instance.url]
        self.deadline_s = deadline_s
        ledger = instance.ledger()
        # Plain callers and funders travel in different lanes.
        self.keys = [ledger.api_key("read", "transfer"), ledger.api_key("read", "transfer", "fund")]
        self.accounts = ledger.open_accounts(*[OPENING_BALANCE] * ACCOUNTS)
        ledger.close()
        self.stopping = False
        self.payers = [Payer(number, self) for number in range(CLIENTS)]
        for payer in self.payers:
            payer.start()

    def answers(self):
        return sum(len(payer.acknowledged) for payer in self.payers)

    def goes_on(self, count=50, seconds=25):
        """Waits for so many more acknowledgements."""
        wanted = self.answers() + count
        eventually(lambda: self.answers() >= wanted or self.failures(), seconds, "going on")

    def wait_for_replies(self, count, seconds):
        """Waits until every client has had so many more, definite or not."""
        wanted = [payer.replies + count for payer in self.payers]
        eventually(lambda: all(payer.replies >= least for payer, least in zip(self.payers, wanted, strict=True)) or self.failures(), seconds, "replies")

    def failures(self):
        return [payer.failure for payer in self.payers if payer.failure]

    def stop(self):
        self.stopping = True
        for payer in self.payers:
            payer.join()
        assert self.failures() == []
        seen = sum((payer.seen for payer in self.payers), Counter())
        print(f"SEED={SEED}", dict(seen))
        return seen

    def check_books(self):
        """What was acknowledged is there once with the same content; nothing else is; money is conserved."""
        acknowledged = {place: body for payer in self.payers for place, body in payer.acknowledged.items()}
        refused = {place for payer in self.payers for place in payer.refused}
        assert len(acknowledged) >= 100  # goes_on() twice
        ledger = self.instance.ledger()
        ids = [int(account) for account in self.accounts]
        booked = ledger.execute("select debit::text, key, count(*) from tokpay.transfers where debit = any(%s) group by 1, 2", [ids])
        known = {(debit, key) for debit, key, _ in booked}
        assert known == set(acknowledged), f"booked only: {known - set(acknowledged)}, acknowledged only: {set(acknowledged) - known}, refused: {refused & known}"
        assert {count for _, _, count in booked} == {1}
        assert not refused & set(acknowledged), "refused and executed"
        assert ledger.value("select sum(balance) from tokpay.accounts where id = any(%s)", [ids]) == ACCOUNTS * OPENING_BALANCE
        assert ledger.faults() == []
        ledger.close()
        self.check_replies(list(acknowledged.values()))

    def check_replies(self, bodies, pipelined=200):
        """GET /v1/transfers/{id} answers what the transfer was answered with, and who the accounts are."""
        wire = Wire(self.urls[0])
        for start in range(0, len(bodies), pipelined):
            some = bodies[start : start + pipelined]
            paths = [b"/v1/transfers/" + body.split(b'"', 4)[3] for body in some]
            head = f"Authorization: Bearer {self.keys[0]}"
            wire.send(b"".join(request(f"GET {path.decode()} HTTP/1.1", head) for path in paths))
            for body in some:
                status, _, receipt = wire.reply()
                assert (status, receipt.partition(b',"parties":')[0] + b"}") == (200, body)
        wire.close()
