"""Register a webhook server with a control plane, by the template that the chart uses, too.

First `create_service` gives the address on which the server must listen, then `register`, and
`wait_until_enforced` when the server runs.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import wait_for

NAMESPACE = "podworthy-system"
SERVICE = "podworthy"
LABEL = "podworthy.dev/profile"
BREAK_GLASS = "podworthy:break-glass"
TEMPLATE = Path(__file__).parents[2] / "deploy/chart/files/registration.yaml"

_SUBSTITUTION = re.compile(r"\{\{ \.(\w+) \}\}")
_EXCLUDED = ("kube-system", "kube-node-lease")

# Anything else that it lacks is the API server's to refuse, so it is a valid pod.
_BAD_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "podworthy-is-it-enforced"},
    "spec": {
        "containers": [{"name": "bad", "image": "bad"}],
        "volumes": [{"name": "bad", "hostPath": {"path": "/bad"}}],
    },
}


def create_service(
    control_plane: ControlPlane, port: int, *, namespace: str = NAMESPACE, service: str = SERVICE
) -> str:
    """Namespace and Service, if they are not there yet; returns the ClusterIP to listen on."""
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "namespace": namespace},
            "spec": {"ports": [{"name": "https", "port": port}]},
        },
    ]
    for manifest in objects:
        _apply(control_plane, json.dumps(manifest))
    query = ("get", "service", service, f"--namespace={namespace}", "--output=json")
    return str(json.loads(control_plane.kubectl(*query).stdout)["spec"]["clusterIP"])


def register(
    control_plane: ControlPlane,
    *,
    ca_pem: bytes,
    port: int,
    profiles: Mapping[str, str],
    default: str,
    namespace: str = NAMESPACE,
    service: str = SERVICE,
) -> str:
    """Both configurations of each profile; returns the ClusterIP, see `create_service`.

    `profiles` maps a name to its failurePolicy; `default` names the one for namespaces that choose
    no other. Registering again replaces.
    """
    ip = create_service(control_plane, port, namespace=namespace, service=service)
    for profile, failure_policy in profiles.items():
        values = {
            "profile": profile,
            "failurePolicy": failure_policy,
            "chosenBy": json.dumps(_chosen_by(profile, profiles, default)),
            "excludedNamespaces": json.dumps([*_EXCLUDED, namespace]),
            "breakGlassGroup": BREAK_GLASS,
            "namespace": namespace,
            "service": service,
            "port": str(port),
            "caBundle": b64encode(ca_pem).decode(),
        }
        _apply(control_plane, render(values))
    return ip


def render(values: Mapping[str, str]) -> str:
    """The template, filled; KeyError if it wants a value that is not there."""
    return _SUBSTITUTION.sub(lambda match: values[match[1]], TEMPLATE.read_text())


def wait_until_enforced(
    control_plane: ControlPlane, default: str, *, namespace: str = "default", seconds: float = 30
) -> None:
    """Returns once a bad pod in `namespace` (of the default profile) is denied by our webhook.

    The API server learns of a registration a little later. TimeoutError has its last answer.
    """
    last = ""

    def is_denied() -> bool:
        nonlocal last
        create = ("create", "--dry-run=server", f"--namespace={namespace}", "--filename=-")
        last = control_plane.kubectl(*create, stdin=json.dumps(_BAD_POD), check=False).stderr
        return f'"pods.{default}.podworthy.dev" denied' in last and _asks_to_fill(
            control_plane, default
        )

    try:
        wait_for(is_denied, seconds=seconds, what="denial of a bad pod")
    except TimeoutError as error:
        error.add_note(f"last answer: {last}")
        raise


def _chosen_by(profile: str, profiles: Mapping[str, str], default: str) -> dict[str, object]:
    """The default also takes namespaces without the label, and with one that nobody knows."""
    if profile != default:
        return {"key": LABEL, "operator": "In", "values": [profile]}
    others = sorted(set(profiles) - {default})
    if not others:  # NotIn wants at least one value; every namespace has this label
        return {"key": "kubernetes.io/metadata.name", "operator": "Exists"}
    return {"key": LABEL, "operator": "NotIn", "values": others}


def _asks_to_fill(control_plane: ControlPlane, default: str) -> bool:
    """Mutating webhooks are learnt of separately; that one was called shows in the metrics."""
    metrics = control_plane.kubectl("get", "--raw=/metrics").stdout
    name = f'name="fill.{default}.podworthy.dev"'
    lines = metrics.splitlines()
    return any("webhook_request_total" in line and name in line for line in lines)


def _apply(control_plane: ControlPlane, manifest: str) -> None:
    control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=manifest
    )
