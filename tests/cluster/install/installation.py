"""Podworthy as a user installs it: by the chart, with its default names, its pods running."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from tests.chart.rendering import CHART, NAME, NAMESPACE, ROOT, run_helm
from tests.cluster.control_plane import ControlPlane
from tests.cluster.install.person import Person
from tests.cluster.kubelet import Kubelet
from tests.cluster.manifests import denial, handler, pod, workload
from tests.cluster.processes import wait_for

Json = dict[str, Any]

PATIENCE: Final = 90.0
"""Seconds that anything may take on a busy machine."""
USER: Final = "ada"
"""May do in every namespace what the ClusterRole `edit` allows, and nothing else."""
LABEL: Final = "podworthy.dev/profile"
BREAK_GLASS: Final = "podworthy:break-glass"
BAD: Final = pod("web")
"""Without probes, and with a directory of the node."""
BAD["spec"] |= {"volumes": [{"name": "data", "hostPath": {"path": "/srv"}}]}
GOOD: Final = pod("web", livenessProbe=handler(), readinessProbe=handler())
KINDS: Final = ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")
MANIFEST: Final = ROOT / "deploy" / "manifests" / "podworthy.yaml"

HURRIED: Final = """
import sys
from datetime import timedelta
if sys.argv[1] == "controller":
    from webhook.controller import run
    seconds = [timedelta(seconds=it) for it in (1, 10, 2)]
    run.TIMING = run.Timing(*seconds)
    run.PACE = run.Pace(rest=0.5, step=0.05, failed=0.3, longest=1, canary=1)
