"""Audits the cluster from time to time, beside the loop: they take long, certificates must not."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from webhook import catalog, documents
from webhook.audit.live import EXCLUDED, Docket, LiveAudit, Note, Scope
from webhook.cluster import Fetcher
from webhook.controller.audits.status import AuditStatus
from webhook.controller.clocks import Clocks
from webhook.errors import PodworthyError, UnknownProfile
from webhook.history import Counter, Run
from webhook.messages import brief, printable
from webhook.report.entries import ErrorEntry, Judged
from webhook.report.openreports import Collection

logger = logging.getLogger(__name__)

_TOLD: Final = 10
"""Lines of the log about one audit's errors, and as many about its notes."""


class Plan(msgspec.Struct, frozen=True):
    """What is audited, by what, and how often."""

    namespace: str
    """podworthy's own, which is left out: no webhook is asked about it."""
    profile: str
    """Of namespaces that name none."""
    documents: tuple[Path, ...]
    """Files and directories, read again before each audit."""
    excluded: frozenset[str]
    """Other namespaces that are left out."""
    seconds: float
    """From the end of one audit to the beginning of the next."""


class Sink(Protocol):
    """Where results go."""

    def take(self, run: Run, found: Collection) -> None:
        """Take those of one audit. Raises `PodworthyError` if that fails."""
        ...


class Auditor:
    """The audits."""

    def __init__(
        self, client: Fetcher, plan: Plan, sinks: tuple[Sink, ...], clocks: Clocks
    ) -> None:
        self.status = AuditStatus()
        self._client = client
        self._plan = plan
        self._sinks = sinks
        self._clocks = clocks
        self._noted: set[str] = set()
        """What the last audit had to say that is no error."""

    def run(self, stop: threading.Event) -> None:
        """Audit until told to stop; one that is under way is not waited for."""
        while not stop.is_set():
            self.audit()
            stop.wait(self._plan.seconds)

    def audit(self) -> None:
        """Once, and give the results to all who want them; what goes wrong is told."""
        began = self._clocks.monotonic()
        problems: list[str] = []
        run = None
        with _told("the audit", problems):
            run, found = self._judge(problems)
            self.status.seconds = self._clocks.monotonic() - began
            self.status.run = run
            for sink in self._sinks:
                with _told(type(sink).__name__, problems):
                    sink.take(run, found)
        for problem in problems[:_TOLD]:
            logger.error("audit: %s", printable(problem))
        if run is not None:
            logger.info("audit: %s", _summary(run, self.status.seconds or 0.0))
        self.status.problem = brief(problems) if problems else None

    def _judge(self, problems: list[str]) -> tuple[Run, Collection]:
        plan, now = self._plan, self._clocks.now()
        loaded = documents.load(plan.documents, catalog.POLICIES)
        if plan.profile not in loaded.profiles:
            raise UnknownProfile(plan.profile, loaded.profiles)
        docket = Docket(
            loaded.profiles,
            plan.profile,
            loaded.exemptions,
            now.date(),
            scope=Scope(excluded=EXCLUDED | plan.excluded | {plan.namespace}),
        )
        counter, found, errors = Counter(), Collection(), 0
        noted: set[str] = set()
        for event in LiveAudit(self._client, docket).events():
            if isinstance(event, Judged):
                results = [(finding.policy, finding.result) for finding in event.findings]
                counter.judged(event.entry.object.namespace, results)
                found.judged(event)
            elif isinstance(event, ErrorEntry):
                errors += 1
                problems.append(f"{_place(event)}{event.message}")
            elif isinstance(event, Note):
                noted.add(event.text)
        self._tell(noted)
        return counter.run(self._clocks.now(), plan.profile, errors), found

    def _tell(self, noted: set[str]) -> None:
        """What is new: it may stay as it is for months."""
        for text in sorted(noted - self._noted)[:_TOLD]:
            logger.warning("audit: %s", printable(text))
        self._noted = noted


@contextmanager
def _told(what: str, problems: list[str]) -> Iterator[None]:
    """Whatever fails here is a problem, and no end."""
    try:
        yield
    except PodworthyError as error:
        problems.append(f"{what}: {error}")
    except Exception:
        logger.exception("%s failed", what)
        problems.append(f"{what}: podworthy failed; its log says why")


def _place(error: ErrorEntry) -> str:
    resource = error.source.resource
    return f"{resource}: " if isinstance(resource, str) else ""


def _summary(run: Run, seconds: float) -> str:
    total = run.total
    counts = f"{total.fail} findings deny, {total.warn} warn, {total.skip} are exempted"
    failing = f"{total.failing} of {total.objects} objects fail"
    return f"{failing}; {counts}; {run.errors} errors; {seconds:.1f} s"
