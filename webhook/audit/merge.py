"""The reports of all shards of an audit, as the report of the whole."""

import sys
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

import msgspec
from msgspec import UNSET

from webhook import catalog, documents
from webhook.api import Policy
from webhook.audit.live.resources import WORKLOADS
from webhook.audit.near_misses import NearMisses
from webhook.audit.shard import Shard, parse
from webhook.audit.tally import INCOMPLETE, Tally
from webhook.errors import ReportError
from webhook.exemptions import Exemptions
from webhook.report.entries import (
    DayEntry,
    ErrorEntry,
    FillEntry,
    FindingEntry,
    Heading,
    Judged,
    ObjectEntry,
    Summary,
)
from webhook.report.output import Output
from webhook.report.reports import Format, Reports
from webhook.report.written import Written, read

if TYPE_CHECKING:
    from webhook.report.baseline import Baseline

Entry = ObjectEntry | FindingEntry | FillEntry | ErrorEntry
T = TypeVar("T", ObjectEntry, FindingEntry, FillEntry, ErrorEntry)

_JSON: Final = (Format("json"),)
_LISTS: Final = {resource.name: index for index, resource in enumerate(WORKLOADS)}
"""Lists of a cluster, in the order in which they are read."""


def load(paths: Sequence[str]) -> list[Written]:
    """The reports in these files, which have to be those of all shards of one audit.

    Raises `ReportError`.
    """
    reports = [read(Path(path)) for path in paths]
    shards = [_shard(path, report) for path, report in zip(paths, reports, strict=True)]
    for path, report, shard in zip(paths, reports, shards, strict=True):
        for what, one, first in (
            ("shards in all", shard.count, shards[0].count),
            ("profile", report.profile, reports[0].profile),
            ("cluster", report.cluster or None, reports[0].cluster or None),
        ):
            if one != first:
                raise ReportError(
                    f"{path}: of another audit than {paths[0]}: {what} {one}, not {first}"
                )
    places = defaultdict(list)
    for path, shard in zip(paths, shards, strict=True):
        places[shard.index].append(path)
    for index in range(shards[0].count):
        if not places[index]:
            raise ReportError(f"the report of shard {index}/{shards[0].count} is missing")
        if len(places[index]) > 1:
            both = " and ".join(places[index])
            raise ReportError(f"shard {index}/{shards[0].count} is there twice: {both}")
    return reports


def _shard(path: str, report: Written) -> Shard:
    if report.shard is UNSET:
        raise ReportError(f"{path}: the report of a whole audit, not of `audit --shard`")
    try:
        return parse(report.shard)
    except ValueError as error:
        raise ReportError(f"{path}: {error}") from error


def run(
    reports: Sequence[Written],
    formats: Iterable[Format] = _JSON,
    fail_on: str = "deny",
    *,
    policies: Mapping[str, Policy[Any]] = catalog.POLICIES,
    docs_url: str | None = None,
    baseline: "Baseline | None" = None,
    trend: Sequence[DayEntry] | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Report what the shards found, in the order of an audit without shards; its exit code.

    `reports` are what `load` has read; the rest is as of `webhook.audit.run`.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    cluster = reports[0].cluster or None
    heading = Heading(
        reports[0].profile,
        policies,
        docs_url,
        _kinds(policies),
        datetime.now(UTC).date(),
        cluster=cluster,
        trend=trend,
    )
    with Reports(formats, heading, output, baseline) as told:
        tally = Tally(told, notes, NearMisses(Exemptions(), date.min))
        _add(tally.summary, [report.summary for report in reports])
        for entry in _entries(reports):
            if isinstance(entry, Judged):
                tally.judged(entry)
            else:
                tally.failed(entry)
        tally.close("nothing to judge: no shard has judged an object")
    for problem in told.problems:
        notes.write(f"podworthy: {problem}\n")
    return INCOMPLETE if told.problems else tally.exit_code(fail_on)


def _add(summary: Summary, parts: Sequence[Summary]) -> None:
    """What is not counted again."""
    summary.ignored = sum(part.ignored for part in parts)
    if any(part.partial is not UNSET for part in parts):
        summary.partial = any(part.partial is True for part in parts)
    left: dict[str, int] = {}
    for part in parts:
        for why, number in (part.not_judged or {}).items():
            left[why] = left.get(why, 0) + number
        if part.not_judged is not UNSET:
            summary.not_judged = left


def _entries(reports: Iterable[Written]) -> Iterator[Judged | ErrorEntry]:
    """Everything, in the order of the whole."""
    found: list[tuple[Any, Judged | ErrorEntry]] = []
    errors: set[str] = set()
    for report in reports:
        findings = _by_object(report.findings)
        fills = _by_object(report.fills)
        for entry in report.objects:
            key = _key(entry)
            judged = Judged(
                _plain(entry),
                [_plain(finding) for finding in findings[key]],
                [_plain(fill) for fill in fills[key]],
            )
            found.append((key, judged))
        for error in report.errors:
            # every shard reads the lists of a cluster, and says so if it cannot
            if error.order is UNSET and repr(error) in errors:
                continue
            errors.add(repr(error))
            found.append((_key(error), _plain(error)))
    found.sort(key=lambda pair: pair[0])
    return (entry for _, entry in found)


def _by_object(entries: Iterable[T]) -> defaultdict[Hashable, list[T]]:
    found: defaultdict[Hashable, list[T]] = defaultdict(list)
    for entry in entries:
        found[_key(entry)].append(entry)
    return found


def _key(entry: Entry) -> tuple[int, str]:
    """The place of an object in the whole: of files its number, of a cluster its name in its
    list."""
    if entry.order is not UNSET:
        return entry.order, ""
    index = _LISTS.get(entry.source.resource or "", -1)
    if isinstance(entry, ErrorEntry):
        # a list that ends early has told what it had
        return index, "\uffff"
    return index, f"{entry.object.namespace}/{entry.object.name}"


def _plain(entry: T) -> T:
    return msgspec.structs.replace(entry, order=UNSET)


def _kinds(policies: Mapping[str, Policy[Any]]) -> Mapping[str, Mapping[str, Collection[str]]]:
    """Of which objects the shipped profiles ask something; reports do not tell of others."""
    shipped = documents.load((), policies).profiles
    return {name: profile.kinds for name, profile in shipped.items()}
