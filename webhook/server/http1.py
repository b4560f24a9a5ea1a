"""HTTP/1.1 as bytes: what a head calls for at once, and how an answer is written.

Both servers ask `early_answer`: their parsers differ in what they let through.
"""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from webhook.server import surface
from webhook.server.surface import Response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_SINGLE_FIELDS: Final = frozenset(
    {b"content-length", b"content-type", b"host", b"transfer-encoding"}
)
"""To send one of these twice is ambiguous, even where both agree (RFC 9110 section 5.3)."""
_READ_FIELDS: Final = _SINGLE_FIELDS | {b"expect", b"upgrade"}
"""Every field that means something here."""


def early_answer(
    method: bytes,
    target: bytes,
    version: str,
    fields: Sequence[tuple[bytes, bytes]],
    *,
    trusted: bool,
) -> Response | None:
    """The answer to a head before its body is read: a refusal, `surface.CONTINUE`, or None.

    `trusted` tells whether the client may ask for a verdict.
    """
    line = len(method) + len(target) + len("  HTTP/1.1")
    size = line + len("\r\n\r\n") + len(fields) * len(": \r\n")
    read: dict[bytes, bytes] = {}
    for name, value in fields:
        size += len(name) + len(value)
        key = name.lower()
        if key in _READ_FIELDS:
            if key in read and key in _SINGLE_FIELDS:
                return surface.BAD_REQUEST
            read[key] = value
    if line > surface.MAX_LINE or size > surface.MAX_HEAD or len(fields) > surface.MAX_FIELDS:
        return surface.HEAD_TOO_LARGE
    if b"upgrade" in read or method == b"CONNECT":
        return surface.NO_UPGRADE
    unclear = _unclear_end(version, read)
    if unclear is None and not trusted and surface.asks_for_a_verdict(method, target):
        return surface.UNKNOWN_CLIENT
    return unclear or _expectation(version, read)


def _unclear_end(version: str, fields: dict[bytes, bytes]) -> Response | None:
    if version == "1.1":
        if b"host" not in fields:  # RFC 9112 section 3.2
            return surface.BAD_REQUEST
    elif version != "1.0" or b"transfer-encoding" in fields:  # section 6.1
        return surface.BAD_REQUEST
    if b"transfer-encoding" in fields and fields[b"transfer-encoding"].lower() != b"chunked":
        return surface.BAD_REQUEST
    # both parsers have refused what is no number, ours what has more than 64 bits
    length = int(fields.get(b"content-length", b"0"))
    if length > surface.MAX_BODY:
        return surface.BODY_TOO_LARGE if length < 2**64 else surface.BAD_REQUEST
    return None


def _expectation(version: str, fields: dict[bytes, bytes]) -> Response | None:
    if b"expect" not in fields:
        return None
    if fields[b"expect"].lower() != b"100-continue":
        return surface.EXPECTATION_FAILED
    return surface.CONTINUE if version == "1.1" else None


def render(response: Response, date: bytes, *, keep: bool) -> bytes:
    """An answer; `date` is the value of its Date field. Without `keep` it is the last."""
    return b"%bDate: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        _first_lines(
            response.status, response.content_type, response.allow, response.retry_after, keep
        ),
        date,
        len(response.body),
        response.body,
    )


@lru_cache(maxsize=64)
def _first_lines(
    status: int, content_type: str, allow: str | None, retry_after: int | None, keep: bool
) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
    if allow:
        lines.append(f"Allow: {allow}")
    if retry_after:
        lines.append(f"Retry-After: {retry_after}")
    if not keep:
        lines.append("Connection: close")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
