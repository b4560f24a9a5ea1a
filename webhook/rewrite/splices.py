"""Splices applied, undone, and moved from a chunk's characters to the file's bytes."""

from collections.abc import Iterable, Iterator

from webhook.rewrite.edits import Splice


def apply(data: bytes, splices: Iterable[Splice], start: int = 0, end: int | None = None) -> bytes:
    """The bytes from `start` to before `end` with the splices among them, in their order."""
    parts = []
    for splice in splices:
        parts += [data[start : splice.start], splice.text.encode()]
        start = splice.end
    return b"".join([*parts, data[start:end]])


def undo(old: bytes, new: bytes, splices: Iterable[Splice]) -> bytes:
    """The new bytes with every inserted text taken out, and what it replaced put back."""
    parts = []
    position = grown = 0
    for splice in splices:
        start = splice.start + grown
        parts += [new[position:start], old[splice.start : splice.end]]
        position = start + len(splice.text.encode())
        grown += position - start - (splice.end - splice.start)
    return b"".join([*parts, new[position:]])


def to_bytes(text: str, splices: Iterable[Splice], byte: int) -> Iterator[Splice]:
    """Splices of a text's characters, in their order, as those of the bytes of a file in which it
    starts at `byte`."""
    character = 0
    for splice in splices:
        byte += len(text[character : splice.start].encode())
        length = len(text[splice.start : splice.end].encode())
        yield Splice(byte, byte + length, splice.text)
        byte += length
        character = splice.end
