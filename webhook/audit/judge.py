"""One workload through the engine, into entries of a report."""

from collections.abc import Iterable, Iterator

from webhook import engine
from webhook.audit.objects import Subject
from webhook.profile import Profile
from webhook.report.entries import (
    FillEntry,
    FindingEntry,
    Judged,
    ObjectEntry,
    ObjectName,
    Result,
)


def judge(profile: Profile, subject: Subject) -> Judged:
    """What the profile finds in a workload and would set in it."""
    workload = subject.reading.workload
    name = ObjectName(workload.api_version, workload.kind, workload.namespace, workload.name)
    verdict = engine.check(profile, subject.reading)
    proposal = engine.NOTHING
    if subject.evidence:
        proposal = engine.fill(profile, subject.reading, subject.evidence)
    findings = [
        *_findings(subject, name, verdict.findings),
        *_crashes(subject, name, (*verdict.crashes, *proposal.crashes)),
    ]
    fills = _fills(subject, name, proposal.fillings)
    return Judged(
        ObjectEntry(name, subject.place.source()),
        sorted(findings, key=_order),
        sorted(fills, key=_order),
    )


def _findings(
    subject: Subject, name: ObjectName, findings: Iterable[engine.Finding]
) -> Iterator[FindingEntry]:
    for finding in findings:
        violation = finding.violation
        result: Result = "fail" if finding.action == "deny" else "warn"
        yield FindingEntry(
            policy=finding.policy,
            rule=violation.rule or None,
            result=result,
            action=finding.action,
            object=name,
            path=violation.path,
            message=violation.message,
            source=subject.place.source(violation.path),
        )


def _crashes(
    subject: Subject, name: ObjectName, crashes: Iterable[engine.Crash]
) -> Iterator[FindingEntry]:
    for crash in crashes:
        yield FindingEntry(
            policy=crash.policy,
            rule=None,
            result="error",
            action=None,
            object=name,
            path="",
            message=crash.error,
            source=subject.place.source(),
        )


def _fills(
    subject: Subject, name: ObjectName, fillings: Iterable[engine.Filling]
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
        )


def _order(entry: FindingEntry | FillEntry) -> tuple[str, list[tuple[int, str]]]:
    """By policy, then by path, where container 10 comes after container 2."""
    steps = entry.path.split("/")
    return entry.policy, [(int(s), "") if s.isdecimal() else (-1, s) for s in steps]
