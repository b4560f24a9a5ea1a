"""From an object of a built-in kind to the `Workload` that policies see.

Everything that podworthy judges, at whichever door, goes through `read`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec

from webhook.api import ClaimTemplate, Container, Retention, Rollout, Workload
from webhook.errors import MalformedObject
from webhook.review import malformed
from webhook.workload.bounds import (
    MAX_ITEMS,
    MAX_SMALL,
    check_containers,
    check_items,
    check_sizes,
    counted,
)
from webhook.workload.handlers import checked
from webhook.workload.shapes import (
    KIND_GROUPS,
    OBJECT,
    SHAPES,
    DeploymentSpec,
    Metadata,
    OwnerReference,
    PodSpec,
    StatefulSetSpec,
    WireContainer,
)
from webhook.workload.volumes import claim_template, ephemeral_claims, volumes

__all__ = [
    "MAX_ITEMS",
    "MAX_SMALL",
    "OBJECT",
    "Metadata",
    "OwnerReference",
    "Reading",
    "is_known",
    "pod_path",
    "read",
    "read_decoded",
    "same_template",
    "template",
]

MIRROR_ANNOTATION: Final = "kubernetes.io/config.mirror"
"""Set by the kubelet on the API server's copy of a static pod."""


class Reading(msgspec.Struct, frozen=True):
    """A workload, and the metadata that no policy sees."""

    workload: Workload
    metadata: Metadata
    has_pod_metadata: bool
    """Whether the pod or template carries `metadata`, the parent of its annotations."""

    @property
    def is_asked(self) -> bool:
        """False for a mirror pod: to deny it only hides a static pod that runs anyway."""
        return self.workload.kind != "Pod" or MIRROR_ANNOTATION not in self.workload.annotations


_PROBED: Final = frozenset({"container", "sidecar"})
"""Roles of containers that may have probes; the API server forbids them elsewhere."""
_VERSION: Final = re.compile(r"v[0-9]+(?:(?:alpha|beta)[0-9]+)?")


def is_known(api_version: str, kind: str) -> bool:
    """True for a built-in kind that is a pod or carries one, legacy groups included."""
    group, slash, version = api_version.rpartition("/")
    if group not in KIND_GROUPS.get(kind, ()):
        return False
    # the core group has had one version, and no slash
    return bool(_VERSION.fullmatch(version)) if group else not slash and version == "v1"


def pod_path(kind: str) -> str:
    """JSON Pointer to the pod inside an object of a known kind; empty for a Pod."""
    return SHAPES[kind].pod_path


def read(api_version: str, kind: str, raw: bytes, namespace: str | None = None) -> Reading:
    """The workload in the JSON text `raw` of a known kind.

    `namespace` is the request's and wins over the object's own. Raises `MalformedObject` with the
    place where the shape is not Kubernetes'.
    """
    try:
        decoded = SHAPES[kind].decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise malformed(error) from error
    return read_decoded(api_version, kind, decoded, namespace)


def read_decoded(
    api_version: str, kind: str, decoded: Any, namespace: str | None = None
) -> Reading:
    """The same for an object that a review was decoded with, see `OBJECT`."""
    shape = SHAPES[kind]
    metadata: Metadata = decoded.metadata or Metadata()
    pod = shape.pod(decoded)
    spec = pod.spec if pod and pod.spec else PodSpec()
    spec_path = f"{shape.pod_path}/spec"
    check_sizes(spec, spec_path)
    pod_metadata = pod.metadata if pod else None
    found = tuple(volumes(spec.volumes or (), f"{spec_path}/volumes"))
    containers = tuple(_containers(spec, spec_path))
    check_containers(containers)
    workload = Workload(
        api_version=api_version,
        kind=kind,
        namespace=namespace or metadata.namespace or None,
        name=metadata.name or None,
        pod_path=shape.pod_path,
        restart_policy=spec.restart_policy or "Always",
        containers=containers,
        probed=tuple([one for one in containers if one.role in _PROBED]),
        volumes=found,
        pod_annotations=(pod_metadata.annotations or {}) if pod_metadata else {},
        annotations=metadata.annotations or {},
        pod_labels=(pod_metadata.labels or {}) if pod_metadata else {},
        claim_templates=tuple(counted(ephemeral_claims(found))),
    )
    if kind in ("StatefulSet", "Deployment") and decoded.spec:
        workload = msgspec.structs.replace(workload, **_of_kind(decoded.spec, workload))
    return Reading(workload, metadata, pod_metadata is not None)


