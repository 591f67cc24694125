#!/usr/bin/python3
"""Clients of the cluster, each call of which is written down: recorder.py SETTINGS [--settle]

SETTINGS is a JSON file:
    {"history": path, "seed": integer, "key": API key, "urls": [gateway, …], "pools": [URI of a teller, …],
     "sql_epoch": what tells the epoch in SQL, "accounts": [id, …],
     "http_clients": integer, "sql_clients": integer, "pause_s": number, "timeout_s": number}
Call lines (history.py) are appended to the history. Ends on SIGTERM, when the calls under way have ended.
With --settle it repeats what the history leaves unknown until the answers are definite, and ends.
"""

import asyncio
import json
import random
import signal
import sys
import time

import history
from http_teller import HttpTeller
from sql_teller import SqlTeller
from workload import Workload

SETTLE_S = 180
AGAIN_S = 0.2  # between two attempts at what failed
ATTEMPTS = 5  # of a client; it goes on with something else then


class Recorder:
    def __init__(self, settings):
        self.settings = settings
        self.file = open(settings["history"], "a", encoding="utf-8", buffering=1)  # noqa: SIM115 (open until the end)
        self.stopping = asyncio.Event()

    async def call(self, teller, client, request):
        """Asks, writes it down, and returns what came back."""
        members = {name: value for name, value in request.items() if name != "accounts"}
        start = time.monotonic_ns()
        answer = await teller.perform(request)
        line = {"line": "call", "client": client, "start": start, "end": time.monotonic_ns(), **members, **answer}
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")
        return answer

    def tellers(self):
        """(name, teller) of every client: in turn at each gateway, and at each pool."""
        for number in range(self.settings["http_clients"]):
            url = self.settings["urls"][number % len(self.settings["urls"])]
            yield f"http {number} at {url}", HttpTeller(url, self.settings["key"], self.settings["timeout_s"])
        for number in range(self.settings["sql_clients"]):
            pool = self.settings["pools"][number % len(self.settings["pools"])]
            yield f"sql {number} at {pool.rpartition('@')[2]}", SqlTeller(pool, self.settings["timeout_s"], self.settings["sql_epoch"])

    async def client(self, name, teller, workload, chance):
        while not self.stopping.is_set():
            request = workload.next(teller.KINDS)
            answer = await self.call(teller, name, request)
            workload.learn(request, answer)
            if answer["result"] in ("unknown", "failed") and chance.random() < 0.5:
                await self.try_again(name, teller, workload, request)
            await asyncio.sleep(chance.uniform(0, 2 * self.settings["pause_s"]))
        teller.close()

    async def try_again(self, name, teller, workload, request):
        """What stays unknown waits for --settle, or for a client that happens to repeat it."""
        for _ in range(ATTEMPTS):
            await asyncio.sleep(AGAIN_S)
            if self.stopping.is_set():
                return
            answer = await self.call(teller, name, request)
            workload.learn(request, answer)
            if answer["result"] not in ("unknown", "failed"):
                return

    async def load(self):
        chance = random.Random(self.settings["seed"])
        workload = Workload(chance, self.settings["accounts"])
        async with asyncio.TaskGroup() as group:
            for name, teller in self.tellers():
                group.create_task(self.client(name, teller, workload, random.Random(f"{self.settings['seed']} {name}")))

    async def settle(self):
        """Each unknown key, until it is known what has become of it."""
        url = self.settings["urls"][0]
        teller = HttpTeller(url, self.settings["key"], self.settings["timeout_s"])
        until = time.monotonic() + SETTLE_S
        for request in unknown_requests(history.read(self.settings["history"])):
            while (await self.call(teller, f"settling at {url}", request))["result"] in ("unknown", "failed"):
                if time.monotonic() > until:
                    sys.exit(f"{request['debit']}/{request['key']} is still unknown")
                await asyncio.sleep(AGAIN_S)
        teller.close()


def unknown_requests(past):
    """Requests of which no reply was definite."""
    definite = {call.place for call in past.calls if call.result in ("ok", "refused")}
    unknown = {call.place: call for call in past.calls if call.do in history.MONEY and call.result == "unknown" and call.place not in definite}
    for call in unknown.values():
        request = {"do": call.do, "debit": call.debit, "key": call.key, "legs": call.legs}
        yield request | ({"hold": call.hold} if call.hold else {})


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        recorder = Recorder(json.load(file))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, recorder.stopping.set)
    await (recorder.settle() if "--settle" in sys.argv else recorder.load())
    recorder.file.close()


if __name__ == "__main__":
    asyncio.run(main())
