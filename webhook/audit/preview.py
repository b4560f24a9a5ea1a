"""A file's objects judged with the diffs that would set what is to be filled."""

from collections.abc import Callable
from typing import Final

import msgspec

from webhook.audit.judge import Court, judge
from webhook.audit.objects import Place, Subject
from webhook.audit.plan import Planned, plan
from webhook.audit.sources import Text
from webhook.report.entries import Judged
from webhook.rewrite import Differ, Splice

_Key = tuple[int, str]

_MAX_WIDTH: Final = 10_000
"""Bytes of the lines around a change that are still shown: minified JSON is one line, which each
of its objects would show anew."""


def judge_with_diffs(
    court: Court, text: Text, namespace: str | None = None
) -> Callable[[Subject], Judged]:
    """What judges the objects of this file; `namespace` is that of objects that name none."""
    differ = Differ(text.file, text.data)
    without_fills: dict[_Key, Judged] = {}

    def remembered(subject: Subject) -> Judged:
        judged = judge(court, subject)
        if not judged.fills:
            without_fills[_key(subject.place)] = judged
        return judged

    planned = {_key(one.place): one for one in plan(remembered, text, namespace).planned}

    def with_diff(subject: Subject) -> Judged:
        key = _key(subject.place)
        return _with_diff(differ, planned[key]) if key in planned else without_fills[key]

    return with_diff


def _key(place: Place) -> _Key:
    """Which object of the file it is."""
    return place.document.index, place.pointer


def _with_diff(differ: Differ, planned: Planned) -> Judged:
    reasons = {refusal.edits: f"not set: {refusal.message}" for refusal in planned.refusals}
    splices: list[Splice] = []
    for change in planned.changes:
        if differ.width(change.splices) > _MAX_WIDTH:
            reasons[change.edits] = "in a line that is too long to be shown"
        else:
            splices += change.splices
    prefix = planned.place.pointer
    return msgspec.structs.replace(
        planned.judged,
        diff=tuple(differ.unified(sorted(splices, key=lambda splice: splice.start))),
        without_diff={
            edits[0].parent.removeprefix(prefix): reason for edits, reason in reasons.items()
        },
    )
