"""Markdown for a job summary or a comment.

What comes from manifests stands in code spans: there GitHub makes no mention, link, image or HTML
of it. All is bounded for a comment, which may have 65 536 characters; a job summary may have 1 MiB.
"""

import re
from typing import Final

from webhook.messages import count, printable
from webhook.report.entries import ErrorEntry, Heading, Judged, Summary
from webhook.report.output import Output
from webhook.report.wording import (
    Word,
    filled,
    judged_by,
    label,
    message,
    outcome,
    place,
    recorded,
    word,
)

MAX_CELL: Final = 400
"""Characters of a cell before it is escaped."""
_BACKTICKS: Final = re.compile("`+")


class MarkdownReport:
    """Keeps as many rows as fit, and counts the rest."""

    tells_clean = False
    shows_diffs = False

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._heading = heading
        findings = ("Where", "Object", "Policy", "Finding")
        self._findings: dict[Word, _Table] = {
            "deny": _Table(22_000, findings),
            "warn": _Table(11_000, findings),
            "audit": _Table(4_000, findings),
            "skip": _Table(8_000, findings),
        }
        self._errors = _Table(8_000, ("Where", "Problem"))
        self._filled = _Table(8_000, ("Where", "Object", "Policy", "Timings"))
        self._recorded = 0

    def judged(self, judged: Judged) -> None:
        """Keep the findings and fills."""
        name = label(judged.entry.object)
        self._recorded += recorded(judged.findings)
        for finding in judged.findings:
            where, what = place(finding.source), message(finding)
            if finding.result == "error":
                self._errors.add(where, f"{name}: {finding.policy}: {what}")
            else:
                self._findings[word(finding)].add(where, name, finding.policy, what)
        for fill, values in filled(judged):
            self._filled.add(place(fill.source), name, fill.policy, values)

    def failed(self, error: ErrorEntry) -> None:
        """Keep what could not be read or judged."""
        self._errors.add(place(error.source), error.message)

    def close(self, summary: Summary) -> None:
        """Write all."""
        findings, judged = self._findings, judged_by(self._heading, summary)
        self._output.write(
            f"## podworthy: {outcome(summary, self._recorded)}\n\n{judged}.\n"
            f"{self._errors.section('Not judged')}"
            f"{findings['deny'].section('Violations')}"
            f"{findings['warn'].section('Warnings')}"
            f"{findings['audit'].details(count(self._recorded, 'recorded finding'))}"
            f"{findings['skip'].details(count(summary.skip, 'exempted finding'))}"
            f"{self._filled.details(count(summary.fills, 'field to fill', 'fields to fill'))}"
        )


class _Table:
    """Rows up to a number of characters; from the first that does not fit, they are counted."""

    def __init__(self, room: int, head: tuple[str, ...]) -> None:
        self._room = room
        self._text = f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
        self._left_out = 0
        self._is_empty = True

    def add(self, *cells: str) -> None:
        self._is_empty = False
        row = "" if self._left_out else f"| {' | '.join(map(_code, cells))} |\n"
        if row and len(self._text) + len(row) <= self._room:
            self._text += row
        else:
            self._left_out += 1

    def section(self, title: str) -> str:
        """Under a headline, or nothing."""
        return "" if self._is_empty else f"\n### {title}\n\n{self._body()}"

    def details(self, title: str) -> str:
        """Folded away, or nothing."""
        if self._is_empty:
            return ""
        return f"\n<details><summary>{title}</summary>\n\n{self._body()}\n</details>\n"

    def _body(self) -> str:
        return f"{self._text}\nand {self._left_out} more\n" if self._left_out else self._text


def _code(text: str) -> str:
    """A code span in a table: longer fences than any inside, and pipes escaped all the same."""
    text = printable(text)
    if len(text) > MAX_CELL:
        text = f"{text[: MAX_CELL - 1]}…"
    if not text:
        return ""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    # a parser strips one space from both ends, if it is there
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")
