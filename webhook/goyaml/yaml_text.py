"""A chunk of YAML: its values, and where they stand.

libyaml's events are turned into values here, not by PyYAML's constructors: that takes half the
time, needs no recursion, and follows Go's rules on merge keys, anchors and alias bombs.
"""

from collections.abc import Callable, Iterator
from itertools import count, islice
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

from webhook.api import pointer_token
from webhook.goyaml import scalars
from webhook.goyaml.chunks import Chunk, Content, Unreadable
from webhook.review import MAX_DEPTH

if not yaml.__with_libyaml__:
    raise ImportError("this PyYAML lacks libyaml and would be slow: install one of its wheels")
from yaml._yaml import CParser

Event = Any
"""One of yaml.events, all but whose class attributes is untyped."""

_CONTENT: Final = (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)
_MERGE: Final = "<<"


def read(chunk: Chunk) -> Iterator[Content]:
    """The documents of a chunk. Raises `Unreadable` at the first that is broken."""
    for number, builder in enumerate(_built(chunk)):
        yield Content(builder.root, builder.start, tuple(builder.repeated), number)


def lines(chunk: Chunk, number: int) -> dict[str, int]:
    """The 1-based line of each pointer into the value of the chunk's document `number`."""
    builder = next(islice(_built(chunk, note=number), number, None))
    return {pointer: chunk.line + row for pointer, row in (builder.rows or {}).items()}


def _built(chunk: Chunk, note: int | None = None) -> Iterator["_Builder"]:
    """Every document of the chunk; with the rows of one, for which `note` is the number."""
    chunk.decode()
    numbers = count()
    try:
        next_event = CParser(chunk.text).get_event
        while (event := next_event()) is not None:
            if isinstance(event, _CONTENT):
                builder = _Builder({} if next(numbers) == note else None)
                builder.build(event, next_event)
                yield builder
    except ReaderError as error:
        row = chunk.text.count(b"\n", 0, error.position)
        raise Unreadable(row, f"character U+{error.character:04X} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" {error.context}" if error.context else ""
        raise Unreadable(mark.line if mark else 0, f"{error.problem}{context}") from error


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
    pointer: str
    nodes_before: int
    anchored: _Anchored | None = None
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

    def put(self, value: Any, height: int) -> None:
        """Add a complete value, which has so many levels."""
        self.height = max(self.height, height + 1)
        if self.key is None:
            self.value.append(value)
            return
        if self.is_merge:
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
    """Builds the value of one document; notes the row of each pointer if it is given `rows`."""

    def __init__(self, rows: dict[str, int] | None) -> None:
        self.root: Any = None
        self.start = 0
        """The row where the document starts."""
        self.repeated: list[tuple[int, str]] = []
        self.rows = rows
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._aliased = 0
        self._row = 0

    def build(self, event: Event, next_event: Callable[[], Event]) -> None:
        """Read the value that starts with `event`."""
        self.start = event.start_mark.line
        try:
            self._take(event)
            while self._stack:
                self._take(next_event())
        except scalars.UnresolvableError as error:
            raise Unreadable(self._row, str(error)) from error

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
        self._nodes += 1 + len(value) // 64
        is_plain = event.implicit[0]
        if self._stack and self._stack[-1].wants_key:
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
            self._locate()
            self._put(value, 0)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value)

    def _key(self, key: str, is_merge: bool = False) -> None:
        frame = self._stack[-1]
        if key in frame.value and key not in frame.merged:
            self.repeated.append((self._row, key))
        frame.key, frame.is_merge = key, is_merge
        if self.rows is not None:
            self.rows[self._locate()] = self._row

    def _put(self, value: Any, height: int) -> None:
        if self._stack:
            self._stack[-1].put(value, height)
        else:
            self.root = value

    def _locate(self) -> str:
        """The pointer to what comes next; notes its row, unless its key was noted already."""
        if self.rows is None:
            return ""
        pointer = ""
        if self._stack:
            frame = self._stack[-1]
            step = len(frame.value) if frame.key is None else pointer_token(frame.key)
            pointer = f"{frame.pointer}/{step}"
        self.rows.setdefault(pointer, self._row)
        return pointer

    def _open(self, value: Any, anchor: str | None) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise Unreadable(self._row, f"nested deeper than {MAX_DEPTH} levels")
        if self._stack and self._stack[-1].wants_key:
            raise Unreadable(self._row, "a mapping or a list as a key")
        frame = _Frame(value, self._locate(), self._nodes)
        self._nodes += 1
        if anchor:
            frame.anchored = self._anchors[anchor] = _Anchored(value, is_open=True)
        self._stack.append(frame)

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchored:
            frame.anchored.nodes = self._nodes - frame.nodes_before
            frame.anchored.height = frame.height
            frame.anchored.is_open = False
        self._put(frame.value, frame.height)

    def _alias(self, anchor: str) -> None:
        target = self._anchors.get(anchor)
        if target is None:
            raise Unreadable(self._row, f"unknown anchor {anchor!r}")
        if target.is_open:
            raise Unreadable(self._row, f"anchor {anchor!r} contains itself")
        if len(self._stack) + target.height > MAX_DEPTH:
            raise Unreadable(self._row, f"nested deeper than {MAX_DEPTH} levels")
        self._nodes += target.nodes
        self._aliased += target.nodes
        if self._aliased > 100 and self._aliased > self._nodes * _alias_share(self._nodes):
            raise Unreadable(self._row, "too much of it is aliases")
        if not (self._stack and self._stack[-1].wants_key):
            self._locate()
            self._put(target.value, target.height)
        elif target.height:
            raise Unreadable(self._row, "a mapping or a list as a key")
        else:
            self._key(scalars.key(target.value))


def _alias_share(nodes: int) -> float:
    """The share of aliased nodes that go-yaml's `decode.go` allows: less in a larger document."""
    return 0.99 - 0.89 * min(1.0, max(0.0, (nodes - 400_000) / 3_600_000))
