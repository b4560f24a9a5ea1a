"""JSON Pointers (RFC 6901) into an object as it is written."""

import copy
from collections.abc import Iterable
from typing import Any

from webhook.api.pointer import pointer_keys


def value_at(value: Any, pointer: str) -> Any:
    """What a pointer leads to, None if nothing."""
    for token in pointer_keys(pointer):
        value = _step(value, token)
    return value


def missing_parent(value: Any, pointer: str) -> str | None:
    """Why a pointer leads nowhere: all but its last step must be there. None if it does not."""
    here = ""
    for token in pointer_keys(pointer):
        if not isinstance(value, dict | list):
            return f"{here or '/'} is not there"
        value, here = _step(value, token), f"{here}/{token}"
    return None


def with_added(value: dict[str, Any], operations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A copy after RFC 6902 `add` operations on members of mappings, whose parents exist."""
    changed = copy.deepcopy(value)
    for operation in operations:
        parent, _, last = operation["path"].rpartition("/")
        (token,) = pointer_keys(f"/{last}")
        value_at(changed, parent)[token] = operation["value"]
    return changed


def _step(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
        return value[int(token)]
    return None
