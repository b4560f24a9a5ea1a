"""What happened since the start: plain numbers, counted as it happens, read when somebody asks.

They become metrics only in a scrape (`metrics`): a counter of prometheus_client costs more than all
of this for a review. (ADR 19)
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Final

from webhook.admission import Answer, Door
from webhook.engine import Proposal, Verdict
from webhook.server.surface import Handler
from webhook.subject import OTHER, Subject

BOUNDS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds, the upper bounds of the histogram: most reviews take 50 to 500 us, and the API server
waits for 10 s at most."""

MAX_SERIES: Final = 500
"""Different outcomes that are told apart. Names come from profiles and the catalogue, but what a
policy calls a rule or a field is its own affair, and it might take it from an object. Those beyond
are `OTHER`."""

Key = tuple[str, ...]
Cell = list[float]
"""How many reviews took at most each of `BOUNDS` and no less, how many longer, and last the sum of
their seconds."""


class Counters:
    """One a process. Only one thread may count, any may read."""

    def __init__(self) -> None:
        self.validate: dict[Subject | None, Cell] = {}
        """Of each subject at this door; None has the reviews that could not be answered."""
        self.mutate: dict[Subject | None, Cell] = {}
        self.results: Counter[Key] = Counter()
        """Findings and crashes by policy, rule, result and action, in the words of an audit."""
        self.fills: Counter[Key] = Counter()
        """Values set or suggested by policy, field and action."""
        self.break_glass: dict[Key, int] = {
            (decision, dry_run): 0
            for decision in ("allowed", "denied")
            for dry_run in ("false", "true")
        }
        """Requests of the break-glass group by what the checks would have decided and dry run."""
        self.statuses: Counter[int] = Counter()
        """HTTP answers by status."""
        self.connections: Callable[[], int] = int
        """Tells how many are open now; the server that has them puts it here."""
        self.dropped: Callable[[], int] = int
        """Tells how many were ended because there were too many."""
        self.requests: Callable[[], int] = int
        """Tells how many have begun to arrive and are not answered."""

    def count_review(self, door: Door, answer: Answer, seconds: float) -> None:
        """One review was answered, in so many seconds."""
        cells = self.validate if door is Door.VALIDATE else self.mutate
        cell = cells.get(answer.subject)
        if cell is None:
            cell = cells[answer.subject] = [0] * (len(BOUNDS) + 2)
        cell[bisect_left(BOUNDS, seconds)] += 1
        cell[-1] += seconds
        if answer.outcome is not None:
            self._count_outcome(answer.outcome)
        if answer.break_glass is not None and answer.subject is not None:
            self.break_glass[answer.break_glass, "true" if answer.subject.dry_run else "false"] += 1

    def count_answer(self, status: int) -> None:
        """One HTTP request was answered."""
        self.statuses[status] += 1

    def _count_outcome(self, outcome: Verdict | Proposal) -> None:
        if isinstance(outcome, Verdict):
            for finding in outcome.findings:
                result = "skip" if finding.is_exempt else "fail" if finding.denies else "warn"
                self._count_result(finding.policy, finding.violation.rule, result, finding.action)
        else:
            for one in outcome.fillings:
                field = one.fill.path.rpartition("/")[2]
                _bounded(
                    self.fills, (one.policy, field, one.action), (one.policy, OTHER, one.action)
                )
        for crash in outcome.crashes:
            self._count_result(crash.policy, "", "error", "deny" if crash.denies else "allow")

    def _count_result(self, policy: str, rule: str, result: str, action: str) -> None:
        _bounded(self.results, (policy, rule, result, action), (policy, OTHER, result, action))


def _bounded(counter: Counter[Key], key: Key, instead: Key) -> None:
    counter[key if key in counter or len(counter) < MAX_SERIES else instead] += 1


class SharedCounters(Counters):
    """The same for several threads that count."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def count_review(self, door: Door, answer: Answer, seconds: float) -> None:
        """One review was answered, in so many seconds."""
        with self._lock:
            super().count_review(door, answer, seconds)

    def count_answer(self, status: int) -> None:
        """One HTTP request was answered."""
        with self._lock:
            super().count_answer(status)


class Counted:
    """A handler whose reviews are counted."""

    def __init__(self, handler: Handler, counters: Counters) -> None:
        self._handler = handler
        self._count = counters.count_review

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        """The handler's answer; its record gets the time that it took."""
        start = perf_counter()
        answer = self._handler.handle(door, profile, body)
        seconds = perf_counter() - start
        self._count(door, answer, seconds)
        if answer.record is not None:
            answer.record["durationSeconds"] = round(seconds, 6)
        return answer
