"""Many clients at once, in one thread: requests on as many connections as it takes."""

import asyncio
import resource
import time
from collections import namedtuple

import api_description
import pytest

# Of one request: index is which; seconds is from when it was sent until its answer was there.
Answer = namedtuple("Answer", "index status headers body seconds")


class Crowd:
    """Every answer has to be one that the API's description has; of each status the first is looked at."""

    def __init__(self, port, method, path):
        self.port, self.method, self.path = port, method, path
        self.free = []  # connections
        self.seen = set()

    async def ask(self, index, data):
        start = time.monotonic()
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(head[0].split()[1])
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["Content-Length"]))
        seconds = time.monotonic() - start
        if status not in self.seen:
            self.seen.add(status)
            api_description.check(self.method, self.path, status, headers, body)
        if "Connection" in headers:
            writer.close()
        else:
            self.free.append((reader, writer))
        return Answer(index, status, headers, body, seconds)

    async def offer(self, requests, rate):
        """Sends them at so many a second, whatever becomes of them (open loop). The answers in order of the requests."""
        start = time.monotonic()
        tasks = []
        for index, data in enumerate(requests):
            if (early := start + index / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            tasks.append(asyncio.create_task(self.ask(index, data)))
        answers = await asyncio.gather(*tasks)
        for _, writer in self.free:
            writer.close()
        return answers


def offer(port, method, path, requests, rate=1_000_000):
    return asyncio.run(Crowd(port, method, path).offer(requests, rate))


@pytest.fixture
def many_files():
    """As many descriptors as the machine allows; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
