"""How the outcome of an audit is shown: one module for each format."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, runtime_checkable

from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, Summary
from webhook.report.output import Output


class Report(Protocol):
    """One format. It is told of everything in the order of the input, and writes as it likes."""

    tells_clean: bool
    """Whether it says anything of an object that is clean. If not, it need not be told of it."""
    shows_diffs: bool
    """Whether it shows diffs that make the fills. If not, none need be made."""

    def judged(self, judged: Judged) -> None:
        """An object was judged."""

    def failed(self, error: ErrorEntry) -> None:
        """Some input could not be read or judged."""

    def close(self, summary: Summary) -> None:
        """The input is at its end."""


@runtime_checkable
class TellsFixed(Protocol):
    """A format that tells what is only in an earlier report."""

    def fixed(self, finding: FindingEntry) -> None:
        """It is gone. Told after all that was judged, before `close`."""


def _in(module: str, name: str) -> Callable[[Output, Heading], Report]:
    """A report whose module is imported once somebody asks for one: a run takes few of them."""

    def made(output: Output, heading: Heading) -> Report:
        report: Report = getattr(import_module(module), name)(output, heading)
        return report

    return made


FORMATS: Final[Mapping[str, Callable[[Output, Heading], Report]]] = {
    "text": _in("webhook.report.text", "TextReport"),
    "json": _in("webhook.report.json_report", "JsonReport"),
    "sarif": _in("webhook.report.sarif", "SarifReport"),
    "junit": _in("webhook.report.junit", "JunitReport"),
    "github": _in("webhook.report.github", "GithubReport"),
    "markdown": _in("webhook.report.markdown", "MarkdownReport"),
    "openreports": _in("webhook.report.openreports", "OpenReportsReport"),
    "html": _in("webhook.report.html", "HtmlReport"),
}
"""By name; called with where to write and what is known beforehand."""
