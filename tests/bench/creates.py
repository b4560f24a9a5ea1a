"""End to end: pods created through a real API server, by what stands in their way.

Everything is registered at the same time; each namespace has one of it, so the variants can take
turns without any change to the cluster.
"""

import json
import statistics
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Final

import msgspec

from tests.bench import servers
from tests.bench.binaries import Programs
from tests.bench.machine import Cores
from tests.bench.reviews import pod
from tests.bench.servers import Files, Server
from tests.bench.variants import (
    VARIANTS,
    add_policy,
    create_namespace,
    namespace,
    registered,
    wait_until_enforced,
)
from tests.cluster.control_plane import ControlPlane

CREATORS: Final = 16
_WARM_UP: Final = 0.5  # seconds


class Sample(msgspec.Struct, frozen=True, rename="camel"):
    """One variant, for a while."""

    variant: str
    round: int
    creates_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU of the webhook server for each create, in microseconds."""
    failed: int
    error: str


def measure(programs: Programs, cores: Cores, seconds: float, rounds: int) -> list[Sample]:
    """Every variant, so many times in turn."""
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane())
        for variant in VARIANTS:
            create_namespace(plane, variant)
        running = {
            which: stack.enter_context(registered(which, plane, programs, cores))
            for which in ("d", "a")
        }
        running["a-fill"] = running["a"]
        add_policy(plane)
        for variant in VARIANTS:
            wait_until_enforced(plane, variant)
        return list(_samples(plane, programs, running, seconds, rounds))


def median(samples: Iterable[Sample], variant: str, field: str) -> float:
    """Of all rounds."""
    return statistics.median(_by_round(samples, variant, field).values())


def added(samples: Iterable[Sample], variant: str, field: str) -> float:
    """The median of what the variant has more than no webhook in the same round."""
    samples = tuple(samples)
    bare = _by_round(samples, "none", field)
    mine = _by_round(samples, variant, field)
    return statistics.median(mine[number] - bare[number] for number in mine)


def ratio(samples: Iterable[Sample], one: str, other: str, field: str) -> float:
    """The median of the rounds' ratios of two variants."""
    samples = tuple(samples)
    upper, lower = _by_round(samples, one, field), _by_round(samples, other, field)
    return statistics.median(upper[number] / lower[number] for number in upper)


def _by_round(samples: Iterable[Sample], variant: str, field: str) -> dict[int, float]:
    return {one.round: getattr(one, field) for one in samples if one.variant == variant}


def _samples(
    plane: ControlPlane,
    programs: Programs,
    running: Mapping[str, Server],
    seconds: float,
    rounds: int,
) -> Iterator[Sample]:
    pems = administrator(plane)
    body = plane.directory / "bench-pod.json"
    body.write_text(json.dumps(pod()))
    for number in range(rounds):
        for variant in VARIANTS:
            server = running.get(variant)
            before = server.cpu_seconds() if server else 0.0
            answers = servers.ask(
                programs,
                f"{plane.server}/api/v1/namespaces/{namespace(variant)}/pods",
                *("-ca", pems.ca, "-cert", pems.certificate, "-key", pems.key),
                *("-body", body, "-status=201"),
                core=None,
                connections=CREATORS,
                warm_up=_WARM_UP,
                seconds=seconds,
            )
            spent = server.cpu_seconds() - before if server else 0.0
            yield Sample(
                variant=variant,
                round=number,
                creates_per_second=answers.requests / answers.seconds,
                p50_ms=answers.p50,
                p99_ms=answers.p99,
                cpu_us=spent / max(1, answers.total) * 1e6,
                failed=answers.failed,
                error=answers.error,
            )


def administrator(plane: ControlPlane) -> Files:
    """The kubeconfig's certificates as files."""
    config = json.loads(plane.kubeconfig.read_text())
    user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
    made = Files.named(plane.directory, "administrator")
    made.ca.write_bytes(b64decode(cluster["certificate-authority-data"]))
    made.certificate.write_bytes(b64decode(user["client-certificate-data"]))
    made.key.write_bytes(b64decode(user["client-key-data"]))
    return made
