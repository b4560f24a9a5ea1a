"""The list of exemptions: what state they are in, and whether an audit needed them."""

import io
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import zip_longest
from typing import Final

import msgspec

from webhook.audit.judge import Court
from webhook.audit.near_misses import NearMisses
from webhook.audit.run import Audit
from webhook.audit.sources import STDIN, Inputs, Text
from webhook.exemptions import GRACE, Exemption, Exemptions, NearMiss
from webhook.goyaml import documents
from webhook.messages import count, printable
from webhook.report.entries import ErrorEntry, Judged, Summary
from webhook.report.output import Output
from webhook.report.wording import place

WIDTH: Final = 100
"""Columns that the table should fit."""

_HEADS: Final = ("STATE", "NAME", "WORKLOAD", "POLICIES", "OWNER", "EXPIRES")
_WRAPPED: Final = ("EXPIRES", "POLICIES", "WORKLOAD", "STATE")
"""Columns whose cells take several lines where the table is too wide, the first one first."""
_KIND: Final = b"Exemption"

Cell = tuple[str, ...]
"""What may stand below each other."""


def listing(
    paths: Sequence[str], court: Court, format_name: str, namespace: str | None = None
) -> int:
    """Print the list, as `text` or `json`; audit the paths, if any, for what they need.

    The exit code is 3 if something could not be judged or printed, else 0.
    """
    output, notes = Output(sys.stdout), Output(sys.stderr)
    audit = Audit(court, Unreported(notes), notes, namespace)
    needed = None
    if paths:
        audit.read(paths, sys.stdin.buffer)
        audit.close()
        needed = audit.tally.exemptions
    for note in () if len(court.exemptions) else _not_given(paths):
        notes.write(f"podworthy: {note}\n")
    listed = entries(court.exemptions, court.today, needed, audit.tally.near_misses)
    output.write(as_json(listed) if format_name == "json" else as_text(listed, court.today))
    output.flush()
    return 3 if output.problem else audit.exit_code("never")


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """One exemption in the list."""

    name: str
    state: str
    """One of `webhook.exemptions.STATES`."""
    unused: bool | None
    """Whether no finding and no fill of the audit needed it; None without an audit, for one that
    is not in force, and where nobody knows because manifests name no namespace."""
    policies: Sequence[str]
    workload: dict[str, str]
    containers: Sequence[str]
    reason: str
    owner: str
    granted: str
    expires: str
    source: str
    """`file:line`."""
    near_miss: str | None
    """Why it does not excuse what the audit found in its workload; None if there is no such."""


class Unreported:
    """A report of nothing but what could not be judged."""

    tells_clean = False

    def __init__(self, notes: Output) -> None:
        self._notes = notes

    def judged(self, judged: Judged) -> None:
        """Only which exemptions it needed counts, and the audit knows that."""

    def failed(self, error: ErrorEntry) -> None:
        """Say it."""
        self._notes.write(f"podworthy: {printable(f'{place(error.source)}: {error.message}')}\n")

    def close(self, summary: Summary) -> None:
        """Nothing is left to say."""


def entries(
    exemptions: Exemptions,
    today: date,
    needed: Collection[str] | None = None,
    near_misses: NearMisses | None = None,
) -> list[Entry]:
    """Every exemption, what ends first on top.

    `needed` are the names of those that an audit needed, None if there was none, and `near_misses`
    what it found out about the others.
    """
    ordered = sorted(exemptions, key=lambda exemption: (exemption.expires, exemption.name))
    return [
        _entry(exemption, today, needed, near_misses.get(exemption.name) if near_misses else None)
        for exemption in ordered
    ]


def _entry(
    exemption: Exemption,
    today: date,
    needed: Collection[str] | None,
    near_miss: NearMiss | None,
) -> Entry:
    is_needed = exemption.name in (needed or ())
    is_known = is_needed or not (near_miss and near_miss.asks_namespace)
    is_checked = needed is not None and exemption.is_in_force(today) and is_known
    return Entry(
        name=exemption.name,
        state=exemption.state(today),
        unused=not is_needed if is_checked else None,
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
        near_miss=near_miss.why if near_miss else None,
    )


