"""Clients of an API server that make pods, each one after the other."""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.creates import administrator
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, handler, pod
from tests.cluster.processes import wait_for

PATIENCE = 30.0
"""Seconds that anything may take."""


def connection(plane: ControlPlane) -> http.client.HTTPSConnection:
    """One to its API server, as administrator."""
    pems = administrator(plane)
    context = ssl.create_default_context(cafile=pems.ca)
    context.load_cert_chain(pems.certificate, pems.key)
    address = plane.server.removeprefix("https://")
    return http.client.HTTPSConnection(address, timeout=PATIENCE, context=context)


@dataclass(frozen=True)
class Failure:
    """A create that was refused, or not answered."""

    begun: float
    """Seconds of the monotonic clock."""
    ended: float
    error: str


class Creator:
    """One client, on one connection to the API server."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._connection = connection(plane)
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self.failures: list[Failure] = []
        self.made = 0
        """Pods that exist now."""

    def create(self, annotations: Json | None = None) -> None:
        """Make a pod that every policy lets pass, or note the failure."""
        begun = time.monotonic()
        try:
            error = self._create(annotations)
        except (OSError, http.client.HTTPException) as failed:
            self._connection.close()
            error = repr(failed)
        if error:
            self.failures.append(Failure(begun, time.monotonic(), error))
        else:
            self.made += 1

    def close(self) -> None:
        self._connection.close()

    def _create(self, annotations: Json | None) -> str | None:
        manifest = pod("", annotations=annotations, **_PROBES)
        manifest["metadata"] |= {"name": None, "generateName": "web-"}
        head = {"Content-Type": "application/json"}
        self._connection.request("POST", self._path, json.dumps(manifest), head)
        answer = self._connection.getresponse()
        body = answer.read()
        return None if answer.status == 201 else f"{answer.status} {body.decode(errors='replace')}"


_PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}


class Creators:
    """Several, each in a thread of its own."""

    def __init__(self, plane: ControlPlane, namespace: str, count: int, pause: float = 0) -> None:
        """`pause` is in seconds, between two creates of one client."""
        self._pause = pause
        self._creators = [Creator(plane, namespace) for _ in range(count)]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[one]) for one in self._creators]

    @property
    def made(self) -> int:
        """Pods so far."""
        return sum(one.made for one in self._creators)

    @property
    def failures(self) -> list[Failure]:
        """Creates so far that made none, in the order of their ends."""
        found = [failure for one in self._creators for failure in one.failures]
        return sorted(found, key=lambda failure: failure.ended)

    def wait_for(self, more: int) -> None:
        """Return when so many more pods have been made."""
        goal = self.made + more
        wait_for(lambda: self.made >= goal, seconds=PATIENCE, what=f"{more} more pods")

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the creates that are under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, creator: Creator) -> None:
        while not self._stop.is_set():
            creator.create()
            self._stop.wait(self._pause)
        creator.close()


@contextmanager
def creating(
    plane: ControlPlane, namespace: str, count: int = 4, pause: float = 0
) -> Iterator[Creators]:
    """Creators that have begun, until the end of the block."""
    creators = Creators(plane, namespace, count, pause)
    creators.start()
    try:
        yield creators
    finally:
        creators.stop()
