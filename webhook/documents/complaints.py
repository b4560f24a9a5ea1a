"""What pydantic complains about, in words for whoever wrote the YAML."""

import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from webhook.api import pointer_token
from webhook.documents.models import BLANK, LABEL, LABEL_IN_WORDS, WORKLOAD
from webhook.errors import did_you_mean

_WORDS = {
    "missing": "{key} is missing{where}",
    "string_type": "{key} must be a string",
    "int_type": "{key} must be an integer",
    "bool_type": "{key} must be true or false",
    "list_type": "{key} must be a list",
    "tuple_type": "{key} must be a list",
    "too_short": "{key} must not be empty; to switch a policy off, use action: off",
    "dict_type": "{key} must be a mapping",
    "model_type": "{key} must be a mapping{way_out}",
    "greater_than_equal": "{key} must be at least {ge}",
    "literal_error": "{key} must be {expected}, not {input!r}{near}",
    "date_type": "{key} must be a date such as 2026-11-24",
    "date_parsing": "{key} must be a date such as 2026-11-24, not {input!r}",
    "date_from_datetime_parsing": "{key} must be a date such as 2026-11-24, not {input!r}",
    "date_from_datetime_inexact": "{key} must be a date without a time, not {input!r}",
    "string_pattern_mismatch": "{key} must {form}, not {input!r}",
}
_FORMS = {
    LABEL: f"be {LABEL_IN_WORDS}",
    WORKLOAD: "be lower case letters, digits, - and ., of a Pod maybe with * at the end",
    "^/": "be an absolute path",
    "^/.": "be an absolute path",
}
"""By the pattern that a string must match."""


def complaints(
    model: type[BaseModel], error: ValidationError, root: str = ""
) -> Iterator[tuple[str, str]]:
    """A JSON Pointer, below `root`, and a sentence for each complaint."""
    for one in error.errors(include_url=False):
        location = one["loc"]
        pointer = root + "".join(f"/{pointer_token(str(step))}" for step in location)
        key = _key(location)
        if one["type"] == "extra_forbidden":
            near = did_you_mean(str(location[-1]), _known_keys(model, location[:-1]))
            yield pointer, f"unknown key {key}{near}"
        else:
            context = dict(one.get("ctx", {}))
            blank = context.get("pattern") == BLANK
            words = "{key} must not be blank" if blank else _WORDS.get(one["type"])
            context |= {
                "key": key,
                "input": one["input"],
                "where": f" in {_key(location[:-1])}" if len(location) > 1 else "",
                "near": _near(one["input"], context.get("expected", "")),
                "way_out": _way_out(one["input"], _known_keys(model, location)),
                "form": _FORMS.get(pattern := context.get("pattern", ""), f"match {pattern}"),
            }
            yield pointer, words.format(**context) if words else f"{key}: {one['msg']}"


def _near(value: Any, expected: str) -> str:
    """The nearest of what pydantic expects: `'deny', 'warn' or 'audit'`."""
    known = re.findall(r"'([^']+)'", expected)
    return did_you_mean(value, known) if isinstance(value, str) and len(known) > 1 else ""


def _way_out(value: Any, keys: list[str]) -> str:
    """What to write where an action stands instead of the mapping that it belongs in."""
    value = "off" if value is False else value
    is_action = "action" in keys and isinstance(value, str) and value.isalpha()
    return f"; write {{action: {value}}}" if is_action else ""


def _key(location: tuple[int | str, ...]) -> str:
    """What a location ends in: `'action'`, `'probes[0]'`."""
    if not location:
        return "the document"
    name, *indexes = location[-2:] if isinstance(location[-1], int) else location[-1:]
    return repr(str(name) + "".join(f"[{index}]" for index in indexes))


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows at a location."""
    here: Any = model
    for step in location:
        if _is_model(here):
            fields = {field.alias: field.annotation for field in here.model_fields.values()}
            here = _without_none(fields.get(str(step)))
        else:
            # dict[str, X] or tuple[X, ...]: a key or an index leads to X
            here = next((a for a in reversed(typing.get_args(here)) if a is not ...), None)
    return [field.alias or "" for field in here.model_fields.values()] if _is_model(here) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _without_none(annotation: Any) -> Any:
    if isinstance(annotation, types.UnionType):
        return next(a for a in typing.get_args(annotation) if a is not types.NoneType)
    return annotation
