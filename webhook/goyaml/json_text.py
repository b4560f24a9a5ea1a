"""A chunk of JSON: one or several values, and where they stand.

The standard library's parser, because it alone takes several values after each other and tells of
repeated keys.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from webhook.api import pointer_token
from webhook.goyaml import scalars
from webhook.goyaml.chunks import Chunk, Content, Unreadable
from webhook.review import MAX_DEPTH, nested_too_deep

_SPACE: Final = re.compile(r"\s*")
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MAX_DIGITS: Final = 20
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
        except (ValueError, RecursionError) as error:
            if position == start:
                raise NotJson from error
            if isinstance(error, json.JSONDecodeError):
                raise Unreadable(error.lineno - 1, f"not JSON: {error.msg}") from error
            raise Unreadable(row, f"not JSON: {error}") from error
        places = _walk(text, position) if repeats else ()
        repeated = tuple((place.row, place.key) for place in places if place.is_repeated)
        yield Content(value, row, repeated, position)
        position = _SPACE.match(text, end).end()  # type: ignore[union-attr]  # it may be empty


def lines(chunk: Chunk, position: int) -> dict[str, int]:
    """The 1-based line of each pointer into the value that starts at a position of the text."""
    return {place.pointer: chunk.line + place.row for place in _walk(_text(chunk), position)}


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
        return scalars.json_value(int(text) if len(text) < _MAX_DIGITS else float(text))

    return json.JSONDecoder(
        object_pairs_hook=mapping,
        parse_int=number,
        parse_float=lambda text: scalars.json_value(float(text)),
        parse_constant=_refuse,
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class _Place(msgspec.Struct):
    """A value of an object or list, and its row."""

    pointer: str
    row: int
    key: str = ""
    is_repeated: bool = False


class _Level(msgspec.Struct):
    """An object or list that is being walked through."""

    pointer: str
    keys: set[str] | None
    """Those so far; None in a list."""
    step: str | int | None
    """Key or index of the present value; None where a key comes next."""


def _walk(text: str, position: int) -> Iterator[_Place]:
    """Everything in the valid JSON value at a position, in the order of the text."""
    row = text.count("\n", 0, position)
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text, position):
        found = match[0]
        level = levels[-1] if levels else None
        if found == "\n":
            row += 1
        elif found in "]}":
            levels.pop()
            if not levels:
                return
        elif found == "," and level:
            level.step = level.step + 1 if isinstance(level.step, int) else None
        elif found != ":":
            yield from _enter(level, found, row)
            if found in "[{":
                pointer = f"{level.pointer}/{pointer_token(str(level.step))}" if level else ""
                is_list = found == "["
                levels.append(_Level(pointer, None if is_list else set(), 0 if is_list else None))


def _enter(level: _Level | None, found: str, row: int) -> Iterator[_Place]:
    """The place of a value that begins with the found, or whose key it is."""
    if level is None:
        yield _Place("", row)
    elif level.keys is None:
        yield _Place(f"{level.pointer}/{level.step}", row)
    elif level.step is None:
        key = json.loads(found)
        yield _Place(f"{level.pointer}/{pointer_token(key)}", row, key, key in level.keys)
        level.step = key
        level.keys.add(key)
