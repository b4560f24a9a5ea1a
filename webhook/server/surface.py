"""What exists on the wire, and what it answers: the one router of both servers.

Everything that decides an answer's status, Content-Type and body stands here, so that the two
servers cannot differ: `protocol` and `app` only carry bytes to and fro.
"""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from random import uniform
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec

from webhook.admission import Answer, Door, error_body

MAX_HEAD: Final = 16 * 1024
"""Bytes of a request's head; the API server's is below 400."""
MAX_LINE: Final = 8190
"""Bytes of a request line: the most that gunicorn's own parser can be set to."""
MAX_FIELDS: Final = 100
"""Header fields of a request."""
MAX_BODY: Final = 16 * 1024 * 1024
"""Bytes of a body. A review holds two objects as JSON, each of at most 3 MiB when it reached the
API server (`MaxRequestBodyBytes` of apiserver/pkg/server/config.go), more as JSON than it was as
protobuf."""
MAX_BODIES: Final = 64 * 1024 * 1024
"""Bytes of all bodies that are under way at the same time."""
IDLE_TIMEOUT: Final = 120
"""Seconds a connection may rest between requests. The API server keeps idle ones for 90 (client-go
transport/cache.go): whoever closes first should be the client, or its next request meets an EOF."""
LIFETIME: Final = 300
"""Seconds after which a connection gets its last answer. The API server keeps one as long as there
is something to ask, so without an end a new replica would get nothing to do, and a client that came
before a new certificate or authority would never meet it. A handshake costs half a millisecond to a
few: nothing, once in five minutes."""
JITTER: Final = 0.2
"""The part of its lifetime by which a connection's own may be shorter or longer: those that were
opened together, at a rollout, are not to come back together."""

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


class Handler(Protocol):
    """What the surface needs of `webhook.admission.Admission`."""

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        """Answer one review; never raises."""


class Response(msgspec.Struct, frozen=True):
    """One answer, before it becomes HTTP."""

    status: int
    body: bytes
    content_type: str = JSON
    allow: str | None = None
    """The `Allow` header of a 405."""
    retry_after: int | None = None
    """The `Retry-After` header of a 503, in seconds."""
    record: dict[str, Any] | None = None
    """An entry for the decision log."""


def _error(status: int, message: str, allow: str | None = None) -> Response:
    return Response(status, error_body(message), allow=allow)


def _forbidden(message: str) -> Response:
    """A refusal of the API server itself, whose user reads the message because it is a Status, too:
    of any other body client-go shows "unknown" (rest/request.go, `Result.Error`)."""
    status = {"apiVersion": "v1", "kind": "Status", "status": "Failure"}
    status |= {"message": message, "reason": "Forbidden"}
    return Response(403, msgspec.json.encode({"error": message, **status, "code": 403}))


CONTINUE: Final = Response(100, b"")
BAD_REQUEST: Final = _error(400, "not a valid HTTP/1.1 request")
NO_UPGRADE: Final = _error(400, "this server speaks HTTP/1.1 only: no upgrade, no tunnel")
UNKNOWN_CLIENT: Final = _forbidden(
    "only for the API server: the connection has no client certificate that --client-ca allows"
)
NOT_FOUND: Final = _error(
    404,
    "no such path; there are POST /validate[/PROFILE], POST /mutate[/PROFILE], "
    "GET /livez, GET /readyz[?verbose], GET /metrics and GET /policies/[POLICY]",
)
TIMED_OUT: Final = _error(408, "the request took too long to arrive")
BODY_TOO_LARGE: Final = _error(413, f"the body is larger than {MAX_BODY // 1024**2} MiB")
EXPECTATION_FAILED: Final = _error(417, "the only expectation that is met is 100-continue")
HEAD_TOO_LARGE: Final = _error(
    431,
    f"the head is larger than {MAX_HEAD // 1024} KiB, its first line longer than {MAX_LINE} bytes, "
    f"or it has more than {MAX_FIELDS} fields",
)
BUSY: Final = Response(503, error_body("too many requests are under way; try again"), retry_after=1)
"""The API server tries again within the webhook's timeout: it retries a POST whose answer has
Retry-After, and no other (client-go rest/with_retry.go)."""
FAILURE: Final = _error(500, "podworthy failed; its log says why")

_POST_ONLY: Final = _error(405, "only POST is allowed here", allow="POST")
_GET_ONLY: Final = _error(405, "only GET is allowed here", allow="GET")
_OK: Final = Response(200, b"ok", TEXT)
_DRAINING: Final = Response(503, b"draining", TEXT)

