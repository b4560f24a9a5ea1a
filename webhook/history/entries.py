"""What is kept: the totals of an audit's run, and a denial."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from webhook.report.entries import Result


class Tally(msgspec.Struct):
    """Counts of objects and of findings."""

    objects: int = 0
    """Judged ones; of a policy, those in which it found something."""
    failing: int = 0
    """Of these, objects with a finding that denies, and is not exempted."""
    fail: int = 0
    warn: int = 0
    skip: int = 0
    error: int = 0

    def add(self, results: Iterable[Result]) -> None:
        """Count one more object, with what was found in it."""
        found = tuple(results)
        self.objects += 1
        self.failing += "fail" in found
        for result in found:
            setattr(self, result, getattr(self, result) + 1)

    @property
    def pass_rate(self) -> float | None:
        """The part of the objects in which nothing denies, 0 to 1; None if there was no object."""
        return 1 - self.failing / self.objects if self.objects else None


class Run(msgspec.Struct, frozen=True):
    """One audit, in numbers."""

    at: datetime
    """When it ended, with a time zone."""
    profile: str
    """That by which objects were judged whose namespace chooses none."""
    total: Tally
    errors: int = 0
    """What could not be read or judged."""
    partial: bool = False
    """It was broken off: compare its numbers with no other's."""
    policies: Mapping[str, Tally] = msgspec.field(default_factory=dict)
    namespaces: Mapping[str, Tally] = msgspec.field(default_factory=dict)
    """By name; empty for objects that name none."""


class Counter:
    """Adds up one run while it judges."""

    def __init__(self) -> None:
        self._total = Tally()
        self._policies: dict[str, Tally] = {}
        self._namespaces: dict[str, Tally] = {}

    def judged(self, namespace: str | None, findings: Iterable[tuple[str, Result]]) -> None:
        """One object, and policy and result of each finding in it."""
        by_policy: dict[str, list[Result]] = {}
        for policy, result in findings:
            by_policy.setdefault(policy, []).append(result)
        every = [result for results in by_policy.values() for result in results]
        self._total.add(every)
        self._namespaces.setdefault(namespace or "", Tally()).add(every)
        for policy, results in by_policy.items():
            self._policies.setdefault(policy, Tally()).add(results)

    def run(self, at: datetime, profile: str, errors: int, *, partial: bool = False) -> Run:
        """The run, which is over."""
        return Run(at, profile, self._total, errors, partial, self._policies, self._namespaces)


class Denial(msgspec.Struct, frozen=True):
    """One request that was denied, by one policy or several."""

    uid: str
    """The review's: what is recorded twice counts once."""
    at: datetime
    profile: str
    policies: tuple[str, ...]
    """Sorted; empty if a policy that crashed denied it."""
    kind: str
    namespace: str
    owner: str
    """`Kind/name` of the controller that the object named, else of the object."""
    user: str
