"""Several reports of one run, each with its own output."""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from webhook.messages import printable
from webhook.report import FORMATS, TellsFixed
from webhook.report.entries import ErrorEntry, Heading, Judged, Summary
from webhook.report.file_output import FileOutput
from webhook.report.output import Output

if TYPE_CHECKING:
    from webhook.report.baseline import Baseline


class Format(msgspec.Struct, frozen=True):
    """A report that is asked for."""

    name: str
    """One of `FORMATS`."""
    file: str | None = None
    """Its path; None is standard output, which has room for one."""


class Reports:
    """A report that is all of those asked for.

    As a context manager, it leaves files as they were unless `close` was reached.
    """

    def __init__(
        self,
        formats: Iterable[Format],
        heading: Heading,
        stdout: Output,
        baseline: "Baseline | None" = None,
    ) -> None:
        """With a baseline, nothing of an object is told before all of them are judged."""
        self._baseline = baseline
        self._waiting: list[Judged] = []
        self._outputs: list[tuple[Format, Output]] = []
        self._reports = []
        for one in formats:
            output = stdout if one.file is None else FileOutput(one.file)
            self._outputs.append((one, output))
            self._reports.append(FORMATS[one.name](output, heading))
        self.tells_clean = any(report.tells_clean for report in self._reports)
        self.shows_diffs = any(report.shows_diffs for report in self._reports)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for _, output in self._outputs:
            output.discard()

    def judged(self, judged: Judged) -> None:
        """Tell all."""
        if self._baseline:
            self._waiting.append(judged)
            return
        for report in self._reports:
            report.judged(judged)

    def failed(self, error: ErrorEntry) -> None:
        """Tell all."""
        for report in self._reports:
            report.failed(error)

    def close(self, summary: Summary) -> None:
        """Complete all, and put the files in place."""
        if self._baseline:
            self._compare(self._baseline, summary)
        for report in self._reports:
            report.close(summary)
        for _, output in self._outputs:
            output.close()

    def _compare(self, baseline: "Baseline", summary: Summary) -> None:
        comparison = baseline.compare(self._waiting, summary)
        for report in self._reports:
            for judged in comparison.judged:
                report.judged(judged)
            if isinstance(report, TellsFixed):
                for finding in comparison.fixed:
                    report.fixed(finding)

    @property
    def problems(self) -> list[str]:
        """Which reports could not be written, and why."""
        return [
            f"the report could not be written{_to(one)}: {output.problem}"
            for one, output in self._outputs
            if output.problem
        ]


def _to(one: Format) -> str:
    return "" if one.file is None else f" to {printable(one.file)}"
