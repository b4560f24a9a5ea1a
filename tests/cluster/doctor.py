"""An installation as the chart makes it, for doctor: real but for its kubelet, which we play.

The chart's objects are applied; their pods are bound to nodes and told to be ready. `podworthy
serve` listens at the Service, with the certificate in the Secret; the controller does not run.
"""

import contextlib
import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from tests.chart.rendering import NAMESPACE, render
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controller import administrator
from tests.cluster.manifests import Json
from tests.cluster.processes import Process, free_port, wait_for
from tests.mounts import Mount
from webhook.cluster import Request
from webhook.cluster.client import STRATEGIC_MERGE, ApiServer
from webhook.controller.certificates import (
    Pair,
    Service,
    key_pem,
    new_authority,
    new_leaf,
    pem,
)
from webhook.doctor.report import Names
from webhook.doctor.rights import Right, rights

SERVICE: Final = Service(NAMESPACE, "podworthy")
SECRET: Final = "podworthy-tls"  # noqa: S105 a name
ACCOUNT: Final = "doctor"
USER: Final = f"system:serviceaccount:default:{ACCOUNT}"
DOCUMENTS: Final = ("podworthy-profiles", "podworthy-exemptions")
NAMES: Final = Names(NAMESPACE, "podworthy", "podworthy", SECRET)
RIGHTS: Final = tuple(rights(NAMES, DOCUMENTS, "podworthy-canary"))
AUDIT_POLICY: Final[Json] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
}
"""What doctor asks for, and nothing else."""

_ROOT = Path(__file__).parents[2]
_NOT_HERE = ("monitoring.coreos.com", "cert-manager.io")
_UNREACHABLE = "239.0.0.{}"
"""A pod's address, as far as the API server minds; whoever connects there is told no at once."""


@dataclass
class Installed:
    """What the tests break, and how doctor sees it."""

    control_plane: ControlPlane
    client: ApiServer
    config: Path
    """Of a service account that has just doctor's rights."""
    doctor: ApiServer
    """The same."""
    mount: Mount
    authority: Pair
    """Whom every caBundle believes."""
    server: list[str | Path]
    """The command that serves."""
    processes: list[Process] = field(default_factory=list)

    def start(self) -> None:
        """The webhook's server, until it listens."""
        log = self.control_plane.directory / "webhook.log"
        process = Process(self.server, log=log, cwd=_ROOT)
        self.processes.append(process)
        process.wait_until(lambda: "Ready" in log.read_text(), seconds=30, what="server")

    def stop(self) -> None:
        """End it."""
        for process in self.processes:
            process.stop()
        self.processes.clear()

    def apply(self, *objects: Json) -> None:
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.control_plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=manifest
        )

    def patch(self, path: str, change: Json) -> None:
        answer = self.client.ask(Request("PATCH", path, change, STRATEGIC_MERGE))
        assert answer.ok, answer.problem

    def get(self, path: str, **query: str) -> Any:
        answer = self.client.ask(Request("GET", path, query=query))
        assert answer.ok, answer.problem
        return answer.body

    def leaf(self, began: datetime) -> Mapping[str, str]:
        """The files of a certificate that was made then."""
        made = new_leaf(self.authority, SERVICE, began)
        return {
            "tls.crt": pem([made.certificate]).decode(),
            "tls.key": key_pem([made.key]).decode(),
        }

    @contextlib.contextmanager
    def serving(self, files: Mapping[str, str]) -> Iterator[None]:
        """With another certificate, which the server takes when it sees it."""
        before = {name: (self.mount.directory / name).read_text() for name in files}
        self.mount.write(files)
        try:
            yield
        finally:
            self.mount.write(before)

    @contextlib.contextmanager
    def labelled(self, namespace: str, profile: str) -> Iterator[None]:
        """A namespace that chooses a profile."""
        path, label = f"/api/v1/namespaces/{namespace}", "podworthy.dev/profile"
        self.patch(path, {"metadata": {"labels": {label: profile}}})
        try:
            yield
        finally:
            self.patch(path, {"metadata": {"labels": {label: None}}})

    def pods(self, component: str) -> list[str]:
        """The names of the pods of one component."""
        selector = f"app.kubernetes.io/component={component}"
        found = self.get(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=selector)
        return [one["metadata"]["name"] for one in found["items"]]

    @contextlib.contextmanager
    def unready(self, name: str) -> Iterator[None]:
        """A pod that its kubelet takes for not ready."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/status"

        def say(status: str) -> None:
            self.patch(path, {"status": {"conditions": [{"type": "Ready", "status": status}]}})

        say("False")
        try:
            yield
        finally:
            say("True")

    def play_kubelet(self, count: int) -> None:
        """Bind so many pods of the installation to nodes, and say that they are ready."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"

        def all_there() -> bool:
            return len(self.get(path)["items"]) == count

        wait_for(all_there, seconds=60, what="pods of the chart")
        for number, one in enumerate(self.get(path)["items"], start=1):
            name = one["metadata"]["name"]
            if not one["spec"].get("nodeName"):
                target = {"apiVersion": "v1", "kind": "Node", "name": f"node-{number}"}
                binding = {"metadata": {"name": name}, "target": target}
                done = self.client.ask(Request("POST", f"{path}/{name}/binding", binding))
                assert done.ok, done.problem
            self.patch(f"{path}/{name}/status", {"status": _ready(_UNREACHABLE.format(number))})


