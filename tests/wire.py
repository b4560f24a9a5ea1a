"""A connection of our server in memory: a transport that only remembers, no socket, no clock."""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

from webhook.admission import Answer, Door
from webhook.server.protocol import Connection
from webhook.server.service import Service
from webhook.server.surface import Response, Surface


class Echo:
    """Stands for admission: answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        if body == b"crash":
            raise ZeroDivisionError
        self.asked.append(body)
        return Answer(200, b"%s|%s|%s" % (door.value.encode(), str(profile).encode(), body), {})


class Turns(Service):
    """One that remembers what it is to call soon."""

    calls: list[Callable[[], None]]

    def soon(self, call: Callable[[], None]) -> None:
        self.calls.append(call)


class Wire(asyncio.Transport):
    """A client and the transport to it."""

    def __init__(
        self, *, max_connections: int = 9, lifetime: float = 999.0, trusted: bool = True
    ) -> None:
        super().__init__({"peercert": {"trusted": trusted}})
        self.admission = Echo()
        self.records: list[dict[str, Any]] = []
        self.counted: list[int] = []
        routes = Surface(self.admission, dict, lambda: Response(200, b"m" * 10_000))
        self.service = Turns(
            routes,
            self.records.append,
            lambda client: bool(client and client["trusted"]),
            max_connections,
            self.counted.append,
            lambda: lifetime,
        )
        self.turns = 0
        self.service.calls = []
        self.service.tick(0.0)
        self.output = b""
        self.closed = self.aborted = self.paused = False
        self.connection = Connection(self.service)
        self.connection.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.output += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def send(self, *parts: bytes) -> "Wire":
        for part in parts:
            self.connection.data_received(part)
            while self.service.calls:
                assert self.paused, "who waits for its turn sends nothing more"
                self.turns += 1
                self.service.calls.pop()()
        return self

    @property
    def answers(self) -> list[tuple[int, bytes]]:
        """Status and body of every answer so far."""
        rest, found = self.output, []
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = int((re.search(rb"Content-Length: (\d+)", head) or [b"", b"0"])[1])
            found.append((int(head.split()[1]), rest[:length]))
            rest = rest[length:]
        return found

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.answers]

    @property
    def leaving(self) -> bool:
        return self.output.count(b"\r\nConnection: close\r\n") == 1


def post(body: bytes, path: bytes = b"/validate", fields: bytes = b"") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n"
    return head % (path, fields, len(body)) + body


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    head = b"POST /mutate/strict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n%b\r\n" % trailer


def get(path: bytes = b"/livez", fields: bytes = b"Host: x\r\n", version: bytes = b"1.1") -> bytes:
    return b"GET %s HTTP/%s\r\n%b\r\n" % (path, version, fields)


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
