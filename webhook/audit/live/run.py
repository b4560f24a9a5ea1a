"""The run over a cluster: into reports, with its progress and its exit code."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

from webhook import catalog
from webhook.api import Policy
from webhook.audit.live.docket import Docket
from webhook.audit.live.hearing import Event, LiveAudit
from webhook.audit.live.interrupt import Interrupt
from webhook.audit.live.survey import Left, Progress
from webhook.audit.near_misses import NearMisses
from webhook.audit.progress import Line, is_wanted
from webhook.audit.tally import INCOMPLETE, Tally
from webhook.cluster import Fetcher, Patience
from webhook.report.entries import DayEntry, ErrorEntry, Heading, Judged
from webhook.report.output import Output
from webhook.report.reports import Format, Reports

if TYPE_CHECKING:
    from webhook.report.baseline import Baseline

_TEXT: Final = (Format("text"),)
_REASONS: Final = ("owned", "finished", "deleting", "scaledToZero", "mirror", "excluded")


def run(
    client: Fetcher,
    docket: Docket,
    formats: Iterable[Format] = _TEXT,
    fail_on: str = "deny",
    *,
    policies: Mapping[str, Policy[Any]] = catalog.POLICIES,
    docs_url: str | None = None,
    baseline: "Baseline | None" = None,
    trend: Sequence[DayEntry] | None = None,
    patience: Patience | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Audit a cluster; the exit code, as of `webhook.audit.run`.

    Ctrl-C ends it with a report of what is known by then, marked as partial, and 3.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    shard = docket.scope.shard
    heading = Heading(
        docket.default,
        policies,
        docs_url,
        {name: profile.kinds for name, profile in docket.profiles.items()},
        docket.today,
        docket.exemptions,
        docket.team_label,
        cluster=client.name,
        shard=str(shard) if shard else None,
        trend=trend,
    )
    with Reports(formats, heading, output, baseline) as reports, Interrupt() as interrupt:
        near_misses = NearMisses(docket.exemptions, docket.today)
        tally = Tally(reports, notes, near_misses)
        line = Line(notes if is_wanted(output, notes) else Output(None))
        left: Counter[str] = Counter(dict.fromkeys(_REASONS, 0))
        tally.summary.partial = False
        tally.summary.not_judged = left
        events = LiveAudit(client, docket, patience).events()
        try:
            while (event := _next(events, interrupt)) is not None:
                _tell(event, tally, left, line)
        except KeyboardInterrupt:
            tally.summary.partial = True
        line.erase()
        tally.close("nothing to judge: no pod and no workload is there")
    for problem in reports.problems:
        notes.write(f"podworthy: {problem}\n")
    return INCOMPLETE if reports.problems else tally.exit_code(fail_on)


def _next(events: Iterator[Event], interrupt: Interrupt) -> Event | None:
    with interrupt.allowed():
        return next(events, None)


def _tell(event: Event, tally: Tally, left: Counter[str], line: Line) -> None:
    if isinstance(event, Left):
        left[event.why] += 1
        return
    if isinstance(event, Progress):
        of = "" if event.remaining is None else f" of {event.read + event.remaining}"
        line.show(f"{event.resource.name}: {event.read}{of} read", tally.summary.objects)
        return
    if not isinstance(event, Judged) or not event.is_clean:
        line.erase()
    if isinstance(event, Judged):
        tally.judged(event)
    elif isinstance(event, ErrorEntry):
        tally.failed(event)
    else:
        tally.note(event.text)
