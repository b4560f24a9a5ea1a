"""What was measured, as text for people."""

from collections.abc import Iterable, Iterator
from typing import Final

from tests.bench import creates, requests
from tests.bench.engine import STEPS, Cost
from tests.bench.reviews import Review
from tests.bench.servers import NAMES
from tests.bench.targets import Target
from tests.bench.variants import VARIANTS

_RATIOS: Final = (("a", "c"), ("a", "d"), ("a", "b"))
_METRICS: Final = (
    ("requests a second", "requests_per_second", 0),
    ("p50, milliseconds", "p50_ms", 2),
    ("p99, milliseconds", "p99_ms", 2),
    ("CPU of the server a request, microseconds", "cpu_us", 0),
)
_NOTHING: Final = "-"


def of_requests(result: requests.Result, reviews: Iterable[Review]) -> Iterator[str]:
    """A table for each metric, and one of what servers take apart from requests."""
    reviews = tuple(reviews)
    for title, field, digits in _METRICS:
        yield ""
        heads = [*(f"({server})" for server in NAMES), *(f"{x}/{y}" for x, y in _RATIOS)]
        yield _row(title, heads)
        for connections in requests.CONNECTIONS:
            for review in reviews:
                cells = _cells(result.samples, review.name, connections, field, digits)
                yield _row(f"{review.name}, {connections} {_plural(connections)}", cells)
    yield ""
    yield _row("apart from requests", [f"({standing.server})" for standing in result.standings])
    for title, field, digits in (
        ("RSS of the serving process, MiB", "resident_mib", 0),
        ("start to first answer, seconds", "seconds_to_ready", 2),
    ):
        figures = (getattr(standing, field) for standing in result.standings)
        yield _row(title, [_number(figure, digits) for figure in figures])


def of_creates(samples: list[creates.Sample]) -> Iterator[str]:
    """One row a variant."""
    yield ""
    heads = ["creates/s", "p50 ms", "added", "p99 ms", "added", "CPU us"]
    yield _row(f"pods through a real API server, {creates.CREATORS} at a time", heads)
    for variant, name in VARIANTS.items():
        cells = [_number(creates.median(samples, variant, "creates_per_second"), 0)]
        for field in ("p50_ms", "p99_ms"):
            cells.append(_number(creates.median(samples, variant, field), 1))
            more = None if variant == "none" else creates.added(samples, variant, field)
            cells.append(_number(more, 1))
        spent = creates.median(samples, variant, "cpu_us")
        yield _row(name, [*cells, _number(spent or None, 0)])


def of_engine(costs: Iterable[Cost]) -> Iterator[str]:
    """One row a review."""
    yield ""
    yield _row("admission alone, microseconds a review", [*STEPS, "total"])
    for cost in costs:
        steps = [_number(getattr(cost, step), 1) for step in (*STEPS, "total")]
        yield _row(cost.review, steps)


def of_targets(targets: Iterable[Target]) -> Iterator[str]:
    """One row a target."""
    yield ""
    yield _row("targets", ["wanted", "measured"])
    for target in targets:
        bound = f"{'>=' if target.is_minimum else '<='} {target.bound:g}"
        cells = [bound, _number(target.measured, 2)]
        yield f"{_row(target.what, cells)}  {target.verdict}"


def _cells(
    samples: list[requests.Sample], review: str, connections: int, field: str, digits: int
) -> Iterator[str]:
    for server in NAMES:
        yield _number(requests.median(samples, server, review, connections, field), digits)
    for one, other in _RATIOS:
        yield _number(requests.ratio(samples, one, other, review, connections, field), 2)


def _row(title: str, cells: Iterable[str]) -> str:
    return f"{title:46}" + "".join(f"{cell:>9}" for cell in cells)


def _number(value: float | None, digits: int) -> str:
    return _NOTHING if value is None else f"{value:.{digits}f}"


def _plural(connections: int) -> str:
    return "connection" if connections == 1 else "connections"
