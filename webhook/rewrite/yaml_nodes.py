"""YAML text to nodes, by libyaml's events and their marks."""

from collections.abc import Iterator
from typing import Any, Final

from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from webhook.goyaml import scalars
from webhook.rewrite.nodes import Entry, Node, Tree

_BOM: Final = "\ufeff"
_SPACE: Final = " \t\r\n"
_MERGE: Final = "<<"

Event = Any
"""One of yaml.events, all but whose class attributes is untyped."""


def trees(text: str) -> Iterator[Tree]:
    """The documents of a chunk, as far as goyaml could read them."""
    return _Builder(text).trees()


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        # libyaml does not count one
        self._skipped = len(_BOM) if text.startswith(_BOM) else 0
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        """For each open node, the key whose value comes next."""
        self._aliases: set[str] = set()

    def trees(self) -> Iterator[Tree]:
        next_event = CParser(self._text[self._skipped :]).get_event
        while (event := next_event()) is not None:
            node = self._take(event)
            if node is not None:
                yield Tree(self._text, node, frozenset(self._aliases))
                self._aliases.clear()

    def _take(self, event: Event) -> Node | None:
        """A document's root once it is complete."""
        kind = type(event)
        if kind in (MappingStartEvent, SequenceStartEvent):
            self._start(event, is_mapping=kind is MappingStartEvent)
            return None
        if kind is ScalarEvent:
            return self._put(self._scalar(event))
        if kind is AliasEvent:
            self._aliases.add(event.anchor)
            end = self._offset(event.end_mark)
            return self._put(Node("alias", self._offset(event.start_mark), end, name=event.anchor))
        if kind in (MappingEndEvent, SequenceEndEvent):
            return self._put(self._close(event))
        return None

    def _offset(self, mark: Any) -> int:
        offset: int = mark.index + self._skipped
        return offset

    def _start(self, event: Event, *, is_mapping: bool) -> None:
        node = Node(
            "mapping" if is_mapping else "sequence",
            self._offset(event.start_mark),
            anchor=event.anchor,
            tag=event.tag,
            inside=self._offset(event.end_mark) if event.flow_style else None,
        )
        self._open.append(node)
        self._keys.append(None)

    def _close(self, event: Event) -> Node:
        node = self._open.pop()
        self._keys.pop()
        if node.inside is not None:
            node.end = self._offset(event.end_mark)
        else:
            # libyaml's mark is where the next token starts, behind blank lines and comments
            node.end = node.entries[-1].end if node.entries else node.items[-1].end
        return node

    def _scalar(self, event: Event) -> Node:
        start, end = self._offset(event.start_mark), self._offset(event.end_mark)
        if event.style in ("|", ">"):
            end = self._end_of_block_scalar(start, end)
        return Node(
            "scalar", start, end, name=self._meaning(event), anchor=event.anchor, tag=event.tag
        )

    def _end_of_block_scalar(self, start: int, end: int) -> int:
        """Blank lines behind the text are its own only if its header keeps them: `|+`."""
        found = self._text[start:end]
        header = found.partition("\n")[0].partition("#")[0]
        return end if "+" in header else start + len(found.rstrip(_SPACE))

    def _meaning(self, event: Event) -> str:
        """What a key says; a value may be more than a key can be, and nobody asks for it."""
        if not self._is_key():
            text: str = event.value
            return text
        if event.implicit[0]:
            return scalars.plain_key(event.value)
        return scalars.tagged_key(event.tag, event.value) if event.tag else event.value

    def _is_key(self) -> bool:
        return bool(self._open) and self._open[-1].kind == "mapping" and self._keys[-1] is None

    def _put(self, node: Node) -> Node | None:
        if not self._open:
            return node
        parent = self._open[-1]
        if parent.kind == "sequence":
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            # in quotes it is a key like any other
            is_plain = self._text.startswith(_MERGE, key.start)
            is_merge = key.name == _MERGE and (is_plain or key.tag == scalars.MERGE_TAG)
            parent.entries.append(Entry(key, node, is_merge))
            self._keys[-1] = None
        return None
