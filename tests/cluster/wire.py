"""HTTP/1.1 over one connection, for clients that have to know whether a request may have been executed."""

import asyncio
from urllib.parse import urlsplit

CONNECT_S = 3
CLOSED = (OSError, EOFError, ValueError)  # EOFError: the end before the reply's; ValueError: what came is not HTTP


class NotSentError(Exception):
    """No byte has left."""


class LostError(Exception):
    """Something was sent, and no whole reply came back in time."""


class Connection:
    """One request at a time; it is opened when it is needed, and again after it has failed."""

    def __init__(self, url, timeout_s):
        address = urlsplit(url)
        self.host, self.port = address.hostname, address.port
        self.timeout_s = timeout_s
        self.reader = self.writer = None

    async def ask(self, method, path, headers, body=b""):
        """(status, headers by lower-case name, body)."""
        if self.writer is None:
            await self._open()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *(f"{name}: {value}" for name, value in headers.items())]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        try:
            async with asyncio.timeout(self.timeout_s):
                self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                return await self._reply()
        except TimeoutError as error:
            self.close()
            raise LostError(f"no reply in {self.timeout_s} s") from error
        except CLOSED as error:
            self.close()
            raise LostError(repr(error)) from error

    async def _open(self):
        try:
            async with asyncio.timeout(CONNECT_S):
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError) as error:
            raise NotSentError(repr(error)) from error

    async def _reply(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {}
        for line in head[1:]:
            if line:
                name, value = line.split(": ", 1)
                headers[name.lower()] = value
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, headers, body

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None
