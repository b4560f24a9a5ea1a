"""A policy's documentation as plain text."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from webhook.docstring import Block
from webhook.explain.page import Page
from webhook.explain.params import Param

_INDENT: Final = "    "
_TREE_WIDTH: Final = 96
"""Columns of the params, if no width is given."""


def text(page: Page, width: int | None = None) -> str:
    """What `podworthy explain` prints: the docstring as it is written, or wrapped if a width is
    given, in columns; examples, tables and defaults stay as they are."""
    room = None if width is None else width - len(_INDENT)
    parts = [f"{page.id}: {page.docstring}"]
    if width is not None:
        parts = ["\n".join(_wrapped(f"{page.id}: {page.documentation.title}", width))]
        parts += _sections(page, width - len(_INDENT))
    parts += [
        _section("Actions in the shipped profiles", _actions(page, room)),
        _section("Asked", _wrapped(page.asked, room)),
        _section("Kinds", _wrapped(", ".join(page.kinds), room)),
    ]
    if page.rules:
        rules = _wrapped(", ".join(page.rules), room)
        parts.append(_section("Rules with an action of their own", rules))
    if page.params:
        tree = _params(page.params, page.documentation.params, room or _TREE_WIDTH)
        parts.append(_section("Types of params", tree))
        parts.append(_section("Defaults of params", page.defaults.splitlines()))
    return "\n\n".join(parts)


def _sections(page: Page, room: int) -> Iterator[str]:
    """Those of the docstring, wrapped."""
    for title, blocks in page.documentation.sections.items():
        body = ["\n".join(_block(title, block, room)) for block in blocks]
        yield _section(title, "\n\n".join(body).splitlines())


def _block(section: str, block: Block, room: int) -> Iterator[str]:
    if block.kind == "literal":
        yield from block.lines
    elif block.kind == "prose":
        yield from _wrapped(block.lines[0], room)
    elif block.kind == "terms":
        entries = [line.removeprefix("`").split("`: ", 1) for line in block.lines]
        column = max(len(term) for term, _ in entries) + 2
        for term, told in entries:
            yield from _wrapped(f"{term:<{column}}{told}", room, hanging=" " * column)
    else:
        mark, hanging = ("", _INDENT) if section == "Params" else ("- ", "  ")
        for line in block.lines:
            yield from _wrapped(f"{mark}{line}", room, hanging=hanging)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"{_INDENT}{line}".rstrip() for line in lines)])


def _wrapped(line: str, room: int | None, *, indent: str = "", hanging: str = "") -> list[str]:
    """Lines of so many columns; a single one if that is None."""
    if room is None:
        return [line]
    return textwrap.wrap(
        line,
        room,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _actions(page: Page, room: int | None) -> Iterator[str]:
    column = max(len(one.profile) for one in page.actions) + 2
    for one in page.actions:
        rules = "".join(f", {rule}: {action}" for rule, action in one.rules.items())
        line = f"{one.profile:<{column}}{one.action}{rules}"
        yield from _wrapped(line, room, hanging=" " * column)


def _params(
    params: Iterable[Param], told: Mapping[str, str], room: int, indent: str = ""
) -> Iterator[str]:
    """`told` is what the docstring, which stands above, says of the outermost ones."""
    for param in params:
        description = param.description.removeprefix(told.get(param.names[0], "")).strip()
        line = f"{', '.join(param.names)}: "
        line += "; ".join(filter(None, [param.type, param.default, description]))
        yield from _wrapped(line, room, indent=indent, hanging=f"{indent}{_INDENT}")
        yield from _params(param.children, {}, room, f"{indent}  ")
