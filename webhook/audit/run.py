"""The run: every source through the engine into a report, and the exit code."""

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import msgspec

from webhook import catalog
from webhook.api import Policy
from webhook.audit.batches import parts
from webhook.audit.gather import gather
from webhook.audit.hearing import Hearing, Outcome, numbered, renumbered
from webhook.audit.judge import Court
from webhook.audit.near_misses import NearMisses
from webhook.audit.pool import outcomes
from webhook.audit.progress import Bar, is_wanted
from webhook.audit.shard import Shard
from webhook.audit.sources import Inputs
from webhook.audit.tally import INCOMPLETE, Tally
from webhook.report import Report
from webhook.report.entries import DayEntry, Heading
from webhook.report.output import Output
from webhook.report.reports import Format, Reports

if TYPE_CHECKING:
    from webhook.report.baseline import Baseline

_TEXT: Final = (Format("text"),)


def run(
    paths: Iterable[str],
    court: Court,
    formats: Iterable[Format] = _TEXT,
    fail_on: str = "deny",
    *,
    namespace: str | None = None,
    policies: Mapping[str, Policy[Any]] = catalog.POLICIES,
    docs_url: str | None = None,
    baseline: "Baseline | None" = None,
    trend: Sequence[DayEntry] | None = None,
    show_fill: bool = False,
    shard: Shard | None = None,
    stdin: BinaryIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Audit files, directories and standard input; the exit code.

    That is 3 if something could not be read, judged or reported, else 1 for a finding at or above
    `fail_on` (`deny`, `warn`, `never`, or `new` beside a `baseline`), else 0. `namespace` is that
    of objects that name none, `policies` the catalogue, `docs_url` where its pages are published,
    `trend` what is kept of the days before, for a page, and `show_fill` adds diffs that make the
    fills to a text. A `shard` judges its share only. Streams are the process's own by default.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    heading = Heading(
        court.profile.name,
        policies,
        docs_url,
        {court.profile.name: court.profile.kinds},
        court.today,
        court.exemptions,
        court.team_label,
        show_fill,
        shard=str(shard) if shard else None,
        trend=trend,
    )
    with Reports(formats, heading, output, baseline) as reports:
        bar = Bar(notes) if is_wanted(output, notes) else None
        audit = Audit(court, reports, notes, namespace, shard=shard, bar=bar)
        audit.read(paths, stdin or (sys.stdin.buffer if sys.stdin else io.BytesIO()))
        audit.close()
    for problem in reports.problems:
        notes.write(f"podworthy: {problem}\n")
    return INCOMPLETE if reports.problems else audit.exit_code(fail_on)


class Audit:
    """One run: counts what it tells the report."""

    def __init__(
        self,
        court: Court,
        report: Report,
        notes: Output,
        namespace: str | None = None,
        *,
        shard: Shard | None = None,
        bar: Bar | None = None,
    ) -> None:
        self._court = court
        self._tells_clean = report.tells_clean
        self._shows_diffs = report.shows_diffs
        self._namespace = namespace
        self._shard = shard
        self._bar = bar or Bar(Output(None))
        self._documents = 0
        """Those of the present file that were judged."""
        self._found = 0
        """Objects and errors of all texts before the present one."""
        self.tally = Tally(report, notes, NearMisses(court.exemptions, court.today))

    def read(self, paths: Iterable[str], stdin: BinaryIO) -> None:
        """Judge everything that the paths mean, together with what stands around it there."""
        inputs = Inputs(paths, stdin)
        court = self._court
        if court.profile.looks_up:
            court = msgspec.structs.replace(court, lookups=gather(inputs, self._namespace))
        hearing = Hearing(court, self._namespace, self._shows_diffs, self._tells_clean, self._shard)
        texts = inputs.texts() if self._shows_diffs else parts(inputs.texts())
        self._bar.total = inputs.size
        try:
            with closing(outcomes(texts, hearing)) as found:
                for outcome in found:
                    self._take(outcome)
        finally:
            self._bar.erase()

    def close(self) -> None:
        """End the report."""
        self.tally.close("nothing to judge: no pod and no workload in the input")

    def exit_code(self, fail_on: str) -> int:
        """0, 1 or 3, see `run`."""
        return self.tally.exit_code(fail_on)

    def _take(self, outcome: Outcome) -> None:
        if not outcome.is_continued:
            self._documents = 0
        tally = self.tally
        objects = tally.summary.objects
        tally.clean(outcome.clean)
        tally.summary.ignored += outcome.ignored
        if outcome.told:
            self._bar.erase()
        for one in outcome.told:
            told = renumbered(one, self._documents) if self._documents else one
            if self._shard:
                told = numbered(told, self._found)
            if told.judged:
                tally.judged(told.judged)
            elif told.error:
                tally.failed(told.error)
            else:
                tally.note(told.note)
        self._documents += outcome.documents
        self._found += outcome.found
        self._bar.advance(outcome.size, tally.summary.objects - objects)
