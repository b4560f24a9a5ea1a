"""The report for people, 80 columns wide; what is to be pasted stays on one line."""

import os
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final, TextIO

from webhook.doctor.report import GRAVITY, Finding, Report, Verdict
from webhook.messages import printable

WIDTH: Final = 80
_COLOURS: Final[dict[Verdict, int]] = {"ok": 32, "warning": 33, "unknown": 35, "failed": 31}
_COLUMN: Final = 9
_INDENT: Final = " " * _COLUMN
SHOWN: Final = 10
"""Pieces of evidence of one check; the JSON report has all."""


def write(told: Report, stream: TextIO) -> None:
    """All checks, the counts last."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for finding in told.checks:
        for line in _finding(finding):
            stream.write(_coloured(line, finding.verdict) if colour else f"{line}\n")
    counts = ", ".join(f"{getattr(told.summary, verdict)} {verdict}" for verdict in GRAVITY)
    stream.write(f"\n{len(told.checks)} checks: {counts}\n")


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.verdict:<{_COLUMN}}{finding.check}: {finding.question}"
    # what is in order beside what is not would only hide it
    told = [one for one in finding.evidence if finding.verdict == "ok" or one.verdict != "ok"]
    # what helps against several is said once
    for (remedy, command), some in groupby(told[:SHOWN], lambda one: (one.remedy, one.command)):
        for one in some:
            # only where a check has seen things of different gravity
            start = "" if one.verdict == finding.verdict else f"{one.verdict}: "
            yield from _wrapped(start + one.message, "")
        if remedy:
            yield from _wrapped(remedy, "-> ")
        if command:
            yield f"{_INDENT}   {printable(command)}"
    if len(told) > SHOWN:
        yield f"{_INDENT}and {len(told) - SHOWN} more: --format json has them all"


def _wrapped(text: str, mark: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=_INDENT + mark,
        subsequent_indent=_INDENT + " " * max(len(mark), 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _coloured(line: str, verdict: Verdict) -> str:
    if not line.startswith(verdict):
        return f"{line}\n"
    return f"\x1b[{_COLOURS[verdict]}m{verdict}\x1b[0m{line[len(verdict) :]}\n"
