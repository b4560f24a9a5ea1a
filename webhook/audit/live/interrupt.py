"""Ctrl-C, taken where it does no harm."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """As a context manager, it keeps Ctrl-C from breaking off what must be finished.

    A second Ctrl-C does so all the same: what writes a report may wait for its reader.
    """

    def __init__(self) -> None:
        self.came = False
        self._may_raise = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Meanwhile Ctrl-C raises KeyboardInterrupt, one that came before, too."""
        self._may_raise = True
        try:
            if self.came:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_raise = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._may_raise or self.came:
            self.came = True
            raise KeyboardInterrupt
        self.came = True
