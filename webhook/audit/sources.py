"""From the paths of the command line to the bytes of each file."""

import errno
import os
import select
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

STDIN: Final = "-"
"""The path that means standard input."""
WRITER_TIMEOUT = 10.0
"""Seconds to wait until somebody writes to a pipe that is named on the command line."""
SUFFIXES: Final = (".yaml", ".yml", ".json")


class Text(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A file that was read, or a part of it."""

    file: str
    data: bytes
    line: int = 1
    """1-based, of the file, where the data stands."""
    is_continued: bool = False
    """Whether other parts of the file come before it."""


class Unread(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A path that could not be read, and why."""

    file: str
    problem: str


class Inputs:
    """What the paths of the command line mean. May be gone over more than once."""

    def __init__(self, paths: Iterable[str], stdin: BinaryIO) -> None:
        self._paths = list(paths)
        self._stdin = stdin
        self._streams: dict[int, Text | Unread] = {}
        """By position, what can be read only once."""
        self.size: int | None = None
        """Bytes of all texts, once they were gone over."""

    def texts(self) -> Iterator[Text | Unread]:
        """Every file that the paths mean, in their order, one at a time.

        A file that is named is read whatever its name; a directory is searched for `SUFFIXES`,
        sorted, without what is hidden, is a link to a directory or is no regular file.
        """
        size = 0
        for text in self._texts():
            size += len(text.data) if isinstance(text, Text) else 0
            yield text
        self.size = size

    def _texts(self) -> Iterator[Text | Unread]:
        for position, path in enumerate(self._paths):
            if path == STDIN:
                yield self._once(position, STDIN, self._stdin.read)
            else:
                yield from self._named(position, Path(path))

    def _named(self, position: int, path: Path) -> Iterator[Text | Unread]:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield _unread(path, error)
            return
        if stat.S_ISDIR(mode):
            yield from _search(path)
        elif stat.S_ISREG(mode):
            yield _text(path, path.read_bytes)
        elif stat.S_ISFIFO(mode):
            yield self._once(position, path, lambda: _read_pipe(path))
        else:
            yield Unread(_shown(path), "neither a file nor a directory")

    def _once(self, position: int, path: Path | str, read: Callable[[], bytes]) -> Text | Unread:
        if position not in self._streams:
            self._streams[position] = _text(path, read)
        return self._streams[position]


def _search(directory: Path) -> Iterator[Text | Unread]:
    pending = [directory]
    while pending:
        path = pending.pop()
        try:
            if path is directory or stat.S_ISDIR(path.lstat().st_mode):
                visible = (child for child in path.iterdir() if not child.name.startswith("."))
                pending += sorted(visible, reverse=True)
            elif path.suffix in SUFFIXES and (path.is_file() or not path.exists()):
                yield _text(path, path.read_bytes)
        except OSError as error:
            yield _unread(path, error)


def _read_pipe(path: Path) -> bytes:
    """All of a named pipe, e.g. bash's `<(helm template ...)`.

    Raises `OSError` if nobody begins to write: opening it in the usual way would wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as pipe:
        if not select.select([descriptor], [], [], WRITER_TIMEOUT)[0]:
            raise TimeoutError(errno.ETIMEDOUT, f"nobody wrote to it for {WRITER_TIMEOUT:.0f} s")
        os.set_blocking(descriptor, True)
        return pipe.read()


def _text(path: Path | str, read: Callable[[], bytes]) -> Text | Unread:
    try:
        return Text(_shown(path), read())
    except OSError as error:
        return _unread(path, error)


def _unread(path: Path | str, error: OSError) -> Unread:
    return Unread(_shown(path), error.strerror or str(error))


def _shown(path: Path | str) -> str:
    """A name that can be written as UTF-8, which file names need not be."""
    return os.fsencode(path).decode(errors="replace")
