"""What doctor tells: verdicts with their evidence, and the exit code that they come to."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec

Verdict = Literal["ok", "warning", "unknown", "failed"]
GRAVITY: Final[tuple[Verdict, ...]] = ("ok", "warning", "unknown", "failed")
"""The gravest last. A check is as grave as the gravest that it has seen."""

Id = Annotated[str, msgspec.Meta(pattern="^[a-z]+(-[a-z]+)*$")]


class Evidence(msgspec.Struct, frozen=True):
    """One thing that was seen."""

    verdict: Verdict
    message: str
    """What was seen, with the names of objects."""
    remedy: str | None = None
    """What to do about it, in words; nothing needs to be done about what is ok."""
    command: str | None = None
    """The same to be pasted into a shell, where that is possible."""


class Finding(msgspec.Struct, frozen=True):
    """One check, and what came of it."""

    check: Id
    question: str
    """What it asks, as a sentence that is true if all is well."""
    verdict: Verdict
    evidence: tuple[Evidence, ...]


class Names(msgspec.Struct, frozen=True):
    """The installation that is looked at, by the names of its objects."""

    namespace: str
    service: str
    configuration: str
    """Of both webhook configurations."""
    secret: str


class Summary(msgspec.Struct, frozen=True):
    """How many checks came to which verdict."""

    ok: int
    warning: int
    unknown: int
    failed: int


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What `podworthy doctor --format json` prints; keys are only ever added."""

    api_version: Literal["podworthy.dev/v1alpha1"]
    kind: Literal["DoctorReport"]
    version: str
    """Of the podworthy that has looked."""
    kubernetes: str | None
    """The API server's version, null if it told none."""
    installation: Names
    checks: tuple[Finding, ...]
    summary: Summary


def ok(message: str) -> Evidence:
    """As it should be."""
    return Evidence("ok", message)


def warning(message: str, remedy: str, command: str | None = None) -> Evidence:
    """It works, and will not for ever or not for everybody."""
    return Evidence("warning", message, remedy, command)


def unknown(message: str, remedy: str | None = None, command: str | None = None) -> Evidence:
    """It cannot be told, and why."""
    return Evidence("unknown", message, remedy, command)


def failed(message: str, remedy: str, command: str | None = None) -> Evidence:
    """It is broken."""
    return Evidence("failed", message, remedy, command)


def conclude(check: str, question: str, evidence: Iterable[Evidence]) -> Finding:
    """The finding of a check; the gravest evidence comes first."""
    seen = sorted(evidence, key=lambda one: -GRAVITY.index(one.verdict))
    return Finding(check, question, seen[0].verdict, tuple(seen))


def report(
    findings: Iterable[Finding], installation: Names, version: str, kubernetes: str | None
) -> Report:
    """With the counts."""
    checks = tuple(findings)
    counts = Counter(one.verdict for one in checks)
    summary = Summary(**{verdict: counts[verdict] for verdict in GRAVITY})
    return Report(
        "podworthy.dev/v1alpha1", "DoctorReport", version, kubernetes, installation, checks, summary
    )


def exit_code(told: Report) -> int:
    """As an audit's: 3 if something could not be told, else 1 if something is broken, else 0."""
    seen = {one.verdict for finding in told.checks for one in finding.evidence}
    if "unknown" in seen:
        return 3
    return 1 if "failed" in seen else 0
