"""Objects counted by what became of them, in all and by policy, namespace and team."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from webhook.report.entries import FindingEntry, Heading, Judged
from webhook.report.wording import Word, word

Outcome = Word | Literal["pass"]
"""The gravest that was found in an object, or that nothing was."""

OUTCOMES: Final[tuple[Outcome, ...]] = ("deny", "error", "warn", "audit", "skip", "pass")
"""The gravest first."""
_GRAVITY: Final = {outcome: index for index, outcome in enumerate(OUTCOMES)}


def rate(passed: int, objects: int) -> str:
    """The share that passed, `62%`; rounded down, so that 100% means all. `-` of no object."""
    if not objects:
        return "-"
    return f"{passed * 100 // objects}%" if not passed or passed * 100 >= objects else "<1%"


class Segment(msgspec.Struct, frozen=True):
    """A part of a bar that is 100 wide."""

    outcome: Outcome
    start: float
    length: float


class Tally(msgspec.Struct, frozen=True):
    """Objects, counted by outcome."""

    name: str | None
    """None for those that name no namespace or no team."""
    counts: Mapping[Outcome, int]

    @property
    def objects(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def rate(self) -> str:
        """The share in which nothing was found, see `rate`."""
        return rate(self.counts.get("pass", 0), self.objects)

    @property
    def segments(self) -> Sequence[Segment]:
        """The bar: what passed first, then the gravest."""
        found = []
        start = 0.0
        for outcome in ("pass", *OUTCOMES[:-1]):
            if number := self.counts.get(outcome, 0):
                length = number * 100 / self.objects
                found.append(Segment(outcome, round(start, 3), round(length, 3)))
                start += length
        return found


class Tallies:
    """Counts a whole audit."""

    def __init__(self, heading: Heading) -> None:
        self._profile = heading.profile
        self._asked = heading.kinds
        self._kinds: Counter[tuple[str, str]] = Counter()
        """How many objects there are, by profile and kind."""
        self._all: Counter[Outcome] = Counter()
        self._policies: defaultdict[str, Counter[Outcome]] = defaultdict(Counter)
        self._namespaces: defaultdict[str | None, Counter[Outcome]] = defaultdict(Counter)
        self._teams: defaultdict[str | None, Counter[Outcome]] = defaultdict(Counter)

    def judged(self, judged: Judged) -> None:
        """Count an object."""
        name = judged.entry.object
        outcome = _outcome(judged.findings)
        profile = judged.entry.profile
        self._kinds[self._profile if profile is UNSET else profile, name.kind] += 1
        self._all[outcome] += 1
        self._namespaces[name.namespace][outcome] += 1
        self._teams[judged.team][outcome] += 1
        # findings are in the order of their policies
        for policy, findings in groupby(judged.findings, lambda finding: finding.policy):
            self._policies[policy][_outcome(findings)] += 1

    @property
    def all(self) -> Tally:
        """Every object."""
        return Tally(None, self._all)

    @property
    def policies(self) -> Sequence[Tally]:
        """For each policy the objects of which it asks something, if there are any."""
        asked = {policy for kinds in self._asked.values() for policy in kinds}
        counted: dict[str | None, Counter[Outcome]] = {}
        for policy in asked | self._policies.keys():
            passed: Counter[Outcome] = Counter({"pass": self._passed(policy)})
            counted[policy] = passed + self._policies[policy]
        return _ordered(counted)

    @property
    def namespaces(self) -> Sequence[Tally]:
        """The objects of each namespace."""
        return _ordered(self._namespaces)

    @property
    def teams(self) -> Sequence[Tally]:
        """The objects of each team; nothing if no object names one."""
        return _ordered(self._teams) if self._teams.keys() - {None} else ()

    def _passed(self, policy: str) -> int:
        asked = sum(
            self._kinds[profile, kind]
            for profile, kinds in self._asked.items()
            for kind in kinds.get(policy, ())
        )
        return max(0, asked - self._policies[policy].total())


def _outcome(findings: Iterable[FindingEntry]) -> Outcome:
    return min(map(word, findings), key=_GRAVITY.__getitem__, default="pass")


def _ordered(groups: Mapping[str | None, Counter[Outcome]]) -> list[Tally]:
    """Where most is wrong on top."""
    tallies = [Tally(name, counts) for name, counts in groups.items() if counts.total()]
    return sorted(tallies, key=lambda one: (*_negated(one.counts), one.name or ""))


def _negated(counts: Mapping[Outcome, int]) -> Iterator[int]:
    return (-counts.get(outcome, 0) for outcome in OUTCOMES[:-1])
