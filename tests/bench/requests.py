"""Reviews straight to the servers, in turn: requests a second, latency, CPU, memory."""

import statistics
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from tests.bench import servers
from tests.bench.binaries import Programs
from tests.bench.machine import Cores
from tests.bench.reviews import Review
from tests.bench.servers import NAMES, Server

CONNECTIONS: Final = (1, 16)
WARM_UP: Final = 0.1  # seconds


class Sample(msgspec.Struct, frozen=True, rename="camel"):
    """One server asked one review for a while."""

    server: str
    review: str
    connections: int
    round: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU of the server for each request, in microseconds."""
    failed: int
    error: str


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    """What a server takes apart from requests."""

    server: str
    seconds_to_ready: float
    resident_mib: float
    """Of the process that answers, after all that it was asked."""


class Result(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that was measured."""

    samples: list[Sample]
    standings: list[Standing]


def measure(
    programs: Programs, cores: Cores, reviews: Sequence[Review], seconds: float, rounds: int
) -> Result:
    """Every server with every review and number of connections, so many times."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pems = servers.files(directory)
        running = {
            which: stack.enter_context(servers.serving(which, programs, pems, cores.server))
            for which in NAMES
        }
        for review in reviews:
            _body(directory, review).write_bytes(review.body)
        samples = list(_samples(programs, cores, running, reviews, directory, seconds, rounds))
        standings = [
            Standing(which, server.seconds_to_ready, server.resident_mib())
            for which, server in running.items()
        ]
    return Result(samples, standings)


def _body(directory: Path, review: Review) -> Path:
    return directory / f"{review.name}.json"


def _samples(
    programs: Programs,
    cores: Cores,
    running: dict[str, Server],
    reviews: Iterable[Review],
    directory: Path,
    seconds: float,
    rounds: int,
) -> Iterator[Sample]:
    cases = [(review, connections) for review in reviews for connections in CONNECTIONS]
    for number in range(rounds):
        for review, connections in cases:
            for which, server in running.items():
                path = servers.path_of(which, review)
                if path is None:
                    continue
                before = server.cpu_seconds()
                answers = servers.ask(
                    programs,
                    server.url + path,
                    *("-ca", directory / "localhost.ca"),
                    *servers.expectations(which, review, _body(directory, review)),
                    core=cores.load,
                    connections=connections,
                    warm_up=WARM_UP,
                    seconds=seconds,
                )
                spent = server.cpu_seconds() - before
                yield Sample(
                    server=which,
                    review=review.name,
                    connections=connections,
                    round=number,
                    requests_per_second=answers.requests / answers.seconds,
                    p50_ms=answers.p50,
                    p99_ms=answers.p99,
                    cpu_us=spent / max(1, answers.total) * 1e6,
                    failed=answers.failed,
                    error=answers.error,
                )


def median(
    samples: Iterable[Sample], server: str, review: str, connections: int, field: str
) -> float | None:
    """Of all rounds; None if the server was not asked that."""
    found = _by_round(samples, server, review, connections, field)
    return statistics.median(found.values()) if found else None


def ratio(
    samples: Iterable[Sample], one: str, other: str, review: str, connections: int, field: str
) -> float | None:
    """The median of the rounds' ratios; None if either was not asked that.

    Within a round both were asked one after the other: what else the machine does hits both alike.
    """
    samples = tuple(samples)
    upper = _by_round(samples, one, review, connections, field)
    lower = _by_round(samples, other, review, connections, field)
    found = [upper[number] / lower[number] for number in upper if lower.get(number)]
    return statistics.median(found) if found else None


def _by_round(
    samples: Iterable[Sample], server: str, review: str, connections: int, field: str
) -> dict[int, float]:
    asked = (server, review, connections)
    return {
        one.round: getattr(one, field)
        for one in samples
        if (one.server, one.review, one.connections) == asked
    }