def as_json(listed: Sequence[Entry]) -> str:
    """One object, an exemption on each line."""
    lines = ",\n  ".join(msgspec.json.encode(entry).decode() for entry in listed)
    head = '"apiVersion": "podworthy.dev/v1alpha1", "kind": "ExemptionReport"'
    return f'{{{head}, "exemptions": [\n  {lines}]}}\n'


def as_text(listed: Sequence[Entry], today: date) -> str:
    """A table, at most `WIDTH` columns wide if names allow, and a line that counts."""
    if not listed:
        return "no exemptions; name their directory with --exemptions DIR\n"
    heads: list[Cell] = [(head,) for head in _HEADS]
    rows = [heads, *(_row(entry, today) for entry in listed)]
    for wrapped in range(len(_WRAPPED) + 1):
        lines = list(_table(rows, _WRAPPED[:wrapped]))
        if max(map(len, lines)) <= WIDTH:
            break
    return "\n".join([*lines, "", _counts(listed), ""])


def _table(rows: Sequence[Sequence[Cell]], wrapped: Collection[str]) -> Iterator[str]:
    """The lines; those of a cell that is not wrapped are one."""
    cells = [
        [
            cell if head in wrapped else (" ".join(cell),)
            for head, cell in zip(_HEADS, row, strict=True)
        ]
        for row in rows
    ]
    widths = [max(len(line) for row in cells for line in row[n]) for n in range(len(_HEADS))]
    for row in cells:
        for line in zip_longest(*row, fillvalue=""):
            yield "  ".join(map(str.ljust, line, widths)).rstrip()


def _row(entry: Entry, today: date) -> list[Cell]:
    workload = "{namespace}/{kind}/{name}".format(**entry.workload)
    containers = (f"({', '.join(entry.containers)})",) if entry.containers else ()
    *others, last = entry.policies
    policies = (*(f"{policy}," for policy in others), last)
    remark = _remark(entry)
    state = (f"{entry.state},", remark) if remark else (entry.state,)
    cells = (
        state,
        (entry.name,),
        (workload, *containers),
        policies,
        (entry.owner,),
        _ends(entry, today),
    )
    return [tuple(map(printable, cell)) for cell in cells]


def _remark(entry: Entry) -> str:
    if _is_nameless(entry):
        return "no namespace"
    return "unused" if entry.unused else ""


def _is_nameless(entry: Entry) -> bool:
    """True for one in force of which nobody knows whether manifests need it."""
    is_in_force = entry.state in ("active", "expiring")
    return is_in_force and entry.near_miss is not None and entry.unused is None


def _ends(entry: Entry, today: date) -> Cell:
    expires = date.fromisoformat(entry.expires)
    if entry.state == "pending":
        return (f"from {entry.granted} to {entry.expires}",)
    days = (expires - today).days
    if days >= 0:
        return (f"{entry.expires}, {count(days, 'day')} left",)
    ago = f"{entry.expires}, {count(-days, 'day')} ago"
    grace = expires + GRACE
    if grace < today:
        return (ago,)
    return f"{ago};", "pods of controllers are", f"warned of until {grace}"


def _counts(listed: Iterable[Entry]) -> str:
    states = [entry.state for entry in listed]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    if unused := sum(bool(entry.unused) for entry in listed):
        counts.append(f"{unused} unused in this audit")
    if nameless := sum(map(_is_nameless, listed)):
        counts.append(f"{nameless} unknown without --namespace")
    return ", ".join(counts)


def _not_given(paths: Iterable[str]) -> Iterator[str]:
    """Which files were given to be audited, and hold exemptions."""
    for text in Inputs((path for path in paths if path != STDIN), io.BytesIO()).texts():
        if isinstance(text, Text) and _KIND in text.data:
            values = [document.value for document in documents(text.data)]
            if any(
                isinstance(value, dict) and value.get("kind") == "Exemption" for value in values
            ):
                yield f"{text.file} holds exemptions: give it as --exemptions {text.file}"
