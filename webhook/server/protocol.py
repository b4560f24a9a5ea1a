"""One connection: bytes in, answers out, in the order of the requests.

httptools (llhttp, the parser of Node.js) cuts the bytes into messages; admission is a pure
function, so the answer is written inside `data_received`: no task, no queue, nothing to cancel.

    IDLE ──first byte──> HEAD ──its end──> BODY ──answered──> IDLE, or closed
      └──────────────────┴── refused ───────┴───────────────> LEAVING

Refused is whatever leaves unclear where the next request would begin. The answer is written, then
bytes are thrown away for a while before the connection is closed: to close a socket that has unread
bytes makes the kernel send a RST, and a RST makes the client's kernel discard the answer.

The parser bounds nothing by itself, so three things are measured: the head (`http1`), the body, and
bytes that bring neither on: blank lines, chunk extensions, trailers, a header value without an end.
`intake` decides when it gets which bytes.
"""

import asyncio
import logging
from enum import Enum
from typing import Final, NoReturn, cast

import httptools

from webhook.server import http1, surface
from webhook.server.intake import MAX_ANSWERS, Intake, Piece
from webhook.server.service import Service
from webhook.server.surface import Response, parts_of

logger = logging.getLogger(__name__)

HEAD_TIMEOUT: Final = 10
"""Seconds from a request's first byte to the end of its head."""
BODY_TIMEOUT: Final = 30
"""Seconds from there to the end of its body; the longest `timeoutSeconds` of a webhook."""
LINGER_TIMEOUT: Final = 2
"""Seconds in which a refused client may read its answer."""


