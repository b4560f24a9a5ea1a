"""The run: every record of the logs through the engine into counts, a report, the exit code."""

import io
import sys
import zlib
from collections.abc import Iterable
from typing import BinaryIO, Final, TextIO

from webhook.audit import Court
from webhook.errors import BadReview
from webhook.replay.cases import EXCLUDED, Case, Cases, Reason, Then
from webhook.replay.records import Decision, Event, Lost, Record, Review, records
from webhook.replay.replayed import Replayed
from webhook.replay.report import as_json, as_text
from webhook.replay.streams import Log, logs
from webhook.replay.tally import decided, judge
from webhook.replay.values import Broken, values
from webhook.report.entries import ErrorEntry, Source
from webhook.report.output import Output

MAX_ERRORS: Final = 1000
"""Errors that are told; the rest are counted, because any file may be given."""


def run(
    paths: Iterable[str],
    court: Court,
    format_name: str = "text",
    fail_on: str = "deny",
    *,
    excluded: Iterable[str] = (),
    stdin: BinaryIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Judge recorded requests by the court, print the report, and return the exit code.

    That is 3 if something could not be read or judged, an admitted object that the log lacks
    included; else 1 if a request would have been denied, or with the `fail_on` `warn` warned of;
    else 0. `excluded` are namespaces whose audit events are left out besides `EXCLUDED`. Streams
    are the process's own by default.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    replay = Replay(court, EXCLUDED.union(excluded))
    replay.read(paths, stdin or (sys.stdin.buffer if sys.stdin else io.BytesIO()))
    replayed = replay.replayed
    output.write(as_json(replayed) if format_name == "json" else as_text(replayed))
    output.flush()
    if output.problem:
        notes.write(f"podworthy: the report could not be written: {output.problem}\n")
    if replayed.is_incomplete or output.problem:
        return 3
    found = replayed.again.total.denied
    if fail_on == "warn":
        found += replayed.again.total.warned
    return 1 if found and fail_on != "never" else 0


class Replay:
    """One run."""

    def __init__(self, court: Court, excluded: frozenset[str] = EXCLUDED) -> None:
        self._court = court
        self._cases = Cases(excluded)
        self.replayed = Replayed(court.profile.name, court.today.isoformat())

    def read(self, paths: Iterable[str], stdin: BinaryIO) -> None:
        """Judge everything in the logs that the paths mean."""
        for log in logs(paths, stdin):
            if isinstance(log, Log):
                self._read(log)
            else:
                self._failed(Source(log.file), log.problem)

    def _read(self, log: Log) -> None:
        line = 0
        try:
            for value in values(log.lines):
                line = value.line
                source = Source(log.file, line=line)
                if isinstance(value, Broken):
                    self._failed(source, value.problem)
                else:
                    self._take(value.data, source)
        except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
            problem = getattr(error, "strerror", None) or str(error)
            self._failed(Source(log.file, line=line + 1), f"cannot be read on: {problem}")

    def _take(self, data: bytes, source: Source) -> None:
        try:
            for record in records(data):
                self._record(record, source)
        except BadReview as error:
            self._failed(source, str(error))

    def _record(self, record: Record, source: Source) -> None:
        if isinstance(record, Lost):
            self.replayed.lost += record.lost
        elif isinstance(record, Decision):
            self._decided(record, source)
        else:
            case = self._case(record)
            if isinstance(case, Case):
                self._judge(case, source)
            else:
                self.replayed.passed_over[case] += 1

    def _case(self, record: Review | Event) -> Case | Reason:
        if isinstance(record, Review):
            return self._cases.of_review(record)
        return self._cases.of_event(record)

    def _judge(self, case: Case, source: Source) -> None:
        group, outcomes = judge(self._court, case)
        self.replayed.again.judged(group, case.then, outcomes, source)
        self.replayed.again.at(case.time)
        self.replayed.crashed += outcomes.crashed

    def _decided(self, decision: Decision, source: Source) -> None:
        """Those of the door where things are denied; of a dry run nothing came."""
        if decision.dry_run or decision.door != "validate":
            reason: Reason = "dryRun" if decision.dry_run else "notAsked"
            self.replayed.passed_over[reason] += 1
        elif self._cases.is_repeated(decision.uid):
            self.replayed.passed_over["repeated"] += 1
        else:
            group, outcomes = decided(decision)
            then: Then = "refused" if outcomes.denied else "admitted"
            self.replayed.then.judged(group, then, outcomes, source)
            self.replayed.then.at(decision.time)

    def _failed(self, source: Source, problem: str) -> None:
        if len(self.replayed.errors) < MAX_ERRORS:
            self.replayed.errors.append(ErrorEntry(source, problem))
        else:
            self.replayed.errors_omitted += 1
