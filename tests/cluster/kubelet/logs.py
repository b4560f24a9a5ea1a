"""What a container has said, and the part of it that somebody asks for."""

import bisect
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

_PAUSE: Final = 0.1  # seconds between two looks at a log that is followed


class Options(msgspec.Struct, frozen=True):
    """The query of `/containerLogs`, as LogLocation writes it (pkg/registry/core/pod/strategy.go of
    Kubernetes)."""

    previous: bool = False
    """Of the container's last process but one."""
    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    """So many lines from the end, of which the others below leave some out."""
    since: float | None = None
    """Seconds since the epoch."""
    limit: int | None = None
    """Bytes."""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Options":
        """ValueError: not in their form, or an output stream of its own."""
        if query.get("stream", "All") != "All":
            raise ValueError("standard output and error are one file here")
        since = None
        if "sinceTime" in query:
            since = datetime.fromisoformat(query["sinceTime"]).timestamp()
        elif "sinceSeconds" in query:
            since = time.time() - int(query["sinceSeconds"])
        return cls(
            previous=query.get("previous") == "true",
            follow=query.get("follow") == "true",
            timestamps=query.get("timestamps") == "true",
            tail=int(query["tailLines"]) if "tailLines" in query else None,
            since=since,
            limit=int(query["limitBytes"]) if "limitBytes" in query else None,
        )


class Log:
    """The file that one process writes; who looks often knows when each line came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_open = True
        """Whether there may be more; for whoever ends the process to say otherwise."""
        self._moments: list[float] = []
        self._sizes: list[int] = []

    def look(self) -> None:
        """Note how much there is by now."""
        size = self.path.stat().st_size
        if size > (self._sizes[-1] if self._sizes else 0):
            self._moments.append(time.time())
            self._sizes.append(size)

    def read(self, options: Options, has_stopped: Callable[[], bool]) -> Iterator[bytes]:
        """Bytes as they come: those that are there, and those to come if it is followed."""
        left = options.limit
        for part in self._parts(options, has_stopped):
            cut = part if left is None else part[:left]
            left = None if left is None else left - len(cut)
            yield cut
            if left == 0:
                return

    def _parts(self, options: Options, has_stopped: Callable[[], bool]) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            lines = file.readlines()
            end = file.tell()
            start = end - sum(map(len, lines[_first(lines, options.tail) :]))
            file.seek(start)
            while True:
                was_open = self.is_open and not has_stopped()
                for line in file:
                    start += len(line)
                    moment = self._moment(start)
                    if options.since is None or moment >= options.since:
                        yield _stamped(line, moment) if options.timestamps else line
                if not options.follow or not was_open:
                    return
                time.sleep(_PAUSE)

    def _moment(self, offset: int) -> float:
        """When what ends there had been seen for the first time."""
        place = bisect.bisect_left(self._sizes, offset)
        return self._moments[place] if place < len(self._moments) else time.time()


def _first(lines: list[bytes], tail: int | None) -> int:
    return 0 if tail is None else max(0, len(lines) - tail)


def _stamped(line: bytes, moment: float) -> bytes:
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{text} ".encode() + line
