"""From files to entries: reports of audits, lines of the decision log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from webhook.errors import HistoryError
from webhook.history.entries import Counter, Denial, Run
from webhook.report.entries import ObjectName, Result

MAX_NAME: Final = 253
"""Characters of a name in Kubernetes; of users, longer ones are cut."""


class _Object(msgspec.Struct, rename={"name": "object"}):
    name: ObjectName
    source: dict[str, Any] = {}


class _Finding(msgspec.Struct, rename={"name": "object"}):
    policy: str
    result: Result
    name: ObjectName
    source: dict[str, Any] = {}


class _Summary(msgspec.Struct):
    errors: int
    partial: bool = False


class _Report(msgspec.Struct):
    kind: Literal["AuditReport"]
    profile: str
    objects: list[_Object]
    findings: list[_Finding]
    summary: _Summary
    shard: str | None = None
    """Which share of the audit it tells of; None for the whole."""


class _Named(msgspec.Struct):
    kind: str = ""
    name: str = ""


class _Policy(msgspec.Struct):
    policy: str
    action: str | None = None
    exemption: object = None


class _Line(msgspec.Struct, rename="camel"):
    """What is used of a line of the decision log (docs/decision-log.md)."""

    time: datetime
    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    decision: str
    profile: str = ""
    kind: str = ""
    namespace: str | None = None
    name: str | None = None
    generate_name: str | None = None
    owner: _Named | None = None
    user: str | None = None
    dry_run: bool = False
    findings: list[_Policy] = []


_LOST: Final = b'{"lost":'
"""How a line begins that tells how many could not be written."""

_decode_report = msgspec.json.Decoder(_Report).decode
_decode_line = msgspec.json.Decoder(_Line).decode


def read_report(text: bytes, at: datetime) -> Run:
    """The run that an `AuditReport` in JSON tells of. Raises `HistoryError`."""
    try:
        report = _decode_report(text)
    except msgspec.DecodeError as error:
        raise HistoryError(f"no AuditReport: {error}") from error
    if report.shard is not None:
        raise HistoryError(
            f"the report of shard {report.shard} alone; add what `podworthy merge` makes of all"
        )
    found: defaultdict[tuple[object, ...], list[tuple[str, Result]]] = defaultdict(list)
    for one in report.findings:
        found[_identity(one.name, one.source)].append((one.policy, one.result))
    counter = Counter()
    for judged in report.objects:
        identity = _identity(judged.name, judged.source)
        counter.judged(judged.name.namespace, found.pop(identity, ()))
    summary = report.summary
    return counter.run(at, report.profile, summary.errors, partial=summary.partial)


def read_denials(lines: Iterable[bytes], unread: list[int]) -> Iterator[Denial]:
    """The denials in a decision log.

    A container's log has other lines, too, but none that begins with a brace: the numbers of
    those that cannot be read (cut by a container runtime) are added to `unread`, 1-based.
    Dry runs are passed over: nothing was to be stored.
    """
    for number, line in enumerate(lines, 1):
        if not line.startswith(b"{") or line.startswith(_LOST):
            continue
        try:
            one = _decode_line(line)
        except msgspec.DecodeError:
            unread.append(number)
            continue
        if one.decision == "denied" and not one.dry_run:
            yield _denial(one)


def _identity(name: ObjectName, source: Mapping[str, Any]) -> tuple[object, ...]:
    """Two objects of a report may have the same name, and stand in one file. Lines do not count:
    a finding has its own."""
    place = tuple(source.get(key) for key in ("file", "document", "item"))
    return name.api_version, name.kind, name.namespace, name.name, place


def _denial(line: _Line) -> Denial:
    named = line.owner or _Named(line.kind, line.name or line.generate_name or "")
    policies = {one.policy for one in line.findings if one.action == "deny" and not one.exemption}
    return Denial(
        uid=line.uid,
        at=line.time,
        profile=line.profile,
        policies=tuple(sorted(policies)),
        kind=line.kind,
        namespace=line.namespace or "",
        owner=f"{named.kind}/{named.name}",
        user=(line.user or "")[:MAX_NAME],
    )


def is_report(text: bytes) -> bool:
    """True for what `audit --format json` has written, as opposed to a log."""
    return b'"kind":"AuditReport"' in text[:200].replace(b" ", b"")
