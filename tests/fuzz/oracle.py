"""What holds of every answer to a review, whatever the review: read independently of our code."""

import base64
import json
import re
from typing import Any, Final

import jsonpatch
import msgspec

from webhook import messages
from webhook.server import surface
from webhook.server.surface import Response

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEYS: Final = {"uid", "allowed", "status", "patch", "patchType", "warnings", "auditAnnotations"}


class Odd(Exception):
    """An answer that the API server would not take, or that is wrong."""


def check(door: str, body: bytes, response: Response) -> Any:
    """The object as the answer's patch leaves it, None without a patch.

    Raises `Odd`.
    """
    if response.status in (400, 404):
        _check_error(response)
        return None
    _must(response.status == 200, f"HTTP status {response.status}")
    _must(response.content_type == surface.JSON, "another Content-Type")
    request = request_of(body)
    answer = json.loads(response.body)
    _must(set(answer) == {"apiVersion", "kind", "response"}, "other keys")
    _must(
        (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview"),
        "no AdmissionReview",
    )
    verdict = answer["response"]
    _must(set(verdict) <= _KEYS, f"unknown keys: {set(verdict) - _KEYS}")
    _must(verdict["uid"] == request["uid"], "another uid")
    _check_verdict(door, verdict)
    _check_record(response.record)
    return _patched(verdict, request["object"]) if "patch" in verdict else None


def _check_error(response: Response) -> None:
    error = json.loads(response.body)
    _must(set(error) == {"error"}, "other keys than error")
    _must(isinstance(error["error"], str) and error["error"] != "", "an error without words")
    _must(not _CONTROL.search(error["error"]), "control characters in an error")
    _must(len(error["error"]) <= 1000, f"an error of {len(error['error'])} characters")
    _must(response.record is None, "a record of a bad request")


def request_of(body: bytes) -> Any:
    """What a review asks, by another reader of JSON. Raises `Odd`."""
    try:
        review = json.loads(body.decode(), parse_constant=_no_constant, parse_int=_number)
        return review["request"]
    except (ValueError, KeyError, TypeError) as error:
        raise Odd(f"answered what cannot be read: {error}") from error


def _number(text: str) -> float:
    # Python refuses to read very long ones
    return int(text) if len(text) < 1000 else float(text)


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _check_verdict(door: str, verdict: dict[str, Any]) -> None:
    allowed = verdict["allowed"]
    _must(isinstance(allowed, bool), "allowed is no boolean")
    _must(allowed or door == "validate", "denied at the mutating door")
    _must(("status" in verdict) is not allowed, "status only beside a denial")
    if not allowed:
        status = verdict["status"]
        _must(set(status) == {"code", "reason", "message"}, "another status")
        _must((status["code"], status["reason"]) == (403, "Forbidden"), "no 403")
        lines = status["message"].split("\n")
        _must(all(lines) and not any(map(_CONTROL.search, lines)), "control characters in a denial")
        _must("warnings" not in verdict, "warnings beside a denial")
    _must(door == "mutate" or "patch" not in verdict, "a patch at the validating door")
    _must(("patch" in verdict) is ("patchType" in verdict), "a patch without its type")
    _must(verdict.get("patchType", "JSONPatch") == "JSONPatch", "another type of patch")
    warnings = verdict.get("warnings", ["some"])
    _must(0 < len(warnings) <= messages.MAX_WARNINGS + 1, f"{len(warnings)} warnings")
    for warning in warnings:
        _must(0 < len(warning) <= 120, f"a warning of {len(warning)} characters")
        _must(not _CONTROL.search(warning), "control characters in a warning")
    for key, value in verdict.get("auditAnnotations", {}).items():
        _must(key != "" and "/" not in key, f"audit annotation {key!r}")
        _must(isinstance(value, str), "an audit annotation that is no text")
        _must(len(value) <= messages.MAX_ANNOTATION, "a long audit annotation")
        _must(not _CONTROL.search(value), "control characters in an audit annotation")


def _check_record(record: dict[str, Any] | None) -> None:
    if record is None:
        return
    line = msgspec.json.encode(record)
    _must(b"\n" not in line, "a record of two lines")
    _must(not record["crashes"], f"a policy crashed: {record['crashes']}")


def _patched(verdict: dict[str, Any], obj: Any) -> Any:
    operations = json.loads(base64.b64decode(verdict["patch"], validate=True))
    _must(isinstance(operations, list) and operations != [], "an empty patch")
    for one in operations:
        _must(set(one) == {"op", "path", "value"} and one["op"] == "add", f"operation {one}")
    try:
        return jsonpatch.apply_patch(obj, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise Odd(f"a patch that does not apply: {error}") from error


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Odd(otherwise)
