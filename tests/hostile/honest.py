"""An honest client in a process of its own, so that hostile ones cost it nothing but the server.

`python -m tests.hostile.honest PORT CERTIFICATE` reads a number of requests a line, and answers
each with one line of JSON: `Sample`. It asks on a kept connection, every tenth time on a new one.
"""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

import msgspec

from tests.load import BODY, UID
from tests.serving import PATIENCE, Served

PAUSE: Final = 0.002
"""Seconds between requests, as between creates: it is no load test."""
NEW_EVERY: Final = 10


class Sample(msgspec.Struct):
    """What came of some requests."""

    kept: list[float]
    """Seconds of each request on the kept connection."""
    new: list[float]
    """The same on new ones, with their handshakes."""
    losses: list[str]
    """Requests without a verdict, each with its reason."""
    connections: int
    """Of the kept kind; more than one is a loss, too, while connections are young."""

    def p99(self) -> float:
        """Milliseconds; of all requests on the kept connection."""
        return sorted(self.kept)[int(len(self.kept) * 0.99)] * 1000


class Honest:
    """The end of it that a test holds."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def ask(self, count: int) -> Sample:
        """What comes of so many requests."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % count)
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Sample)


@contextmanager
def honest_client(served: Served) -> Iterator[Honest]:
    """One that is running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.honest", str(served.port), str(served.certificate)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Honest(process)
    finally:
        process.communicate(timeout=PATIENCE)


class _Client:
    def __init__(self, port: int, certificate: str) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=certificate)
        self._kept = self._connection()

    def _connection(self) -> HTTPSConnection:
        return HTTPSConnection("localhost", self._port, timeout=PATIENCE, context=self._context)

    def ask(self, count: int) -> Sample:
        sample = Sample([], [], [], 0)
        for number in range(count):
            is_new = number % NEW_EVERY == 0
            if not is_new and self._kept.sock is None:
                sample.connections += 1
            start = time.perf_counter()
            try:
                if is_new:
                    with closing(self._connection()) as connection:
                        self._verdict(connection)
                else:
                    self._verdict(self._kept)
            except Exception as error:
                sample.losses.append(f"{'new' if is_new else 'kept'}: {error!r}")
                self._kept.close()
            (sample.new if is_new else sample.kept).append(time.perf_counter() - start)
            time.sleep(PAUSE)
        return sample

    def _verdict(self, connection: HTTPSConnection) -> None:
        connection.request("POST", "/validate", BODY)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {body!r}")
        verdict = json.loads(body)["response"]
        if (verdict["uid"], verdict["allowed"]) != (UID, False):
            raise ValueError(f"another verdict: {verdict}")


def main() -> None:
    """Ask as often as told, until nobody tells any more."""
    client = _Client(int(sys.argv[1]), sys.argv[2])
    for line in sys.stdin:
        sys.stdout.buffer.write(msgspec.json.encode(client.ask(int(line))) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
