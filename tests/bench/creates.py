"""End to end: pods created through a real API server, by what stands in their way.

Everything is registered at the same time; each namespace has one of it, so the variants can take
turns without any change to the cluster.
"""

import json
import statistics
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec

from tests.bench import servers
from tests.bench.binaries import Programs
from tests.bench.machine import Cores
from tests.bench.reviews import pod
from tests.bench.servers import PROFILE, Files, Server
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
CREATORS: Final = 16
_WARM_UP: Final = 0.5  # seconds
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
    f"object.spec.containers.all(c, {_PROBED}) && (!has(object.spec.initContainers) || "
    "object.spec.initContainers.all(c, !has(c.restartPolicy) || c.restartPolicy != 'Always' || "
    f"({_PROBED})))",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, "
    + " || ".join(f"has(v.{source})" for source in _ALLOWED)
    + ")",
)


class Sample(msgspec.Struct, frozen=True, rename="camel"):
    """One variant, for a while."""

    variant: str
    round: int
    creates_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU of the webhook server for each create, in microseconds."""
    failed: int
    error: str


def measure(programs: Programs, cores: Cores, seconds: float, rounds: int) -> list[Sample]:
    """Every variant, so many times in turn."""
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane())
        for variant in VARIANTS:
            labels = {LABEL: PROFILE} if variant == "a-fill" else {}
            plane.create_namespace(_namespace(variant), labels)
        running = {
            which: stack.enter_context(_registered(which, plane, programs, cores))
            for which in ("d", "a")
        }
        running["a-fill"] = running["a"]
        _apply(plane, *_policy())
        for variant in VARIANTS:
            _wait_until_enforced(plane, variant)
        return list(_samples(plane, programs, running, seconds, rounds))


def median(samples: Iterable[Sample], variant: str, field: str) -> float:
    """Of all rounds."""
    return statistics.median(_by_round(samples, variant, field).values())


def added(samples: Iterable[Sample], variant: str, field: str) -> float:
    """The median of what the variant has more than no webhook in the same round."""
    samples = tuple(samples)
    bare = _by_round(samples, "none", field)
    mine = _by_round(samples, variant, field)
    return statistics.median(mine[number] - bare[number] for number in mine)


def ratio(samples: Iterable[Sample], one: str, other: str, field: str) -> float:
    """The median of the rounds' ratios of two variants."""
    samples = tuple(samples)
    upper, lower = _by_round(samples, one, field), _by_round(samples, other, field)
    return statistics.median(upper[number] / lower[number] for number in upper)


def _by_round(samples: Iterable[Sample], variant: str, field: str) -> dict[int, float]:
    return {one.round: getattr(one, field) for one in samples if one.variant == variant}


def _samples(
    plane: ControlPlane,
    programs: Programs,
    running: Mapping[str, Server],
    seconds: float,
    rounds: int,
) -> Iterator[Sample]:
    pems = _administrator(plane)
    body = plane.directory / "bench-pod.json"
    body.write_text(json.dumps(pod()))
    for number in range(rounds):
        for variant in VARIANTS:
            server = running.get(variant)
            before = server.cpu_seconds() if server else 0.0
            answers = servers.ask(
                programs,
                f"{plane.server}/api/v1/namespaces/{_namespace(variant)}/pods",
                *("-ca", pems.ca, "-cert", pems.certificate, "-key", pems.key),
                *("-body", body, "-status=201"),
                core=None,
                connections=CREATORS,
                warm_up=_WARM_UP,
                seconds=seconds,
            )
            spent = server.cpu_seconds() - before if server else 0.0
            yield Sample(
                variant=variant,
                round=number,
                creates_per_second=answers.requests / answers.seconds,
                p50_ms=answers.p50,
                p99_ms=answers.p99,
                cpu_us=spent / max(1, answers.total) * 1e6,
                failed=answers.failed,
                error=answers.error,
            )


def _namespace(variant: str) -> str:
    return f"bench-{variant}"


@contextmanager
def _registered(
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
        "metadata": {"name": _namespace(variant)},
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
    """The two rules as the API server's own, and where they hold."""
    name = {"name": _namespace("policy")}
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
    return {"matchLabels": {"kubernetes.io/metadata.name": _namespace(variant)}}


def _wait_until_enforced(plane: ControlPlane, variant: str) -> None:
    """Returns once a bad pod is denied: the API server learns of a registration a little later."""
    if variant == "none":
        return
    if variant == "a-fill":
        registration.wait_until_enforced(plane, PROFILE, namespace=_namespace(variant))
        return
    bad = pod()
    del bad["spec"]["containers"][0]["livenessProbe"]
    create = ("create", "--dry-run=server", f"--namespace={_namespace(variant)}", "--filename=-")
    wait_for(
        lambda: "denied" in plane.kubectl(*create, stdin=json.dumps(bad), check=False).stderr,
        seconds=_PATIENCE,
        what=f"denial of a bad pod by {VARIANTS[variant]}",
    )


def _administrator(plane: ControlPlane) -> Files:
    """The kubeconfig's certificates as files."""
    config = json.loads(plane.kubeconfig.read_text())
    user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
    made = Files.named(plane.directory, "administrator")
    made.ca.write_bytes(b64decode(cluster["certificate-authority-data"]))
    made.certificate.write_bytes(b64decode(user["client-certificate-data"]))
    made.key.write_bytes(b64decode(user["client-key-data"]))
    return made


def _apply(plane: ControlPlane, *manifests: Json) -> None:
    for manifest in manifests:
        plane.kubectl("create", "--filename=-", stdin=json.dumps(manifest))