PAGES: Final = "/policies"
"""What the paths of all pages begin with."""

_DOORS: Final[Mapping[str, Door]] = {door.value: door for door in Door}
_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
"""RFC 9110 section 9.3 and RFC 5789. Of others, servers' parsers know different ones."""


class Surface:
    """The routes. One a process, asked by every connection or thread of it."""

    def __init__(
        self,
        admission: Handler,
        troubles: Callable[[], Mapping[str, str | None]],
        metrics: Callable[[], Response],
        pages: Callable[[], Mapping[str, bytes]] = dict,
    ) -> None:
        """`troubles` maps what is checked to what is wrong with it, None if nothing is; `metrics`
        answers a scrape. Neither does any I/O.

        `pages` gives path to HTML, all below `PAGES`; it is asked once, by the first reader.
        """
        self._admission = admission
        self._troubles = troubles
        self._metrics = metrics
        self._html = cache(pages)
        self.ready = True
        """False once the process is about to leave; `/readyz` then fails."""

    def respond(self, method: str, path: str, query: str, body: bytes) -> Response:
        """The answer to one request; for `path` and `query` see `parts_of`."""
        route = _door_and_profile(path)
        if route is not None and method == "POST":
            answer = self._admission.handle(*route, body)
            return Response(answer.status, answer.body, record=answer.record)
        response = self._page(method, path, query, at_a_door=route is not None)
        # an answer to HEAD has no body, whatever it says (RFC 9110 section 9.3.2)
        return msgspec.structs.replace(response, body=b"") if method == "HEAD" else response

    def _page(self, method: str, path: str, query: str, *, at_a_door: bool) -> Response:
        if method not in _METHODS:
            return BAD_REQUEST
        if at_a_door:
            return _POST_ONLY
        html = self._html().get(path) if path.startswith(PAGES) else None
        if html is None and path not in ("/livez", "/metrics", "/readyz"):
            return NOT_FOUND
        if method != "GET":
            return _GET_ONLY
        if html is not None:
            return Response(200, html, HTML)
        if path == "/metrics":
            return self._metrics()
        if path == "/livez":
            return _OK
        # with any value or none, as in apiserver/pkg/server/healthz/healthz.go
        if "verbose" in parse_qs(query, keep_blank_values=True):
            return self._every_check()
        return _OK if self.ready else _DRAINING

    def _every_check(self) -> Response:
        """Every check and the verdict, in the words of kube-apiserver's `/readyz?verbose`.

        Files that cannot be loaded make no pod unready: the last good ones are in force, and all
        replicas would leave at once.
        """
        shutdown = None if self.ready else "draining"
        troubles = {"shutdown": shutdown, **self._troubles()}
        lines = [
            f"[-]{what} failed: {trouble}" if trouble else f"[+]{what} ok"
            for what, trouble in troubles.items()
        ]
        lines.append(f"readyz check {'passed' if self.ready else 'failed'}")
        # names of files may be no UTF-8
        body = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        return Response(200 if self.ready else 503, body, TEXT)


def lifetime() -> float:
    """Seconds that a new connection may live; see `LIFETIME`."""
    return LIFETIME * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 nothing is secret here


def asks_for_a_verdict(method: bytes, target: bytes) -> bool:
    """Whether a request is one that only the API server makes."""
    return method == b"POST" and _door_and_profile(parts_of(target)[0]) is not None


@lru_cache(maxsize=128)  # the API server asks for one or two paths
def _door_and_profile(path: str) -> tuple[Door, str | None] | None:
    name, slash, profile = path[1:].partition("/")
    door = _DOORS.get(name)
    # `/validate/` is a path with a slash too many, not the default profile
    if door is None or bool(slash) != bool(profile):
        return None
    return door, profile or None


@lru_cache(maxsize=128)
def parts_of(target: bytes) -> tuple[str, str]:
    """Path and query of a request target, as WSGI's PATH_INFO and QUERY_STRING are.

    The path is percent-decoded text, the query bytes in Latin-1's clothes.
    """
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if not path.startswith(b"/"):  # absolute-form, RFC 9112 section 3.2.2
        _, slash, rest = path.partition(b"://")[2].partition(b"/")
        path = slash + rest
    return text_of(unquote_to_bytes(path)), query.decode("latin-1")


def text_of(path: bytes) -> str:
    """A decoded path as text; what is not UTF-8 is replaced, so that it names nothing."""
    return path.decode("utf-8", "replace")
