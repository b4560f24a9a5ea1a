"""What the server ought to reach, and what it did."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from tests.bench import creates, requests

BUSY: Final = 16
"""Connections at which servers are compared."""


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """One figure and its bound."""

    what: str
    bound: float
    is_minimum: bool
    """Whether less is worse."""
    measured: float | None
    """None if it was not."""

    @property
    def verdict(self) -> str:
        """Met, or missed and by how much."""
        if self.measured is None:
            return "not measured"
        missed = self.measured < self.bound if self.is_minimum else self.measured > self.bound
        if not missed:
            return "met"
        return f"missed by {abs(self.measured / self.bound - 1):.0%}"


def targets(result: requests.Result, ends: list[creates.Sample]) -> Iterator[Target]:
    """Every target; `ends` are end to end."""
    ratio = partial(requests.ratio, result.samples, connections=BUSY)
    for other, size, bound in (("d", 2, 2.2), ("d", 10, 4.0), ("c", 2, 0.5), ("c", 10, 0.5)):
        for verdict in ("allow", "deny"):
            review = f"{size} KB {verdict}"
            rate = ratio("a", other, review=review, field="requests_per_second")
            yield Target(f"requests/s, a/{other}, {review}", bound, True, rate)
            # what it would be if nobody else were on the core
            saved = ratio(other, "a", review=review, field="cpu_us")
            yield Target(f"  by CPU a request, {other}/a", bound, True, saved)
    for size in (2, 10):
        for verdict in ("allow", "deny"):
            review = f"{size} KB {verdict}"
            reached = ratio("a", "d", review=review, field="p99_ms")
            yield Target(f"p99, a/d, {review}", 0.5, False, reached)
    for variant, calls in (("a", "checks"), ("a-fill", "fill and checks")):
        reached = creates.ratio(ends, variant, "d", "cpu_us")
        yield Target(f"CPU a create, a/d, {calls}", 0.5, False, reached)
    for standing in result.standings:
        if standing.server == "a":
            yield Target("RSS of the worker, MiB", 60, False, standing.resident_mib)
            yield Target("start to ready, seconds", 1, False, standing.seconds_to_ready)
