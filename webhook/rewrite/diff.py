"""Changes as a unified diff, made from the splices themselves: no guess at what was moved."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

import msgspec

from webhook.rewrite.edits import Splice
from webhook.rewrite.splices import apply

_CONTEXT: Final = 3
"""Lines around a change, as `diff -u` and git show them."""
_NO_NEWLINE: Final = "\\ No newline at end of file"


class _Region(msgspec.Struct):
    """Neighbouring lines that change: from `first` to before `end`, 0-based; both are alike where
    lines only come in."""

    first: int
    end: int
    splices: list[Splice]


class Differ:
    """Shows changes of one file."""

    def __init__(self, file: str, data: bytes) -> None:
        self._file = file
        self._data = data
        lines = data.split(b"\n")
        self._starts = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))
        """Where each line starts; at last where the text ends."""
        if lines[-1]:
            self._starts.append(len(data))

    def unified(self, splices: Iterable[Splice]) -> Iterator[str]:
        """The lines of the diff, without their own ends, as `patch` takes them.

        `splices` are in the order of the file. Line numbers are those of the file as it is.
        """
        regions = self._regions(splices)
        if regions:
            yield f"--- {self._file}"
            yield f"+++ {self._file}"
        grown = 0
        for hunk in _hunks(regions):
            lines = list(self._hunk(hunk))
            first = max(0, hunk[0].first - _CONTEXT)
            old = sum(line[0] in " -" for line in lines)
            new = sum(line[0] in " +" for line in lines)
            yield f"@@ -{_range(first, old)} +{_range(first + grown, new)} @@"
            yield from lines
            grown += new - old

    def width(self, splices: Iterable[Splice]) -> int:
        """The bytes of the lines that change, as they are now."""
        regions = self._regions(splices)
        return sum(self._starts[one.end] - self._starts[one.first] for one in regions)

    def _regions(self, splices: Iterable[Splice]) -> list[_Region]:
        found: list[_Region] = []
        for splice in splices:
            first = bisect_right(self._starts, splice.start) - 1
            end = bisect_left(self._starts, splice.end)
            is_lines = splice.text.endswith("\n") and splice.start == splice.end
            if not is_lines or splice.start != self._starts[first]:
                first = min(first, len(self._starts) - 2)
                end = max(end, first + 1)
            if found and first <= found[-1].end:
                found[-1].end = max(end, found[-1].end)
                found[-1].splices.append(splice)
            else:
                found.append(_Region(first, end, [splice]))
        return found

    def _hunk(self, regions: list[_Region]) -> Iterator[str]:
        line = max(0, regions[0].first - _CONTEXT)
        for region in regions:
            yield from _marked(" ", self._slice(line, region.first))
            start, end = self._starts[region.first], self._starts[region.end]
            yield from _marked("-", self._data[start:end])
            yield from _marked("+", apply(self._data, region.splices, start, end))
            line = region.end
        yield from _marked(" ", self._slice(line, line + _CONTEXT))

    def _slice(self, first: int, end: int) -> bytes:
        return self._data[self._starts[first] : self._starts[min(end, len(self._starts) - 1)]]


def _hunks(regions: Iterable[_Region]) -> Iterator[list[_Region]]:
    """Regions whose context would overlap are shown together."""
    hunk: list[_Region] = []
    for region in regions:
        if hunk and region.first - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(region)
    if hunk:
        yield hunk


def _marked(mark: str, data: bytes) -> Iterator[str]:
    if not data:
        return
    *lines, last = data.decode(errors="replace").split("\n")
    yield from (f"{mark}{line}" for line in lines)
    if last:
        yield f"{mark}{last}"
        yield _NO_NEWLINE


def _range(first: int, count: int) -> str:
    """1-based; lines that come in before the first one start behind line 0."""
    start = first + 1 if count else first
    return f"{start}" if count == 1 else f"{start},{count}"