def _of_kind(spec: StatefulSetSpec | DeploymentSpec, workload: Workload) -> dict[str, Any]:
    """What only some kinds have."""
    replicas = 1 if spec.replicas is None else spec.replicas
    if isinstance(spec, DeploymentSpec):
        return {"replicas": replicas, "rollout": _rollout(spec)}
    retention = spec.persistent_volume_claim_retention_policy
    return {
        "replicas": replicas,
        "service_name": spec.service_name or None,
        "claim_templates": (*counted(_claim_templates(spec)), *workload.claim_templates),
        "retention": Retention(
            (retention and retention.when_deleted) or "Retain",
            (retention and retention.when_scaled) or "Retain",
        ),
    }


def _claim_templates(spec: StatefulSetSpec) -> Iterator[ClaimTemplate]:
    path = "/spec/volumeClaimTemplates"
    templates = spec.volume_claim_templates or ()
    check_items(templates, path)
    for index, template in enumerate(templates):
        yield claim_template(template, f"{path}/{index}")


def _rollout(spec: DeploymentSpec) -> Rollout:
    strategy = spec.strategy
    rolling = strategy.rolling_update if strategy else None
    surge = rolling.max_surge if rolling else None
    kind = (strategy.type if strategy else None) or "RollingUpdate"
    return Rollout(kind) if surge is None else Rollout(kind, surge)


def _containers(spec: PodSpec, spec_path: str) -> Iterable[Container]:
    for index, init in enumerate(spec.init_containers or ()):
        role: Literal["sidecar", "init"] = "sidecar" if init.restart_policy == "Always" else "init"
        yield _view(init, f"{spec_path}/initContainers/{index}", role)
    for index, main in enumerate(spec.containers or ()):
        yield _view(main, f"{spec_path}/containers/{index}", "container")
    for index, ephemeral in enumerate(spec.ephemeral_containers or ()):
        yield _view(ephemeral, f"{spec_path}/ephemeralContainers/{index}", "ephemeral")


def _view(
    wire: WireContainer, path: str, role: Literal["container", "sidecar", "init", "ephemeral"]
) -> Container:
    startup = checked(wire.startup_probe, path, "startup")
    liveness = checked(wire.liveness_probe, path, "liveness")
    readiness = checked(wire.readiness_probe, path, "readiness")
    named = (("startup", startup), ("liveness", liveness), ("readiness", readiness))
    return Container(
        path=path,
        role=role,
        name=wire.name or "",
        image=wire.image or "",
        mounts=wire.volume_mounts or (),
        ports=wire.ports or (),
        startup=startup,
        liveness=liveness,
        readiness=readiness,
        probes=tuple([(name, probe) for name, probe in named if probe is not None]),
    )


def same_template(kind: str, new: bytes, old: bytes) -> bool:
    """True if both JSON objects of a known kind carry an equal pod template.

    Raises `MalformedObject` for a number that no 64-bit float can hold.
    """
    return bool(template(kind, new) == template(kind, old))


def template(kind: str, raw: bytes) -> Any:
    """The pod template in a JSON object of a known kind, as written; None if it has none.

    Raises `MalformedObject` for a number that no 64-bit float can hold.
    """
    try:
        value = msgspec.json.decode(raw)
    except msgspec.ValidationError as error:
        # the place is of no use: it names no keys of mappings
        raise MalformedObject("", str(error).partition(" - at ")[0]) from error
    for key in pod_path(kind).split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value
