"""The list of exemptions: what state they are in, and whether an audit needed them."""

import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Final

import msgspec

from webhook.audit.judge import Court
from webhook.audit.run import Audit
from webhook.exemptions import GRACE, Exemption, Exemptions
from webhook.messages import count, printable
from webhook.report.entries import ErrorEntry, Judged, Summary
from webhook.report.output import Output

_HEADS: Final = ("STATE", "NAME", "WORKLOAD", "POLICIES", "OWNER", "EXPIRES")


def listing(
    paths: Sequence[str], court: Court, format_name: str, namespace: str | None = None
) -> int:
    """Print the list, as `text` or `json`; audit the paths, if any, for what they need.

    The exit code is 3 if something could not be judged or printed, else 0.
    """
    output, notes = Output(sys.stdout), Output(sys.stderr)
    audit = Audit(court, Unreported(notes), notes, namespace)
    if paths:
        audit.read(paths, sys.stdin.buffer)
        audit.close()
    listed = entries(court.exemptions, court.today, audit.exemptions if paths else None)
    output.write(as_json(listed) if format_name == "json" else as_text(listed, court.today))
    output.flush()
    return 3 if output.problem else audit.exit_code("never")


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """One exemption in the list."""

    name: str
    state: str
    """One of `webhook.exemptions.STATES`."""
    unused: bool | None
    """Whether no finding and no fill of the audit needed it; None without an audit, and for one
    that is not in force."""
    policies: Sequence[str]
    workload: dict[str, str]
    containers: Sequence[str]
    reason: str
    owner: str
    granted: str
    expires: str
    source: str
    """`file:line`."""


class Unreported:
    """A report of nothing but what could not be judged."""

    tells_clean = False

    def __init__(self, notes: Output) -> None:
        self._notes = notes

    def judged(self, judged: Judged) -> None:
        """Only which exemptions it needed counts, and the audit knows that."""

    def failed(self, error: ErrorEntry) -> None:
        """Say it."""
        line = "" if error.source.line is msgspec.UNSET else f":{error.source.line}"
        self._notes.write(f"podworthy: {error.source.file}{line}: {printable(error.message)}\n")

    def close(self, summary: Summary) -> None:
        """Nothing is left to say."""


def entries(
    exemptions: Exemptions, today: date, needed: Collection[str] | None = None
) -> list[Entry]:
    """Every exemption, what ends first on top.

    `needed` are the names of those that an audit needed, None if there was none.
    """
    ordered = sorted(exemptions, key=lambda exemption: (exemption.expires, exemption.name))
    return [_entry(exemption, today, needed) for exemption in ordered]


def _entry(exemption: Exemption, today: date, needed: Collection[str] | None) -> Entry:
    is_checked = needed is not None and exemption.is_in_force(today)
    return Entry(
        name=exemption.name,
        state=exemption.state(today),
        unused=exemption.name not in (needed or ()) if is_checked else None,
        policies=sorted(exemption.policies),
        workload={
            "namespace": exemption.namespace,
            "kind": exemption.kind,
            "name": exemption.workload,
        },
        containers=sorted(exemption.containers),
        reason=exemption.reason,
        owner=exemption.owner,
        granted=exemption.granted.isoformat(),
        expires=exemption.expires.isoformat(),
        source=exemption.place,
    )


def as_json(listed: Sequence[Entry]) -> str:
    """One object, an exemption on each line."""
    lines = ",\n  ".join(msgspec.json.encode(entry).decode() for entry in listed)
    head = '"apiVersion": "podworthy.dev/v1alpha1", "kind": "ExemptionReport"'
    return f'{{{head}, "exemptions": [\n  {lines}]}}\n'


def as_text(listed: Sequence[Entry], today: date) -> str:
    """A table, and a line that counts."""
    if not listed:
        return "no exemptions; name their directory with --exemptions DIR\n"
    rows = [_HEADS, *(_row(entry, today) for entry in listed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, "", _counts(listed), ""])


def _row(entry: Entry, today: date) -> tuple[str, ...]:
    workload = "{namespace}/{kind}/{name}".format(**entry.workload)
    if entry.containers:
        workload += f" ({', '.join(entry.containers)})"
    policies = ", ".join(entry.policies)
    state = f"{entry.state}, unused" if entry.unused else entry.state
    cells = (state, entry.name, workload, policies, entry.owner, _ends(entry, today))
    return tuple(map(printable, cells))


def _ends(entry: Entry, today: date) -> str:
    expires = date.fromisoformat(entry.expires)
    days = (expires - today).days
    if days >= 0:
        return f"{entry.expires}, {count(days, 'day')} left"
    ago = f"{entry.expires}, {count(-days, 'day')} ago"
    grace = expires + GRACE
    return f"{ago}; pods of controllers are warned of until {grace}" if grace >= today else ago


def _counts(listed: Iterable[Entry]) -> str:
    states = [entry.state for entry in listed]
    unused = sum(bool(entry.unused) for entry in listed)
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return ", ".join(counts + ([f"{unused} unused in this audit"] if unused else []))
