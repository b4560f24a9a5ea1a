"""One workload through the engine, into entries of a report."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from webhook import engine
from webhook.api import NOWHERE, Evidence, Lookups
from webhook.exemptions import Exemption, Exemptions, Grant
from webhook.identity import identify
from webhook.profile import Profile
from webhook.report.entries import (
    ExemptionEntry,
    FillEntry,
    FindingEntry,
    Judged,
    ObjectEntry,
    ObjectName,
    Result,
    Source,
)
from webhook.workload import Reading


class Court(msgspec.Struct, frozen=True):
    """By what workloads are judged."""

    profile: Profile
    exemptions: Exemptions
    today: date
    """In UTC: which exemptions are in force."""
    lookups: Lookups = NOWHERE
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""
    team_label: str | None = None
    """The key of the label that names an object's team."""
    told_profile: str | UnsetType = UNSET
    """The profile's name, where entries have to say by which their object was judged."""


class Placed(Protocol):
    """Where something stands."""

    def source(self, path: str = "") -> Source:
        """The place of something inside it; `path` is a JSON Pointer into it."""


class Subject(Protocol):
    """A workload to be judged."""

    @property
    def place(self) -> Placed:
        """Where it stands."""

    @property
    def reading(self) -> Reading:
        """The workload."""

    @property
    def evidence(self) -> Evidence | None:
        """None where nothing would be filled."""

    @property
    def user(self) -> str | None:
        """Who sent it; None if nobody is known to have."""

    @property
    def stands_alone(self) -> bool:
        """True where nothing around it is known."""


def judge(court: Court, subject: Subject) -> Judged:
    """What is found in a workload, given what stands around it, and would be set in it."""
    workload = subject.reading.workload
    name = ObjectName(workload.api_version, workload.kind, workload.namespace, workload.name)
    grants = _grants(court, subject)
    lookups = NOWHERE if subject.stands_alone else court.lookups
    verdict = engine.check(court.profile, subject.reading, lookups, grants)
    proposal = engine.NOTHING
    if subject.evidence:
        proposal = engine.fill(court.profile, subject.reading, subject.evidence, grants)
    profile = court.told_profile
    findings = [
        *_findings(subject, name, verdict.findings, profile),
        *_crashes(subject, name, (*verdict.crashes, *proposal.crashes), profile),
    ]
    fills = _fills(subject, name, proposal.fillings, profile)
    used = {finding.grant.exemption.name for finding in verdict.findings if finding.grant}
    return Judged(
        ObjectEntry(name, subject.place.source(), profile),
        sorted(findings, key=_order),
        sorted(fills, key=_order),
        frozenset(used | {exemption.name for exemption in proposal.spared}),
        {filling.fill.path: filling.fill.subject for filling in proposal.fillings},
        team=team_of(subject.reading, court.team_label) if court.team_label else None,
    )


def team_of(reading: Reading, label: str) -> str | None:
    """What the object's label says, or its pod template's where it has none."""
    for labels in (reading.metadata.labels or {}, reading.workload.pod_labels):
        value = labels.get(label)
        if isinstance(value, str) and value:
            return value
    return None


def _grants(court: Court, subject: Subject) -> Sequence[Grant]:
    """The exemptions that reach a workload."""
    if not court.exemptions:
        return ()
    identity = identify(subject.reading, subject.user, court.controllers)
    return court.exemptions.reach(identity, court.today)


def _findings(
    subject: Subject,
    name: ObjectName,
    findings: Iterable[engine.Finding],
    profile: str | UnsetType,
) -> Iterator[FindingEntry]:
    for finding in findings:
        violation = finding.violation
        result: Result = "fail" if finding.denies else "warn"
        if finding.is_exempt:
            result = "skip"
        yield FindingEntry(
            policy=finding.policy,
            rule=violation.rule or None,
            result=result,
            action=finding.action,
            object=name,
            path=violation.path,
            message=violation.message,
            source=subject.place.source(violation.path),
            exemption=_entry(finding.grant.exemption) if finding.grant else None,
            profile=profile,
        )


def _entry(exemption: Exemption) -> ExemptionEntry:
    return ExemptionEntry(exemption.name, exemption.owner, exemption.expires.isoformat())


def _crashes(
    subject: Subject,
    name: ObjectName,
    crashes: Iterable[engine.Crash],
    profile: str | UnsetType,
) -> Iterator[FindingEntry]:
    for crash in crashes:
        yield FindingEntry(
            policy=crash.policy,
            rule=None,
            result="error",
            action=None,
            object=name,
            path="",
            message=crash.told,
            source=subject.place.source(),
            profile=profile,
        )


def _fills(
    subject: Subject,
    name: ObjectName,
    fillings: Iterable[engine.Filling],
    profile: str | UnsetType,
) -> Iterator[FillEntry]:
    for filling in fillings:
        fill = filling.fill
        yield FillEntry(
            policy=filling.policy,
            action=filling.action,
            object=name,
            path=fill.path,
            value=fill.value,
            was=fill.was,
            evidence=fill.why,
            source=subject.place.source(fill.path),
            profile=profile,
        )


def _order(entry: FindingEntry | FillEntry) -> tuple[str, list[tuple[int, str]]]:
    """By policy, then by path, where container 10 comes after container 2."""
    steps = entry.path.split("/")
    return entry.policy, [(int(s), "") if s.isdecimal() else (-1, s) for s in steps]
