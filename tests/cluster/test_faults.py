"""What happens to creates of pods while replicas of podworthy are replaced, killed and blocked.

Two replicas stand behind a balancer and fail closed. Creators make pods without a pause.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.balancer import Loss
from tests.cluster.conftest import VERSIONS
from tests.cluster.control_plane import ControlPlane
from tests.cluster.creators import Creator, Creators, Failure, creating
from tests.cluster.processes import wait_for
from tests.cluster.replicas import Deployment, Replica, deployment
from webhook.server import surface

LIFETIME = 5.0
"""Seconds that connections live in short forms: some end in each of them."""
RESPAWN = 4.0
"""Seconds from a fault until the replica answers again, at most."""
BEFORE, AFTER = 20, 200
"""Pods that are made before and after a fault."""

Tell = Callable[[str], None]


@pytest.fixture(scope="module", params=VERSIONS)
def deployed(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A control plane of its own, and the replicas."""
    with ControlPlane(request.param) as plane, deployment(plane, LIFETIME) as running:
        yield running


@pytest.fixture
def room(deployed: Deployment, request: pytest.FixtureRequest) -> str:
    """A namespace for one test."""
    name = f"room-{abs(hash(request.node.name))}"
    deployed.plane.create_namespace(name)
    return name


@dataclass(frozen=True)
class Form:
    """How long a test is."""

    times: int
    """That the fault happens."""
    lifetime: float
    """Of connections, in seconds."""


def forms(*, short: int, long: int) -> pytest.MarkDecorator:
    """The test as it is in every run, and its long form; both by the times of the fault."""
    return pytest.mark.parametrize(
        "form",
        [
            pytest.param(Form(short, LIFETIME), id="short"),
            pytest.param(Form(long, surface.LIFETIME), id="long", marks=pytest.mark.soak),
        ],
    )


class Course:
    """What has happened since the block began, for the verdict and for the line that is printed."""

    def __init__(self, deployed: Deployment, creators: Creators | Creator) -> None:
        self._deployed = deployed
        self._losses = len(deployed.balancer.losses)
        self._connections = deployed.balancer.connections.copy()
        self._calls = failed_calls(deployed.plane)
        self.creators = creators

    @property
    def losses(self) -> list[Loss]:
        """Connections of the API server that ended before an answer."""
        return self._deployed.balancer.losses[self._losses :]

    def connections(self) -> dict[str, int]:
        """How many each replica got, by name."""
        new = self._deployed.balancer.connections - self._connections
        return {self._deployed.names[port]: count for port, count in sorted(new.items())}

    def failed_calls(self) -> int:
        """Calls of the webhooks that failed, those that fail open included."""
        return failed_calls(self._deployed.plane) - self._calls

    def __str__(self) -> str:
        return (
            f"{self.creators.made} creates, {len(self.creators.failures)} failed; "
            f"{self.failed_calls()} calls of webhooks failed; connections {self.connections()}"
        )


@contextmanager
def course(deployed: Deployment, room: str) -> Iterator[tuple[Creators, Course]]:
    """Creators at work."""
    with creating(deployed.plane, room) as creators:
        yield creators, Course(deployed, creators)


def failed_calls(plane: ControlPlane) -> int:
    """How many calls of webhooks the API server has seen to fail since its start."""
    metrics = plane.kubectl("get", "--raw=/metrics").stdout.splitlines()
    opened = "apiserver_admission_webhook_fail_open_count{"
    closed = "apiserver_admission_webhook_rejection_count{"
    lines = [
        line
        for line in metrics
        if line.startswith(opened) or (line.startswith(closed) and "calling_webhook_error" in line)
    ]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


@forms(short=2, long=20)
def test_rolling_restarts_lose_nothing(
    deployed: Deployment, room: str, tell: Tell, form: Form
) -> None:
    deployed.use(form.lifetime)
    with course(deployed, room) as (creators, seen):
        for _ in range(form.times):
            creators.wait_for(BEFORE)
            deployed.roll()
        creators.wait_for(AFTER)
    tell(f"{form.times} rolling restarts: {seen}")
    assert seen.creators.failures == []
    assert seen.losses == []
    assert seen.failed_calls() == 0
    # nothing would be shown by replicas that nobody asks
    assert len(seen.connections()) >= form.times


@forms(short=2, long=20)
def test_a_killed_worker(deployed: Deployment, room: str, tell: Tell, form: Form) -> None:
    faults: list[Fault] = []
    deployed.use(form.lifetime)
    with course(deployed, room) as (creators, seen):
        for number in range(form.times):
            replica = deployed.replicas[number % 2]
            old = replica.worker
            assert old is not None
            creators.wait_for(BEFORE)
            begun = time.monotonic()
            os.kill(old, signal.SIGKILL)
            faults.append(Fault(replica.port, begun, *answers_again(replica, old)))
        creators.wait_for(AFTER)
    tell(f"{form.times} workers killed, {lasted(faults)}: {seen}")
    judge(seen, faults)


