"""A file's bytes as chunks of one document each, so that a broken one does not hide the next."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

# no scalar may hold a line that starts like this (YAML 1.1, c-forbidden)
_START: Final = re.compile(rb"\n---(?=\s|\Z)")
_PREAMBLE: Final = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*+\Z")
"""Comments and directives, which belong to the document that starts after them."""
_END: Final = re.compile(rb"^\.\.\.[^\n]*\n", re.MULTILINE)
_JSON_START: Final = re.compile(rb"(?:---)?\s*(?=[{\[])")
_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class Unreadable(Exception):
    """A document cannot be read; `row` is 0-based within its chunk."""

    def __init__(self, row: int, message: str) -> None:
        self.row = row
        super().__init__(message)


class Content(msgspec.Struct, frozen=True):
    """One document that was read; rows are 0-based within its chunk."""

    value: Any
    row: int
    repeated: tuple[tuple[int, str], ...]
    """Row and key of each key that is repeated in its mapping."""
    place: int
    """What `lines` of the module that read it wants to know to find it again."""


class Chunk(msgspec.Struct, frozen=True):
    """The text of one document; of several if they are JSON or separated by `...`."""

    text: bytes
    line: int
    """1-based line of the file where it starts."""

    @property
    def json_start(self) -> int | None:
        """The offset of its first brace or bracket, None if it starts with something else."""
        found = _JSON_START.match(self.text)
        return found.end() if found else None

    def decode(self) -> str:
        """The text. Raises `Unreadable` if it is not UTF-8."""
        try:
            return self.text.decode()
        except UnicodeDecodeError as error:
            if self.text.startswith(_UTF_16):
                message = "UTF-16, which Kubernetes does not read; save the file as UTF-8"
                raise Unreadable(0, message) from error
            row = self.text.count(b"\n", 0, error.start)
            raise Unreadable(row, f"byte 0x{self.text[error.start]:02x} is not UTF-8") from error


def split(data: bytes) -> Iterator[Chunk]:
    """The chunks in the order of the file; together they are all of it but a byte order mark."""
    data = data.removeprefix(_BOM)
    start, line = 0, 1
    for match in _START.finditer(data):
        end = match.start() + 1
        preamble = _preamble(data, start, end)
        if preamble > start:
            yield Chunk(data[start:preamble], line)
            line += data.count(b"\n", start, preamble)
            start = preamble
    yield Chunk(data[start:], line)


def _preamble(data: bytes, start: int, end: int) -> int:
    """Where the preamble of the document that starts at `end` begins; at `end` without one."""
    if start == 0 and _PREAMBLE.match(data, 0, end):
        return 0
    if data.find(b"\n...", start, end) < 0:
        return end
    ends = (match.end() for match in _END.finditer(data, start, end))
    return next((place for place in ends if _PREAMBLE.match(data, place, end)), end)
