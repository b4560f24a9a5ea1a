"""Files that change while the server runs: read anew, and put in force at once.

A thread reads the files again and again. What it has read is compared byte by byte, and taken once
it was the same twice in a row: then it is no half of an old set and half of a new one. It is these
bytes that are put in force, so the set in force is exactly the one that was compared. (ADR 10)
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from webhook.errors import PodworthyError
from webhook.messages import printable

logger = logging.getLogger(__name__)

PERIOD: Final = 2.0
"""Seconds between two looks at the files: a change is in force after two of them. The kubelet takes
a minute or so to bring one, by its `syncFrequency` and the age of its cache."""

T = TypeVar("T")


class Report(msgspec.Struct, frozen=True):
    """How a set of files stands."""

    loaded: datetime
    """When the set in force was loaded."""
    problem: str | None = None
    """The first one of the set in the files; None if that is in force."""
    reloads: int = 0
    """Sets put in force since the first one."""
    failures: int = 0
    """Sets that could not be."""

    @property
    def trouble(self) -> str | None:
        """The problem, and what is in force instead."""
        if self.problem is None:
            return None
        loaded = f"{self.loaded.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return f"{self.problem} (the set of {loaded} is in force)"


class Watch(Generic[T]):
    """A set of files, looked at on demand."""

    def __init__(
        self,
        what: str,
        first: T,
        read: Callable[[], T],
        take: Callable[[T], str],
        clock: Callable[[], datetime],
    ) -> None:
        """`what` names it in the log, `first` is in force already.

        `read` gives what is in the files, to be compared; files that cannot be read are a part of
        that. `take` puts it in force and tells in a few words what it is, or raises
        `PodworthyError`. `clock` gives the time, with a time zone.
        """
        self.what = what
        self._read = read
        self._take = take
        self._clock = clock
        self._seen = self._judged = first
        self.report = Report(clock())
        """Another one is put in its place whenever something was loaded, or could not be."""

    def begin(self) -> None:
        """Take what is in the files by now.

        A worker that replaces another one begins with the set of the first start.
        """
        self._seen = self._read()
        if self._seen != self._judged:
            self._judge()

    def check(self) -> None:
        """Look once, and take what is new if it was there at the last look already."""
        before, self._seen = self._seen, self._read()
        if self._seen == before and self._seen != self._judged:
            self._judge()

    def _judge(self) -> None:
        self._judged = self._seen
        try:
            summary = self._take(self._judged)
        except PodworthyError as error:
            self._keep(str(error).splitlines())
        except Exception:
            logger.exception("the %s could not be loaded", self.what)
            self._keep(["podworthy failed; its log says why"])
        else:
            self.report = Report(
                self._clock(), reloads=self.report.reloads + 1, failures=self.report.failures
            )
            logger.info("%s reloaded: %s", self.what, summary)

    def _keep(self, problems: list[str]) -> None:
        """The last good set stays in force."""
        lines = [printable(problem) for problem in problems]
        self.report = msgspec.structs.replace(
            self.report, problem=lines[0], failures=self.report.failures + 1
        )
        for line in lines:
            logger.error("%s not reloaded: %s", self.what, line)


class Reloader:
    """The thread that looks."""

    def __init__(self, watches: Sequence[Watch[Any]], period: float) -> None:
        """`period` is in seconds, see `PERIOD`."""
        self._watches = watches
        self._period = period
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on; to be called in the process that answers, after the fork."""
        self._each(Watch.begin)
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Look no more; wait at most `timeout` seconds for a look that is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            self._each(Watch.check)

    def _each(self, look: Callable[[Watch[Any]], None]) -> None:
        for watch in self._watches:
            try:
                look(watch)
            except Exception:
                logger.exception("a look at the %s failed", watch.what)
