"""From the bytes of a log to the JSON values in it, one at a time, each with its line.

Logs are JSON lines; recorded objects are often indented. Both may follow each other in one file,
and a line that is broken (its writer died, a disk was full) hides none of the others.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from webhook.depth import MAX_DEPTH, nested_too_deep

MAX_VALUE: Final = 64 * 1024 * 1024
"""Bytes of one value: an audit event holds two objects of at most 1.5 MB each; a batch of events
many."""

# a file that was truncated under its writer starts with NULs
_SPACE: Final = b" \t\r\n\0"
_BOM: Final = b"\xef\xbb\xbf"
_STARTS: Final = (b"{", b"[")
_NO_SPACE: Final = re.compile(rb"[^ \t\r\n\0]")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]')
_OPEN_ENDED: Final = (b",", b":", b"[")
"""After these a value may start on the next line."""
_decoder: Final = msgspec.json.Decoder(msgspec.Raw)
_list_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Lines(Protocol):
    """A binary stream, of a file or out of a compressed one."""

    def readline(self, size: int, /) -> bytes:
        """The next line, or no more than `size` bytes of it; nothing at the end."""


class Value(msgspec.Struct, frozen=True):
    """The text of one JSON value; those of a list are values of their own."""

    line: int
    """1-based, where it starts."""
    data: bytes


class Broken(msgspec.Struct, frozen=True):
    """Text that is no JSON value, and why."""

    line: int
    problem: str


def values(stream: Lines) -> Iterator[Value | Broken]:
    """Every value of a stream, in its order. No more than one is in memory, with its lines.

    Raises what reading the stream raises.
    """
    return _Reader(stream).values()


class _Line(msgspec.Struct, frozen=True):
    number: int
    data: bytes

    @property
    def starts_value(self) -> bool:
        """True for a line that begins with a brace: a value, unless it is inside of one."""
        return self.data.startswith(_STARTS)


class _Reader:
    def __init__(self, stream: Lines) -> None:
        self._stream = stream
        self._number = 0
        self._again: deque[_Line] = deque()
        """Lines to be looked at once more."""
        self._is_lost = False
        """True inside of a broken value, until a line can be the start of the next one."""

    def values(self) -> Iterator[Value | Broken]:
        while (line := self._next()) is not None:
            text = line.data.strip(_SPACE)
            if not text or (self._is_lost and not line.starts_value):
                continue
            self._is_lost = False
            if len(line.data) > MAX_VALUE:
                yield Broken(line.number, _too_large())
            elif not text.startswith(_STARTS):
                yield Broken(line.number, f"not JSON: {_shown(text)}")
            elif nested_too_deep(text):
                yield Broken(line.number, _TOO_DEEP)
            elif _is_whole(text):
                yield from _unpacked(line.number, text)
            else:
                yield from self._spanning(line)

    def _next(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        data = self._stream.readline(MAX_VALUE + 1)
        if not data:
            return None
        self._number += 1
        rest = data
        while len(rest) > MAX_VALUE and not rest.endswith(b"\n"):
            rest = self._stream.readline(MAX_VALUE + 1)
        return _Line(self._number, data.removeprefix(_BOM) if self._number == 1 else data)

    def _spanning(self, first: _Line) -> Iterator[Value | Broken]:
        """Values that are not alone in one line, or broken."""
        lines = [first]
        start = position = size = 0
        depth: int | None = 0
        while True:
            line = lines[-1]
            depth, end = _depth(line.data, depth or 0, position)
            if end is not None:
                yield from _checked(lines, start, end)
                start = position = _next_start(line.data, end)
                if start == len(line.data):
                    return
                lines, size, depth = [line], 0, 0
                if not line.data.startswith(_STARTS, start):
                    yield Broken(line.number, f"not JSON: {_shown(line.data[start:])}")
                    return
                continue
            size += len(line.data)
            position = 0
            if problem := _problem(depth, size):
                yield self._given_up(lines, problem)
                return
            following = self._next()
            if following is None or _starts_anew(line, following):
                lines += [following] if following else []
                yield self._given_up(lines, "not JSON: ends in the middle of a value")
                return
            lines.append(following)

    def _given_up(self, lines: Sequence[_Line], problem: str) -> Broken:
        """What is wrong with a value. Of its other lines, those are read again that are one."""
        self._is_lost = len(lines) > 1
        self._again.extend(one for one in lines[1:] if one.starts_value and _is_whole(one.data))
        return Broken(lines[0].number, problem)


def _problem(depth: int | None, size: int) -> str:
    """Why a value cannot go on in the next line; nothing if it can."""
    if depth is None:
        return "not JSON: a string has no end in its line"
    if depth > MAX_DEPTH:
        return _TOO_DEEP
    return _too_large() if size > MAX_VALUE else ""


def _checked(lines: Sequence[_Line], start: int, end: int) -> Iterator[Value | Broken]:
    """What stands from an offset of the first line to one of the last."""
    number = lines[0].number
    if len(lines) == 1:
        text = lines[0].data[start:end]
    else:
        between = (line.data for line in lines[1:-1])
        text = b"".join([lines[0].data[start:], *between, lines[-1].data[:end]])
    text = text.strip(_SPACE)
    if nested_too_deep(text):
        yield Broken(number, _TOO_DEEP)
        return
    try:
        _decoder.decode(text)
    except msgspec.DecodeError as error:
        problem = str(error).removeprefix("JSON is malformed: ")
        yield Broken(number, f"not JSON: {problem} of {_shown(text)}")
    else:
        yield from _unpacked(number, text)


def _next_start(data: bytes, end: int) -> int:
    """Where the next value of a line may start; its length if there is none."""
    found = _NO_SPACE.search(data, end)
    return found.start() if found else len(data)


_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"


def _too_large() -> str:
    size = f"{MAX_VALUE // 2**20} MiB"
    return f"a value of more than {size}; split it into JSON lines, as `jq -c '.items[]'` does"


def _is_whole(text: bytes) -> bool:
    try:
        _decoder.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _unpacked(line: int, text: bytes) -> Iterator[Value]:
    """A list's items, each as a value where the list starts."""
    if text.startswith(b"["):
        yield from (Value(line, bytes(item)) for item in _list_decoder.decode(text))
    else:
        yield Value(line, text)


def _depth(data: bytes, depth: int, position: int) -> tuple[int | None, int | None]:
    """How deep a value is nested after a line, and the offset where it ends, if it does there.

    `depth` is that at the position. The depth is None if the line ends inside a string.
    """
    for found in _TOKEN.finditer(data, position):
        token = found[0]
        if token in _STARTS:
            depth += 1
        elif token == b'"':
            return None, None
        elif token in (b"}", b"]"):
            depth -= 1
            if depth <= 0:
                return depth, found.end()
    return depth, None


def _starts_anew(line: _Line, following: _Line) -> bool:
    """Whether the second line, a value by itself, cannot stand in the one that the first is of."""
    return (
        following.starts_value
        and not line.data.rstrip(_SPACE).endswith(_OPEN_ENDED)
        and not nested_too_deep(following.data)
        and _is_whole(following.data.strip(_SPACE))
    )


def _shown(text: bytes) -> str:
    """The start of a text, to be found again."""
    return repr(text[:40].decode(errors="replace"))
