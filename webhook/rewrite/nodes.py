"""A document's text as a tree of what stands where, whether it is YAML or JSON."""

from typing import Literal

import msgspec


class Node(msgspec.Struct):
    """One value or key. Offsets count characters of the document's chunk."""

    kind: Literal["mapping", "sequence", "scalar", "alias"]
    start: int
    """Of its first character; of its anchor or tag if it has one."""
    end: int = 0
    """After its last character; comments and blank lines behind it are not its own."""
    name: str = ""
    """What a key means, and what an alias or a scalar says."""
    anchor: str | None = None
    tag: str | None = None
    inside: int | None = None
    """After the opening brace or bracket; None in block style."""
    entries: list["Entry"] = msgspec.field(default_factory=list)
    """Of a mapping, those that are written: what is merged has none."""
    items: list["Node"] = msgspec.field(default_factory=list)
    """Of a sequence."""


class Entry(msgspec.Struct):
    """A key and its value."""

    key: Node
    value: Node
    is_merge: bool = False
    """Whether the key is YAML's `<<`."""

    @property
    def end(self) -> int:
        """After its last character."""
        return max(self.key.end, self.value.end)


class Tree(msgspec.Struct):
    """One document."""

    text: str
    """Of its whole chunk."""
    root: Node
    aliases: frozenset[str] = frozenset()
    """Names of the anchors that aliases refer to."""
