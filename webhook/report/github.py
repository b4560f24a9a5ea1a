"""Annotations on GitHub: one workflow command for each finding.

GitHub shows ten errors, ten warnings and ten notices of a step beside the code and all of them in
its log, so exempted findings and fills are only counted.
"""

from typing import Final

from msgspec import UNSET

from webhook.messages import printable
from webhook.report.entries import ErrorEntry, Heading, Judged, Source, Summary
from webhook.report.output import Output
from webhook.report.repository import Repository
from webhook.report.wording import STDIN, Word, conclusion, label, message, recorded, word

_COMMANDS: Final[dict[Word, str]] = {
    "deny": "error",
    "error": "error",
    "warn": "warning",
    "audit": "notice",
}


class GithubReport:
    """Commands are written at once, in the order of the input; the counts come last."""

    tells_clean = False
    shows_diffs = False

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._heading = heading
        self._repository = Repository()
        self._recorded = 0

    def judged(self, judged: Judged) -> None:
        """Write a command for each finding that is not exempt."""
        self._recorded += recorded(judged.findings)
        for finding in judged.findings:
            command = _COMMANDS.get(word(finding))
            # what was there before would bury what a change adds
            if command and finding.baseline_state != "unchanged":
                where = f" ({finding.path})" if finding.path else ""
                title = f"{finding.policy}: {label(finding.object)}"
                self._command(command, finding.source, title, f"{message(finding)}{where}")

    def failed(self, error: ErrorEntry) -> None:
        """Write what could not be read or judged."""
        self._command("error", error.source, "podworthy cannot judge this", error.message)

    def close(self, summary: Summary) -> None:
        """Write the counts as a line of the log."""
        self._output.write(f"{conclusion(self._heading, summary, self._recorded)}\n")

    def _command(self, command: str, source: Source, title: str, text: str) -> None:
        properties = []
        if source.file is not None and source.file != STDIN:
            properties.append(f"file={_property(self._repository.path(source.file))}")
            if source.line is not UNSET:
                properties.append(f"line={source.line}")
        properties.append(f"title={_property(title)}")
        written = ",".join(properties)
        self._output.write(f"::{command} {written}::{_data(text)}\n")


def _data(text: str) -> str:
    """Escaped as `escapeData` of actions/toolkit (packages/core/src/command.ts) does."""
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    """Escaped as `escapeProperty` of the same file does."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