"""
"""The controller with less patience. The node needs 1 second to bring a new certificate and servers
need 4 to see it, together less than the second number."""


class Installation:
    """A cluster with a node, from `installation`; whatever a test changes it must put back."""

    def __init__(self, plane: ControlPlane, kubelet: Kubelet) -> None:
        self.plane = plane
        self.kubelet = kubelet
        self._user = Person(plane, USER, PATIENCE)

    def helm(self, verb: str, *arguments: str, values: Json | None = None) -> str:
        """What Helm prints for the release; `install` and `upgrade` get the chart and the values.

        HelmError if it fails.
        """
        where = (f"--namespace={NAMESPACE}", f"--timeout={PATIENCE:.0f}s")
        chart = (str(CHART), "--values=-") if verb in ("install", "upgrade") else ()
        command = (verb, NAME, *chart, *arguments, *where)
        config = self.plane.kubeconfig
        return run_helm(*command, stdin=json.dumps(values or {}), kubeconfig=config)

    def own(self, *command: str) -> str:
        """What kubectl prints, asked about podworthy's own namespace by an administrator."""
        return self.plane.kubectl(*command, f"--namespace={NAMESPACE}", timeout=PATIENCE).stdout

    def create(
        self, namespace: str, manifest: Json, *options: str, groups: Sequence[str] = ()
    ) -> str:
        """Create it as the ordinary user; what kubectl says on standard error."""
        command = ("create", f"--namespace={namespace}", "--filename=-", *options)
        stdin = json.dumps(manifest)
        as_group = ["system:authenticated", *groups]
        done = self.plane.kubectl(
            *command, stdin=stdin, check=False, as_user=USER, as_group=as_group
        )
        return done.stderr

    def judged(self, namespace: str, manifest: Json, *, groups: Sequence[str] = ()) -> list[str]:
        """The denial of a dry run by the ordinary user, or another error; empty if it was let
        in."""
        said = self._user.dry_run(namespace, manifest, groups)
        return denial(said) or said.splitlines()

    def names(self, component: str) -> set[str]:
        """The pods of a component, by what the API server says, without those that leave."""
        selector = {"labelSelector": f"app.kubernetes.io/component={component}"}
        pods = self._read(f"/api/v1/namespaces/{NAMESPACE}/pods", selector)["items"]
        metadata = [it["metadata"] for it in pods]
        return {it["name"] for it in metadata if "deletionTimestamp" not in it}

    def until(self, condition: Callable[[], object], what: str, pause: float = 0.3) -> None:
        """Return when it holds; `pause` as in `wait_for`."""
        wait_for(condition, seconds=PATIENCE, what=what, pause=pause)

    def wait_until_rolled_out(self) -> None:
        """Both Deployments are as they are written; old pods may be leaving."""
        for name in (NAME, f"{NAME}-controller"):
            self.until(partial(self._is_rolled_out, name), f"rolled out Deployment {name}")

    def _is_rolled_out(self, name: str) -> bool:
        """As `kubectl rollout status` judges."""
        found = self._read(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
        status, wanted = found["status"], found["spec"]["replicas"]
        counts = [status.get(it, 0) for it in ("updatedReplicas", "replicas", "availableReplicas")]
        is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return is_seen and counts == [wanted] * 3

    def wait_until_left(self) -> None:
        """Nobody is leaving any more, by what the node says."""
        for component in ("server", "controller"):
            self.until(partial(self._has_no_old, component), f"end of an old {component}")

    def _has_no_old(self, component: str) -> bool:
        return {it.name for it in self.kubelet.pods(component)} <= self.names(component)

    def bundles(self) -> set[str]:
        """The different caBundles of all entries; base64, empty if there is none."""
        paths = [f"/apis/admissionregistration.k8s.io/v1/{kind}s/{NAME}" for kind in KINDS]
        webhooks = [it for path in paths for it in self._read(path).get("webhooks", ())]
        return {it["clientConfig"].get("caBundle", "") for it in webhooks}

    def secret(self) -> dict[str, str]:
        """The data of the certificates' Secret, base64; empty if there is none."""
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-tls"
        data: dict[str, str] = self._read(path).get("data", {})
        return data

    def _read(self, path: str, query: Mapping[str, str] = {}) -> Mapping[str, Any]:
        """As an administrator, without the cost of kubectl; empty if it is not there."""
        answer = self.plane.ask("GET", f"{path}?{urlencode(query)}")
        assert answer.ok or answer.status == 404, answer.problem
        return answer.body if answer.ok else {}

    def wait_until_in_order(self) -> None:
        """Everything is ready, and every caBundle is what the Secret says."""
        self.wait_until_rolled_out()
        self.until(lambda: self.bundles() == {self.secret().get("ca.crt")}, "agreement")


@contextlib.contextmanager
def node(plane: ControlPlane, prelude: str = HURRIED) -> Iterator[Installation]:
    """A kubelet for podworthy's namespace, and nothing installed yet; it must have no trouble."""
    with Kubelet(plane, [NAMESPACE], prelude=prelude) as kubelet:
        yield Installation(plane, kubelet)
    assert kubelet.troubles == []


def allow_user(plane: ControlPlane) -> None:
    """Give the ordinary user its rights."""
    bind = ("create", "clusterrolebinding", USER, "--clusterrole=edit", f"--user={USER}")
    plane.kubectl(*bind)


def made(plane: ControlPlane, namespace: str) -> dict[str, Json]:
    """Bad objects, by kind, as the API server keeps them, without what is different each time."""
    plane.create_namespace(namespace)
    found = {}
    for manifest in (BAD, workload("StatefulSet", "web"), workload("Deployment", "web")):
        manifest = json.loads(json.dumps(manifest))
        spec = manifest["spec"].get("template", manifest)["spec"]
        spec["automountServiceAccountToken"] = False  # the volume of a token has a random name
        create = ("create", f"--namespace={namespace}", "--filename=-", "--output=json")
        stdin = json.dumps(manifest)
        kept = json.loads(plane.kubectl(*create, "--show-managed-fields", stdin=stdin).stdout)
        for field in ("namespace", "uid", "creationTimestamp", "resourceVersion"):
            del kept["metadata"][field]
        for entry in kept["metadata"]["managedFields"]:
            del entry["time"]
        found[manifest["kind"]] = kept
    plane.kubectl("delete", "namespace", "--wait=false", namespace)
    return found