@forms(short=1, long=10)
def test_a_killed_replica(deployed: Deployment, room: str, tell: Tell, form: Form) -> None:
    faults: list[Fault] = []
    deployed.use(form.lifetime)
    with course(deployed, room) as (creators, seen):
        for _ in range(form.times):
            replica = deployed.replicas[0]
            creators.wait_for(BEFORE)
            begun = time.monotonic()
            replica.kill()
            deployed.remove(replica)
            faults.append(Fault(replica.port, begun, time.monotonic()))
            deployed.add()
        creators.wait_for(AFTER)
    tell(f"{form.times} replicas killed, {lasted(faults)}: {seen}")
    judge(seen, faults)


@forms(short=1, long=10)
def test_a_blocked_loop(deployed: Deployment, room: str, tell: Tell, form: Form) -> None:
    """A policy spins: the kernel ends the worker, the log says where, and gunicorn forks."""
    faults: list[Fault] = []
    deployed.use(form.lifetime)
    with course(deployed, room) as (creators, seen):
        for _ in range(form.times):
            creators.wait_for(BEFORE)
            old = {replica.port: replica.worker for replica in deployed.replicas}
            blocking = Creator(deployed.plane, room)
            thread = threading.Thread(target=blocking.create, args=[{"spin": "inf"}])
            asked = time.monotonic()
            thread.start()
            replica, begun = wait_for(
                lambda since=asked: blocked(deployed, since),  # type: ignore[misc]
                seconds=30,
                what="blocked replica",
            )
            worker = old[replica.port]
            assert worker is not None
            faults.append(Fault(replica.port, begun, *answers_again(replica, worker)))
            thread.join()
            blocking.close()
            assert blocking.made == 0
            log = replica.process.log.read_text()
            assert f"Worker (pid:{worker}) was sent SIGPROF!" in log
            assert "policies/spin.py" in log
        creators.wait_for(AFTER)
    tell(f"{form.times} loops blocked, {lasted(faults)}: {seen}")
    judge(seen, faults)


def blocked(deployed: Deployment, since: float) -> tuple[Replica, float] | None:
    """The replica whose loop is blocked, and since when."""
    for replica in deployed.replicas:
        begun = replica.spinning_since()
        if begun is not None and begun > since:
            return replica, begun
    return None


def answers_again(replica: Replica, old: int) -> tuple[float, float]:
    """When another worker than the old one answers, in seconds of the monotonic clock, and for how
    many seconds until then the old one only waited for a processor."""
    kept: list[float] = []

    def answers() -> bool:
        with suppress(OSError):  # it has ended, perhaps before the first look
            kept.append(waited(old))
        return replica.worker not in (None, old) and replica.is_ready()

    wait_for(answers, seconds=30, what=f"new worker of {replica.name}")
    return time.monotonic(), max(kept, default=0.0) - min(kept, default=0.0)


def waited(pid: int) -> float:
    """Seconds that a process could have run, but none of the processors was free."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


class Fault(NamedTuple):
    """A replica that was broken; times are those of the monotonic clock."""

    port: int
    begun: float
    ended: float
    starved: float = 0.0
    """Seconds of it that are the machine's."""


def lasted(faults: list[Fault]) -> str:
    longest = max(fault.ended - fault.begun for fault in faults)
    starved = max(fault.starved for fault in faults)
    return f"each answered again within {longest:.2f} s, {starved:.2f} s without a processor"


def judge(seen: Course, faults: list[Fault]) -> None:
    """What failed was asked of a broken replica while it was broken."""

    def met(begun: float, ended: float, port: int | None = None) -> bool:
        return any(
            begun <= fault.ended and ended >= fault.begun and port in (None, fault.port)
            for fault in faults
        )

    assert [one for one in faults if one.ended - one.begun - one.starved > RESPAWN] == []
    failures: list[Failure] = seen.creators.failures
    assert [one for one in failures if not met(one.begun, one.ended)] == []
    assert [one for one in seen.losses if not met(one.since, one.until, one.backend)] == []


@pytest.mark.parametrize(
    ("lifetime", "kept", "beyond"),
    [
        pytest.param(LIFETIME, (0.5, 1, 1.5), (3, 0.5), id="short"),
        pytest.param(
            surface.LIFETIME,
            (0.5, 1, 2, 5, 10, 20, 40, 60, 80),
            (85, 88, 89, 89.5, 90, 90.5, 91, 92, 95, 100),
            id="long",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_creates_far_apart_lose_nothing(
    deployed: Deployment,
    room: str,
    tell: Tell,
    lifetime: float,
    kept: tuple[float, ...],
    beyond: tuple[float, ...],
) -> None:
    """The connection rests meanwhile. The API server closes it after 90 seconds, podworthy does
    not before, and ends an old one only with an answer."""
    assert surface.IDLE_TIMEOUT > 90
    deployed.use(lifetime)
    with closing(Creator(deployed.plane, room)) as creator:
        creator.create()
        seen = Course(deployed, creator)
        for spacing in kept:
            create_after(spacing, creator)
        # both webhooks have connections of their own, and may have begun with an old one
        assert sum(seen.connections().values()) <= 2
        for spacing in beyond:
            create_after(spacing, creator)
    tell(f"creates {min(kept)} to {max(beyond)} s apart: {seen}")
    assert creator.failures == []
    assert seen.failed_calls() == 0
    assert seen.losses == []


def create_after(seconds: float, creator: Creator) -> None:
    """On a new connection to the API server, which closes those of its own clients, too."""
    creator.close()
    time.sleep(seconds)  # what is tested, no wait for anything
    creator.create()
