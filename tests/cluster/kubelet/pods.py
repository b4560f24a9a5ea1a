"""One pod on the node: its volumes and containers, from binding to its end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.cluster.kubelet import images
from tests.cluster.kubelet.api import Api, RefusedError
from tests.cluster.kubelet.containers import Container, now
from tests.cluster.kubelet.leaving import Leaving
from tests.cluster.kubelet.volumes import NotThereError, Volumes
from tests.cluster.processes import Process
from webhook.errors import ClusterError

Json = dict[str, Any]

_TICK: Final = 0.1  # seconds
_VOLUMES: Final = 1.0  # seconds between two looks at what volumes are made of; on a node a minute


class Node:
    """What all pods of the node share."""

    def __init__(self, api: Api, directory: Path, server: str, prelude: str) -> None:
        self.api = api
        self.directory = directory
        self.hosts = directory / "hosts.json"
        self.prelude = prelude
        address, _, port = server.removeprefix("https://").rpartition(":")
        self.api_server = {"KUBERNETES_SERVICE_HOST": address, "KUBERNETES_SERVICE_PORT": port}
        self.held: frozenset[str] = frozenset()
        """Values of the label `component` of pods whose image cannot be pulled now."""


COMPONENT: Final = "app.kubernetes.io/component"


class Pod:
    """Runs in a thread of its own, which must outlive its processes (see `tests.cluster.leash`)."""

    def __init__(self, node: Node, manifest: Json, address: str) -> None:
        """`address` is what the status says."""
        self.manifest = manifest
        self.name: str = manifest["metadata"]["name"]
        self.namespace: str = manifest["metadata"]["namespace"]
        self.uid: str = manifest["metadata"]["uid"]
        self.component: str = manifest["metadata"].get("labels", {}).get(COMPONENT, "")
        self.trouble: str | None = None
        """What this kubelet could not do, if there is such a thing."""
        self._node = node
        self._ip = address
        self._host = local(address)
        self._path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self._directory = node.directory / self.uid
        self._volumes = Volumes(node.api, manifest, self._directory / "volumes")
        self._volumes_at = 0.0
        self._mounted = False
        self._unsupported: str | None = None
        """What it asks for in vain."""
        spec = manifest["spec"]
        self.containers = [
            Container(one, spec, self._host, self._launcher(one)) for one in spec["containers"]
        ]
        self._published: Json = {}
        self._began = now()
        self._transitions: dict[str, tuple[str, str]] = {}
        self._grace: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name)

    def start(self) -> None:
        self._thread.start()

    def leave(self, grace: float) -> None:
        """It is being deleted: `grace` seconds are left to it."""
        if self._grace is None:
            self._grace = grace

    def stop(self) -> None:
        """Kill it, without a word to the API server, and return when it has ended."""
        self._stop.set()
        self._thread.join()

    @property
    def log(self) -> str:
        """What the processes of its containers have said."""
        return "".join(one.log for one in self.containers)

    @property
    def is_gone(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._directory.mkdir()
            self._turn()
        except Exception as error:
            self.trouble = f"pod {self.name}: {error!r}"
            raise
        finally:
            for container in self.containers:
                container.kill()

    def _turn(self) -> None:
        left = Leaving(self.containers, self.manifest)
        while not self._stop.wait(_TICK):
            try:
                self._sync_volumes()
                self._tick(left)
                self._publish()
                if self._grace is not None and left.over:
                    options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
                    self._node.api.delete(self._path, options)
                    return
            except ClusterError:
                continue  # the API server is away: pods go on
            except images.UnsupportedError as error:
                self._unsupported = str(error)

    def _tick(self, left: Leaving) -> None:
        held = self.component in self._node.held
        for container in self.containers:
            if held:
                container.kill()
                container.waiting = {"reason": "ImagePullBackOff", "message": "held by a test"}
            container.tick(may_restart=not held and self._grace is None)
            if self._may_start and not held and not container.has_begun:
                container.start()
        if self._grace is not None:
            left.turn(self._grace)

    @property
    def _may_start(self) -> bool:
        return self._mounted and self._grace is None and self._unsupported is None

    def _sync_volumes(self) -> None:
        is_over = self._grace is not None or self._unsupported is not None
        if time.monotonic() < self._volumes_at or is_over:
            return
        self._volumes_at = time.monotonic() + _VOLUMES
        try:
            self._volumes.sync()
            self._mounted = True
        except (NotThereError, RefusedError) as error:
            # a pod that runs keeps what it has
            if not self._mounted:
                for container in self.containers:
                    container.waiting = {"reason": "ContainerCreating", "message": str(error)}

    def _launcher(self, container: Json) -> Callable[[int], Process]:
        def launch(restarts: int) -> Process:
            mounts = {
                it["mountPath"]: str(self._volumes.path(it["name"]))
                for it in container.get("volumeMounts", ())
            }
            if "initContainers" in self.manifest["spec"]:
                raise images.UnsupportedError("initContainers")
            node, name = self._node, container["name"]
            namespaces = images.Namespaces(
                self._host, str(node.hosts), self.name, mounts, node.prelude
            )
            return Process(
                images.command(container, namespaces, self._directory / f"{name}.json"),
                log=node.directory / f"{self.name}.{name}.{restarts}.log",
                cwd=Path("/"),
                environment=node.api_server | images.environment(container, self.name, mounts),
            )

        return launch

    def _publish(self) -> None:
        status = self._status()
        if status != self._published:
            self._node.api.patch(f"{self._path}/status", {"status": status})
            self._published = status

    def _status(self) -> Json:
        if self._unsupported is not None:
            return {"phase": "Failed", "reason": "Unsupported", "message": self._unsupported}
        ready = all(one.ready for one in self.containers)
        conditions = {"Initialized": True, "ContainersReady": ready, "Ready": ready}
        return {
            "phase": _phase(self.containers),
            "hostIP": "10.0.0.1",
            "podIP": self._ip,
            "podIPs": [{"ip": self._ip}],
            "startTime": self._began,
            "conditions": [self._condition(kind, holds) for kind, holds in conditions.items()],
            "containerStatuses": [one.status() for one in self.containers],
        }

    def _condition(self, kind: str, holds: bool) -> Json:
        value = str(holds)
        if self._transitions.get(kind, ("", ""))[0] != value:
            self._transitions[kind] = value, now()
        return {"type": kind, "status": value, "lastTransitionTime": self._transitions[kind][1]}


def local(address: str) -> str:
    """Where a pod's address is on this machine. The API server refuses endpoints on the loopback,
    so it must have another one."""
    return "127." + address.partition(".")[2]


def _phase(containers: list[Container]) -> str:
    if all(one.is_over for one in containers):
        failed = any(one.ended and one.ended["exitCode"] for one in containers)
        return "Failed" if failed else "Succeeded"
    return "Running" if any(one.has_begun for one in containers) else "Pending"
