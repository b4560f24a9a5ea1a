"""Which part of a large audit is whose: a share of the objects, by their names alone."""

import zlib
from typing import Final

import msgspec

_FORM: Final = "give I/N, where I is 0 to N-1: 0/4 is the first of four"


class Shard(msgspec.Struct, frozen=True):
    """One of so many runs that judge all objects together, each of them once."""

    index: int
    """0-based, as the index of an Indexed Job's pod is."""
    count: int

    def __str__(self) -> str:
        """As `parse` takes it."""
        return f"{self.index}/{self.count}"

    @property
    def is_first(self) -> bool:
        """True for the one that also tells of what is no object: files that cannot be read."""
        return self.index == 0

    def holds(self, namespace: str | None, name: str | None) -> bool:
        """Whether the object is judged in this one.

        The same in every run, on every machine and in every version: no object moves while others
        come and go. `namespace` is None where nobody knows it, `name` while it is to be generated.
        """
        key = f"{namespace or ''}/{name or ''}".encode(errors="surrogatepass")
        return zlib.crc32(key) % self.count == self.index


def parse(text: str) -> Shard:
    """`0/4`. Raises `ValueError`, whose message names the way out."""
    index, slash, count = text.partition("/")
    if not (slash and _is_number(index) and _is_number(count)):
        raise ValueError(f"{text!r} is no shard: {_FORM}")
    shard = Shard(int(index), int(count))
    if shard.index >= shard.count:
        raise ValueError(f"there is no shard {text}: {_FORM}")
    return shard


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len("100000")
