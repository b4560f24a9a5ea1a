"""An impact report as JSON, and for people."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec

from webhook.impact.entries import ImpactReport, StateEntry, Summary, WorkloadEntry
from webhook.impact.workloads import Change
from webhook.messages import count, printable
from webhook.report.wording import label, place

_CHANGES: Final[dict[Change, str]] = {
    "newlyDenied": "newly denied",
    "alreadyDenied": "denied already",
    "fixed": "no longer denied",
    "admitted": "admitted",
}
_LISTS: Final = ("groups", "workloads", "unexemptable", "errors")


def as_json(report: ImpactReport) -> str:
    """One object, each entry of its lists on a line of its own."""
    fields = msgspec.to_builtins(report)
    parts = []
    for key, value in fields.items():
        if key in _LISTS:
            lines = ",".join(f"\n  {msgspec.json.encode(entry).decode()}" for entry in value)
            parts.append(f'"{key}": [{lines}]')
        else:
            parts.append(f'"{key}": {msgspec.json.encode(value).decode()}')
    return f"{{{f',{chr(10)} '.join(parts)}}}\n"


def as_text(report: ImpactReport) -> str:
    """By namespace and team: what would be hurt, and how; at the end the counts."""
    return "".join(f"{printable(line)}\n" for line in _lines(report))


def _lines(report: ImpactReport) -> Iterator[str]:
    for error in report.errors:
        yield f"{place(error.source)}: {error.message}"
    if report.errors:
        yield ""
    groups = groupby(report.workloads, lambda one: (one.workload.namespace, one.team))
    for (namespace, team), members in groups:
        told = list(members)
        if any(_is_told(one) for one in told):
            yield from _group(namespace, team, told, report.to)
            yield ""
    for one in report.unexemptable:
        yield f"no exemption can excuse {label(one.workload)}: {one.why}"
    if report.unexemptable:
        yield ""
    yield _conclusion(report)


def _is_told(entry: WorkloadEntry) -> bool:
    return entry.change != "admitted" or bool(entry.exemptions)


def _group(
    namespace: str | None, team: str | None, members: Sequence[WorkloadEntry], to: str
) -> Iterator[str]:
    where = namespace or "(no namespace)"
    whose = f", team {team}" if team else ""
    yield f"{where}{whose}: {members[0].profile} now, {to} then"
    for entry in members:
        if _is_told(entry):
            yield from _workload(entry)
    others = [one for one in members if not _is_told(one)]
    if others:
        pods = sum(one.pods or 0 for one in others)
        yield f"  {count(len(others), 'other')} with {count(pods, 'pod')}: admitted"


def _workload(entry: WorkloadEntry) -> Iterator[str]:
    name = entry.workload
    of = f" of {entry.made_by.kind} {entry.made_by.name}" if entry.made_by else ""
    pods = "" if name.kind == "Pod" or entry.pods is None else f", {count(entry.pods, 'pod')}"
    yield f"  {name.kind} {name.name or '(no name)'}{of}{pods}: {_CHANGES[entry.change]}"
    if entry.exemptions:
        yield f"      excused by {', '.join(entry.exemptions)}"
    consequences = list(_consequences(entry, entry.then))
    if consequences:
        yield f"      {'; '.join(consequences)}"
    for denial in entry.denials:
        if denial.then:
            yield f"      {denial.message} [{denial.policy}]"
            if denial.path:
                yield f"          {denial.path}"


def _consequences(entry: WorkloadEntry, state: StateEntry) -> Iterator[str]:
    kind = entry.workload.kind
    if state.lost_pods:
        yield f"{state.lost_pods} of {count(entry.pods or 0, 'pod')} would not come back"
    if state.new_pods == "denied":
        yield "its next runs would fail" if kind == "CronJob" else "new pods would be denied"
    if state.rollout == "rejected":
        yield _REJECTED.get(kind, "a rollout would be rejected")
    elif state.rollout == "stalls":
        yield "a rollout would be let in, and its pods would not"


_REJECTED: Final = {
    "Pod": "nobody makes it again; it would be rejected when it is applied",
    "Job": "it would be rejected when it is applied anew",
    "CronJob": "a change of its template would be rejected",
    "PodTemplate": "a change of its template would be rejected",
}


def _conclusion(report: ImpactReport) -> str:
    summary = report.summary
    partial = "partial, interrupted: " if summary.partial else ""
    of = f" of {report.cluster}" if report.cluster is not None else ""
    if not summary.workloads and not summary.errors:
        return f"{partial}no workloads{of}"
    clauses = [text for text in _clauses(summary) if not text.startswith("0 ")]
    outcome = ", ".join(clauses) or f"{report.to} admits all"
    workloads = count(summary.workloads, "workload")
    return f"{partial}{workloads}{of} with {count(summary.pods, 'pod')}: {outcome}"


def _clauses(summary: Summary) -> Iterator[str]:
    yield f"{summary.newly_denied} newly denied"
    yield f"{summary.already_denied} denied already"
    yield f"{count(summary.lost_pods, 'pod')} would not come back"
    yield f"{summary.fixed} no longer denied"
    yield f"{summary.exempted} exempted"
    yield f"{count(summary.errors, 'error')}"
