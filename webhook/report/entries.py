"""What a report consists of, in the shapes of `AuditReport` JSON."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from webhook.api import Policy
from webhook.exemptions import Exemptions

Result = Literal["fail", "warn", "skip", "error"]
"""`fail` for the action deny, `warn` for warn and audit, `skip` if exempted, `error` for a policy
that crashed."""

_NOBODY: Final = Exemptions()


class DayEntry(msgspec.Struct, frozen=True):
    """What is kept of one day, in UTC, of audits and of denials before this audit."""

    day: date
    denials: int
    """Requests that the webhook denied."""
    profile: str | None = None
    """Of the day's last audit; None if there was none."""
    objects: int = 0
    """That it judged."""
    failing: int = 0
    """Of these, objects in which something denies."""


class Heading(msgspec.Struct, frozen=True):
    """What is known before anything is judged."""

    profile: str
    policies: Mapping[str, Policy[Any]]
    """The catalogue, by id; the profile may use fewer."""
    docs_url: str | None = None
    """Where policies are documented, see `webhook.links`."""
    kinds: Mapping[str, Mapping[str, Collection[str]]] = {}
    """Of which objects a profile asks something: by its name, then by the id of the policy."""
    today: date | None = None
    """In UTC: the day of the audit."""
    exemptions: Exemptions = _NOBODY
    """All that there are, needed or not."""
    team_label: str | None = None
    """The key of the label that names an object's team; None if nobody asks for teams."""
    shows_fill: bool = False
    """Whether diffs that make the fills are asked for, also where a format may go without."""
    cluster: str | None = None
    """The name of the cluster that is judged; None for files."""
    shard: str | None = None
    """`0/4`, if only a share of the objects is judged."""
    trend: Sequence[DayEntry] | None = None
    """Days on which something is known, the oldest first; None if nobody asks for them."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where something stands in the input; what is unknown is absent."""

    file: str | None
    """As given or found; `-` is standard input. None for what came from a cluster."""
    document: int | UnsetType = UNSET
    """0-based, counting every document of the file, empty ones too."""
    item: int | UnsetType = UNSET
    """0-based, inside a list only; items of lists inside lists are counted through."""
    line: int | UnsetType = UNSET
    """1-based."""
    resource: str | UnsetType = UNSET
    """Of a cluster: which of its lists, as kubectl takes it, `deployments.apps`."""


class ObjectName(msgspec.Struct, frozen=True, rename="camel"):
    """Which object it is."""

    api_version: str
    kind: str
    namespace: str | None
    name: str | None


class ObjectEntry(msgspec.Struct, frozen=True):
    """A judged object."""

    object: ObjectName
    source: Source
    profile: str | UnsetType = UNSET
    """By which it was judged, where not all are judged by one."""
    order: int | UnsetType = UNSET
    """Of a shard of files: the number of the object, or of what is no object, in the whole."""


class ExemptionEntry(msgspec.Struct, frozen=True):
    """Which exemption excuses a finding, or did until not long ago."""

    name: str
    owner: str
    expires: str
    """The last day, `2027-03-31`."""


class FindingEntry(msgspec.Struct, frozen=True):
    """What a policy found in an object."""

    policy: str
    rule: str | None
    result: Result
    action: str | None
    """`deny`, `warn` or `audit`; None if the policy crashed."""
    object: ObjectName
    path: str
    """JSON Pointer into the object as written."""
    message: str
    source: Source
    exemption: ExemptionEntry | None = None
    """In force if the result is `skip`; otherwise it has expired, and its grace has not."""
    profile: str | UnsetType = UNSET
    """The object's."""
    baseline_state: Literal["new", "unchanged"] | UnsetType = msgspec.field(
        name="baselineState", default=UNSET
    )
    """Beside an earlier report, of the results `fail` and `warn`; named as SARIF names it."""
    order: int | UnsetType = UNSET
    """The object's."""


class FillEntry(msgspec.Struct, frozen=True):
    """A value that would be set in an object."""

    policy: str
    action: str
    """`fill` or `suggest`."""
    object: ObjectName
    path: str
    """JSON Pointer into the object as written."""
    value: Any
    was: Any
    evidence: str
    source: Source
    profile: str | UnsetType = UNSET
    """The object's."""
    order: int | UnsetType = UNSET
    """The object's."""


class ErrorEntry(msgspec.Struct, frozen=True):
    """Input that could not be read or judged."""

    source: Source
    message: str
    order: int | UnsetType = UNSET
    """Of a shard of files: the number of the object, or of what is no object, in the whole."""


class Judged(msgspec.Struct, frozen=True):
    """Everything that is known of one judged object."""

    entry: ObjectEntry
    findings: Sequence[FindingEntry]
    """In the order of policy id and path."""
    fills: Sequence[FillEntry]
    """In the order of policy id and path."""
    exemptions: frozenset[str] = frozenset()
    """Names of those that made a difference."""
    subjects: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The container that each fill is about, by the fill's path; the object where it is none."""
    diff: Sequence[str] | None = None
    """The lines of a unified diff of the author's text that sets the fills; None if nobody asked
    for it."""
    without_diff: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Why fills are not in the diff, by JSON Pointer to the mapping that they belong into."""
    team: str | None = None
    """What the label of the object says that names its team."""

    @property
    def is_clean(self) -> bool:
        """True if there is nothing to say of it."""
        return not (self.findings or self.fills or self.exemptions)


class Summary(msgspec.Struct, rename="camel"):
    """Counts over the whole input."""

    objects: int = 0
    """Judged ones."""
    ignored: int = 0
    """Objects and documents that are no workload."""
    fail: int = 0
    warn: int = 0
    skip: int = 0
    error: int = 0
    fills: int = 0
    errors: int = 0
    """Entries of `errors`."""
    partial: bool | UnsetType = UNSET
    """Of a cluster: whether somebody ended the audit before its end."""
    not_judged: Mapping[str, int] | UnsetType = UNSET
    """Of a cluster: how many objects need no judgement of their own, by why."""
    new: int | UnsetType = UNSET
    """Beside an earlier report: findings that it has not."""
    new_fail: int | UnsetType = UNSET
    """Of them, those of the result `fail`."""
    fixed: int | UnsetType = UNSET
    """Findings that are only in it."""
    unchanged: int | UnsetType = UNSET