def _ready(address: str) -> Json:
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }


@contextlib.contextmanager
def installation(kubernetes: str, directory: Path) -> Iterator[Installed]:
    """All of it, and all in order."""
    policy = directory / "audit.json"
    policy.write_text(json.dumps(AUDIT_POLICY))
    (directory / "tls").mkdir()
    audit = f"--audit-policy-file={policy}"
    with (
        ControlPlane(kubernetes, apiserver=[audit]) as control_plane,
        contextlib.ExitStack() as stack,
    ):
        mount = Mount(directory / "tls")
        authority = new_authority(SERVICE, datetime.now(UTC))
        client = administrator(control_plane)
        control_plane.create_namespace(NAMESPACE)
        control_plane.kubectl("create", "serviceaccount", ACCOUNT, "--namespace=default")
        config = _kubeconfig(control_plane)
        installed = Installed(
            control_plane, client, config, kubeconfig_client(config), mount, authority, []
        )
        stack.callback(installed.stop)
        _store(installed, installed.leaf(datetime.now(UTC)))
        bundle = b64encode(pem([authority.certificate])).decode()
        port = free_port()
        installed.apply(*_objects(port, bundle), *map(_node, (1, 2, 3)))
        grant(installed, RIGHTS)
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE.name}"
        ip = installed.get(path)["spec"]["clusterIP"]
        tls = directory / "tls"
        installed.server = [
            *(sys.executable, "-m", "webhook", "serve", f"--host={ip}", f"--port={port}"),
            *("--drain=1", f"--cert={tls}/tls.crt", f"--key={tls}/tls.key"),
        ]
        installed.start()
        installed.play_kubelet(3)
        yield installed


def kubeconfig_client(path: Path) -> ApiServer:
    """Whoever a kubeconfig is for."""
    configuration = Configuration()
    load_kube_config(str(path), client_configuration=configuration)
    return ApiServer(configuration)


def _store(installed: Installed, files: Mapping[str, str]) -> None:
    """In the Secret, as the controller would, and in the servers' files."""
    encoded = {key: b64encode(value.encode()).decode() for key, value in files.items()}
    installed.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": NAMESPACE},
            "type": "kubernetes.io/tls",
            "data": encoded,
        }
    )
    installed.mount.write(files)


def _objects(port: int, bundle: str) -> Iterator[Json]:
    """The chart's, on a port that needs no privilege; as the controller has left them."""
    for one in json.loads(json.dumps(render())):
        group = one["apiVersion"].partition("/")[0]
        if "helm.sh/hook" in one["metadata"].get("annotations", {}) or group in _NOT_HERE:
            continue
        if one["kind"] == "Service" and one["metadata"]["name"] == SERVICE.name:
            one["spec"]["ports"][0]["port"] = port
        for webhook in one.get("webhooks", ()):
            webhook["clientConfig"]["service"]["port"] = port
            webhook["clientConfig"]["caBundle"] = bundle
        yield one


def _node(number: int) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{number}"}}


def grant(installed: Installed, granted: tuple[Right, ...]) -> None:
    """Exactly these rights."""
    objects: list[Json] = []
    api = "rbac.authorization.k8s.io"
    for namespace in dict.fromkeys(right.namespace for right in RIGHTS):
        kind = "Role" if namespace else "ClusterRole"
        metadata = {"name": "doctor"} | ({"namespace": namespace} if namespace else {})
        here = [_rule(right) for right in granted if right.namespace == namespace]
        role: Json = {"apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "rules": here}
        objects.append(role)
        objects.append(
            {
                **{key: value for key, value in role.items() if key != "rules"},
                "kind": f"{kind}Binding",
                "roleRef": {"apiGroup": api, "kind": kind, "name": "doctor"},
                "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}],
            }
        )
    installed.apply(*objects)


def _rule(right: Right) -> Json:
    resource = right.resource.plural + (f"/{right.subresource}" if right.subresource else "")
    named: Mapping[str, Any] = {"resourceNames": [right.name]} if right.name else {}
    return {
        "apiGroups": [right.resource.group],
        "resources": [resource],
        "verbs": [right.verb],
        **named,
    }


def _kubeconfig(control_plane: ControlPlane) -> Path:
    token = control_plane.kubectl("create", "token", ACCOUNT, "--namespace=default").stdout.strip()
    config = json.loads(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = control_plane.directory / "doctor.kubeconfig"
    path.write_text(json.dumps(config))
    return path
