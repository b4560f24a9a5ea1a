"""The node: finds its pods, starts and ends them, and says that it lives."""

import contextlib
import os
import random
import threading
import time
import traceback
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from tests.cluster.control_plane import ControlPlane
from tests.cluster.controller import administrator
from tests.cluster.kubelet import images
from tests.cluster.kubelet.api import Api, RefusedError
from tests.cluster.kubelet.logs import Log
from tests.cluster.kubelet.network import ServiceNetwork
from tests.cluster.kubelet.pods import Node, Pod
from tests.cluster.kubelet.server import NoLogError, Server
from tests.cluster.kubelet.shown import MESSAGE, Shown
from tests.cluster.programs import HOST
from webhook.errors import ClusterError

Json = dict[str, Any]

NAME: Final = "node"
_LOWEST_PORT: Final = 443
_FIRST_PORT: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_PAUSE: Final = 0.4  # seconds between two looks
_LEASE: Final = 5.0  # seconds; the controller-manager is patient for 40
_LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Kubelet:
    """A ready node as long as the `with` block, which runs every pod of podworthy's."""

    def __init__(
        self, control_plane: ControlPlane, namespaces: Collection[str] = (), *, prelude: str = ""
    ) -> None:
        """Pods of other namespaces are left alone; none stands for all.

        `prelude` is Python that podworthy's processes run before anything else: how a test
        makes time pass faster, with arguments as they are.
        """
        self._api = Api(administrator(control_plane))
        self._lists = [f"/api/v1/namespaces/{it}/pods" for it in namespaces] or ["/api/v1/pods"]
        directory = control_plane.directory / "node"
        directory.mkdir(exist_ok=True)
        self._node = Node(self._api, directory, control_plane.server, prelude)
        self._network = ServiceNetwork(self._api, namespaces, self._node.hosts)
        self._server = Server(self._find_log, control_plane.directory / "ca.crt", directory)
        self._pods: dict[str, Pod] = {}
        self._shown: dict[str, Shown] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet")
        self._troubles: list[str] = []
        self._block = random.randrange(0x80_00_00, 0xFF_00_00, 0x100)  # noqa: S311 10.128.0.0/9
        self._addresses = 0
        self._lease_at = 0.0

    def __enter__(self) -> "Kubelet":
        """PermissionError: this user may not listen where Services do."""
        check_ports()
        self._api.create("/api/v1/nodes", {"metadata": {"name": NAME}})
        self._renew()
        self._server.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill what runs."""
        self._stop.set()
        self._thread.join()
        for pod in self._pods.values():
            pod.stop()
        self._network.stop()
        self._server.stop()

    @property
    def prelude(self) -> str:
        """Of processes that start from now on."""
        return self._node.prelude

    @prelude.setter
    def prelude(self, text: str) -> None:
        self._node.prelude = text

    @property
    def troubles(self) -> list[str]:
        """What this kubelet itself could not do."""
        pods = [it.trouble for it in tuple(self._pods.values()) if it.trouble]
        return [*self._troubles, *self._network.troubles, *pods]

    @property
    def is_alive(self) -> bool:
        """Whether it still looks after its pods."""
        return self._thread.is_alive()

    def pods(self, component: str) -> list[Pod]:
        """Those that are here, by their label, the oldest first."""
        return [it for it in self._pods.values() if it.component == component and not it.is_gone]

    def log(self, component: str) -> str:
        """What all pods of a component have ever said."""
        names = [it.name for it in self._pods.values() if it.component == component]
        files = [path for name in names for path in sorted(self.directory.glob(f"{name}.*.log"))]
        return "\n".join(path.read_text(errors="replace") for path in files)

    @property
    def directory(self) -> Path:
        """Where the logs are: POD.CONTAINER.RESTARTS.log."""
        return self._node.directory

    @contextlib.contextmanager
    def holding(self, component: str) -> Iterator[None]:
        """Kill the containers of its pods and start none, as if no image could be pulled."""
        self._node.held |= {component}
        try:
            yield
        finally:
            self._node.held -= {component}

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE):
            try:
                if time.monotonic() > self._lease_at:
                    self._renew()
                self._sync()
                self._network.sync()
            except (ClusterError, RefusedError):
                continue  # it is away, or an object has just gone: the next look sees
            except Exception:
                self._troubles.append(traceback.format_exc())
                raise

    def _sync(self) -> None:
        manifests = [it for path in self._lists for it in self._api.items(path)]
        there = {it["metadata"]["uid"]: it for it in manifests}
        for uid, manifest in there.items():
            if not manifest["spec"].get("nodeName"):
                self._bind(manifest["metadata"])
            elif images.are_ours(manifest["spec"]):
                self._look_at(uid, manifest)
            else:
                self._show(uid, manifest)
        for uid, pod in self._pods.items():
            if uid not in there:
                pod.leave(0)
        self._shown = {uid: it for uid, it in self._shown.items() if uid in there}

    def _look_at(self, uid: str, manifest: Json) -> None:
        metadata = manifest["metadata"]
        if uid not in self._pods:
            self._network.serve(metadata["namespace"])
            self._pods[uid] = Pod(self._node, manifest, self._new_address())
            self._pods[uid].start()
        elif "deletionTimestamp" in metadata:
            self._pods[uid].leave(metadata["deletionGracePeriodSeconds"])

    def _show(self, uid: str, manifest: Json) -> None:
        if uid not in self._shown:
            self._shown[uid] = Shown(self._api, manifest, self._new_address())
        self._shown[uid].look("deletionTimestamp" in manifest["metadata"])

    def _bind(self, metadata: Json) -> None:
        if "deletionTimestamp" in metadata:
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
        binding = {"metadata": {"name": metadata["name"]}, "target": target}
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
        self._api.create(path, binding)

    def _find_log(self, namespace: str, pod: str, container: str, previous: bool) -> Log:
        """See `server.Find`."""
        name = namespace, pod
        if any(name == (it.namespace, it.name) for it in tuple(self._shown.values())):
            raise NoLogError(MESSAGE)
        pods = [it for it in tuple(self._pods.values()) if name == (it.namespace, it.name)]
        if not pods:
            raise NoLogError(f'pod "{pod}" does not exist')
        (found,) = [it for it in pods[-1].containers if it.name == container]
        if not found.has_begun:
            waits = found.waiting["reason"]
            raise NoLogError(f'container "{container}" is waiting to start: {waits}')
        if previous and len(found.logs) == 1:
            raise NoLogError(f'previous terminated container "{container}" not found')
        return found.logs[-2 if previous else -1]

    def _new_address(self) -> str:
        self._addresses += 1
        rest = self._block + self._addresses
        return f"10.{rest >> 16}.{rest >> 8 & 0xFF}.{rest & 0xFF}"

    def _renew(self) -> None:
        """Tell the controller-manager that the node is well, as it wants to be told."""
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": _now(),
        }
        status = {
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": HOST}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._server.port}},
        }
        self._api.patch(f"/api/v1/nodes/{NAME}/status", {"status": status})
        spec = {
            "holderIdentity": NAME,
            "leaseDurationSeconds": 40,
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        metadata = {"name": NAME, "namespace": "kube-node-lease"}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        if not self._api.create(_LEASES, lease | {"spec": spec}):
            self._api.patch(f"{_LEASES}/{NAME}", {"spec": spec})
        self._lease_at = time.monotonic() + _LEASE


def check_ports() -> None:
    """PermissionError, with the way out: Services have ports like 443, on their ClusterIP."""
    if os.geteuid() != 0 and int(_FIRST_PORT.read_text()) > _LOWEST_PORT:
        setting = ".".join(_FIRST_PORT.parts[3:])
        raise PermissionError(
            f"Services listen on port {_LOWEST_PORT}, which this user may not: "
            f"be root, or have root do: sysctl {setting}={_LOWEST_PORT}"
        )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
