"""Several reports of one run, each with its own output."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import msgspec

from webhook.messages import printable
from webhook.report import FORMATS
from webhook.report.entries import ErrorEntry, Heading, Judged, Summary
from webhook.report.file_output import FileOutput
from webhook.report.output import Output


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

    def __init__(self, formats: Iterable[Format], heading: Heading, stdout: Output) -> None:
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
        for report in self._reports:
            report.judged(judged)

    def failed(self, error: ErrorEntry) -> None:
        """Tell all."""
        for report in self._reports:
            report.failed(error)

    def close(self, summary: Summary) -> None:
        """Complete all, and put the files in place."""
        for report in self._reports:
            report.close(summary)
        for _, output in self._outputs:
            output.close()

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
