"""From the paths of the command line to open logs, compressed ones too."""

import gzip
import os
import select
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from webhook.audit import sources
from webhook.replay.values import Lines

SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".log")
"""Of files that are read in a directory, each with or without `.gz` behind it."""
_GZIP: Final = b"\x1f\x8b"
_GZ: Final = ".gz"


class Log(msgspec.Struct, frozen=True):
    """A log to be read once, from its start."""

    file: str
    """As given or found; `-` is standard input."""
    lines: Lines


class Unopened(msgspec.Struct, frozen=True):
    """A path that could not be opened, and why."""

    file: str
    problem: str


def logs(paths: Iterable[str], stdin: BinaryIO) -> Iterator[Log | Unopened]:
    """Every log that the paths mean, in their order; each is closed when the next is asked for.

    A file that is named is read whatever its name. A directory is searched for `SUFFIXES`, sorted,
    without what is hidden or a link to a directory: rotated logs are named by their time, and the
    present one comes last.
    """
    for path in paths:
        if path == sources.STDIN:
            yield Log(path, _unpacked(stdin))
        elif Path(path).is_dir():
            for found in _search(Path(path)):
                yield from _opened(found)
        else:
            yield from _opened(Path(path))


def _opened(path: Path) -> Iterator[Log | Unopened]:
    shown = os.fsencode(path).decode(errors="replace")
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            yield Unopened(shown, "neither a file nor a directory")
            return
        # opening a pipe in the usual way would wait for its writer for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_ISFIFO(mode):
                if not select.select([descriptor], [], [], sources.WRITER_TIMEOUT)[0]:
                    wait = f"{sources.WRITER_TIMEOUT:.0f} s"
                    yield Unopened(shown, f"nobody wrote to it for {wait}")
                    return
                os.set_blocking(descriptor, True)
            yield Log(shown, _unpacked(stream))
    except OSError as error:
        yield Unopened(shown, error.strerror or str(error))


def _unpacked(stream: BinaryIO) -> Lines:
    peek = getattr(stream, "peek", None)
    if peek and peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
        return gzip.open(stream)
    return stream


def _search(directory: Path) -> Iterator[Path]:
    for child in sorted(directory.iterdir(), key=lambda one: one.name):
        if child.name.startswith("."):
            continue
        if child.is_dir() and not child.is_symlink():
            yield from _search(child)
        elif Path(child.name.removesuffix(_GZ)).suffix in SUFFIXES and not child.is_dir():
            yield child
