"""What a client has sent goes to the parser in pieces, in turn with that of all other clients.

The parser cannot be stopped and go on, so it gets one piece at a time. Whoever asks much at once
waits between pieces for all others, and gets no further before its answers are read.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from webhook.server import surface
from webhook.server.service import Service

PIECE: Final = 16 * 1024
"""Bytes that are parsed at once; most reviews are smaller."""
MAX_ANSWERS: Final = 128 * 1024
"""Bytes of answers to one piece: a page is much longer than the request for it."""
READ_TIMEOUT: Final = 10
"""Seconds in which a client may leave its answers unread."""
LINGER_BYTES: Final = 4 * surface.MAX_BODY
"""What a client may go on sending when nothing of it is parsed any more."""

Piece = bytes | memoryview


class Intake:
    """Of one connection; holds what may not be parsed yet."""

    def __init__(
        self, service: Service, transport: asyncio.Transport, parse: Callable[[Piece], None]
    ) -> None:
        """`parse` adds the answers that it writes to `answer_bytes`."""
        self._service = service
        self._transport = transport
        self._parse = parse
        self._waiting = b""
        self._read_by = math.inf
        self._stopped = False
        self._discarded = 0
        self.answer_bytes = 0
        """How much was answered to the piece that is being parsed."""

    def take(self, data: bytes) -> None:
        """Have it parsed, if nothing waits before it."""
        if self._stopped:
            self._discard(len(data))
        elif self._waiting or len(data) > PIECE:
            self._waiting += data
            self._go_on()
        else:
            self.answer_bytes = 0
            self._parse(data)

    def _go_on(self) -> None:
        """Have parsed what waits, up to the piece that brought an answer."""
        waiting, self._waiting = memoryview(self._waiting), b""
        while waiting and not self._stopped and self._read_by == math.inf:
            piece, waiting = waiting[:PIECE], waiting[PIECE:]
            self.answer_bytes = 0
            self._parse(piece)
            if self.answer_bytes and waiting and not self._stopped:
                self._transport.pause_reading()
                self._service.soon(self._take_turn)
                break
        if self._stopped:
            self._discard(len(waiting))
        else:
            self._waiting = bytes(waiting)

    def _take_turn(self) -> None:
        if self._waiting and self._read_by == math.inf:
            self._transport.resume_reading()
            self._go_on()

    def pause(self) -> None:
        """Answers are not read: read nothing more from this client, and parse nothing."""
        self._read_by = self._service.now + READ_TIMEOUT
        self._transport.pause_reading()

    def resume(self) -> None:
        """Answers are read again."""
        self._read_by = math.inf
        self._transport.resume_reading()
        self._go_on()

    @property
    def is_overdue(self) -> bool:
        """True if answers were left unread for too long."""
        return self._service.now >= self._read_by

    def stop(self) -> None:
        """Have nothing more parsed: what still comes is thrown away, and too much of it ends the
        connection."""
        self._stopped = True

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > LINGER_BYTES:
            self._transport.abort()

    def forget(self) -> None:
        """Hold nothing more: the client is gone."""
        self._stopped = True
        self._waiting = b""
        del self._parse  # a method of the object that has this one, a cycle
