"""For people: what is wrong, where, and what to do about it."""

import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec import UNSET

from webhook.messages import count, printable
from webhook.report.entries import (
    ErrorEntry,
    FillEntry,
    Judged,
    ObjectName,
    Source,
    Summary,
)
from webhook.report.output import Output

_COLOURS: Final = {"deny": 31, "error": 35, "warn": 33, "audit": 36, "fill": 36, "suggest": 36}
"""SGR codes by the word at the start of a line."""
_WIDTH: Final = len("suggest")


class TextReport:
    """Grouped by file and object; objects about which there is nothing to say are only counted."""

    def __init__(self, output: Output, profile: str) -> None:
        self._output = output
        self._profile = profile
        self._file: str | None = None
        self._policies: set[str] = set()
        self._in_colour = (
            output.is_terminal
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )

    def judged(self, judged: Judged) -> None:
        """Write what is to be said of the object."""
        if not judged.findings and not judged.fills:
            return
        self._write_file(judged.entry.source)
        self._write(f"  {_name(judged.entry.object)}{_where(judged.entry.source)}")
        for finding in judged.findings:
            self._policies.add(finding.policy)
            message = finding.message if finding.action else f"the policy failed: {finding.message}"
            text = f"{message} [{finding.policy}]"
            self._write_line(finding.action or "error", finding.source, text, finding.path)
        for fill, text in _filled(judged.fills):
            self._write_line(fill.action, fill.source, text, fill.path.rpartition("/")[0])

    def failed(self, error: ErrorEntry) -> None:
        """Write what could not be read or judged."""
        self._write_file(error.source)
        self._write_line("error", error.source, error.message)

    def close(self, summary: Summary) -> None:
        """Write the counts, and what helps next."""
        if self._file is not None:
            self._write("")
        ignored = f" ({summary.ignored} ignored)" if summary.ignored else ""
        judged = f"{count(summary.objects, 'object')} judged by {self._profile}{ignored}"
        self._write(f"{judged}: {_outcome(summary)}")
        if self._policies:
            self._write(f"What a policy asks, and why: podworthy explain {min(self._policies)}")

    def _write_file(self, source: Source) -> None:
        if source.file != self._file:
            if self._file is not None:
                self._write("")
            self._file = source.file
            self._write(source.file if source.file != "-" else "standard input")

    def _write_line(self, word: str, source: Source, text: str, path: str = "") -> None:
        line = "" if source.line is UNSET else str(source.line)
        coloured = f"\x1b[{_COLOURS[word]}m{word}\x1b[0m" if self._in_colour else word
        start = f"{line:>7}  "
        self._output.write(f"{start}{coloured}{' ' * (_WIDTH - len(word))}  {printable(text)}\n")
        if path:
            self._write(f"{' ' * (len(start) + _WIDTH)}  {path}")

    def _write(self, text: str) -> None:
        self._output.write(f"{printable(text)}\n")


def _name(name: ObjectName) -> str:
    place = f"{name.namespace}/" if name.namespace else ""
    return f"{name.kind} {place}{name.name or '(no name)'}"


def _where(source: Source) -> str:
    return "" if source.line is UNSET else f", line {source.line}"


def _filled(fills: Iterable[FillEntry]) -> Iterator[tuple[FillEntry, str]]:
    """One line for all fields of the same mapping, with the first of them."""
    for _, group in groupby(fills, key=lambda fill: (fill.policy, fill.path.rpartition("/")[0])):
        together = list(group)
        values = ", ".join(f"{fill.path.rpartition('/')[2]} {fill.value}" for fill in together)
        yield together[0], f"would set {values} [{together[0].policy}]"


def _outcome(summary: Summary) -> str:
    if not summary.objects and not summary.errors:
        return "nothing to judge"
    counts = [
        count(summary.fail, "violation"),
        count(summary.warn, "warning"),
        count(summary.skip, "exempted finding"),
        count(summary.error, "failed policy", "failed policies"),
        count(summary.fills, "field to fill", "fields to fill"),
        count(summary.errors, "error"),
    ]
    return ", ".join(text for text in counts if not text.startswith("0 ")) or "clean"
