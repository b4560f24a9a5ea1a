"""An installation that the controller keeps in order, on a real API server.

The controller runs as a process, as a service account that has exactly its rights; the servers'
Secret is brought to files as a kubelet would bring it.
"""

import contextlib
import json
import re
import sys
import threading
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, handler, pod
from tests.cluster.processes import Process
from tests.mounts import Mount
from webhook.cluster import Request
from webhook.cluster.client import ApiServer
from webhook.controller.access import Rule, rules
from webhook.controller.certificates import Service
from webhook.controller.reading import Subject

SERVICE = Service("podworthy-system", "podworthy")
SECRET = "podworthy-tls"  # noqa: S105 a name
CONFIGURATION = "podworthy-strict"
SUBJECT = Subject("self", SERVICE, SECRET, (CONFIGURATION,))
GUARDED = "guarded"
"""The namespace whose pods the webhook judges, canaries among them."""
ACCOUNT = "podworthy-controller"
USER = f"system:serviceaccount:{SERVICE.namespace}:{ACCOUNT}"

_ROOT = Path(__file__).parents[2]
_HURRIED = """
from datetime import timedelta
from webhook.cli import main
from webhook.controller import run
run.TIMING = run.Timing(timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=2))
run.PACE = run.Pace(rest=0.3, step=0.05, failed=0.3, longest=1, canary=0.3)
main()
"""
"""The same controller, with less patience than servers and API servers of a real cluster need."""

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
}
"""What the controller asks for, and nothing else."""


def administrator(control_plane: ControlPlane) -> ApiServer:
    """A client that may do anything."""
    configuration = Configuration()
    load_kube_config(str(control_plane.kubeconfig), client_configuration=configuration)
    return ApiServer(configuration)


def grant(
    control_plane: ControlPlane,
    granted: Sequence[Rule] = (*rules(SUBJECT, GUARDED),),
    namespace: str = SERVICE.namespace,
) -> None:
    """The service account of a namespace, with these rights."""
    account = {"name": ACCOUNT, "namespace": namespace}
    objects: list[Json] = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}]
    for place in {rule.namespace for rule in granted}:
        kind = "Role" if place else "ClusterRole"
        metadata = {"name": ACCOUNT} | ({"namespace": place} if place else {})
        api = "rbac.authorization.k8s.io"
        here = [_rbac(rule) for rule in granted if rule.namespace == place]
        role = {"apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "rules": here}
        binding = {
            **role,
            "kind": f"{kind}Binding",
            "roleRef": {"apiGroup": api, "kind": kind, "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", **account}],
        }
        del binding["rules"]
        objects += [role, binding]
    manifest = {"apiVersion": "v1", "kind": "List", "items": objects}
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))


def _rbac(rule: Rule) -> Json:
    names = {"resourceNames": list(rule.names)} if rule.names else {}
    return {
        "apiGroups": [rule.group],
        "resources": [rule.resource],
        "verbs": list(rule.verbs),
        **names,
    }


def kubeconfig(control_plane: ControlPlane, namespace: str = SERVICE.namespace) -> Path:
    """As the service account."""
    token = control_plane.kubectl(
        "create", "token", ACCOUNT, f"--namespace={namespace}"
    ).stdout.strip()
    config = json.loads(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = control_plane.directory / "controller.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@dataclass
class Running:
    """A controller's process."""

    process: Process

    @property
    def log(self) -> str:
        return self.process.log.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"^Ready: (http://\S+) ", self.log, re.M)
        assert found, self.log
        return found[1]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its pages."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 http
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.M)
        assert found, name
        return float(found[1])

    def wait_until_ready(self) -> None:
        """All certificates are in order, and the canary is denied."""

        def ready() -> bool:
            return self.get("/readyz")[0] == 200 and self.metric("podworthy_enforcing") == 1

        self.process.wait_until(ready, seconds=20, what="readiness")


@contextlib.contextmanager
def running_controller(
    control_plane: ControlPlane, config: Path, *, hurried: bool = True
) -> Iterator[Running]:
    """`podworthy controller`, listening."""
    program = ["-c", _HURRIED] if hurried else ["-m", "webhook"]
    process = Process(
        [sys.executable, *program, "controller", "--host=127.0.0.1", "--port=0"],
        log=control_plane.directory / "controller.log",
        cwd=_ROOT,
        environment={
            "KUBECONFIG": str(config),
            "PODWORTHY_NAMESPACE": SERVICE.namespace,
            "PODWORTHY_CONFIGURATION": CONFIGURATION,
            "PODWORTHY_CANARY_NAMESPACE": GUARDED,
            "HOME": str(control_plane.directory),
        },
    )
    running = Running(process)
    try:
        process.wait_until(lambda: "Ready: " in running.log, seconds=20, what="controller")
        yield running
    finally:
        process.stop()


SECRETS = f"/api/v1/namespaces/{SERVICE.namespace}/secrets"


class Kubelet:
    """Brings the Secret to files, as the volume of a pod: `tls.crt` and `tls.key` alone."""

    def __init__(self, client: ApiServer, directory: Path) -> None:
        self._client = client
        self._mount = Mount(directory)
        self._last: Mapping[str, bytes] = {}

    def sync(self) -> Mapping[str, bytes]:
        """Once; what stands in the Secret, nothing if there is none."""
        answer = self._client.ask(Request("GET", f"{SECRETS}/{SECRET}"))
        data = answer.body.get("data", {}) if answer.ok else {}
        content = {key: b64decode(data[key]) for key in ("tls.crt", "tls.key") if key in data}
        if content and content != self._last:
            texts = {key: value.decode("utf-8", "replace") for key, value in content.items()}
            self._mount.write(texts)
            self._last = content
        return {key: b64decode(value) for key, value in data.items()}


@dataclass
class Creators:
    """Dry-run creates of a good pod, without a pause, until the end of the `with` block."""

    control_plane: ControlPlane
    failures: list[str] = field(default_factory=list)
    done: int = 0

    def __enter__(self) -> "Creators":
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self) -> None:
        client = administrator(self.control_plane)
        body: dict[str, Any] = pod("web", livenessProbe=handler(), readinessProbe=handler())
        path = f"/api/v1/namespaces/{GUARDED}/pods"
        while not self._stop.is_set():
            answer = client.ask(Request("POST", path, body, query={"dryRun": "All"}))
            self.done += 1
            if not answer.ok:
                self.failures.append(answer.problem)
