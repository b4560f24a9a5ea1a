"""What a replay found, for people and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

import msgspec

from webhook.messages import count, printable
from webhook.replay.cases import Reason
from webhook.replay.replayed import Replayed
from webhook.replay.tally import Consequence, Denials, Group, Share, Tally
from webhook.report.wording import place

MAX_ROWS: Final = 30
"""Rows of one table of the text; the JSON has all."""

_CONSEQUENCES: Final[tuple[Consequence, ...]] = get_args(Consequence)
_REASONS: Final[Mapping[Reason, str]] = {
    "withoutObject": "let in then, but the log lacks the object: log creates, updates and patches "
    "of workloads at level RequestResponse",
    "withoutOldObject": "updates whose object the log has not seen before: whether the template "
    "changed is not known",
    "refusedWithoutObject": "refused then, and the log lacks the object",
    "invalid": "invalid: no validating webhook was asked",
    "excludedNamespace": "in a namespace about which podworthy is not asked",
    "dryRun": "dry runs",
    "repeated": "repeated",
    "otherStage": "of another stage than ResponseComplete",
    "notAsked": "let through or never asked about: reads, other kinds, unchanged templates",
}


def as_json(replayed: Replayed) -> str:
    """A `ReplayReport`, one entry on each line."""
    again, then = replayed.again, replayed.then
    head = {"apiVersion": "podworthy.dev/v1alpha1", "kind": "ReplayReport"}
    head |= {"profile": replayed.profile, "today": replayed.today}
    parts = [msgspec.json.encode(head).decode().removesuffix("}")]
    parts += _lists(again)
    parts.append(_list("decisions", _denials(then)))
    reasons = {reason: replayed.passed_over[reason] for reason in _REASONS}
    parts.append(f'"notJudged": {msgspec.json.encode(reasons).decode()}')
    parts.append(_list("errors", replayed.errors))
    summary = {
        "first": again.period[0] if again.period else None,
        "last": again.period[1] if again.period else None,
        "judged": again.total.judged,
        "denied": again.total.denied,
        "refusedThen": again.refused_then,
        "warned": again.total.warned,
        "crashed": replayed.crashed,
        "decisions": then.total.judged,
        "decisionsDenied": then.total.denied,
        "decisionsLost": replayed.lost,
        "errors": len(replayed.errors) + replayed.errors_omitted,
    }
    parts.append(f'"summary": {msgspec.json.encode(summary).decode()}')
    return ",\n ".join(parts) + "}\n"


def _lists(tally: Tally) -> Iterator[str]:
    yield _list("denials", _denials(tally))
    policies = sorted(tally.policies)
    yield _list(
        "policies",
        (
            {"policy": one, **{kind: tally.policies[one][kind] for kind in _CONSEQUENCES}}
            for one in policies
        ),
    )
    yield _list("namespaces", _shares("namespace", tally.namespaces))
    yield _list("users", _shares("user", tally.users))


def _list(key: str, entries: Iterable[Any]) -> str:
    lines = ",".join(f"\n  {msgspec.json.encode(entry).decode()}" for entry in entries)
    return f'"{key}": [{lines}]'


def _denials(tally: Tally) -> Iterator[dict[str, Any]]:
    for group, denials in _heaviest(tally):
        yield {
            "namespace": group.namespace or None,
            "owner": group.owner,
            "user": group.user or None,
            "requests": denials.requests,
            "refusedThen": denials.refused_then,
            "policies": dict(sorted(denials.policies.items())),
            "message": denials.message,
            "source": denials.source,
        }


def _shares(key: str, shares: Mapping[str, Share]) -> Iterator[dict[str, Any]]:
    for name in sorted(shares):
        yield {key: name or None, **msgspec.structs.asdict(shares[name])}


def _heaviest(tally: Tally) -> list[tuple[Group, Denials]]:
    return sorted(tally.denials.items(), key=lambda pair: (-pair[1].requests, pair[0]))


def as_text(replayed: Replayed) -> str:
    """Tables, and at the end the counts."""
    return "".join(f"{line}\n" for line in _lines(replayed))


def _lines(replayed: Replayed) -> Iterator[str]:
    again, then = replayed.again, replayed.then
    for error in replayed.errors[:MAX_ROWS]:
        yield printable(f"{place(error.source)}: {error.message}")
    errors = len(replayed.errors) + replayed.errors_omitted
    if errors > MAX_ROWS:
        yield f"and {errors - MAX_ROWS} more errors"
    if errors:
        yield ""
    if again.denials:
        yield f"would be denied by {replayed.profile}"
        yield from _table(_DENIED, [_row(*pair) for pair in _heaviest(again)])
        yield ""
    yield from _summaries(again)
    if then.denials:
        yield "denied then, as the decision log says; it has no objects to judge by another profile"
        yield from _table(_DENIED, [_row(*pair) for pair in _heaviest(then)])
        yield ""
    yield from _not_judged(replayed)
    yield from _conclusion(replayed)


_DENIED: Final = ("REQUESTS", "REFUSED THEN", "NAMESPACE", "OWNER", "USER", "POLICIES", "FIRST AT")


def _row(group: Group, denials: Denials) -> tuple[str, ...]:
    return (
        str(denials.requests),
        str(denials.refused_then),
        group.namespace or "-",
        f"{group.owner.kind} {group.owner.name}",
        group.user or "-",
        ", ".join(sorted(denials.policies)),
        place(denials.source),
    )


def _summaries(tally: Tally) -> Iterator[str]:
    if tally.policies:
        heads = ("POLICY", *map(str.upper, _CONSEQUENCES))
        rows = [
            (name, *(str(tally.policies[name][kind]) for kind in _CONSEQUENCES))
            for name in sorted(tally.policies)
        ]
        yield from _table(heads, rows)
        yield ""
    for head, shares in (("NAMESPACE", tally.namespaces), ("USER", tally.users)):
        found = [name for name, share in shares.items() if share.denied or share.warned]
        found.sort(key=lambda name: (-shares[name].denied, -shares[name].warned, name))
        if found:
            rows = [
                (name or "-", *map(str, msgspec.structs.astuple(shares[name]))) for name in found
            ]
            yield from _table((head, "JUDGED", "DENIED", "WARNED"), rows)
            yield ""


def _not_judged(replayed: Replayed) -> Iterator[str]:
    found = [reason for reason in _REASONS if replayed.passed_over[reason]]
    if found:
        yield "not judged"
        width = max(len(str(replayed.passed_over[reason])) for reason in found)
        for reason in found:
            yield f"  {replayed.passed_over[reason]:>{width}}  {_REASONS[reason]}"
        yield ""


def _conclusion(replayed: Replayed) -> Iterator[str]:
    again, then = replayed.again, replayed.then
    period = f", {again.period[0]} to {again.period[1]}" if again.period else ""
    judged = f"{count(again.total.judged, 'request')} judged by {replayed.profile}{period}"
    denied = again.total.denied
    clauses = [f"{denied} would be denied"]
    if again.refused_then:
        clauses.append(f"of them {again.refused_then} refused then, too")
    clauses.append(f"{again.total.warned} would be warned of")
    if again.total.judged or not then.total.judged:
        yield f"{judged}: {', '.join(clauses)}"
    if then.total.judged:
        lost = f", {count(replayed.lost, 'line')} lost" if replayed.lost else ""
        decisions = count(then.total.judged, "decision")
        yield f"{decisions} of the decision log: {then.total.denied} denied then{lost}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    shown = [tuple(map(printable, row)) for row in rows[:MAX_ROWS]]
    widths = [max(map(len, column)) for column in zip(heads, *shown, strict=True)]
    for row in (heads, *shown):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
    if len(rows) > MAX_ROWS:
        yield f"  and {len(rows) - MAX_ROWS} more; --format json has all"
