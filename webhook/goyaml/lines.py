"""A single line of plain YAML: its column, its key and its value, or that it is not plain.

The patterns list what they take: a character or a spelling that nobody thought of is not plain.
"""

import json
import re
from typing import Any, Final

from webhook.goyaml import scalars

Line = tuple[int, int, Any, Any, str]
"""Level, inner level, key, value, kind.

The level is twice the column where the line starts, and one more for an item of a list: so an item
lies deeper than the key above it even in the same column. The inner level is that of the key behind
the dash, 0 if there is none. The key is None where only a value stands behind the dash. The kind is
one of those below, or a block scalar's header: `|`, `|-`, `>` or `>-`.
"""
COMPLETE: Final = ""
"""The value is all there is."""
OPEN: Final = ":"
"""A key without a value: a mapping or list may follow below, else the value is null."""
FLOW: Final = "["
"""The value is the JSON text of a flow mapping or list."""


class NotPlain(Exception):
    """The text is not plain: it takes all of YAML's rules to read it."""


_MAX_LINES: Final = 2048
_MAX_LENGTH: Final = 200
_MAX_FLOW: Final = 1000
_MAX_BRACKETS: Final = 20
_LONGEST_WORD: Final = len("false")

# controls, the line breaks of YAML 1.1 besides \n, byte order marks
_NOWHERE: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
_REFUSED: Final = rf"\t\n{_NOWHERE}"
_TEXT: Final = rf"[^{_REFUSED}]*+"
_COMMENT: Final = rf"(?: ++(?:#{_TEXT})?|(?<= )#{_TEXT})?"
_QUOTED: Final = (
    rf'"(?P<double>(?:[^"\\{_REFUSED}]|\\["\\/bfnrt])*+)"'
    rf"|'(?P<single>(?:[^'{_REFUSED}]|'')*+)'"
)
# libyaml takes keys of up to 1024 characters
_KEY: Final = (
    r"(?P<key>[A-Za-z0-9_./][A-Za-z0-9_./-]{0,127}+)"
    r'|"(?P<quoted_key>[A-Za-z0-9_./-]{1,127}+)"'
)
_SIGN: Final = rf"[^ :{_REFUSED}]"
# a colon before a space, and a # behind one, end a plain scalar
_WORD: Final = rf"(?:(?::++(?={_SIGN}))?{_SIGN}++)++"
_PLAIN: Final = rf"(?=[^?:,\[\]{{}}#&*!|>'\"%@`-]|-{_SIGN}){_WORD}(?: ++(?!#){_WORD})*+"
_LINE: Final = re.compile(
    rf"(?P<indent> *+)(?P<dash>- ++)?(?:(?:{_KEY}):(?: ++|\Z))?"
    rf"(?:(?P<plain>{_PLAIN})|{_QUOTED}|(?P<block>[|>]-?)|(?P<flow>[\[{{][^{_REFUSED}]*[\]}}]))?"
    rf"{_COMMENT}"
)
# the cut into chunks leaves --- only where a chunk starts
_NOTHING: Final = re.compile(rf" *+(?:#{_TEXT})?|---{_COMMENT}")

BLOCK_TEXT: Final = re.compile(rf"[^{_NOWHERE}]*+")
"""The lines of a block scalar."""

_FLOW_SIGN: Final = r"[A-Za-z0-9_./+$()=~^*\\-]"
_FLOW_WORD: Final = rf"{_FLOW_SIGN}++(?::[A-Za-z0-9_/]{_FLOW_SIGN}*+)*+"
_FLOW_TOKEN: Final = re.compile(
    rf"(?P<mark>[\[\]{{}}, ])|(?P<scalar>"
    rf"(?P<plain>(?=[A-Za-z0-9_./+$(=~^\\]|-[A-Za-z0-9_./-]){_FLOW_WORD}(?: ++{_FLOW_WORD})*+)"
    rf"|{_QUOTED})(?P<colon>:(?= ))?|."
)


class _Remembered(dict[str, Line | None]):
    """Lines that were read, because manifests repeat most of theirs."""

    def __missing__(self, line: str) -> Line | None:
        found = _parse(line)
        if len(line) <= _MAX_LENGTH:
            if len(self) >= _MAX_LINES:
                self.clear()
            self[line] = found
        return found


parse = _Remembered().__getitem__
"""What a line says, None for a blank one or a comment. Raises `NotPlain`."""


def _parse(line: str) -> Line | None:
    found = _LINE.fullmatch(line)
    if not found:
        return _nothing(line)
    indent, dash, key, quoted_key, plain, double, single, block, flow = found.groups()
    if key is not None:
        key = _key(key)
    elif quoted_key is not None:
        key = quoted_key
    elif dash is None:
        return _nothing(line)
    value: scalars.Scalar = None
    kind = COMPLETE
    if plain is not None:
        value = _value(plain)
    elif double is not None or single is not None:
        value = _unquoted(double, single)
    elif flow is not None:
        value, kind = _flow(flow), FLOW
    elif block is not None:
        kind = block
    elif key is not None:
        kind = OPEN
    else:
        raise NotPlain  # the value's row is not that of its dash
    column = len(indent)
    if dash is None:
        return 2 * column, 0, key, value, kind
    inner = 0 if key is None else 2 * (column + len(dash))
    return 2 * column + 1, inner, key, value, kind


def _nothing(line: str) -> Line | None:
    if not _NOTHING.fullmatch(line):
        raise NotPlain
    return None


def _value(text: str) -> scalars.Scalar:
    if len(text) > _LONGEST_WORD and text[0].isalpha():
        return text  # neither a number nor a word
    try:
        return scalars.plain(text)
    except scalars.UnresolvableError as error:
        raise NotPlain from error


def _key(text: str) -> str:
    if len(text) > _LONGEST_WORD and text[0].isalpha():
        return text
    try:
        return scalars.plain_key(text)
    except scalars.UnresolvableError as error:
        raise NotPlain from error


def _unquoted(double: str | None, single: str | None) -> str:
    if double is None:
        return (single or "").replace("''", "'")
    if "\\" not in double:
        return double
    text: str = json.loads(f'"{double}"')
    return text


def _flow(text: str) -> str:
    """A flow mapping or list as JSON, whose grammar is YAML's without the surprises."""
    if len(text) > _MAX_FLOW or text.count("[") + text.count("{") > _MAX_BRACKETS:
        raise NotPlain
    as_json = _FLOW_TOKEN.sub(_as_json, text)
    try:
        json.loads(as_json, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise NotPlain from error
    return as_json


def _as_json(found: re.Match[str]) -> str:
    if found["mark"]:
        return found[0]
    if not found["scalar"]:
        raise NotPlain
    plain, colon = found["plain"], found["colon"] or ""
    if plain is None:
        value: scalars.Scalar = _unquoted(found["double"], found["single"])
    else:
        value = _key(plain) if colon else _value(plain)
    return json.dumps(value) + colon


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise NotPlain
    return mapping
