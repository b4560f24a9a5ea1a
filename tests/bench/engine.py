"""Where the microseconds of a review go when no server is around: one figure for each step."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from tests.bench.reviews import Review
from tests.bench.servers import PROFILE
from webhook import catalog, documents, engine, review
from webhook.admission import Admission, Door, Snapshot
from webhook.scope import OBJECTS, evidence_for_filling, judged_object

STEPS: Final = ("parse", "read", "policies", "answer")
_BATCHES: Final = 15
_BATCH: Final = 0.02  # seconds, about


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """Microseconds of one review; the steps are differences, so they add up to the total."""

    review: str
    parse: float
    """The AdmissionReview and the object in it, decoded."""
    read: float
    """The workload in the object."""
    policies: float
    """Every check, or every fill and its evidence."""
    answer: float
    """The answer and its record for the decision log."""
    total: float


def costs(reviews: list[Review]) -> Iterator[Cost]:
    """One for each; the best of several batches, because only others' work makes one slower."""
    profiles = documents.load((), catalog.POLICIES).profiles
    admission = Admission(Snapshot(profiles, PROFILE), lambda: datetime.now(UTC))
    profile = profiles[PROFILE]

    def judge(one: Review) -> None:
        request = review.parse(one.body, OBJECTS)
        reading = judged_object(request)
        assert reading is not None
        if one.door == "validate":
            engine.check(profile, reading)
            return
        evidence = evidence_for_filling(request, reading)
        assert evidence is not None
        engine.fill(profile, reading, evidence)

    for one in reviews:
        yield _cost(one, judge, admission)


def _cost(one: Review, judge: Callable[[Review], None], admission: Admission) -> Cost:
    door, body = Door(one.door), one.body
    parse = _microseconds(lambda: review.parse(body, OBJECTS))
    read = _microseconds(lambda: judged_object(review.parse(body, OBJECTS)))
    judged = _microseconds(lambda: judge(one))
    total = _microseconds(lambda: admission.handle(door, PROFILE, body))
    return Cost(one.name, parse, read - parse, judged - read, total - judged, total)


def _microseconds(call: Callable[[], object]) -> float:
    call()
    start = time.thread_time()
    call()
    count = max(1, int(_BATCH / (time.thread_time() - start)))
    best = min(_batch(call, count) for _ in range(_BATCHES))
    return best / count * 1e6


def _batch(call: Callable[[], object], count: int) -> float:
    start = time.thread_time()
    for _ in range(count):
        call()
    return time.thread_time() - start
