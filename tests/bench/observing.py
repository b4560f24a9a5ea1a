"""What it costs to watch: microseconds of CPU for a review that is allowed.

    .venv/bin/python -m tests.bench.observing

Without `--tracing` the server runs the handler of the second row, and nothing else stands between:
off is the same as never there.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from opentelemetry.sdk.trace import SpanProcessor
from prometheus_client import CollectorRegistry, Counter, Histogram

from tests.bench.reviews import Review, reviews
from tests.bench.servers import PROFILE
from webhook import catalog, documents
from webhook.admission import Admission, Answer, Door, Snapshot
from webhook.server.counters import BOUNDS, Counted, Counters
from webhook.server.surface import Handler
from webhook.server.tracing import Tracing

_ROUNDS: Final = 60
_BATCH: Final = 100


class _Prometheus:
    """The same counts kept by prometheus_client as they happen: what is not done."""

    def __init__(self, handler: Handler) -> None:
        registry = CollectorRegistry()
        labels = ["webhook", "profile", "operation", "resource_kind", "dry_run", "decision"]
        self._handler = handler
        self._requests = Counter("requests", "-", labels, registry=registry)
        self._seconds = Histogram("seconds", "-", ["webhook"], registry=registry, buckets=BOUNDS)

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        start = time.perf_counter()
        answer = self._handler.handle(door, profile, body)
        self._seconds.labels(door.value).observe(time.perf_counter() - start)
        about = answer.subject
        assert about is not None
        dry_run = "true" if about.dry_run else "false"
        self._requests.labels(
            door.value, about.profile, about.operation, about.kind, dry_run, about.decision
        ).inc()
        return answer


class _Dropping(SpanProcessor):
    """Makes spans, and sends them nowhere: sending is another thread's."""


def handlers() -> Mapping[str, Handler]:
    """Each with what it is."""
    profiles = documents.load((), catalog.POLICIES).profiles
    admission = Admission(Snapshot(profiles, PROFILE), lambda: datetime.now(UTC))
    counted = Counted(admission, Counters())
    tracing = Tracing(_Dropping)
    tracing.start()
    return {
        "admission alone": admission,
        "counted (as it is served)": counted,
        "counted by prometheus_client": _Prometheus(admission),
        "counted and traced": tracing.around(counted),
    }


def costs(review: Review, rounds: int = _ROUNDS, batch: int = _BATCH) -> dict[str, float]:
    """Microseconds by handler: the best of several batches, which take turns."""
    found: dict[str, float] = {}
    door, body = Door(review.door), review.body
    known = handlers()
    for _ in range(rounds):
        for name, handler in known.items():
            spent = _seconds(partial(handler.handle, door, PROFILE, body), batch)
            found[name] = min(found.get(name, spent), spent)
    return {name: spent / batch * 1e6 for name, spent in found.items()}


def _seconds(call: Callable[[], object], count: int) -> float:
    start = time.thread_time()
    for _ in range(count):
        call()
    return time.thread_time() - start


def main(rounds: int = _ROUNDS, batch: int = _BATCH) -> None:
    """Print a table."""
    (review,) = reviews(sizes=[2], verdicts=["allow"])
    spent = costs(review, rounds, batch)
    bare = next(iter(spent.values()))
    print(f"{review.name:32}{'us':>8}{'more':>8}")
    for name, cost in spent.items():
        print(f"{name:32}{cost:8.1f}{cost - bare:+8.1f}")


if __name__ == "__main__":
    main()
