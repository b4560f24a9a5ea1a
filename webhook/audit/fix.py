"""The run that writes: what would be filled is set in the files themselves."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import msgspec
from msgspec import UNSET

from webhook.api import TIMING_DEFAULTS
from webhook.audit.judge import Court, judge
from webhook.audit.near_misses import NearMisses
from webhook.audit.objects import Subject
from webhook.audit.plan import Plan, Planned, plan
from webhook.audit.replace import CannotReplace, replace
from webhook.audit.sources import Inputs, Text
from webhook.messages import count, printable
from webhook.report.entries import ErrorEntry, Judged, Source
from webhook.report.output import Output
from webhook.report.wording import label, place

_DONE: Final = 0
_INCOMPLETE: Final = 3
_UNKNOWN: Final = "\ufffd"
"""What stands for bytes of a file's name that are not UTF-8."""


def fix(
    paths: Iterable[str],
    court: Court,
    *,
    namespace: str | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Set in files and directories what the profile fills or suggests; the exit code.

    That is 3 if something could not be read, judged or set, else 0. `namespace` is that of objects
    that name none. Streams are the process's own by default.
    """
    output, notes = Output(stdout or sys.stdout), Output(stderr or sys.stderr)
    # nothing is denied here, and what only a check would trip over does not matter
    profile = msgspec.structs.replace(court.profile, checks={}, lone_checks={})
    fills_only = msgspec.structs.replace(court, profile=profile)
    near_misses = NearMisses(court.exemptions, court.today)
    run = _Run(partial(judge, fills_only), namespace, near_misses, output, notes)
    for text in Inputs(paths, io.BytesIO()).texts():
        if isinstance(text, Text):
            run.file(text)
        else:
            run.failed(ErrorEntry(Source(text.file), text.problem))
    run.close()
    output.flush()
    return _INCOMPLETE if run.problems or output.problem else _DONE


class _Run:
    """Counts what it does."""

    def __init__(
        self,
        judge: Callable[[Subject], Judged],
        namespace: str | None,
        near_misses: NearMisses,
        output: Output,
        notes: Output,
    ) -> None:
        self._judge = judge
        self._namespace = namespace
        self._near_misses = near_misses
        self._output = output
        self._notes = notes
        self._files = 0
        self._keys: list[str] = []
        """Of everything that was set."""
        self.problems = 0
        """What could not be read, judged or set."""

    def file(self, text: Text) -> None:
        """Judge a file, and write it again if that changes it."""
        found = self._plan(text)
        for one in found.planned:
            self._near_misses.judged(one.judged)
        if found.data != text.data and self._written(text, found.data):
            for one in found.planned:
                self._set(text.file, one)
            if found.problems or any(one.refusals for one in found.planned):
                # told with the lines of the file as it is now
                found = self._plan(Text(text.file, found.data))
        refused = (entry for one in found.planned for entry in _refused(one))
        for problem in sorted([*found.problems, *refused], key=_line):
            self.failed(problem)

    def close(self) -> None:
        """Tell the counts, and which exemptions would have left something as it was."""
        for note in self._near_misses.notes():
            self._notes.write(f"podworthy: {note}\n")
        if self._files:
            done = f"{_count(self._keys)} set in {count(self._files, 'file')}"
        else:
            done = "nothing set"
        left = f", {count(self.problems, 'problem')}" if self.problems else ""
        self._output.write(f"{done}{left}\n")

    def failed(self, error: ErrorEntry) -> None:
        """Tell of a problem."""
        self.problems += 1
        self._notes.write(f"podworthy: {printable(f'{place(error.source)}: {error.message}')}\n")

    def _plan(self, text: Text) -> Plan:
        return plan(self._judge, text, self._namespace)

    def _written(self, text: Text, data: bytes) -> bool:
        try:
            if _UNKNOWN in text.file:
                raise CannotReplace("its name is not UTF-8; rename it")
            replace(Path(text.file), text.data, data)
        except CannotReplace as error:
            self.failed(ErrorEntry(Source(text.file), f"not written: {error}"))
            return False
        self._files += 1
        return True

    def _set(self, file: str, planned: Planned) -> None:
        keys = [edit.key for change in planned.changes for edit in change.edits]
        if keys:
            self._keys += keys
            where = printable(f"{file}: {label(planned.judged.entry.object)}")
            self._output.write(f"{where}: set {_count(keys)}\n")


def _count(keys: list[str]) -> str:
    """A policy of one's own may set other things than timings."""
    return count(len(keys), "timing" if all(key in TIMING_DEFAULTS for key in keys) else "field")


def _refused(planned: Planned) -> Iterator[ErrorEntry]:
    name = label(planned.judged.entry.object)
    for refusal in planned.refusals:
        source = msgspec.structs.replace(planned.place.source(), line=refusal.line)
        yield ErrorEntry(source, f"{name}: not set: {refusal.message}")


def _line(error: ErrorEntry) -> int:
    return 0 if error.source.line is UNSET else error.source.line
