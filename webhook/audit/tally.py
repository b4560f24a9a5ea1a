"""What an audit has found so far: told to the report at once, and counted for the exit code."""

from typing import Final

from webhook.audit.near_misses import NearMisses
from webhook.report import Report
from webhook.report.entries import ErrorEntry, Judged, Summary
from webhook.report.output import Output

CLEAN: Final = 0
FOUND: Final = 1
INCOMPLETE: Final = 3


class Tally:
    """Of one run."""

    def __init__(self, report: Report, notes: Output, near_misses: NearMisses) -> None:
        self.summary = Summary()
        self.exemptions: set[str] = set()
        """Names of those that made a difference."""
        self.near_misses = near_misses
        """Those that nearly did."""
        self._report = report
        self._notes = notes
        self._warned = False

    def clean(self, objects: int) -> None:
        """So many objects were judged of which there is nothing to say."""
        self.summary.objects += objects

    def judged(self, judged: Judged) -> None:
        """An object was judged."""
        self._report.judged(judged)
        self.exemptions |= judged.exemptions
        self.near_misses.judged(judged)
        summary = self.summary
        summary.objects += 1
        summary.fills += len(judged.fills)
        for finding in judged.findings:
            setattr(summary, finding.result, getattr(summary, finding.result) + 1)
            self._warned |= finding.action == "warn" and finding.result != "skip"

    def failed(self, error: ErrorEntry) -> None:
        """Some input could not be read or judged."""
        self.summary.errors += 1
        self._report.failed(error)

    def note(self, text: str) -> None:
        """Something is said on standard error."""
        self._notes.write(f"podworthy: {text}\n")

    def close(self, nothing: str) -> None:
        """End the report; `nothing` is what to note if there was nothing to judge."""
        self._report.close(self.summary)
        for note in self.near_misses.notes():
            self.note(note)
        if not self.summary.objects and not self.summary.errors:
            self.note(nothing)

    def exit_code(self, fail_on: str) -> int:
        """3 if something could not be read or judged, else 1 for a finding at or above `fail_on`
        (`deny`, `warn`, `never`, or `new`: a deny that the baseline has not), else 0."""
        summary = self.summary
        if summary.errors or summary.error or summary.partial is True:
            return INCOMPLETE
        if fail_on == "never":
            return CLEAN
        if fail_on == "new":
            return FOUND if summary.new_fail else CLEAN
        found = summary.fail or (fail_on == "warn" and self._warned)
        return FOUND if found else CLEAN
