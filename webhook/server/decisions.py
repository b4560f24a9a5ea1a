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
        self._lost = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def write(self, record: dict[str, Any]) -> None:
        """Log one record. Threads may call it at the same time."""
        line = self._encoder.encode(record) + b"\n"
        with self._changed:
            if self._waiting_bytes + len(line) > BUFFER_BYTES:
                self._lost += 1
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
                return
            except OSError as error:
                logger.error("the decision log cannot be written: %s", error)
                if self._gives_up(batch):
                    return

    def _gives_up(self, batch: bytes) -> bool:
        """Count a batch as lost, and wait before the next try; True if it was the last."""
        with self._changed:
            self._lost += batch.count(b"\n")
            if not self._closing:
                self._changed.wait_for(lambda: self._closing, RETRY_TIME)
                return False
            return True

    def _next_batch(self) -> bytes:
        """Everything that waits, soon after anything does; nothing once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            self._changed.wait_for(lambda: self._closing, GATHERING_TIME)
            if self._lost:
                self._lines.append(self._encoder.encode({"lost": self._lost}) + b"\n")
            batch = b"".join(self._lines)
            self._lines.clear()
            self._waiting_bytes = self._lost = 0
            return batch

    def _write_all(self, batch: bytes) -> None:
        rest = memoryview(batch)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # somebody else made the shared descriptor non-blocking
                select.select([], [self._descriptor], [])
