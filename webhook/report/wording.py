"""What every report says in the same words."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, Literal

from msgspec import UNSET

from webhook.api import PROBES
from webhook.messages import count
from webhook.report.entries import (
    FillEntry,
    FindingEntry,
    Heading,
    Judged,
    ObjectName,
    Source,
    Summary,
)

STDIN: Final = "-"
"""The file that is standard input."""

_PROBES: Final = frozenset(f"{name}Probe" for name in PROBES)

Word = Literal["deny", "warn", "audit", "skip", "error"]


def word(finding: FindingEntry) -> Word:
    """How grave a finding is, in one word."""
    if finding.result == "fail":
        return "deny"
    if finding.result == "warn":
        return "audit" if finding.action == "audit" else "warn"
    return finding.result


def message(finding: FindingEntry) -> str:
    """What was found, and how an exemption bears on it."""
    if finding.result == "error":
        return f"the policy failed: {finding.message}"
    exemption = finding.exemption
    if exemption is None:
        return finding.message
    until = "until" if finding.result == "skip" else "ended on"
    whose = f"exemption {exemption.name} of {exemption.owner}"
    return f"{finding.message}; {whose} {until} {exemption.expires}"


def label(name: ObjectName) -> str:
    """`StatefulSet shop/web`."""
    place = f"{name.namespace}/" if name.namespace else ""
    return f"{name.kind} {place}{name.name or '(no name)'}"


def input_of(source: Source) -> str:
    """What it stands in: `deploy/web.yaml`, `standard input`, or of a cluster the list,
    `deployments.apps`."""
    if source.file is None:
        return "cluster" if source.resource is UNSET else source.resource
    return "standard input" if source.file == STDIN else source.file


def place(source: Source) -> str:
    """`deploy/web.yaml:9`."""
    return input_of(source) if source.line is UNSET else f"{input_of(source)}:{source.line}"


def filled(judged: Judged) -> Iterator[tuple[FillEntry, str]]:
    """What would be set, together for all fields of the same mapping, with the first of them.

    `web: would set livenessProbe failureThreshold 6, timeoutSeconds 3`.
    """
    by_mapping = groupby(judged.fills, lambda fill: (fill.policy, fill.path.rpartition("/")[0]))
    for (_, parent), group in by_mapping:
        together = list(group)
        name = parent.rpartition("/")[2]
        probe = f"{name} " if name in _PROBES else ""
        values = ", ".join(f"{fill.path.rpartition('/')[2]} {fill.value}" for fill in together)
        subject = judged.subjects.get(together[0].path)
        yield together[0], f"{f'{subject}: ' if subject else ''}would set {probe}{values}"


def recorded(findings: Iterable[FindingEntry]) -> int:
    """How many findings have no consequence: those of the action audit."""
    return sum(word(finding) == "audit" for finding in findings)


def judged_by(heading: Heading, summary: Summary) -> str:
    """`2 objects judged by baseline (3 ignored)`.

    Of a cluster `2 objects of prod judged, by baseline where the namespace names no profile`.
    """
    objects = count(summary.objects, "object")
    if heading.cluster is None:
        return f"{objects} judged by {heading.profile}{_ignored(summary)}"
    by = f"by {heading.profile} where the namespace names no profile"
    return f"{objects} of {heading.cluster} judged, {by}{_ignored(summary)}"


_NOT_JUDGED: Final = {
    "owned": "made from what is judged",
    "finished": "finished",
    "deleting": "being deleted",
    "scaledToZero": "scaled to zero",
    "mirror": "of static pods",
    "excluded": "in excluded namespaces",
}
"""Why objects of a cluster are not judged themselves, by the key in `Summary.not_judged`."""


def conclusion(heading: Heading, summary: Summary, recorded: int) -> str:
    """`2 objects judged by baseline (3 ignored): 1 violation`, or `no objects judged`."""
    partial = "partial, interrupted: " if summary.partial is True else ""
    if not summary.objects and not summary.errors:
        return f"{partial}no objects judged{_ignored(summary)}"
    return f"{partial}{judged_by(heading, summary)}: {outcome(summary, recorded)}"


def _ignored(summary: Summary) -> str:
    counts = [f"{summary.ignored} ignored"] if summary.ignored else []
    if summary.not_judged is not UNSET:
        counts += [f"{n} {_NOT_JUDGED[why]}" for why, n in summary.not_judged.items() if n]
    return f" ({', '.join(counts)})" if counts else ""


def outcome(summary: Summary, recorded: int) -> str:
    """`2 violations, 1 warning`, or `clean`.

    The summary has what is `recorded` among the warnings.
    """
    if not summary.objects and not summary.errors:
        return "nothing to judge"
    counts = [
        count(summary.fail, "violation"),
        count(summary.warn - recorded, "warning"),
        count(recorded, "recorded", "recorded"),
        count(summary.skip, "exempted finding"),
        count(summary.error, "failed policy", "failed policies"),
        count(summary.fills, "field to fill", "fields to fill"),
        count(summary.errors, "error"),
    ]
    told = ", ".join(text for text in counts if not text.startswith("0 ")) or "clean"
    if summary.new is UNSET:
        return told
    compared = f"{summary.new} new, {summary.fixed} fixed, {summary.unchanged} unchanged"
    return f"{told}; beside the baseline {compared}"
