"""What is asked of a rewriting, and what comes of it."""

from typing import NamedTuple

import msgspec

from webhook.api.pointer import pointer_keys


class Edit(msgspec.Struct, frozen=True):
    """A number to be set: a new entry of a mapping that is there, or in place of a scalar."""

    document: int
    """0-based, counting every document of the file, empty ones too."""
    pointer: str
    """RFC 6901 JSON Pointer into the document."""
    value: int

    @property
    def parent(self) -> str:
        """The pointer to the mapping."""
        return self.pointer.rpartition("/")[0]

    @property
    def key(self) -> str:
        """The mapping's key."""
        return pointer_keys(self.pointer)[-1]


Group = tuple[Edit, ...]
"""The edits of one mapping."""


class Splice(NamedTuple):
    """`text` in place of what stands from `start` to before `end`; both alike for an insertion.

    Offsets count characters of a document's chunk while a change is made, and bytes of the file
    once it is done.
    """

    start: int
    end: int
    text: str


class Change(msgspec.Struct, frozen=True):
    """Edits of one mapping that were made: all that were asked for it, or none of them."""

    edits: Group
    splices: tuple[Splice, ...]
    """In the order of the file, in bytes of the old text."""


class Refusal(msgspec.Struct, frozen=True):
    """Edits of one mapping that were not made."""

    edits: Group
    line: int
    """1-based line of the file."""
    message: str
    """Why, and the way out, as one line for a human."""


class Rewritten(msgspec.Struct, frozen=True):
    """The new text, proved to be what was asked for and nothing else."""

    data: bytes
    changes: tuple[Change, ...]
    """In the order of the edits, like the refusals."""
    refusals: tuple[Refusal, ...]


class CannotRewrite(Exception):
    """One mapping's edits cannot be made; `position` is a character of the document's chunk."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        super().__init__(message)
