"""How the outcome of an audit is shown: one module for each format."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from webhook.report.entries import ErrorEntry, Judged, Summary
from webhook.report.json_report import JsonReport
from webhook.report.output import Output
from webhook.report.text import TextReport


class Report(Protocol):
    """One format. It is told of everything in the order of the input, and writes as it likes."""

    def judged(self, judged: Judged) -> None:
        """An object was judged, clean ones too."""

    def failed(self, error: ErrorEntry) -> None:
        """Some input could not be read or judged."""

    def close(self, summary: Summary) -> None:
        """The input is at its end."""


FORMATS: Final[Mapping[str, Callable[[Output, str], Report]]] = {
    "text": TextReport,
    "json": JsonReport,
}
"""By name; called with where to write and the name of the profile."""
