"""A file's bytes as chunks of one document each, so that a broken one does not hide the next."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from webhook.goyaml.rows import Rows

# no scalar may hold a line that starts like these (YAML 1.1, c-forbidden)
_CUT: Final = re.compile(rb"\n(?:(?=---(?:\s|\Z))|\.\.\.(?=\s|\Z)[^\n]*\n)")
_PREAMBLE: Final = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*+\Z")
"""Comments and directives, which belong to the document that starts after them."""
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
    find_rows: Callable[[], Rows]
    """Gives the rows of what is in the value."""


class Chunk(msgspec.Struct, frozen=True):
    """The text of one document; of several if they are JSON."""

    text: bytes
    line: int
    """1-based line of the file where it starts."""

    @property
    def json_start(self) -> int | None:
        """The offset of its first brace or bracket, None if it starts with something else."""
        found = _JSON_START.match(self.text)
        return found.end() if found else None

    @property
    def last_line(self) -> int:
        """1-based line of the file where its last word stands."""
        return self.line + self.text.rstrip().count(b"\n")

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


def portions(data: bytes, size: int) -> Iterator[tuple[bytes, int]]:
    """A file cut between documents into texts of `size` bytes or little more, each with its line.

    The documents of all portions are those of the file.
    """
    if len(data) <= size:
        yield data, 1
        return
    texts: list[bytes] = []
    length, line = 0, 1
    for chunk in split(data):
        # at the start of a file another one may be read differently: it might have a mark
        if length >= size and chunk.text.startswith(b"---"):
            yield b"".join(texts), line
            texts, length, line = [], 0, chunk.line
        texts.append(chunk.text)
        length += len(chunk.text)
    yield b"".join(texts), line


def split(data: bytes, line: int = 1) -> Iterator[Chunk]:
    """The chunks in the order of the file; together they are all of it but a byte order mark.

    `line` is that of the data in the file, if it is not all of it.
    """
    data = data.removeprefix(_BOM)
    start = 0
    for match in _CUT.finditer(data):
        end = match.end()
        if not _PREAMBLE.match(data, start, end):
            yield Chunk(data[start:end], line)
            line += data.count(b"\n", start, end)
            start = end
    yield Chunk(data[start:], line)
