"""A trend as text, for people."""

from collections.abc import Iterator
from typing import Final

from webhook.history.trend import Day, Trend

_COLUMNS: Final = ("day", "objects", "pass", "fail", "warn", "skip", "denied", "mostly")
_MOSTLY: Final = 2
"""Policies that are named of a day."""


def table(trend: Trend) -> Iterator[str]:
    """Lines: a heading, and one for each day."""
    rows = [_COLUMNS, *(_row(day) for day in trend.days)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    for row in rows:
        first, *numbers = row[:-1]
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _row(day: Day) -> tuple[str, ...]:
    counts: tuple[str, ...] = ("-",) * 5
    run = day.run
    if run is not None:
        total, rate = run.total, run.total.pass_rate
        percent = "-" if rate is None else f"{_floor(rate)}%"
        counts = (str(total.objects), percent, str(total.fail), str(total.warn), str(total.skip))
    mostly = ", ".join(f"{name} {count}" for name, count in [*day.policies.items()][:_MOSTLY])
    return (day.day.isoformat(), *counts, str(day.denials), mostly)


def _floor(rate: float) -> int:
    """A whole percentage that is 100 only if nothing fails."""
    return int(rate * 100 + 1e-9)
