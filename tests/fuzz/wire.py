"""Mutated HTTP at a connection in memory, held against a strict reading of the same bytes."""

import re
from random import Random
from typing import Final

from tests.shapes import EVERY
from tests.wire import Wire, chunked, get, pieces, post

REQUESTS: Final = (
    *(get(), get(b"/nowhere"), post(b"one"), post(b""), chunked(b"two", b"three")),
    *(post(b"a" * 300), chunked(b"b" * 40, trailer=b"X: y\r\n")),
)
_ALL: Final = (
    *REQUESTS,
    *(one for one in EVERY if len(one) < 4000),
)
_TOKENS: Final = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\x00", b"\xff", b"0", b"-", b"+", b",", b";"),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n", b"\r\n\r\n"),
    *(b"0\r\n\r\n", b"HTTP/1.1", b"GET ", b"Expect: 100-continue\r\n", b"Connection: close\r\n"),
)
_HEAD: Final = re.compile(
    rb"HTTP/1\.1 ([0-9]{3}) [ -~]+\r\n((?:[A-Za-z-]+: [ -~]+\r\n)*)\r\n", re.ASCII
)


def stream(random: Random) -> bytes:
    """Some requests, most of them damaged somewhere."""
    known = REQUESTS if random.random() < 0.6 else _ALL
    found = b"".join(random.choice(known) for _ in range(random.randint(1, 4)))
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        start = random.randrange(len(found) + 1)
        end = min(len(found), start + random.choice((0, 0, 1, 2, 20)))
        new = random.choice(
            (b"", random.choice(_TOKENS), random.randbytes(2), found[start:end] * 2)
        )
        found = found[:start] + new + found[end:]
    return found


def answers(output: bytes) -> list[int]:
    """The statuses of all answers in what a server has written.

    Raises `ValueError` for what is no HTTP, and for anything behind an answer that is the last.
    """
    statuses = []
    closed = False
    while output:
        head = _HEAD.match(output)
        if head is None or closed:
            raise ValueError(f"not an answer, or one too many: {output[:100]!r}")
        fields = dict(line.split(b": ", 1) for line in head[2].splitlines())
        length = int(fields.get(b"Content-Length", b"0"))
        if (head[1] != b"100") != (b"Content-Length" in fields and b"Date" in fields):
            raise ValueError(f"fields that are missing: {head[0]!r}")
        output = output[head.end() :]
        if len(output) < length:
            raise ValueError("a body that is cut")
        output = output[length:]
        closed = fields.get(b"Connection") == b"close"
        statuses.append(int(head[1]))
    return statuses


_LINE: Final = re.compile(rb"(GET|POST) (/[!-~]*) HTTP/1\.1\r\n", re.ASCII)
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*?)[ \t]*\r\n", re.ASCII)


def count(data: bytes) -> int | None:
    """How many whole requests a strict reader finds (RFC 9112, and nothing optional of it); None
    if it would not read all of it, so that nobody need agree."""
    found = 0
    while data:
        line = _LINE.match(data)
        if line is None:
            return None
        place = line.end()
        fields: dict[bytes, bytes] = {}
        while not data.startswith(b"\r\n", place):
            field = _FIELD.match(data, place)
            if field is None or field[1].lower() in fields:
                return None
            fields[field[1].lower()] = field[2]
            place = field.end()
        if fields.keys() & {b"connection", b"expect", b"upgrade"} or b"host" not in fields:
            return None
        body = data[place + 2 :]
        if b"transfer-encoding" in fields:
            if b"content-length" in fields or fields[b"transfer-encoding"] != b"chunked":
                return None
            rest = _behind_chunks(body)
        else:
            length = fields.get(b"content-length", b"0")
            if not re.fullmatch(rb"[0-9]{1,5}", length) or len(body) < int(length):
                return None
            rest = body[int(length) :]
        if rest is None:
            return None
        data = rest
        found += 1
    return found


def _behind_chunks(data: bytes) -> bytes | None:
    while True:
        size = re.match(rb"([0-9a-fA-F]{1,5})\r\n", data)
        if size is None:
            return None
        length = int(size[1], 16)
        data = data[size.end() :]
        if length == 0:
            return data[2:] if data.startswith(b"\r\n") else None
        if data[length : length + 2] != b"\r\n":
            return None
        data = data[length + 2 :]


def _roughly(statuses: list[int]) -> list[int]:
    # of several reasons to refuse, the one that is met first counts
    return [400 if status in (413, 417, 431) else status for status in statuses]


def check(data: bytes, random: Random) -> tuple[int, int | None]:
    """The number of answers, and how many requests a strict reader found.

    Raises `ValueError` or `AssertionError` for what must not be.
    """
    whole = Wire().send(data)
    cut = Wire().send(*pieces(data, random.choice((1, 2, 7, 64))))
    found = answers(whole.output)
    other = answers(cut.output)
    assert _roughly(found) == _roughly(other), f"{found} or, in pieces, {other}"
    assert not whole.aborted, "it crashed"
    assert set(found) <= {100, 200, 400, 404, 405, 408, 413, 417, 431, 503}, found
    expected = count(data)
    if expected is not None:
        assert len(found) == expected, f"{len(found)} answers to {expected} requests"
    return len(found), expected
