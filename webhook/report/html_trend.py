"""Earlier days as bars on a page."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from webhook.report.entries import DayEntry, Heading
from webhook.report.html_rows import shown
from webhook.report.tally import rate

HEIGHT: Final = 100
"""Of a chart; a day is 10 wide."""
_FEWEST: Final = 14
"""Days that there is room for, lest two of them fill the page."""
_LEAST: Final = 2
"""Height of a bar that stands for anything at all."""


class Bar(msgspec.Struct, frozen=True):
    """A day, in words and as heights."""

    day: date
    x: int
    """Its left side."""
    rate: str
    """`62%`, rounded down, so that 100% means all; `-` if no object was judged."""
    objects: int
    """Zero if there was no audit."""
    passed: float
    """Height of what passed."""
    failed: float
    """Height of the rest."""
    profile: str
    denials: int
    denied: float
    """Height, beside the day of the most denials."""


class Chart(msgspec.Struct, frozen=True):
    """Days on which something is known, the oldest first; the others are gaps."""

    bars: Sequence[Bar]
    start: date | None = None
    """The first day that there is room for; None if nothing is known at all."""
    until: date | None = None
    """The last one."""

    @property
    def width(self) -> int:
        """Of all days that there is room for."""
        return ((self.until - self.start).days + 1) * 10 if self.start and self.until else 0

    @property
    def audited(self) -> Sequence[Bar]:
        """Days with an audit that judged something."""
        return [bar for bar in self.bars if bar.objects]

    @property
    def most(self) -> int:
        """Denials on the worst day."""
        return max((bar.denials for bar in self.bars), default=0)

    @property
    def denials(self) -> int:
        """Of all days."""
        return sum(bar.denials for bar in self.bars)


def chart(heading: Heading) -> Chart | None:
    """Up to the day of the audit; None if nobody asks for it."""
    if heading.trend is None:
        return None
    if not heading.trend:
        return Chart(())
    first, last = heading.trend[0].day, heading.trend[-1].day
    until = max(last, heading.today or last)
    start = min(first, until - timedelta(days=_FEWEST - 1))
    most = max(one.denials for one in heading.trend)
    bars = [_bar(one, (one.day - start).days, most) for one in heading.trend]
    return Chart(bars, start, until)


def _bar(one: DayEntry, number: int, most: int) -> Bar:
    passed = one.objects - one.failing
    return Bar(
        day=one.day,
        x=number * 10,
        rate=rate(passed, one.objects),
        objects=one.objects,
        passed=_height(passed, one.objects),
        failed=_height(one.failing, one.objects),
        profile=shown(one.profile),
        denials=one.denials,
        denied=_height(one.denials, most),
    )


def _height(part: int, whole: int) -> float:
    """A part that is not nothing can be seen, and so can what is missing from the whole."""
    if part in (0, whole):
        return HEIGHT if part else 0
    return round(min(max(part * HEIGHT / whole, _LEAST), HEIGHT - _LEAST), 2)
