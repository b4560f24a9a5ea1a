"""What is kept, day by day."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec

from webhook.history.entries import Denial, Run


class Day(msgspec.Struct, frozen=True):
    """One day, in UTC."""

    day: date
    run: Run | None
    """The last one that was not broken off; None if there was none."""
    denials: int
    """Requests."""
    policies: dict[str, int]
    """By how many of them each policy was broken, the most first."""
    namespaces: dict[str, int]
    """How many of them were for each namespace, the most first."""


class Trend(msgspec.Struct, frozen=True):
    """Days on which something is known, the oldest first."""

    days: tuple[Day, ...]

    @classmethod
    def of(cls, runs: Iterable[Run], denials: Iterable[Denial]) -> "Trend":
        """By day; runs are in the order of time."""
        last = {_day(run.at): run for run in runs if not run.partial}
        denied: dict[date, list[Denial]] = {}
        for one in denials:
            denied.setdefault(_day(one.at), []).append(one)
        return cls(
            tuple(
                Day(
                    day,
                    last.get(day),
                    len(denied.get(day, ())),
                    _count(policy for one in denied.get(day, ()) for policy in one.policies),
                    _count(one.namespace for one in denied.get(day, ())),
                )
                for day in sorted(last.keys() | denied.keys())
            )
        )


def _count(names: Iterable[str]) -> dict[str, int]:
    counted = Counter(names)
    return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


def _day(time: datetime) -> date:
    return time.astimezone(UTC).date()
