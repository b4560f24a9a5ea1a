"""What would be set in one file, as changes of its text."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from webhook.api import TIMING_DEFAULTS
from webhook.audit.objects import Place, Subject, objects
from webhook.audit.sources import Text
from webhook.evidence import WrittenText
from webhook.goyaml import documents
from webhook.report.entries import ErrorEntry, FillEntry, Judged
from webhook.rewrite import Change, Edit, Group, Refusal, rewrite

_RECORD: Final = "a recorded review, not what its author wrote; fix the manifest it came from"
_NO_NUMBER: Final = "only numbers are set in files; write it by hand"
_ORDER: Final = {field: number for number, field in enumerate(TIMING_DEFAULTS)}
"""The order of the fields in the API's own documentation."""


class Planned(msgspec.Struct, frozen=True):
    """One object in which something is to be set."""

    place: Place
    judged: Judged
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]


class Plan(msgspec.Struct, frozen=True):
    """Everything that is to be set in one file."""

    data: bytes
    """The file with all changes made."""
    planned: tuple[Planned, ...]
    problems: tuple[ErrorEntry, ...]
    """What could not be read or judged, and might have to be changed, too."""


class _Wish(msgspec.Struct, frozen=True):
    """One object's edits, before anybody knows what becomes of them."""

    place: Place
    judged: Judged
    groups: tuple[Group, ...]
    refusals: tuple[Refusal, ...]
    """Of those that are not even tried."""


def plan(judge: Callable[[Subject], Judged], text: Text, namespace: str | None = None) -> Plan:
    """Judge a file's objects and rewrite its text; what cannot be done safely is not done.

    `namespace` is that of objects that name none.
    """
    wishes: list[_Wish] = []
    problems: list[ErrorEntry] = []
    for document in documents(text.data):
        for found in objects(text.file, document, namespace):
            if isinstance(found, ErrorEntry):
                problems.append(found)
            elif isinstance(found, Subject):
                judged = judge(found)
                problems += _crashes(judged)
                if judged.fills:
                    wishes.append(_wish(found, judged))
    groups = [group for wish in wishes for group in wish.groups]
    rewritten = rewrite(text.data, [edit for group in groups for edit in group])
    changes = {change.edits: change for change in rewritten.changes}
    refusals = {refusal.edits: refusal for refusal in rewritten.refusals}
    planned = (
        Planned(
            place=wish.place,
            judged=wish.judged,
            changes=tuple(changes[group] for group in wish.groups if group in changes),
            refusals=(
                *wish.refusals,
                *(refusals[group] for group in wish.groups if group in refusals),
            ),
        )
        for wish in wishes
    )
    return Plan(rewritten.data, tuple(planned), tuple(problems))


def _wish(subject: Subject, judged: Judged) -> _Wish:
    place = subject.place
    groups: list[Group] = []
    refusals: list[Refusal] = []
    for group in _groups(place, judged.fills):
        if not isinstance(subject.evidence, WrittenText):
            refusals.append(Refusal(group, place.document.line, _RECORD))
        elif not all(isinstance(edit.value, int) for edit in group):
            line = place.document.line_of(group[0].pointer)
            refusals.append(Refusal(group, line, _NO_NUMBER))
        else:
            groups.append(group)
    return _Wish(place, judged, tuple(groups), tuple(refusals))


def _groups(place: Place, fills: Iterable[FillEntry]) -> Iterator[Group]:
    by_mapping: dict[str, list[FillEntry]] = {}
    for fill in fills:
        by_mapping.setdefault(fill.path.rpartition("/")[0], []).append(fill)
    for group in by_mapping.values():
        yield tuple(
            Edit(place.document.index, place.pointer + fill.path, fill.value)
            for fill in sorted(group, key=_rank)
        )


def _rank(fill: FillEntry) -> int:
    return _ORDER.get(fill.path.rpartition("/")[2], len(_ORDER))


def _crashes(judged: Judged) -> Iterator[ErrorEntry]:
    for finding in judged.findings:
        if finding.result == "error":
            message = f"the policy {finding.policy} failed: {finding.message}"
            yield ErrorEntry(finding.source, message)
