"""The network of Services: what kube-proxy and DNS are on a node."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.cluster.balancer import Balancer
from tests.cluster.kubelet.api import Api
from tests.cluster.kubelet.pods import local

Json = dict[str, Any]
Endpoint = tuple[str, int]
"""Where a pod is on this machine, and its port."""


class ServicePort(Balancer):
    """Listens on a ClusterIP, and leads to ready endpoints."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[Endpoint, int] = {}
        self._endpoints: list[Endpoint] = []
        self._ready: set[Endpoint] = set()

    def address(self, backend: int) -> Endpoint:
        """See `Balancer`."""
        return self._endpoints[backend]

    def set(self, ready: Iterable[Endpoint]) -> None:
        """Exactly these get new connections."""
        wanted = set(ready)
        for gone in sorted(self._ready - wanted):
            self.leave(self._numbers[gone], lag=0)
        for new in sorted(wanted - self._ready):
            if new not in self._numbers:
                self._numbers[new] = len(self._endpoints)
                self._endpoints.append(new)
            self.join(self._numbers[new], lag=0)
        self._ready = wanted


class ServiceNetwork:
    """All Services of some namespaces, by what their EndpointSlices say."""

    def __init__(self, api: Api, namespaces: Iterable[str], hosts: Path) -> None:
        """`hosts` is the file that pods resolve names by."""
        self.troubles: list[str] = []
        """Where it could not listen."""
        self._api = api
        self._namespaces = set(namespaces)
        self._hosts = hosts
        self._known: dict[str, str] = {}
        self._ports: dict[tuple[str, int], ServicePort] = {}
        self._write({})

    def serve(self, namespace: str) -> None:
        """From now on, this one, too."""
        self._namespaces.add(namespace)

    def sync(self) -> None:
        """Bring listeners, endpoints and names up to date."""
        hosts: dict[str, str] = {}
        ports: dict[tuple[str, int], set[Endpoint]] = {}
        for namespace in self._namespaces:
            services = self._api.items(f"/api/v1/namespaces/{namespace}/services")
            path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
            slices = self._api.items(path)
            for service in services:
                name, address = service["metadata"]["name"], service["spec"].get("clusterIP")
                if address in (None, "None"):  # an ExternalName, a headless one
                    continue
                hosts |= {
                    f"{name}.{namespace}.{end}": address for end in ("svc", "svc.cluster.local")
                }
                own = [one for one in slices if _belongs(one, name)]
                for port in service["spec"]["ports"]:
                    ports[address, port["port"]] = set(_ready(own, port.get("name")))
        self._write(hosts)
        self._listen(ports)

    def _listen(self, ports: dict[tuple[str, int], set[Endpoint]]) -> None:
        for gone in set(self._ports) - set(ports):
            self._ports.pop(gone).stop()
        for (address, number), ready in ports.items():
            if (address, number) not in self._ports:
                self._ports[address, number] = self._listener(address, number)
            self._ports[address, number].set(ready)

    def _listener(self, address: str, number: int) -> ServicePort:
        made = ServicePort()
        try:
            made.start(address, number)
        except OSError as error:
            self.troubles.append(f"Service {address}:{number}: {error}")
        return made

    def _write(self, hosts: dict[str, str]) -> None:
        if hosts != self._known or not self._hosts.exists():
            half = self._hosts.with_suffix(".new")
            half.write_text(json.dumps(hosts))
            half.rename(self._hosts)
            self._known = hosts

    def stop(self) -> None:
        """Listen no more."""
        for one in self._ports.values():
            one.stop()


def _belongs(slice_: Json, service: str) -> bool:
    return bool(slice_["metadata"].get("labels", {}).get("kubernetes.io/service-name") == service)


def _ready(slices: Iterable[Json], port: str | None) -> Iterable[Endpoint]:
    for one in slices:
        numbers = [it["port"] for it in one.get("ports") or () if it.get("name") == port]
        for endpoint in one.get("endpoints") or ():
            if endpoint["conditions"].get("ready"):
                for number in numbers:
                    yield local(endpoint["addresses"][0]), number
