"""One page for people who decide: how far a profile is kept, by whom, and what is to be done."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from webhook.docstring import Documentation, documentation
from webhook.errors import DocstringError
from webhook.exemptions import Exemption
from webhook.links import policy_url
from webhook.markup import environment
from webhook.messages import count
from webhook.report.entries import ErrorEntry, Heading, Judged, Summary
from webhook.report.html_rows import RESULTS, Row, problem, rows, shown
from webhook.report.html_trend import chart
from webhook.report.output import Output
from webhook.report.tally import Tallies
from webhook.report.wording import judged_by

MAX_ROWS: Final = 50_000
"""Findings of each result on the page; what is more is only counted."""
STATIC_ROWS: Final = 300
"""Findings that are shown where no script runs."""
MAX_LISTED: Final = 300
"""Entries of the lists that have no filter: errors, exemptions."""

_BLANK: Final = Row(*("" for _ in Row.__struct_fields__))


class Excuse(msgspec.Struct, frozen=True):
    """An exemption, and what it was good for."""

    name: str
    state: str
    days: str
    """`126 days left`."""
    workload: str
    policies: str
    owner: str
    reason: str
    expires: str
    findings: int
    """That it excuses in this audit."""

    @property
    def remark(self) -> str:
        """For a finding that it excuses."""
        return f"{self.name} of {self.owner}, {self.days}: {self.reason}"


class HtmlReport:
    """Keeps everything until the end: what is said first is how much there is of it."""

    tells_clean = True
    shows_diffs = True

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._heading = heading
        self._tallies = Tallies(heading)
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._results: Counter[str] = Counter()
        self._excused: Counter[str] = Counter()
        self._problems: list[tuple[str, str]] = []

    def judged(self, judged: Judged) -> None:
        """Keep the findings and fills, count the object."""
        self._tallies.judged(judged)
        for row in rows(judged):
            self._results[row.result] += 1
            if row.result == "skip":
                self._excused[row.exemption] += 1
            if len(self._rows[row.result]) < MAX_ROWS:
                self._rows[row.result].append(row)

    def failed(self, error: ErrorEntry) -> None:
        """Keep what could not be read or judged."""
        if len(self._problems) < MAX_LISTED:
            self._problems.append(problem(error))

    def close(self, summary: Summary) -> None:
        """Write the page."""
        kept = [row for result in RESULTS for row in self._rows[result]]
        excuses = self._excuses()
        page = environment(Path(__file__).parent / "templates").get_template("report.html")
        for part in page.generate(
            heading=self._heading,
            summary=summary,
            comparison=_comparison(summary),
            judged=judged_by(self._heading, summary),
            tallies=self._tallies,
            trend=chart(self._heading),
            results=RESULTS,
            counted=self._results,
            rows=kept[:STATIC_ROWS],
            number=len(kept),
            left_out=self._results.total() - len(kept),
            data=_packed(kept),
            choices=_choices(kept),
            problems=self._problems,
            excuses=excuses[:MAX_LISTED],
            more_excuses=max(0, len(excuses) - MAX_LISTED),
            remarks={one.name: one.remark for one in excuses},
            blank=_BLANK,
            policies=self._policies(kept),
        ):
            self._output.write(part)

    def _excuses(self) -> list[Excuse]:
        today = self._heading.today
        ordered = sorted(self._heading.exemptions, key=lambda one: (one.expires, one.name))
        return [_excuse(one, today, self._excused[one.name]) for one in ordered] if today else []

    def _policies(self, kept: Iterable[Row]) -> list[tuple[str, Documentation, str | None]]:
        """What those ask that found something, in the order in which they are met."""
        docs_url = self._heading.docs_url
        told = []
        for policy in dict.fromkeys(row.policy for row in kept):
            try:
                doc = documentation(self._heading.policies[policy])
            except (DocstringError, KeyError):
                continue
            told.append((policy, doc, policy_url(docs_url, policy) if docs_url else None))
        return told


def _comparison(summary: Summary) -> Mapping[str, int] | None:
    """How this audit stands beside the baseline, if there is one."""
    counts = {"new": summary.new, "unchanged": summary.unchanged, "fixed": summary.fixed}
    known = {state: number for state, number in counts.items() if number is not UNSET}
    return known or None


def _packed(kept: Iterable[Row]) -> Mapping[str, Sequence[Any]]:
    """The rows as numbers of texts, each of which is there once: most of them repeat."""
    numbers: dict[str, int] = {}
    packed = [
        [numbers.setdefault(text, len(numbers)) for text in msgspec.structs.astuple(row)]
        for row in kept
    ]
    return {"columns": Row.__struct_fields__, "texts": list(numbers), "rows": packed}


def _choices(kept: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Columns by which rows can be chosen, with the values that they have; one is no choice."""
    found = []
    for column in ("policy", "namespace", "team"):
        values = sorted({getattr(row, column) for row in kept})
        if len(values) > 1:
            found.append((column, values))
    return found


def _excuse(exemption: Exemption, today: date, findings: int) -> Excuse:
    days = (exemption.expires - today).days
    left = f"{count(days, 'day')} left" if days >= 0 else f"ended {count(-days, 'day')} ago"
    if today < exemption.granted:
        left = f"from {exemption.granted}"
    workload = f"{exemption.kind} {exemption.namespace}/{exemption.workload}"
    if exemption.containers:
        workload += f" ({', '.join(sorted(exemption.containers))})"
    return Excuse(
        name=shown(exemption.name),
        state=exemption.state(today),
        days=left,
        workload=shown(workload),
        policies=", ".join(sorted(exemption.policies)),
        owner=shown(exemption.owner),
        reason=shown(exemption.reason),
        expires=exemption.expires.isoformat(),
        findings=findings,
    )