class Phase(Enum):
    """Where a connection stands."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    LEAVING = 3


# asked several times a request, and the attributes of an Enum are slow to reach
_IDLE, _HEAD, _BODY, _LEAVING = Phase

_TIMEOUTS: Final = {
    _IDLE: surface.IDLE_TIMEOUT,
    _HEAD: HEAD_TIMEOUT,
    _BODY: BODY_TIMEOUT,
    _LEAVING: LINGER_TIMEOUT,
}
"""Seconds that a phase may last."""


class Connection(asyncio.Protocol):
    """One client; `asyncio.Protocol` names the methods that the transport calls."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self.body_bytes = 0
        self._trusted = self._has_asked = False
        self._last_answer = service.now + service.lifetime()  # seconds; none is kept open after it
        # a client may open a connection before it needs one, as Go's does: it may rest, too
        self._rest()

    def _rest(self) -> None:
        self._phase, self._since = _IDLE, self._service.now
        self._barren = 0  # bytes since those that last brought a request or its body on
        self._forget()

    def _forget(self) -> None:
        self._target = self._method = b""
        self._version = ""
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._service.body_bytes -= self.body_bytes
        self.body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._intake = Intake(self._service, self._transport, self._parse)
        self._trusted = self._service.trusts(transport.get_extra_info("peercert"))
        self._service.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio's signature
        """Forget everything; clients may leave whenever they like."""
        self._service.connections.discard(self)
        self._phase = _LEAVING
        self._forget()
        self._intake.forget()
        del self._parser  # it holds this object's methods, a cycle

    @property
    def standing(self) -> tuple[bool, bool, bool, float]:
        """The least is dropped first where connections are too many: one that is leaving, a
        stranger's, one that never asked anything, and among equals the one that waits longest."""
        return (self._phase is not _LEAVING, self._trusted, self._has_asked, self._since)

    @property
    def is_asking(self) -> bool:
        """True while a request is under way."""
        return self._phase in (_HEAD, _BODY)

    def drop(self) -> None:
        """End it at once, whatever is under way."""
        self._leave()
        self._transport.abort()

    def yield_room(self) -> None:
        """Refuse the request under way: there are too many, and this one takes long."""
        self._refuse(surface.BUSY)

    def pause_writing(self) -> None:
        """The client does not read its answers: read no more of its requests."""
        self._intake.pause()

    def resume_writing(self) -> None:
        """It reads again."""
        self._intake.resume()

    def data_received(self, data: bytes) -> None:
        """Take what has come; `_parse` gets it when it is its turn."""
        self._intake.take(data)

    def _parse(self, data: Piece) -> None:
        """Feed the parser, which calls the `on_` methods below."""
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _Stop):
                self._crash(error)
        except httptools.HttpParserError:
            # bytes behind a request that was the last one are no error of that request
            if self._phase is not _LEAVING:
                self._refuse(surface.BAD_REQUEST)
        else:
            # no error, either, are trailers of a last request that end just here
            if self._barren > surface.MAX_HEAD and self._phase is not _LEAVING:
                self._refuse(surface.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self._phase is _LEAVING:
            raise _Stop
        self._phase, self._since = _HEAD, self._service.now
        self._barren = 0

    def on_url(self, part: bytes) -> None:
        """A piece of the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One complete header field, or one of the trailers behind a chunked body."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The end of the head: refuse what can be refused before the body is sent."""
        self._method = self._parser.get_method()
        self._version = self._parser.get_http_version()
        early = http1.early_answer(
            self._method, self._target, self._version, self._fields, trusted=self._trusted
        )
        if early is surface.CONTINUE:
            self._transport.write(http1.CONTINUE)
        elif early is not None:
            self._stop(early)
        self._phase, self._since = _BODY, self._service.now
        self._barren = 0

    def on_body(self, part: bytes) -> None:
        """A piece of the body, decoded from its chunks."""
        self.body_bytes += len(part)
        self._service.body_bytes += len(part)
        if self.body_bytes > surface.MAX_BODY:
            self._stop(surface.BODY_TOO_LARGE)
        if self._service.body_bytes > surface.MAX_BODIES:
            self._service.relieve()
            if self._phase is _LEAVING:
                raise _Stop
        self._body.append(part)
        self._barren = 0

    def on_message_complete(self) -> None:
        """A whole request: answer it."""
        response = self._service.routes.respond(
            self._method.decode("ascii"),
            *parts_of(self._target),
            self._body[0] if len(self._body) == 1 else b"".join(self._body),
        )
        self._has_asked = True
        # an old connection ends here, in the open, not at a moment when the client may be sending
        ends = not self._service.routes.ready or self._service.now >= self._last_answer
        ends = ends or self._intake.answer_bytes > MAX_ANSWERS
        keep = not ends and self._version == "1.1" and self._parser.should_keep_alive()
        self._write(response, keep=keep)
        if keep:
            self._rest()
        else:
            self._leave()
            self._transport.close()
        if response.record is not None:
            self._service.record(response.record)
        self._service.answered()

    def expire(self) -> None:
        """End the connection if its time is up."""
        if self._intake.is_overdue:
            self._transport.abort()
        elif self._service.now >= self._since + _TIMEOUTS[self._phase]:
            if self.is_asking:
                self._refuse(surface.TIMED_OUT)
            else:
                self._transport.close()

    def retire(self) -> None:
        """Close it if no request is under way."""
        if self._phase is _IDLE:
            self._leave()
            self._transport.close()

    def _stop(self, response: Response) -> NoReturn:
        self._refuse(response)
        raise _Stop

    def _refuse(self, response: Response) -> None:
        self._write(response, keep=False)
        self._leave()

    def _leave(self) -> None:
        self._phase, self._since = _LEAVING, self._service.now
        self._intake.stop()
        self._forget()

    def _crash(self, error: BaseException) -> None:
        """A bug of ours: the connection dies of it, the worker does not."""
        logger.error("a connection failed", exc_info=error)
        self._leave()
        self._transport.abort()

    def _write(self, response: Response, *, keep: bool) -> None:
        answer = http1.render(response, self._service.date, keep=keep)
        self._intake.answer_bytes += len(answer)
        self._transport.write(answer)
        self._service.count_answer(response.status)


class _Stop(Exception):
    """Raised through the parser to end it; the answer is written already."""
