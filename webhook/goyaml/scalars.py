"""What a scalar means to go-yaml v2 and then to Go's JSON encoder.

Facts from sigs.k8s.io/yaml: `goyaml.v2/resolve.go` for values, `yaml.go` for keys.
"""

import base64
import binascii
import re
import struct
from functools import lru_cache
from typing import Final

Scalar = str | int | float | bool | None

_TAG: Final = "tag:yaml.org,2002:"
MERGE_TAG: Final = f"{_TAG}merge"

_INFINITY: Final = float("inf")
_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_WORDS: Final[dict[str, Scalar]] = (
    dict.fromkeys(_TRUE, True)
    | dict.fromkeys(_FALSE, False)
    | dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), _INFINITY)
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -_INFINITY)
)
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<ten>0|[1-9][0-9]{0,19})|0[oO]?(?P<eight>[0-7]{1,23})"
    r"|0[xX](?P<sixteen>[0-9a-fA-F]{1,17})|0[bB](?P<two>[01]{1,65}))"
)
"""Bounded, because no 64-bit integer is longer: Python refuses to convert thousands of digits."""
_BASES: Final = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FLOAT: Final = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d")


class UnresolvableError(ValueError):
    """A scalar without a JSON value, or of another type than its tag claims."""


@lru_cache(maxsize=4096)
def plain(text: str) -> Scalar:
    """The value of an untagged scalar without quotes. Raises `UnresolvableError` for `.inf`."""
    return json_value(_resolve(text))


@lru_cache(maxsize=4096)
def plain_key(text: str) -> str:
    """The same scalar as the key of a mapping. Raises `UnresolvableError` for null."""
    return key(_resolve(text))


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag; any unknown one makes it a string.

    Raises `UnresolvableError` if they do not go together.
    """
    return json_value(_tagged(tag, text))


def tagged_key(tag: str, text: str) -> str:
    """The same scalar as the key of a mapping. Raises `UnresolvableError`."""
    return key(_tagged(tag, text))


def json_value(value: Scalar) -> Scalar:
    """An integral float as an integer, because Go writes 10.0 as 10; more than 64 bits as a float.

    Raises `UnresolvableError` for infinities and NaN, which JSON does not have.
    """
    if isinstance(value, float):
        if value - value != 0:
            raise UnresolvableError(f"{value} is no number in JSON")
        return int(value) if value.is_integer() and abs(value) < 2**63 else value
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def _resolve(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        number = float(text) if _POINT_FLOAT.fullmatch(text) else _INFINITY
        return text if number == _INFINITY else number
    if text[0] not in "+-0123456789":
        return text
    digits = text.replace("_", "")
    found = _INTEGER.fullmatch(digits)
    if found:
        base = found.lastgroup or "ten"
        integer = int(found["sign"] + found[base], _BASES[base])
        # an explicit + is for the signed type alone
        if -(2**63) <= integer < (2**63 if found["sign"] else 2**64):
            return integer
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return text if abs(number) == _INFINITY else number
    return text


def _tagged(tag: str, text: str) -> Scalar:
    kind = tag.removeprefix(_TAG)
    if kind == "binary":
        return _binary(text)
    if kind not in ("bool", "int", "float", "null", "timestamp"):
        return text
    value = _resolve(text)
    if kind == "timestamp" and isinstance(value, str) and _TIMESTAMP.match(text):
        return text
    actual = "null" if value is None else type(value).__name__
    if actual == kind:
        return value
    if (kind, actual) == ("float", "int") and isinstance(value, int):
        return float(value)
    raise UnresolvableError(f"cannot read {actual} `{text}` as !!{kind}")


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnresolvableError("a !!binary value that is not base64") from error
    return data.decode(errors="replace")


def key(value: Scalar) -> str:
    """A mapping's key as JSON spells it. Raises `UnresolvableError` for null and huge integers."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or (isinstance(value, int) and value >= 2**63):
        raise UnresolvableError(f"{'null' if value is None else value} as a key")
    return str(value) if isinstance(value, int) else _float_key(value)


def _float_key(value: float) -> str:
    """Go's `FormatFloat(value, 'g', -1, 32)`: the shortest digits that mean the same float32."""
    try:
        narrow = struct.pack("f", value)
    except OverflowError:
        narrow = struct.pack("f", _INFINITY if value > 0 else -_INFINITY)
    (single,) = struct.unpack("f", narrow)
    if single - single != 0:
        return {_INFINITY: ".inf", -_INFINITY: "-.inf"}.get(single, ".nan")
    for decimals in range(9):
        digits = f"{single:.{decimals}e}"
        if struct.pack("f", float(digits)) == narrow:
            break
    exponent = int(digits.partition("e")[2])
    if -4 <= exponent < 6:
        return f"{float(digits):.{max(0, decimals - exponent)}f}"
    return digits
