"""`ImpactReport`: what an impact analysis says, in the shapes of its JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from webhook.api import KINDS
from webhook.impact.estate import Estate
from webhook.impact.exempting import Unexemptable
from webhook.impact.workloads import Change, Moment, Reason, Verdict, Workload
from webhook.report.entries import ErrorEntry, ObjectName, Source

_KINDS: Final = {kind: index for index, kind in enumerate(KINDS)}


class Owner(msgspec.Struct, frozen=True):
    """An owner of another API than Kubernetes' own."""

    kind: str
    name: str


class StateEntry(msgspec.Struct, frozen=True, rename="camel"):
    """What comes of a workload under one profile."""

    lost_pods: int
    """Running pods that would not come back after an eviction, a drain or a crash of their node."""
    new_pods: Literal["admitted", "denied"] | None
    """Pods made anew from the template, as by a scale-up or the next run of a CronJob; null where
    nobody makes any."""
    rollout: Verdict | None
    """A changed template, as by a rollout: `stalls` if it is let in and its pods are not. Of a bare
    pod: when it is applied again. Null where the template is not known."""


class DenialEntry(msgspec.Struct, frozen=True):
    """Why something is denied."""

    policy: str
    rule: str | None
    path: str
    """JSON Pointer into the workload; into the pod if only pods are known."""
    message: str
    now: bool
    then: bool


class WorkloadEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A workload that runs, or is written."""

    workload: ObjectName
    team: str | None
    made_by: Owner | None
    source: Source
    profile: str
    """In force now."""
    change: Change
    pods: int | None
    """Running ones; of files that hold none, as many as are written; null if nobody knows."""
    now: StateEntry
    then: StateEntry
    denials: Sequence[DenialEntry]
    exemptions: Sequence[str]
    """Names of those without which the promotion would hurt it, or hurt it more."""


class GroupEntry(msgspec.Struct, frozen=True, rename="camel"):
    """What a namespace has of one team."""

    namespace: str | None
    team: str | None
    profile: str
    workloads: int
    newly_denied: int
    already_denied: int
    fixed: int
    pods: int
    lost_pods: int


class UnexemptableEntry(msgspec.Struct, frozen=True):
    """A workload that the promotion would hurt, whatever exemptions there are."""

    workload: ObjectName
    why: str


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """Counts over everything."""

    workloads: int
    newly_denied: int
    already_denied: int
    fixed: int
    exempted: int
    """Let in only because of exemptions."""
    bare_pods: int
    """Pods that nobody makes again."""
    pods: int
    lost_pods: int
    unexemptable: int
    errors: int
    partial: bool


class ImpactReport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What `podworthy impact --format json` prints; keys are only ever added."""

    api_version: Literal["podworthy.dev/v1alpha1"] = "podworthy.dev/v1alpha1"
    kind: Literal["ImpactReport"] = "ImpactReport"
    to: str
    profile: str
    """In force where a namespace names none."""
    cluster: str | None
    today: str
    """The day, in UTC, on which exemptions are in force."""
    groups: Sequence[GroupEntry]
    workloads: Sequence[WorkloadEntry]
    unexemptable: Sequence[UnexemptableEntry]
    errors: Sequence[ErrorEntry]
    summary: Summary


def workload_entries(estate: Estate) -> list[WorkloadEntry]:
    """All of them, by namespace, team, kind and name; those that name no team come last."""
    entries = [_entry(one, estate.profile_of(one.object.namespace)) for one in estate.workloads]
    return sorted(entries, key=_order)


def _order(entry: WorkloadEntry) -> tuple[object, ...]:
    name = entry.workload
    return (
        name.namespace or "",
        entry.team is None,
        entry.team or "",
        _KINDS.get(name.kind, len(_KINDS)),
        name.kind,
        name.name or "",
        name.api_version,
        entry.source.file or "",
    )


def _entry(workload: Workload, profile: str) -> WorkloadEntry:
    made_by = workload.made_by
    return WorkloadEntry(
        workload=workload.object,
        team=workload.team,
        made_by=Owner(*made_by) if made_by else None,
        source=workload.source,
        profile=profile,
        change=workload.change,
        pods=workload.pods,
        now=_state(workload, "now"),
        then=_state(workload, "then"),
        denials=sorted(map(_denial, workload.reasons.values()), key=_denial_order),
        exemptions=sorted(workload.states["then"].exemptions),
    )


def _state(workload: Workload, moment: Moment) -> StateEntry:
    new: Literal["admitted", "denied"] = "denied" if workload.denies_new(moment) else "admitted"
    return StateEntry(
        workload.lost(moment),
        new if workload.makes_pods else None,
        workload.rollout(moment),
    )


def _denial(reason: Reason) -> DenialEntry:
    denial = reason.denial
    return DenialEntry(
        denial.policy,
        denial.rule,
        reason.path,
        denial.message,
        "now" in reason.moments,
        "then" in reason.moments,
    )


def _denial_order(entry: DenialEntry) -> tuple[object, ...]:
    steps = entry.path.split("/")
    path = [(int(step), "") if step.isdecimal() else (-1, step) for step in steps]
    return entry.policy, path, entry.message


def group_entries(entries: Iterable[WorkloadEntry]) -> list[GroupEntry]:
    """Of entries that are sorted, in their order."""
    groups: dict[tuple[str | None, str | None], list[WorkloadEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.workload.namespace, entry.team), []).append(entry)
    return [_group(*key, members) for key, members in groups.items()]


def _group(namespace: str | None, team: str | None, members: Sequence[WorkloadEntry]) -> GroupEntry:
    changes = Counter(one.change for one in members)
    return GroupEntry(
        namespace=namespace,
        team=team,
        profile=members[0].profile,
        workloads=len(members),
        newly_denied=changes["newlyDenied"],
        already_denied=changes["alreadyDenied"],
        fixed=changes["fixed"],
        pods=sum(one.pods or 0 for one in members),
        lost_pods=sum(one.then.lost_pods for one in members),
    )


def summary(
    entries: Sequence[WorkloadEntry],
    unexemptable: Sequence[Unexemptable],
    errors: Sequence[ErrorEntry],
    *,
    partial: bool,
) -> Summary:
    """The counts."""
    changes = Counter(one.change for one in entries)
    unhurt = [one for one in entries if one.change in ("fixed", "admitted")]
    return Summary(
        workloads=len(entries),
        newly_denied=changes["newlyDenied"],
        already_denied=changes["alreadyDenied"],
        fixed=changes["fixed"],
        exempted=sum(bool(one.exemptions) for one in unhurt),
        bare_pods=sum(one.workload.kind == "Pod" for one in entries),
        pods=sum(one.pods or 0 for one in entries),
        lost_pods=sum(one.then.lost_pods for one in entries),
        unexemptable=len(unexemptable),
        errors=len(errors),
        partial=partial,
    )
