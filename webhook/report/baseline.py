"""Findings of now beside those of an earlier report: new, unchanged, fixed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from webhook.errors import ReportError
from webhook.report.entries import FindingEntry, Judged, Summary
from webhook.report.fingerprint import identity
from webhook.report.written import Written, read

_COUNTED: Final = ("fail", "warn")
"""Results that are compared. What was exempted was no debt: once the exemption ends, it is new."""


class Baseline:
    """An earlier report, by which findings are told apart."""

    def __init__(self, findings: Iterable[FindingEntry] = ()) -> None:
        # how these stood beside a report before theirs is of no interest
        self._findings = [
            msgspec.structs.replace(one, baseline_state=UNSET)
            for one in findings
            if one.result in _COUNTED
        ]

    def compare(self, found: Sequence[Judged], summary: Summary) -> "Comparison":
        """Say of each finding whether it is new; the summary gets the counts.

        Findings are the same if policy, rule, object and place are, whatever their line; a list's
        index does not count where the message names what stands there. Of equal ones as many are
        known as there were, those of the same file first. A warning that denies by now is new.
        """
        old: defaultdict[str, list[FindingEntry]] = defaultdict(list)
        for finding in self._findings:
            old[identity(finding)].append(finding)
        new: defaultdict[str, list[FindingEntry]] = defaultdict(list)
        for judged in found:
            for finding in judged.findings:
                if finding.result in _COUNTED:
                    new[identity(finding)].append(finding)
        known: set[int] = set()
        for key, findings in new.items():
            for is_known_by in _KNOWN_BY:
                _match(findings, old[key], is_known_by, known)
        compared = [_marked(judged, known) for judged in found]
        left = {id(finding) for findings in old.values() for finding in findings}
        # in the order of the report that they are from
        fixed = [finding for finding in self._findings if id(finding) in left]
        marked = [finding for judged in compared for finding in judged.findings]
        newcomers = [finding for finding in marked if finding.baseline_state == "new"]
        summary.new = len(newcomers)
        summary.new_fail = sum(finding.result == "fail" for finding in newcomers)
        summary.unchanged = sum(finding.baseline_state == "unchanged" for finding in marked)
        summary.fixed = len(fixed)
        return Comparison(compared, fixed)


class Comparison(msgspec.Struct, frozen=True):
    """Everything that was judged, compared."""

    judged: Sequence[Judged]
    """With `baseline_state` in those findings that count."""
    fixed: Sequence[FindingEntry]
    """Of the earlier report, what is gone."""


def load(path: str, profile: str) -> tuple[Baseline, str]:
    """The baseline in a JSON report, and what to know about it, or nothing.

    Raises `ReportError` for what is no report, or not one that can be compared: of another profile,
    of a shard, of an audit that was interrupted.
    """
    written = read(Path(path))
    if written.profile != profile:
        raise ReportError(
            f"{path}: a report of profile {written.profile}; audit by --profile {written.profile}, "
            f"or make a report of {profile}"
        )
    if written.shard is not UNSET:
        raise ReportError(f"{path}: the report of one shard; `podworthy merge` them all first")
    if written.summary.partial is True:
        raise ReportError(f"{path}: the report of an audit that was interrupted; make another one")
    return Baseline(written.findings), _caveat(path, written)


def _caveat(path: str, written: Written) -> str:
    errors = written.summary.errors + written.summary.error
    if not errors:
        return ""
    return f"{path}: not everything was judged then ({errors} errors): what is found there is new"


_Known = Callable[[FindingEntry, FindingEntry], bool]


def _is_as_grave(new: FindingEntry, old: FindingEntry) -> bool:
    return old.result == new.result


def _is_no_graver(new: FindingEntry, old: FindingEntry) -> bool:
    return old.result == "fail" or new.result == "warn"


def _in_its_file(test: _Known) -> _Known:
    return lambda new, old: old.source.file == new.source.file and test(new, old)


_KNOWN_BY: Final[Sequence[_Known]] = (
    _in_its_file(_is_as_grave),
    _in_its_file(_is_no_graver),
    _is_as_grave,
    _is_no_graver,
)
"""By which earlier finding one is known, the best first."""


def _match(
    new: Iterable[FindingEntry], old: list[FindingEntry], is_known_by: _Known, known: set[int]
) -> None:
    """Take from the old ones, which are equal but for file and result, one for each new one."""
    for finding in new:
        if id(finding) in known:
            continue
        for index, one in enumerate(old):
            if is_known_by(finding, one):
                known.add(id(finding))
                del old[index]
                break


def _marked(judged: Judged, known: set[int]) -> Judged:
    if not judged.findings:
        return judged
    findings = [
        msgspec.structs.replace(
            finding, baseline_state="unchanged" if id(finding) in known else "new"
        )
        if finding.result in _COUNTED
        else finding
        for finding in judged.findings
    ]
    return msgspec.structs.replace(judged, findings=findings)
