"""Plain YAML, as nearly every manifest is written, read line by line.

libyaml spends its time on what manifests do not use. Plain is: block mappings and lists with one
entry a line, keys of letters, digits and `_./-`, plain and quoted scalars, `|` and `>` blocks, and
flow collections that end on their line. Everything else is `NotPlain` and for `yaml_text`: anchors,
aliases, merges, tags, tabs, directives, scalars of several lines, `? ` and `- - `, repeated keys,
what Go refuses, and every error. What is plain, both read alike; scalars mean what `scalars` says.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from webhook.goyaml.chunks import Chunk, Content
from webhook.goyaml.lines import BLOCK_TEXT, COMPLETE, FLOW, OPEN, NotPlain, parse
from webhook.goyaml.rows import Rows

_MAX_LEVELS: Final = 100
_BREAKS: Final = re.compile(r"\n(\n*)")
_DEEPER_LINE: Final = re.compile(r"^[ \t]", re.MULTILINE)


def read(chunk: Chunk) -> Content:
    """The one document of a chunk. Raises `NotPlain`, also for a chunk without content."""
    try:
        text = chunk.text.decode()
    except UnicodeDecodeError as error:
        raise NotPlain from error
    lines = text.replace("\r\n", "\n").split("\n")
    value, _ = _scan(lines)
    row = next(row for row, line in enumerate(lines) if parse(line))
    return Content(value, row, (), partial(_rows, lines))


def _scan(lines: list[str]) -> tuple[Any, list[range]]:
    """The value, and the rows of its block scalars."""
    root: list[Any] = [None]
    # what is open: a mapping or list, its level, those around it, the key whose value comes next
    inside: Any = root
    level = -1
    around: list[tuple[int, Any]] = []
    waiting: Any = 0
    blocks: list[range] = []
    skipped = 0
    rest = iter(lines)
    for row, line in enumerate(map(parse, rest)):
        if line is None:
            continue
        at, inner, key, value, kind = line
        if at > level:
            if waiting is None or len(around) > _MAX_LEVELS:
                raise NotPlain
            around.append((level, inside))
            opened: Any = [] if at & 1 else {}
            inside[waiting] = opened
            inside, level = opened, at
        elif at < level:
            while at < level:
                level, inside = around.pop()
            if at > level:
                raise NotPlain
        if inner:
            around.append((level, inside))
            opened = {key: value}
            inside.append(opened)
            inside, level = opened, inner
        elif key is None:
            key = len(inside)
            inside.append(value)
        elif key in inside:
            raise NotPlain
        else:
            inside[key] = value
        waiting = None
        if kind == COMPLETE:
            continue
        if kind == OPEN:
            waiting = key
        elif kind == FLOW:
            inside[key] = msgspec.json.decode(value)
        else:
            block = _block(lines, row + skipped + 1, level // 2)
            inside[key] = _text(lines, block, kind)
            blocks.append(block)
            skipped += len(block)
            for _ in islice(rest, len(block)):
                pass
    if inside is root:
        raise NotPlain
    return root[0], blocks


def _block(lines: list[str], start: int, column: int) -> range:
    """The rows of a block scalar whose parent stands in that column."""
    indent = _indent(lines[start]) if start < len(lines) else 0
    if indent <= column:
        raise NotPlain
    stop = start + 1
    while stop < len(lines) and (_indent(lines[stop]) >= indent or not lines[stop].strip(" ")):
        stop += 1
    return range(start, stop)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _text(lines: list[str], block: range, header: str) -> str:
    """A block scalar's value."""
    indent = _indent(lines[block.start])
    raw = "\n".join(line[indent:] for line in lines[block.start : block.stop])
    if block.stop < len(lines):
        raw += "\n"
    # a first line that is blank or starts with a tab has rules of its own
    if not BLOCK_TEXT.fullmatch(raw) or raw.startswith(("\n", "\t")):
        raise NotPlain
    text = raw.rstrip("\n")
    end = "\n" if text != raw and not header.endswith("-") else ""
    if header.startswith(">"):
        if _DEEPER_LINE.search(text):
            raise NotPlain
        text = _BREAKS.sub(lambda found: found[1] or " ", text)
    return text + end


def _rows(lines: list[str]) -> Rows:
    value, blocks = _scan(lines)
    return _tree(value, _entry_rows(lines, blocks))


def _entry_rows(lines: list[str], blocks: Iterable[range]) -> Iterator[int]:
    """The row of every entry of every mapping and list, in the order of the text."""
    in_blocks = {row for block in blocks for row in block}
    for row, text in enumerate(lines):
        if row not in in_blocks and (line := parse(text)):
            level, _, key, value, kind = line
            # an item of a list, a key, and what is in a flow collection
            entries = level % 2 + (key is not None)
            if kind == FLOW:
                entries += _count(msgspec.json.decode(value))
            yield from [row] * entries


def _count(value: Any) -> int:
    """The entries of a value, and of those in it."""
    inner = value.values() if isinstance(value, dict) else value
    return sum(1 + _count(v) for v in inner) if isinstance(value, dict | list) else 0


def _tree(value: Any, entry_rows: Iterator[int]) -> Rows:
    """The rows of a value's entries, which are in the order of the text, too."""
    rows = Rows()
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        rows.at[step] = next(entry_rows)
        if isinstance(inner, dict | list):
            rows.inside[step] = _tree(inner, entry_rows)
    return rows
