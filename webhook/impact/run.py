"""The run: what a promotion would hurt, as a report; the exemptions; the exit code."""

import io
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, TextIO

from webhook.audit.live import Note, Progress
from webhook.audit.live.interrupt import Interrupt
from webhook.audit.progress import Line, is_wanted
from webhook.cluster import Fetcher, Patience
from webhook.impact.baseline import Baseline, write
from webhook.impact.entries import (
    ImpactReport,
    UnexemptableEntry,
    group_entries,
    summary,
    workload_entries,
)
from webhook.impact.estate import Estate
from webhook.impact.evidence import of_cluster, of_files
from webhook.impact.exempting import needs
from webhook.impact.report import as_json, as_text
from webhook.impact.trial import Promotion
from webhook.report.output import Output

_SAFE: Final = 0
_HURT: Final = 1
_INCOMPLETE: Final = 3


def run(
    paths: Iterable[str],
    promotion: Promotion,
    client: Fetcher | None = None,
    format_name: str = "text",
    *,
    baseline: Baseline | None = None,
    patience: Patience | None = None,
    stdin: BinaryIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Judge what runs in a cluster, or what is in files if there is no client; the exit code.

    That is 3 if something could not be read or judged, or a file could not be written; else 1 if
    the promotion would hurt a workload; else 0. Ctrl-C ends it with a report of what is known by
    then, and 3; no exemptions are written then. Streams are the process's own by default.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    estate = Estate(promotion, is_written=client is None)
    line = Line(notes if is_wanted(output, notes) else Output(None))
    if client:
        events: Iterator[Note | Progress] = of_cluster(client, promotion, estate, patience)
    else:
        data = stdin or (sys.stdin.buffer if sys.stdin else io.BytesIO())
        events = iter(of_files(paths, data, estate, promotion.scope.namespace))
    partial = _read(events, estate, line, notes)
    report = _report(estate, promotion, client, partial=partial)
    output.write(as_json(report) if format_name == "json" else as_text(report))
    output.flush()
    is_complete = not (report.errors or partial or output.problem)
    if output.problem:
        notes.write(f"podworthy: the report cannot be written: {output.problem}\n")
    if not report.workloads and not report.errors:
        notes.write("podworthy: nothing to judge: no pod and no workload is there\n")
    if baseline and not partial:
        told, done = _exempt(baseline, estate, promotion)
        missing = "; not everything was read or judged" if done and not is_complete else ""
        notes.write(f"podworthy: {told}{missing}\n")
        is_complete &= done
    if not is_complete:
        return _INCOMPLETE
    return _HURT if report.summary.newly_denied or report.summary.already_denied else _SAFE


def _read(events: Iterator[Note | Progress], estate: Estate, line: Line, notes: Output) -> bool:
    """Read everything; whether somebody ended it before."""
    with Interrupt() as interrupt:
        try:
            while True:
                with interrupt.allowed():
                    event = next(events, None)
                if event is None:
                    return False
                if isinstance(event, Note):
                    line.erase()
                    notes.write(f"podworthy: {event.text}\n")
                else:
                    of = "" if event.remaining is None else f" of {event.read + event.remaining}"
                    told = f"{event.resource.name}: {event.read}{of} read"
                    line.show(told, len(estate.workloads))
        except KeyboardInterrupt:
            return True
        finally:
            line.erase()


def _report(
    estate: Estate, promotion: Promotion, client: Fetcher | None, *, partial: bool
) -> ImpactReport:
    entries = workload_entries(estate)
    _, refused = needs(estate.workloads)
    return ImpactReport(
        to=promotion.to.name,
        profile=promotion.default,
        cluster=client.name if client else None,
        today=promotion.today.isoformat(),
        groups=group_entries(entries),
        workloads=entries,
        unexemptable=sorted(
            (UnexemptableEntry(one.workload.object, one.why) for one in refused),
            key=lambda one: (one.workload.namespace or "", one.workload.kind, one.why),
        ),
        errors=estate.errors,
        summary=summary(entries, refused, estate.errors, partial=partial),
    )


def _exempt(baseline: Baseline, estate: Estate, promotion: Promotion) -> tuple[str, bool]:
    """Write the exemptions; what to say of it, and whether it was done."""
    taken = {one.name for one in promotion.exemptions}
    return write(baseline, needs(estate.workloads)[0], promotion.to.name, taken)
