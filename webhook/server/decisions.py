"""The decision log: one JSON line for each record on standard output.

Whoever reads standard output may be slow or gone, and a pipe that is full blocks its writer. So the
server hands lines to a thread of their own, through a buffer of bounded size: an answer never waits
for a log. What does not fit is counted, and the count is logged as soon as there is room.
"""

import logging
import os
import select
import threading
from typing import Any, Final

import msgspec

logger = logging.getLogger(__name__)

BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Lines that may wait: a few thousand denials."""
MAX_LINE: Final = 64 * 1024
"""Bytes of a line. A hundred findings take a third of it; more needs names as long as a book."""
MAX_TEXT: Final = 512
"""Characters of what is kept of a record that would be longer: names have 253."""
GATHERING_TIME: Final = 0.05
"""Seconds to wait for more lines: to wake a thread for each would cost more than the answer."""
RETRY_TIME: Final = 1.0
"""Seconds to wait when the log cannot be written, e.g. to a full disk."""


class DecisionLog:
    """Writes records to a file descriptor, in order, without ever blocking the caller."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._encoder = msgspec.json.Encoder()
        self._changed = threading.Condition()
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._untold = 0
        self.written = 0
        """Lines that somebody could read so far."""
        self.lost = 0
        """Lines that nobody will."""
        self._closing = False
        self._thread: threading.Thread | None = None

    def write(self, record: dict[str, Any]) -> None:
        """Log one record. Threads may call it at the same time."""
        line = self._encoder.encode(record) + b"\n"
        if len(line) > MAX_LINE:
            line = self._encoder.encode(_shortened(record)) + b"\n"
        with self._changed:
            if self._waiting_bytes + len(line) > BUFFER_BYTES:
                self._lose(1)
                return
            first = not self._lines
            self._lines.append(line)
            self._waiting_bytes += len(line)
            if self._thread is None:
                # not earlier: a thread does not survive the fork that makes a worker
                self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
                self._thread.start()
            if first:
                self._changed.notify()

    def close(self, timeout: float) -> None:
        """Write what is left, for at most `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._write_all(batch)
            except BrokenPipeError as error:
                # later lines stay in the buffer until that is full, then are counted as lost
                logger.error("the decision log cannot be written any more: %s", error)
                self._lose(batch.count(b"\n"))
                return
            except OSError as error:
                logger.error("the decision log cannot be written: %s", error)
                if self._gives_up(batch):
                    return
            else:
                self.written += batch.count(b"\n")

    def _lose(self, count: int) -> None:
        with self._changed:
            self.lost += count
            self._untold += count

    def _gives_up(self, batch: bytes) -> bool:
        """Count a batch as lost, and wait before the next try; True if it was the last."""
        with self._changed:
            self._lose(batch.count(b"\n"))
            if not self._closing:
                self._changed.wait_for(lambda: self._closing, RETRY_TIME)
                return False
            return True

    def _next_batch(self) -> bytes:
        """Everything that waits, soon after anything does; nothing once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            self._changed.wait_for(lambda: self._closing, GATHERING_TIME)
            if self._untold:
                self._lines.append(self._encoder.encode({"lost": self._untold}) + b"\n")
            batch = b"".join(self._lines)
            self._lines.clear()
            self._waiting_bytes = self._untold = 0
            return batch

    def _write_all(self, batch: bytes) -> None:
        rest = memoryview(batch)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # somebody else made the shared descriptor non-blocking
                select.select([], [self._descriptor], [])


def _shortened(record: dict[str, Any]) -> dict[str, Any]:
    """What of a record is short: who and what, but not what was found."""
    kept = {
        key: value
        for key, value in record.items()
        if value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) <= MAX_TEXT)
    }
    return {**kept, "truncated": True}
