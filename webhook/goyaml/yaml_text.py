"""A chunk of YAML: its values, and where they stand.

libyaml's events are turned into values here, not by PyYAML's constructors: that takes half the
time, needs no recursion, and follows Go's rules on merge keys, anchors and alias bombs.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import yaml
from yaml.events import (
    AliasEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from webhook.depth import MAX_DEPTH
from webhook.goyaml import scalars
from webhook.goyaml.chunks import Chunk, Content, Unreadable
from webhook.goyaml.rows import Rows

if not yaml.__with_libyaml__:
    raise ImportError("this PyYAML lacks libyaml and would be slow: install one of its wheels")
from yaml._yaml import CParser

Event = Any
"""One of yaml.events, all but whose class attributes is untyped."""

_CONTENT: Final = (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)
_MERGE: Final = "<<"
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_BAD_KEY: Final = "a mapping or a list as a key"


def read(chunk: Chunk) -> Iterator[Content]:
    """The documents of a chunk. Raises `Unreadable` at the first that is broken."""
    chunk.decode()
    try:
        next_event = CParser(chunk.text).get_event
        while (event := next_event()) is not None:
            if isinstance(event, _CONTENT):
                content = _Builder().build(event, next_event)
                next_event()  # its end: the error of `a:b` and a mapping below comes only here
                yield content
    except ReaderError as error:
        row = chunk.text.count(b"\n", 0, error.position)
        raise Unreadable(row, f"character U+{error.character:04X} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        row = mark.line if mark else 0
        context = f" {error.context}" if error.context else ""
        hint = "; indent with spaces, not tabs" if _has_tab(chunk.text, row) else ""
        raise Unreadable(row, f"not YAML: {error.problem}{context}{hint}") from error


def _has_tab(text: bytes, row: int) -> bool:
    """True if the line is indented with a tab, which libyaml calls a character like any other."""
    lines = text.split(b"\n", row + 1)
    return row < len(lines) and lines[row].lstrip(b" ").startswith(b"\t")


class _Anchored(msgspec.Struct):
    """What an alias stands for."""

    value: Any
    nodes: int = 1
    """Aliases inside counted as all that they stand for."""
    height: int = 0
    """Levels of mappings and lists."""
    is_open: bool = False


class _Frame(msgspec.Struct):
    """A mapping or list that is being read."""

    value: Any
    nodes_before: int
    anchored: _Anchored | None
    rows: Rows = msgspec.field(default_factory=Rows)
    height: int = 1
    key: str | None = None
    """The key whose value comes next; None in a list, and where a key comes next."""
    is_merge: bool = False
    """Whether that key is `<<`."""
    merged: frozenset[str] = frozenset()
    """Keys that came by merging: writing them again is no repetition."""

    @property
    def wants_key(self) -> bool:
        """True if a key of a mapping comes next."""
        return self.key is None and type(self.value) is dict

    def start(self, row: int) -> None:
        """A value begins in that row; one in a mapping belongs to the row of its key."""
        if self.key is None:
            self.rows.at[len(self.value)] = row

    def put(self, value: Any, height: int = 0, rows: Rows | None = None) -> None:
        """Add a complete value, with its levels and rows if it has any."""
        self.height = max(self.height, height + 1)
        if rows:
            self.rows.inside[len(self.value) if self.key is None else self.key] = rows
        if self.key is None:
            self.value.append(value)
        elif self.is_merge:
            self._merge(value)
        else:
            self.value[self.key] = value
        self.key = None

    def _merge(self, value: Any) -> None:
        """Go merges at once: keys that stand before `<<` lose to it, those after it win."""
        sources = value if isinstance(value, list) else [value]
        for source in reversed(sources):
            if not isinstance(source, dict):
                raise scalars.UnresolvableError("only mappings can be merged")
            self.value |= source
            self.merged |= source.keys()


class _Builder:
    """Builds one document."""

    def __init__(self) -> None:
        # a list around the document's value spares every step the question of whether it is inside
        self._stack = [_Frame([], 0, None)]
        self._repeated: list[tuple[int, str]] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._aliased = 0
        self._row = 0

    def build(self, event: Event, next_event: Callable[[], Event]) -> Content:
        """The document whose content starts with `event`."""
        start = event.start_mark.line
        try:
            self._take(event)
            while len(self._stack) > 1:
                self._take(next_event())
        except scalars.UnresolvableError as error:
            raise Unreadable(self._row, str(error)) from error
        root = self._stack[0]
        rows = root.rows.inside.get(0, Rows())
        return Content(root.value[0], start, tuple(self._repeated), lambda: rows)

    def _take(self, event: Event) -> None:
        self._row = event.start_mark.line
        kind = type(event)
        if kind is ScalarEvent:
            self._scalar(event)
        elif kind is MappingStartEvent:
            self._open({}, event.anchor)
        elif kind is SequenceStartEvent:
            self._open([], event.anchor)
        elif kind is AliasEvent:
            self._alias(event.anchor)
        else:
            self._close()

    def _scalar(self, event: Event) -> None:
        value = event.value
        # unlike in Go a long text weighs more, or a few aliases of it would fill the memory
        weight = 1 + len(value) // 64
        self._nodes += weight
        is_plain = event.implicit[0]
        frame = self._stack[-1]
        if frame.wants_key:
            if is_plain:
                value = scalars.plain_key(value)
            elif event.tag:
                value = scalars.tagged_key(event.tag, value)
            is_merge = value == _MERGE and (is_plain or event.tag == scalars.MERGE_TAG)
            self._key(value, is_merge)
        else:
            if is_plain:
                value = scalars.plain(value)
            elif event.tag:
                value = scalars.tagged(event.tag, value)
            frame.start(self._row)
            frame.put(value)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, weight)

    def _key(self, key: str, is_merge: bool = False) -> None:
        frame = self._stack[-1]
        if key in frame.value and key not in frame.merged:
            self._repeated.append((self._row, key))
            frame.rows.inside.pop(key, None)
        frame.key, frame.is_merge = key, is_merge
        frame.rows.at[key] = self._row

    def _open(self, value: Any, anchor: str | None) -> None:
        frame = self._stack[-1]
        if len(self._stack) > MAX_DEPTH:
            raise Unreadable(self._row, _TOO_DEEP)
        if frame.wants_key:
            raise Unreadable(self._row, _BAD_KEY)
        frame.start(self._row)
        anchored = _Anchored(value, is_open=True) if anchor else None
        if anchor and anchored:
            self._anchors[anchor] = anchored
        self._stack.append(_Frame(value, self._nodes, anchored))
        self._nodes += 1

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchored:
            frame.anchored.nodes = self._nodes - frame.nodes_before
            frame.anchored.height = frame.height
            frame.anchored.is_open = False
        self._stack[-1].put(frame.value, frame.height, frame.rows)

    def _alias(self, anchor: str) -> None:
        target = self._anchors.get(anchor)
        if target is None:
            raise Unreadable(self._row, f"unknown anchor {anchor!r}")
        if target.is_open:
            raise Unreadable(self._row, f"anchor {anchor!r} contains itself")
        self._count(target)
        frame = self._stack[-1]
        if not frame.wants_key:
            frame.start(self._row)
            frame.put(target.value, target.height)
        elif target.height:
            raise Unreadable(self._row, _BAD_KEY)
        else:
            self._key(scalars.key(target.value))

    def _count(self, target: _Anchored) -> None:
        """Bound what aliases stand for: a few lines of them can mean billions of values."""
        if len(self._stack) - 1 + target.height > MAX_DEPTH:
            raise Unreadable(self._row, _TOO_DEEP)
        self._nodes += target.nodes
        self._aliased += target.nodes
        if self._aliased > 100 and self._aliased > self._nodes * _alias_share(self._nodes):
            raise Unreadable(self._row, "nearly all of it is aliases")


def _alias_share(nodes: int) -> float:
    """The share of aliased nodes that go-yaml's `decode.go` allows: less in a larger document."""
    return 0.99 - 0.89 * min(1.0, max(0.0, (nodes - 400_000) / 3_600_000))
