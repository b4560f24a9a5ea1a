"""HTTP/1.1 as bytes: which heads are refused, and how an answer is written.

Both servers ask `refusal`: their parsers differ in what they let through.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from webhook.server import surface
from webhook.server.surface import Response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

SINGLE_FIELDS: Final = frozenset(
    {b"content-length", b"content-type", b"host", b"transfer-encoding"}
)
"""To send one of these twice is ambiguous, even where both agree (RFC 9110 section 5.3)."""
READ_FIELDS: Final = SINGLE_FIELDS | {b"expect", b"upgrade"}
"""Every field, in lower case, that means something here."""


def refusal(
    method: bytes, target: bytes, version: str, fields: Mapping[bytes, bytes], field_bytes: int
) -> Response | None:
    """The answer to a head that is not served, None for one that is.

    `fields` holds at least the `READ_FIELDS` that were sent; `field_bytes` is the size of all.
    """
    line = len(method) + len(target) + len("  HTTP/1.1")
    if line > surface.MAX_LINE or line + field_bytes + len("\r\n\r\n") > surface.MAX_HEAD:
        return surface.HEAD_TOO_LARGE
    if b"upgrade" in fields or method == b"CONNECT":
        return surface.NO_UPGRADE
    if version == "1.1":
        if b"host" not in fields:  # RFC 9112 section 3.2
            return surface.BAD_REQUEST
    elif version != "1.0" or b"transfer-encoding" in fields:  # section 6.1
        return surface.BAD_REQUEST
    if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        return surface.BAD_REQUEST
    if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
        return surface.EXPECTATION_FAILED
    # both parsers have refused what is no number
    if int(fields.get(b"content-length", b"0")) > surface.MAX_BODY:
        return surface.BODY_TOO_LARGE
    return None


def field_size(name: bytes | str, value: bytes | str) -> int:
    """Bytes of one header field on the wire."""
    return len(name) + len(value) + len(": \r\n")


def render(response: Response, date: bytes, *, keep: bool) -> bytes:
    """An answer; `date` is the value of its Date field. Without `keep` it is the last."""
    return b"%bDate: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        _first_lines(response.status, response.content_type, response.allow, keep),
        date,
        len(response.body),
        response.body,
    )


@lru_cache(maxsize=64)
def _first_lines(status: int, content_type: str, allow: str | None, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
    if allow:
        lines.append(f"Allow: {allow}")
    if not keep:
        lines.append("Connection: close")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
