"""Replicas of podworthy behind a balancer, registered, and replaced as a Deployment does it."""

import contextlib
import os
import re
import signal
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.cluster.balancer import Balancer
from tests.cluster.certificates import webhook_certificate
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import Process, free_port, wait_for
from tests.cluster.registration import (
    NAMESPACE,
    SERVICE,
    create_service,
    register,
    wait_until_enforced,
)
from tests.serving import children, serve_command

PROFILE: Final = "spinning"
"""Like baseline, and a pod with the annotation `spin` blocks the loop for so many seconds."""
DRAIN: Final = 3.0
"""Seconds; longer than the balancer's lag, as it must be, also where the balancer waits for a
processor: it is a thread beside those of the creators."""
COUNT: Final = 2
_START: Final = 30  # seconds that anything may take
SPINNING: Final = Path(__file__).with_name("spinning")
_ROOT: Final = Path(__file__).parents[2]


class Replica:
    """One server, which has been started."""

    def __init__(self, directory: Path, number: int, lifetime: float) -> None:
        """`lifetime` of connections, in seconds."""
        self.lifetime = lifetime
        self.name = f"replica-{number}"
        self.port = free_port()
        self._context = ssl.create_default_context(cafile=directory / "webhook.ca")
        command: list[str | Path] = [*serve_command(lifetime)]
        command += ["--host=127.0.0.1", f"--port={self.port}", f"--drain={DRAIN}"]
        command += ["--cert", directory / "webhook.crt", "--key", directory / "webhook.key"]
        command += ["--policies-dir", SPINNING / "policies", "--profiles", SPINNING / "profiles"]
        command += ["--profile", PROFILE]
        self.process = Process(command, log=directory / f"{self.name}.log", cwd=_ROOT)

    def wait_until_ready(self) -> None:
        """As a readiness probe sees it."""
        self.process.wait_until(self.is_ready, seconds=_START, what=f"ready {self.name}")

    def is_ready(self) -> bool:
        """Whether it says so, on a connection of its own."""
        url = f"https://127.0.0.1:{self.port}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=_START, context=self._context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def worker(self) -> int | None:
        """The process that answers; None while there is none."""
        return next(iter(children(self.process.pid)), None)

    def begin_to_leave(self) -> None:
        """SIGTERM, as the kubelet sends it."""
        os.kill(self.process.pid, signal.SIGTERM)

    def wait_until_left(self) -> None:
        """It drains and exits as a sound program does."""
        wait_for(
            lambda: self.process.exit_code is not None,
            seconds=_START,
            what=f"end of {self.name} after its drain",
        )
        assert self.process.exit_code == 0, self.process.tail()

    def kill(self) -> None:
        """Every process of it at once, as when its container is out of memory."""
        os.killpg(self.process.pid, signal.SIGKILL)
        wait_for(
            lambda: self.process.exit_code is not None, seconds=_START, what=f"end of {self.name}"
        )

    def spinning_since(self) -> float | None:
        """When its loop was blocked last, in seconds of the monotonic clock."""
        found = re.findall(r"^spinning since (\S+)$", self.process.log.read_text(), re.M)
        return float(found[-1]) if found else None


class Deployment:
    """Ready replicas, and the one balancer that leads to them."""

    def __init__(self, plane: ControlPlane, lifetime: float) -> None:
        self.plane = plane
        self.balancer = Balancer()
        self.replicas: list[Replica] = []
        self.names: dict[int, str] = {}
        """By port, of all replicas that have been."""
        self._lifetime = lifetime

    def use(self, lifetime: float) -> None:
        """Let connections live for so many seconds from now on; a rollout, if they do not yet."""
        self._lifetime = lifetime
        while any(replica.lifetime != lifetime for replica in self.replicas):
            self.roll()

    def roll(self) -> None:
        """Replace the oldest replica, as with maxUnavailable 0 and maxSurge 1; return when the
        balancer knows and the old one has ended."""
        self.add()
        old = self.replicas.pop(0)
        # both happen when a pod is deleted, and the news needs its time
        self.balancer.leave(old.port)
        old.begin_to_leave()
        old.wait_until_left()
        self._wait_for_balancer()

    def add(self) -> None:
        """One more that is ready and known."""
        new = Replica(self.plane.directory, len(self.names) + 1, self._lifetime)
        self.names[new.port] = new.name
        self.replicas.append(new)
        new.wait_until_ready()
        self.balancer.join(new.port)
        self._wait_for_balancer()

    def remove(self, dead: Replica) -> None:
        """One that has ended already: its end is noticed, and the news spreads."""
        self.replicas.remove(dead)
        self.balancer.leave(dead.port)
        self._wait_for_balancer()

    def stop(self) -> None:
        """End everything, without a drain."""
        for replica in self.replicas:
            os.kill(replica.process.pid, signal.SIGINT)
        for replica in self.replicas:
            replica.process.stop()

    def _wait_for_balancer(self) -> None:
        ports = [replica.port for replica in self.replicas]
        wait_for(lambda: self.balancer.knows(ports), seconds=_START, what="news of the replicas")


@contextlib.contextmanager
def deployment(plane: ControlPlane, lifetime: float) -> Iterator[Deployment]:
    """`COUNT` replicas, from when they are obeyed, for every namespace and failing closed.

    `lifetime` is that of their connections, in seconds. Their logs are in the plane's directory.
    """
    port = free_port()
    ip = create_service(plane, port)
    pems = webhook_certificate(f"{SERVICE}.{NAMESPACE}.svc", "127.0.0.1")
    (plane.directory / "webhook.ca").write_bytes(pems.ca_pem)
    (plane.directory / "webhook.crt").write_bytes(pems.certificate_pem)
    (plane.directory / "webhook.key").write_bytes(pems.key_pem)
    running = Deployment(plane, lifetime)
    with running.balancer as balancer:
        balancer.start(ip, port)
        try:
            for _ in range(COUNT):
                running.add()
            register(
                plane, ca_pem=pems.ca_pem, port=port, profiles={PROFILE: "Fail"}, default=PROFILE
            )
            wait_until_enforced(plane, PROFILE)
            yield running
        finally:
            running.stop()
