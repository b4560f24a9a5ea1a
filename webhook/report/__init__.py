"""How the outcome of an audit is shown: one module for each format."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from webhook.report.entries import ErrorEntry, Heading, Judged, Summary
from webhook.report.github import GithubReport
from webhook.report.json_report import JsonReport
from webhook.report.junit import JunitReport
from webhook.report.markdown import MarkdownReport
from webhook.report.output import Output
from webhook.report.sarif import SarifReport
from webhook.report.text import TextReport


class Report(Protocol):
    """One format. It is told of everything in the order of the input, and writes as it likes."""

    tells_clean: bool
    """Whether it says anything of an object that is clean. If not, it need not be told of it."""

    def judged(self, judged: Judged) -> None:
        """An object was judged."""

    def failed(self, error: ErrorEntry) -> None:
        """Some input could not be read or judged."""

    def close(self, summary: Summary) -> None:
        """The input is at its end."""


FORMATS: Final[Mapping[str, Callable[[Output, Heading], Report]]] = {
    "text": TextReport,
    "json": JsonReport,
    "sarif": SarifReport,
    "junit": JunitReport,
    "github": GithubReport,
    "markdown": MarkdownReport,
}
"""By name; called with where to write and what is known beforehand."""
