"""How far a long run is, on the terminal of whoever waits for it."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from webhook.messages import count
from webhook.report.output import Output

QUIET: Final = 0.5
"""Seconds in which most runs are done, without a word."""
_EVERY: Final = 0.1
"""Seconds between two pictures."""
_WIDTH: Final = 30
_ERASE: Final = "\r\x1b[K"


def is_wanted(report: Output, notes: Output, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a human watches, on a terminal where a line can be erased and nobody else writes.

    Whoever reads the report from a pipe, a pager for one, would have it on the same screen.
    """
    is_plain = environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM") == "dumb"
    return notes.is_terminal and not report.is_pipe and not is_plain


class Line:
    """One line, which is gone before anything else is written and at the end."""

    def __init__(self, notes: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._notes = notes
        self._clock = clock
        self._started = clock()
        self._due = self._started + QUIET
        self._is_shown = False

    def show(self, what: str, objects: int) -> None:
        """What is being done, how many objects were judged, and how many a second."""
        now = self._clock()
        if now >= self._due:
            rate = f"{objects / (now - self._started):.0f} a second"
            self._draw(f"{what}, {count(objects, 'object')} judged, {rate}", now)

    def erase(self) -> None:
        """Something else is about to be written."""
        if self._is_shown:
            self._is_shown = False
            self._notes.write(_ERASE)
            self._notes.flush()

    def _draw(self, text: str, now: float) -> None:
        self._due = now + _EVERY
        self._is_shown = True
        self._notes.write(f"{_ERASE}{text}")
        self._notes.flush()


class Bar(Line):
    """The same for a run of which it may be known how much there is to do."""

    def __init__(self, notes: Output, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(notes, clock)
        self.total: int | None = None
        """Bytes of all there is to do, if somebody knows."""
        self._done = 0
        self._objects = 0

    def advance(self, size: int, objects: int) -> None:
        """So many more bytes and objects are done."""
        self._done += size
        self._objects += objects
        now = self._clock()
        if now >= self._due:
            self._draw(self._line(), now)

    def _line(self) -> str:
        judged = f"{count(self._objects, 'object')} judged"
        if not self.total:
            return judged
        # a pipe or a file may have grown since it was measured
        share = min(1.0, self._done / self.total)
        bar = "#" * int(share * _WIDTH)
        return f"[{bar:-<{_WIDTH}}] {share:4.0%}  {judged}"
