"""What can stand in the way of a pod: a namespace for each, all enforced at the same time."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.bench import servers
from tests.bench.binaries import Programs
from tests.bench.machine import Cores
from tests.bench.reviews import pod
from tests.bench.servers import PROFILE, Server
from tests.cluster import registration
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import free_port, wait_for
from tests.cluster.registration import LABEL, create_service, register

VARIANTS: Final[Mapping[str, str]] = {
    "none": "no webhook",
    "policy": "a ValidatingAdmissionPolicy of the two rules",
    "d": "(d) the Go webhook with the two rules",
    "a": f"(a) podworthy, all checks of {PROFILE}",
    "a-fill": "(a) podworthy as registered: fill, then check",
}
_PATIENCE: Final = 30  # seconds
_SYSTEM: Final = "bench-system"

Json = dict[str, Any]

_POD_CREATES: Final = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "resources": ["pods"],
    "operations": ["CREATE"],
    "scope": "Namespaced",
}

_ALLOWED: Final = (
    *("persistentVolumeClaim", "ephemeral", "emptyDir", "configMap", "secret", "downwardAPI"),
    *("projected", "image"),
)
_PROBED: Final = "has(c.livenessProbe) && has(c.readinessProbe)"
_RULES: Final = (
    f"object.spec.restartPolicy != 'Always' || object.spec.containers.all(c, {_PROBED}) && "
    "(!has(object.spec.initContainers) || object.spec.initContainers.all(c, "
    f"!has(c.restartPolicy) || c.restartPolicy != 'Always' || ({_PROBED})))",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, "
    + " || ".join(f"has(v.{source})" for source in _ALLOWED)
    + ")",
)


def namespace(variant: str) -> str:
    """The name of the one that has this variant."""
    return f"bench-{variant}"


def create_namespace(plane: ControlPlane, variant: str) -> None:
    """Create it; the chart's registration goes by a label."""
    plane.create_namespace(namespace(variant), {LABEL: PROFILE} if variant == "a-fill" else {})


def add_policy(plane: ControlPlane) -> None:
    """The two rules in the API server itself."""
    _apply(plane, *_policy())


@contextmanager
def registered(
    which: str, plane: ControlPlane, programs: Programs, cores: Cores
) -> Iterator[Server]:
    """A server behind a Service, and the API server told of it."""
    service, port = f"bench-{which}", free_port()
    ip = create_service(plane, port, namespace=_SYSTEM, service=service)
    pems = servers.files(plane.directory, f"{service}.{_SYSTEM}.svc", ip)
    with servers.serving(which, programs, pems, cores.server, ip, port) as server:
        ca_pem = pems.ca.read_bytes()
        path = "/validate" if which == "d" else f"/validate/{PROFILE}"
        reference = {"namespace": _SYSTEM, "name": service, "port": port, "path": path}
        _apply(plane, _checks(which, reference, ca_pem))
        if which == "a":
            register(
                plane,
                ca_pem=ca_pem,
                port=port,
                profiles={PROFILE: "Fail"},
                default="baseline",  # so that only namespaces with the label are asked about
                namespace=_SYSTEM,
                service=service,
            )
        yield server


def _checks(variant: str, service: Json, ca_pem: bytes) -> Json:
    """Like the chart's entry for pods, for one namespace."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace(variant)},
        "webhooks": [
            {
                "name": f"{variant}.bench.podworthy.dev",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": service, "caBundle": b64encode(ca_pem).decode()},
                "failurePolicy": "Fail",
                "namespaceSelector": _only(variant),
                "rules": [_POD_CREATES],
                "sideEffects": "None",
                "timeoutSeconds": 3,
            }
        ],
    }


def _policy() -> tuple[Json, Json]:
    """The policy, and where it holds."""
    name = {"name": namespace("policy")}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": name}
    constraints = {"resourceRules": [_POD_CREATES]}
    validations = [{"expression": rule} for rule in _RULES]
    return (
        head
        | {
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": constraints,
                "validations": validations,
            },
        },
        head
        | {
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {
                "policyName": name["name"],
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": _only("policy")},
            },
        },
    )


def _only(variant: str) -> Json:
    return {"matchLabels": {"kubernetes.io/metadata.name": namespace(variant)}}


def wait_until_enforced(plane: ControlPlane, variant: str) -> None:
    """Returns once a bad pod is denied: the API server learns of a registration a little later."""
    if variant == "none":
        return
    if variant == "a-fill":
        registration.wait_until_enforced(plane, PROFILE, namespace=namespace(variant))
        return
    bad = pod()
    del bad["spec"]["containers"][0]["livenessProbe"]
    create = ("create", "--dry-run=server", f"--namespace={namespace(variant)}", "--filename=-")
    wait_for(
        lambda: "denied" in plane.kubectl(*create, stdin=json.dumps(bad), check=False).stderr,
        seconds=_PATIENCE,
        what=f"denial of a bad pod by {VARIANTS[variant]}",
    )


def _apply(plane: ControlPlane, *manifests: Json) -> None:
    for manifest in manifests:
        plane.kubectl("create", "--filename=-", stdin=json.dumps(manifest))
