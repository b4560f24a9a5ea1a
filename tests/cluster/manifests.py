"""Small manifests for tests on a real API server, and what comes back from it."""

import json
from typing import Any

from tests.cluster.control_plane import ControlPlane

Json = dict[str, Any]


def handler(port: int = 80, **timings: int) -> Json:
    """An HTTP probe with only these timings written."""
    return {"httpGet": {"port": port}, **timings}


def pod(name: str, *, annotations: Json | None = None, **probes: Json) -> Json:
    """A pod with one container `web` and the given livenessProbe and readinessProbe."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.29", **probes}]},
    }


def workload(kind: str, name: str, *, annotations: Json | None = None, **probes: Json) -> Json:
    """A StatefulSet or Deployment of one replica; `annotations` stand on its template."""
    labels = {"app": name}
    template = pod(name, annotations=annotations, **probes)
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": template["spec"],
            },
        },
    }


def send(
    cluster: ControlPlane, namespace: str, manifest: Json, *how: str, check: bool = True
) -> str:
    """Give a manifest to kubectl, `how` being e.g. `("apply", "--server-side")`; its stderr."""
    command = (*how, f"--namespace={namespace}", "--filename=-")
    return cluster.kubectl(*command, stdin=json.dumps(manifest), check=check).stderr


def get(cluster: ControlPlane, namespace: str, *what: str) -> Json:
    """An object, or a list of them, as it is stored."""
    command = ("get", *what, f"--namespace={namespace}", "--output=json")
    found: Json = json.loads(cluster.kubectl(*command).stdout)
    return found


def timings(pod: Json, probe: str) -> Json:
    """The timings of the first container of a pod or template."""
    found = pod["spec"]["containers"][0][f"{probe}Probe"]
    return {field: value for field, value in found.items() if field.endswith(("Seconds", "shold"))}


def denial(stderr: str) -> list[str]:
    """The lines of podworthy's message in what kubectl printed; empty if it did not deny."""
    return stderr.partition("denied the request: ")[2].splitlines()


API_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
LIVENESS_FILLED = API_DEFAULTS | {"timeoutSeconds": 3, "failureThreshold": 6}
READINESS_FILLED = API_DEFAULTS | {"timeoutSeconds": 3}
