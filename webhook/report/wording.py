"""What every report says in the same words."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, Literal

from msgspec import UNSET

from webhook.messages import count
from webhook.report.entries import FillEntry, FindingEntry, Heading, ObjectName, Source, Summary

STDIN: Final = "-"
"""The file that is standard input."""

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


def place(source: Source) -> str:
    """`deploy/web.yaml:9`."""
    file = "standard input" if source.file == STDIN else source.file
    return file if source.line is UNSET else f"{file}:{source.line}"


def filled(fills: Iterable[FillEntry]) -> Iterator[tuple[FillEntry, str]]:
    """What would be set, together for all fields of the same mapping, with the first of them."""
    for _, group in groupby(fills, key=lambda fill: (fill.policy, fill.path.rpartition("/")[0])):
        together = list(group)
        values = ", ".join(f"{fill.path.rpartition('/')[2]} {fill.value}" for fill in together)
        yield together[0], f"would set {values}"


def judged_by(heading: Heading, summary: Summary) -> str:
    """`2 objects judged by baseline (3 ignored)`."""
    ignored = f" ({summary.ignored} ignored)" if summary.ignored else ""
    return f"{count(summary.objects, 'object')} judged by {heading.profile}{ignored}"


def outcome(summary: Summary) -> str:
    """`2 violations, 1 warning`, or `clean`."""
    if not summary.objects and not summary.errors:
        return "nothing to judge"
    counts = [
        count(summary.fail, "violation"),
        count(summary.warn, "warning"),
        count(summary.skip, "exempted finding"),
        count(summary.error, "failed policy", "failed policies"),
        count(summary.fills, "field to fill", "fields to fill"),
        count(summary.errors, "error"),
    ]
    return ", ".join(text for text in counts if not text.startswith("0 ")) or "clean"
