"""Whatever bytes arrive: answers are HTTP, nothing follows a refusal, no request is smuggled."""

import os
from collections.abc import Iterator
from random import Random, randrange
from typing import Final

import pytest

from tests.fuzz import wire
from tests.fuzz.conftest import SECONDS
from tests.serving import Served, serving
from tests.wire import get
from webhook.server import surface

STREAMS: Final = int(50 * SECONDS)
"""About a tenth of the time that reviews get."""
SEED: Final = 1 if os.environ.get("CI") else randrange(10**6)  # noqa: S311 no secret


def test_mutated_requests() -> None:
    random = Random(SEED)  # noqa: S311 no secret
    strict = 0
    for number in range(STREAMS):
        data = wire.stream(random)
        try:
            _, expected = wire.check(data, random)
        except (AssertionError, ValueError) as error:
            raise AssertionError(f"seed {SEED}, stream {number}: {error}\n{data!r}") from error
        strict += bool(expected)
    assert strict >= STREAMS // 50, "hardly any stream was clear enough to be counted"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


def test_the_same_at_a_real_server(served: Served) -> None:
    """Its worker lives on and has nothing to tell."""
    random = Random(SEED)  # noqa: S311 no secret
    for _ in range(100):
        with served.connect() as connection:
            connection.sendall(wire.stream(random) + get())
    assert served.ask("GET", "/livez") == (200, surface.TEXT, b"ok")
    assert "Traceback" not in served.stderr


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"".join(wire.REQUESTS[:6]), 6),
        (get() * 3, 3),
        (get() + b"GET", None),
        (get(fields=b"Host: x\r\nHost: x\r\n"), None),
        (get().replace(b"\r\n", b"\n"), None),
    ],
)
def test_a_strict_reading(data: bytes, expected: int | None) -> None:
    assert wire.count(data) == expected


@pytest.mark.parametrize(
    "output",
    [
        b"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\nHTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"Traceback",
    ],
)
def test_what_is_no_answer(output: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 its own
        wire.answers(output)
