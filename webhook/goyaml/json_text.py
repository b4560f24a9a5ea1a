"""A chunk of JSON: one or several values, and where they stand.

The standard library's parser, because it alone takes several values after each other and tells of
repeated keys.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import msgspec

from webhook.depth import MAX_DEPTH, nested_too_deep
from webhook.goyaml import scalars
from webhook.goyaml.chunks import Chunk, Content, Unreadable
from webhook.goyaml.rows import Rows

_SPACE: Final = re.compile(r"\s*")
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MAX_LENGTH: Final = 20
"""Longer integers exceed 64 bits anyway, and Python refuses to convert thousands of digits."""
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]|[^\s"{}\[\],:]+', re.DOTALL)


class NotJson(Exception):
    """The first value is not JSON; it may be flow YAML."""


def read(chunk: Chunk) -> Iterator[Content]:
    """The values of a chunk. Raises `NotJson` at the first, `Unreadable` at a later one."""
    text = _text(chunk)
    start = position = chunk.json_start or 0
    row, counted = 0, 0
    while position < len(text):
        row, counted = row + text.count("\n", counted, position), position
        repeats: list[bool] = []
        try:
            value, end = _decoder(repeats).raw_decode(text, position)
        except scalars.UnresolvableError as error:
            raise Unreadable(row, str(error)) from error
        except (ValueError, RecursionError) as error:
            if position == start:
                raise NotJson from error
            if isinstance(error, json.JSONDecodeError):
                raise Unreadable(error.lineno - 1, f"not JSON: {error.msg}") from error
            raise Unreadable(row, f"not JSON: {error}") from error
        repeated = tuple(_Walk(text, position).repeated) if repeats else ()
        yield Content(value, row, repeated, partial(_rows, text, position))
        position = _SPACE.match(text, end).end()  # type: ignore[union-attr]  # it may be empty


def _rows(text: str, position: int) -> Rows:
    return _Walk(text, position).rows


def _text(chunk: Chunk) -> str:
    if nested_too_deep(chunk.text):
        raise Unreadable(0, f"nested deeper than {MAX_DEPTH} levels")
    text = chunk.decode()
    if "\\ud" not in text and "\\uD" not in text:
        return text
    # like Go, and because half a surrogate pair cannot be encoded again
    return _ESCAPE.sub(lambda found: "\\ufffd" if found["lone"] else found[0], text)


def _decoder(repeats: list[bool]) -> json.JSONDecoder:
    """A decoder that adds to `repeats` for every object with a repeated key."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeats.append(True)
        return found

    def number(text: str) -> scalars.Scalar:
        return scalars.json_value(int(text) if len(text) <= _MAX_LENGTH else float(text))

    return json.JSONDecoder(
        object_pairs_hook=mapping,
        parse_int=number,
        parse_float=lambda text: scalars.json_value(float(text)),
        parse_constant=_refuse,
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class _Level(msgspec.Struct):
    """An object or list that is being walked through."""

    is_list: bool
    step: str | int | None
    """Key or index of the present value; None where a key comes next."""
    rows: Rows = msgspec.field(default_factory=Rows)


class _Walk:
    """Once through the valid JSON value at a position, for the rows of what is in it."""

    def __init__(self, text: str, position: int) -> None:
        self.repeated: list[tuple[int, str]] = []
        """Row and key."""
        self._row = text.count("\n", 0, position)
        root = _Level(is_list=True, step=0)
        self._levels = [root]
        for match in _TOKEN.finditer(text, position):
            self._take(match[0])
            if len(self._levels) == 1:
                break
        self.rows = root.rows.inside.get(0, Rows())

    def _take(self, found: str) -> None:
        level = self._levels[-1]
        if found == "\n":
            self._row += 1
        elif found in "]}":
            self._levels.pop()
        elif found == ",":
            level.step = level.step + 1 if isinstance(level.step, int) else None
        elif found != ":":
            self._enter(level, found)

    def _enter(self, level: _Level, found: str) -> None:
        """A value begins, or the key of one."""
        if level.step is None:
            level.step = key = json.loads(found)
            if key in level.rows.at:
                self.repeated.append((self._row, key))
            level.rows.at[key] = self._row
            return
        if level.is_list:
            level.rows.at[level.step] = self._row
        if found in "[{":
            is_list = found == "["
            inner = _Level(is_list, 0 if is_list else None)
            level.rows.inside[level.step] = inner.rows
            self._levels.append(inner)
        else:
            level.rows.inside.pop(level.step, None)
