"""For people: what is wrong, where, and what to do about it."""

import os
from collections import Counter
from typing import Final

from msgspec import UNSET

from webhook.links import policy_url
from webhook.messages import printable
from webhook.report.entries import (
    ErrorEntry,
    FindingEntry,
    Heading,
    Judged,
    ObjectEntry,
    Source,
    Summary,
)
from webhook.report.output import Output
from webhook.report.wording import (
    Word,
    conclusion,
    filled,
    input_of,
    label,
    message,
    recorded,
    word,
)

_COLOURS: Final = {
    "deny": 31,
    "error": 35,
    "warn": 33,
    "audit": 36,
    "skip": 36,
    "fill": 36,
    "suggest": 36,
}
"""SGR codes by the word at the start of a line."""
_GRAVITY: Final[tuple[Word, ...]] = ("deny", "warn", "audit")
"""The gravest first, without what nobody has to mend in a manifest."""
_WIDTH: Final = len("suggest")
_INDENT: Final = " " * (9 + _WIDTH + 2)
"""Below the text of a line: its number, the word and the spaces around them come before it."""
_DIFF_HEADERS: Final = ("--- ", "+++ ")
_DIFF_COLOURS: Final = {"---": 1, "+++": 1, "@": 36, "+": 32, "-": 31}
"""SGR codes as git has them, by how a line of a diff starts."""


class TextReport:
    """Grouped by file and object; objects about which there is nothing to say are only counted."""

    tells_clean = False

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._heading = heading
        self.shows_diffs = heading.shows_fill
        self._input: str | None = None
        self._recorded = 0
        self._told: Counter[tuple[int, str]] = Counter()
        """How often a finding of a gravity, an index of `_GRAVITY`, came from a policy."""
        self._in_colour = (
            output.is_terminal
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )

    def judged(self, judged: Judged) -> None:
        """Write what is to be said of the object."""
        # what was there before is only counted
        findings = [one for one in judged.findings if one.baseline_state != "unchanged"]
        if not findings and not judged.fills:
            return
        self._write_input(judged.entry.source)
        self._write(f"  {label(judged.entry.object)}{self._where(judged.entry)}")
        self._recorded += recorded(judged.findings)
        for finding in sorted(findings, key=_order):
            self._write_finding(finding)
        diff = judged.diff if self.shows_diffs else None
        reasons = judged.without_diff if self.shows_diffs else {}
        for fill, text in sorted(filled(judged), key=lambda one: _line(one[0].source)):
            parent = fill.path.rpartition("/")[0]
            if diff is None or parent in reasons:
                self._write_line(fill.action, fill.source, f"{text} [{fill.policy}]", parent)
            if parent in reasons:
                self._write(f"{_INDENT}{reasons[parent]}")
        for line in diff or ():
            self._write_diff(line)

    def failed(self, error: ErrorEntry) -> None:
        """Write what could not be read or judged."""
        self._write_input(error.source)
        self._write_line("error", error.source, error.message)

    def close(self, summary: Summary) -> None:
        """Write the counts, and what helps next."""
        if self._input is not None:
            self._write("")
        self._write(conclusion(self._heading, summary, self._recorded))
        if self._told:
            # of those that are equally grave the most frequent
            _, _, policy = min((gravity, -n, name) for (gravity, name), n in self._told.items())
            self._write(f"What a policy asks, and why: {self._where_to_read(policy)}")

    def _where(self, entry: ObjectEntry) -> str:
        if entry.source.line is not UNSET:
            return f", line {entry.source.line}"
        is_other = entry.profile is not UNSET and entry.profile != self._heading.profile
        return f", by {entry.profile}" if is_other else ""

    def _where_to_read(self, policy: str) -> str:
        docs_url = self._heading.docs_url
        return policy_url(docs_url, policy) if docs_url else f"podworthy explain {policy}"

    def _write_input(self, source: Source) -> None:
        found = input_of(source)
        if found != self._input:
            if self._input is not None:
                self._write("")
            self._input = found
            self._write(found)

    def _write_finding(self, finding: FindingEntry) -> None:
        how = word(finding)
        if how in _GRAVITY:
            self._told[_GRAVITY.index(how), finding.policy] += 1
        path = "" if how == "skip" else finding.path
        self._write_line(how, finding.source, f"{message(finding)} [{finding.policy}]", path)

    def _write_line(self, word: str, source: Source, text: str, path: str = "") -> None:
        line = "" if source.line is UNSET else str(source.line)
        coloured = f"\x1b[{_COLOURS[word]}m{word}\x1b[0m" if self._in_colour else word
        start = f"{line:>7}  "
        self._output.write(f"{start}{coloured}{' ' * (_WIDTH - len(word))}  {printable(text)}\n")
        if path:
            self._write(f"{_INDENT}{path}")

    def _write_diff(self, line: str) -> None:
        """A line of the author's text, with the tabs and the carriage return that it has."""
        body = line.removesuffix("\r")
        text = "\t".join(map(printable, body.split("\t")))
        start = line[:3] if line.startswith(_DIFF_HEADERS) else line[0]
        colour = _DIFF_COLOURS.get(start) if self._in_colour else None
        shown = f"\x1b[{colour}m{text}\x1b[0m" if colour else text
        self._output.write(f"{shown}{line[len(body) :]}\n")

    def _write(self, text: str) -> None:
        self._output.write(f"{printable(text)}\n")


def _order(finding: FindingEntry) -> tuple[int, str]:
    """As the author reads: down the file. Of one line and policy the paths are in order."""
    return _line(finding.source), finding.policy


def _line(source: Source) -> int:
    return 0 if source.line is UNSET else source.line
