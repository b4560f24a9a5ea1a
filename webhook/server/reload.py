"""Documents that change while the server runs: loaded anew, and put in force at once.

A thread reads the files again and again. What it has read is compared byte by byte, and taken once
it was the same twice in a row: then it is no half of an old set and half of a new one. It is these
bytes that are parsed, so the set in force is exactly the one that was compared. (ADR 10)
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from webhook import catalog, documents
from webhook.admission import Admission, Snapshot
from webhook.api import Policy
from webhook.errors import DocumentError, PodworthyError
from webhook.messages import count, printable

logger = logging.getLogger(__name__)

PERIOD: Final = 2.0
"""Seconds between two looks at the files. A ConfigMap's change takes a minute or so to reach them,
the kubelet's `syncFrequency` and the age of its cache."""


class Sources(msgspec.Struct, frozen=True):
    """Where the documents are, and what is in force together with them."""

    paths: tuple[Path, ...]
    """Files, and directories of files."""
    profile: str
    """Name of the default profile."""
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""
    docs_url: str | None = None
    """Where denials say that there is more to read, see `webhook.links`."""
    policies: Mapping[str, Policy[Any]] = msgspec.field(default_factory=lambda: catalog.POLICIES)
    """The catalogue: code, which is loaded once."""

    def snapshot(self, texts: documents.Texts) -> Snapshot:
        """What the texts put in force. Raises `DocumentError`, and `UnknownProfile` if the default
        is not among them."""
        found = documents.parse(texts, self.policies)
        snapshot = Snapshot(found.profiles, self.profile, found.exemptions, self.controllers)
        snapshot.profile(None)
        return snapshot


class Report(msgspec.Struct, frozen=True):
    """How the documents stand."""

    loaded: datetime
    """When the set in force was loaded."""
    problem: str | None = None
    """The first one of the set in the files; None if that is in force."""
    reloads: int = 0
    """Sets put in force since the first one."""
    failures: int = 0
    """Sets that could not be."""


class Reloader:
    """Keeps an `Admission` at what the files say."""

    def __init__(self, sources: Sources, clock: Callable[[], datetime], period: float) -> None:
        """Load for the first time. Raises `DocumentError` or `UnknownProfile`.

        `clock` gives the time, with a time zone; `period` is in seconds, see `PERIOD`.
        """
        _refuse_pipes(sources.paths)
        self._sources = sources
        self._clock = clock
        self._period = period
        self._seen = self._judged = documents.read(sources.paths)
        self.admission = Admission(sources.snapshot(self._judged), clock, sources.docs_url)
        self.report = Report(clock())
        """Another one is put in its place whenever something was loaded, or could not be."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on; to be called in the process that answers, after the fork.

        A worker that replaces another one begins with the set of the first start, so what is in the
        files by now is taken at once.
        """
        if not self._sources.paths:
            return
        self._seen = documents.read(self._sources.paths)
        if self._seen != self._judged:
            self._judge()
        self._thread = threading.Thread(target=self._run, name="documents", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Look no more; wait at most `timeout` seconds for a look that is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def check(self) -> None:
        """Look once, and take what is new if it was there at the last look already."""
        before, self._seen = self._seen, documents.read(self._sources.paths)
        if self._seen == before and self._seen != self._judged:
            self._judge()

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            try:
                self.check()
            except Exception:
                logger.exception("a look at the documents failed")

    def _judge(self) -> None:
        self._judged = self._seen
        try:
            snapshot = self._sources.snapshot(self._judged)
        except PodworthyError as error:
            self._keep(str(error).splitlines())
        except Exception:
            logger.exception("the documents could not be parsed")
            self._keep(["podworthy failed; its log says why"])
        else:
            self._take(snapshot)

    def _take(self, snapshot: Snapshot) -> None:
        self.admission.snapshot = snapshot
        self.report = Report(
            self._clock(), reloads=self.report.reloads + 1, failures=self.report.failures
        )
        profiles = count(len(snapshot.profiles), "profile")
        logger.info(
            "documents reloaded: %s, %s", profiles, count(len(snapshot.exemptions), "exemption")
        )

    def _keep(self, problems: list[str]) -> None:
        """The last good set stays in force."""
        lines = [printable(problem) for problem in problems]
        self.report = msgspec.structs.replace(
            self.report, problem=lines[0], failures=self.report.failures + 1
        )
        for line in lines:
            logger.error("documents not reloaded: %s", line)


def _refuse_pipes(paths: Iterable[Path]) -> None:
    """A pipe, as from a shell's `<(...)`, can be read only once, and may have no writer."""
    pipes = [path for path in paths if path.is_fifo()]
    if pipes:
        way_out = "documents are read again when they change; give a directory or a file"
        raise DocumentError(f"{path}: is a pipe; {way_out}" for path in pipes)
