"""How a careful human would write a number into a mapping: as its other entries are written."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from webhook.rewrite.edits import CannotRewrite, Splice
from webhook.rewrite.nodes import Entry, Node

_COLONS: Final = (":", ": ", " :", " : ")
_COMMENT: Final = re.compile(r"#[^\n]*")
_FILLER: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_EMPTY: Final = re.compile(r"[ \t]*:")


def added(text: str, node: Node, holder: Entry | None, values: Mapping[str, int]) -> list[Splice]:
    """New entries behind the last one of a mapping; `holder` is the entry whose value it is."""
    if node.inside is None:
        return [_below(text, node, values)]
    last = node.entries[-1] if node.entries else holder
    quote, colon = _style(text, last)
    pairs = [f"{quote}{key}{quote}{colon}{value}" for key, value in values.items()]
    if not node.entries:
        return [Splice(node.inside, node.inside, _comma(colon).join(pairs))]
    return list(_within(text, node, colon, pairs))


def replaced(text: str, found: Entry, value: int) -> Splice:
    """A number in place of a scalar, which may be an empty one. Raises `CannotRewrite`."""
    old = found.value
    if old.kind != "scalar" or old.anchor or old.tag:
        message = f"{found.key.name} is neither a number nor null; write {value}"
        raise CannotRewrite(found.key.start, message)
    if old.end > old.start:
        return Splice(old.start, old.end, str(value))
    colon = _EMPTY.match(text, found.key.end)
    if colon:
        return Splice(colon.end(), colon.end(), f" {value}")
    return Splice(found.key.end, found.key.end, f": {value}")


def _style(text: str, model: Entry | None) -> tuple[str, str]:
    """The quote around keys and the colon behind them, as another entry has them."""
    if model is None:
        return "", ": "
    quote = text[model.key.start]
    colon = text[model.key.end : model.value.start]
    return (quote, colon if colon in _COLONS else ": ") if quote in "\"'" else ("", ": ")


def _comma(colon: str) -> str:
    """JSON without a space behind colons has none behind commas either."""
    return "," if colon == ":" else ", "


def _below(text: str, node: Node, values: Mapping[str, int]) -> Splice:
    """Lines below the last entry of a block mapping and the comments that are indented like it."""
    last = node.entries[-1]
    quote, _ = _style(text, last)
    start = node.entries[0].key.start
    lead = text[_line_start(text, start) : start]
    # a key may have been given a question mark, which then is what stands in the column
    column = lead.index("?") if "?" in lead else len(lead)
    lines = [f"{' ' * column}{quote}{key}{quote}: {value}" for key, value in values.items()]
    # a block scalar that keeps its blank lines ends where the next line starts
    position = last.end if text[last.end - 1] == "\n" else _next_line(text, last.end)
    comment = re.compile(rf" {{{column},}}#")
    while comment.match(text, position):
        position = _next_line(text, position)
    newline = _newline(text, position)
    if text[position - 1] == "\n":
        return Splice(position, position, "".join(f"{line}{newline}" for line in lines))
    # the file's last line has no end, and keeps none
    return Splice(position, position, "".join(f"{newline}{line}" for line in lines))


def _within(text: str, node: Node, colon: str, pairs: list[str]) -> Iterator[Splice]:
    """Behind the last entry of a flow mapping that is not empty: on its line, or on lines below."""
    last = node.entries[-1]
    before = node.entries[-2].end if len(node.entries) > 1 else node.inside
    gap = _COMMENT.sub("", text[before : last.key.start])
    if "\n" not in gap:
        separator = gap if len(node.entries) > 1 else _comma(colon)
        yield Splice(last.end, last.end, "".join(f"{separator}{pair}" for pair in pairs))
        return
    indent = text[_line_start(text, last.key.start) : last.key.start]
    closing = node.end - 1
    comma = _FILLER.match(text, last.end).end()  # type: ignore[union-attr]  # it may be empty
    has_comma = comma < closing
    below = _next_line(text, comma if has_comma else last.end)
    newline = _newline(text, below)
    leads = "," in indent
    if below > closing:
        # the brace stands behind the last entry
        join = f"{newline}{indent}" if leads else f",{newline}{indent}"
        yield Splice(last.end, last.end, "".join(f"{join}{pair}" for pair in pairs))
    elif leads:
        # a comma before each entry
        yield Splice(below, below, "".join(f"{indent}{pair}{newline}" for pair in pairs))
    else:
        if not has_comma:
            yield Splice(last.end, last.end, ",")
        lines = f",{newline}".join(f"{indent}{pair}" for pair in pairs)
        yield Splice(below, below, f"{lines}{',' if has_comma else ''}{newline}")


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _next_line(text: str, position: int) -> int:
    """Where the line behind the one of `position` starts; the end of the text without one."""
    return text.find("\n", position) + 1 or len(text)


def _newline(text: str, position: int) -> str:
    """How the line before `position` ends; if it does not, how the text's first one does."""
    end = position if text[position - 1] == "\n" else text.find("\n") + 1
    return "\r\n" if text.endswith("\r\n", 0, end) else "\n"
