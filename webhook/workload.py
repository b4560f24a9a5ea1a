"""From an object of a built-in kind to the `Workload` that policies see.

One table says where each kind keeps its pod. Everything that podworthy judges, at whichever door,
goes through `read`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import msgspec

from webhook.api import Container, Mount, Probe, Volume, Workload
from webhook.errors import MalformedObject
from webhook.review import malformed

KIND_GROUPS: Final[dict[str, frozenset[str]]] = {
    "Pod": frozenset({""}),
    "PodTemplate": frozenset({""}),
    "ReplicationController": frozenset({""}),
    "StatefulSet": frozenset({"apps"}),
    "Deployment": frozenset({"apps", "extensions"}),
    "DaemonSet": frozenset({"apps", "extensions"}),
    "ReplicaSet": frozenset({"apps", "extensions"}),
    "Job": frozenset({"batch", "extensions"}),
    "CronJob": frozenset({"batch"}),
}
"""The API groups in which a kind is Kubernetes' own; `extensions` is where some began."""

KNOWN_SOURCES: Final = frozenset(
    {
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi",
        "downwardAPI", "emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk",
        "gitRepo", "glusterfs", "hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim",
        "photonPersistentDisk", "portworxVolume", "projected", "quobyte", "rbd", "scaleIO",
        "secret", "storageos", "vsphereVolume",
    }
)  # fmt: skip
"""`VolumeSource` of k8s.io/api core/v1 1.36: all of them are objects."""

_SOURCE_STRINGS: Final = {"csi": ("driver",), "hostPath": ("path",)}

MAX_ITEMS: Final = 1000
"""Containers or volumes of one list: more than a kubelet runs, few enough to judge at once."""

MIRROR_ANNOTATION: Final = "kubernetes.io/config.mirror"
"""Set by the kubelet on the API server's copy of a static pod."""


class Metadata(msgspec.Struct, rename="camel"):
    """What is read of an object's `metadata`; managedFields stay raw until evidence is needed."""

    name: str | None = None
    namespace: str | None = None
    generate_name: str | None = None
    annotations: dict[str, Any] | None = None
    deletion_timestamp: str | None = None
    managed_fields: msgspec.Raw = msgspec.Raw(b"null")


class _TemplateMetadata(msgspec.Struct):
    annotations: dict[str, Any] | None = None


class _Container(msgspec.Struct, rename="camel"):
    name: str | None = None
    image: str | None = None
    restart_policy: str | None = None
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    volume_mounts: list[Mount] | None = None


class _PodSpec(msgspec.Struct, rename="camel"):
    restart_policy: str | None = None
    init_containers: list[_Container] | None = None
    containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None
    volumes: list[dict[str, Any]] | None = None


class _Template(msgspec.Struct):
    metadata: _TemplateMetadata | None = None
    spec: _PodSpec | None = None


class _Pod(msgspec.Struct):
    metadata: Metadata | None = None
    spec: _PodSpec | None = None


class _PodTemplate(msgspec.Struct):
    metadata: Metadata | None = None
    template: _Template | None = None


class _TemplateSpec(msgspec.Struct):
    template: _Template | None = None


class _Templated(msgspec.Struct):
    metadata: Metadata | None = None
    spec: _TemplateSpec | None = None


class _JobTemplate(msgspec.Struct):
    spec: _TemplateSpec | None = None


class _CronJobSpec(msgspec.Struct, rename="camel"):
    job_template: _JobTemplate | None = None


class _CronJob(msgspec.Struct):
    metadata: Metadata | None = None
    spec: _CronJobSpec | None = None


def _cron_job_template(job: _CronJob) -> _Template | None:
    template = job.spec.job_template if job.spec else None
    return template.spec.template if template and template.spec else None


class _Shape(msgspec.Struct, frozen=True):
    """How one kind is decoded, and where its pod stands."""

    decoder: msgspec.json.Decoder[Any]
    pod_path: str
    pod: Callable[[Any], _Template | _Pod | None]


_TEMPLATED = _Shape(
    msgspec.json.Decoder(_Templated),
    "/spec/template",
    lambda o: o.spec.template if o.spec else None,
)
_SHAPES: dict[str, _Shape] = dict.fromkeys(KIND_GROUPS, _TEMPLATED) | {
    "Pod": _Shape(msgspec.json.Decoder(_Pod), "", lambda o: o),
    "PodTemplate": _Shape(msgspec.json.Decoder(_PodTemplate), "/template", lambda o: o.template),
    "CronJob": _Shape(
        msgspec.json.Decoder(_CronJob), "/spec/jobTemplate/spec/template", _cron_job_template
    ),
}


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
    return _SHAPES[kind].pod_path


def read(api_version: str, kind: str, raw: bytes, namespace: str | None = None) -> Reading:
    """The workload in the JSON text `raw` of a known kind.

    `namespace` is the request's and wins over the object's own. Raises `MalformedObject` with the
    place where the shape is not Kubernetes'.
    """
    shape = _SHAPES[kind]
    try:
        decoded = shape.decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise malformed(error) from error
    metadata: Metadata = decoded.metadata or Metadata()
    pod = shape.pod(decoded)
    spec = pod.spec if pod and pod.spec else _PodSpec()
    _check_sizes(spec, f"{shape.pod_path}/spec")
    annotations = metadata.annotations or {}
    pod_metadata = pod.metadata if pod else None
    spec_path = f"{shape.pod_path}/spec"
    workload = Workload(
        api_version=api_version,
        kind=kind,
        namespace=namespace or metadata.namespace or None,
        name=metadata.name or None,
        pod_path=shape.pod_path,
        restart_policy=spec.restart_policy or "Always",
        containers=tuple(_containers(spec, spec_path)),
        volumes=tuple(_volumes(spec.volumes or (), f"{spec_path}/volumes")),
        pod_annotations=(pod_metadata.annotations or {}) if pod_metadata else {},
        annotations=annotations,
    )
    return Reading(workload, metadata, pod_metadata is not None)


def _check_sizes(spec: _PodSpec, spec_path: str) -> None:
    for name, items in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
        ("ephemeralContainers", spec.ephemeral_containers),
        ("volumes", spec.volumes),
    ):
        if items and len(items) > MAX_ITEMS:
            raise MalformedObject(f"{spec_path}/{name}", f"more than {MAX_ITEMS} items")


def _containers(spec: _PodSpec, spec_path: str) -> Iterable[Container]:
    for index, init in enumerate(spec.init_containers or ()):
        role: Literal["sidecar", "init"] = "sidecar" if init.restart_policy == "Always" else "init"
        yield _view(init, f"{spec_path}/initContainers/{index}", role)
    for index, main in enumerate(spec.containers or ()):
        yield _view(main, f"{spec_path}/containers/{index}", "container")
    for index, ephemeral in enumerate(spec.ephemeral_containers or ()):
        yield _view(ephemeral, f"{spec_path}/ephemeralContainers/{index}", "ephemeral")


def _view(
    wire: _Container, path: str, role: Literal["container", "sidecar", "init", "ephemeral"]
) -> Container:
    return Container(
        path=path,
        role=role,
        name=wire.name or "",
        image=wire.image or "",
        mounts=tuple(wire.volume_mounts or ()),
        startup=wire.startup_probe,
        liveness=wire.liveness_probe,
        readiness=wire.readiness_probe,
    )


def _volumes(volumes: Iterable[dict[str, Any]], path: str) -> Iterable[Volume]:
    for index, volume in enumerate(volumes):
        here = f"{path}/{index}"
        sources = {k: v for k, v in volume.items() if v is not None and k != "name"}
        for key, value in sources.items():
            if key in KNOWN_SOURCES:
                _check_source(value, key, f"{here}/{key}")
        name = volume.get("name")
        if not isinstance(name, str | None):
            raise MalformedObject(f"{here}/name", "expected a string")
        yield Volume(here, name or "", sources)


def _check_source(value: Any, key: str, here: str) -> None:
    """A source stays a raw mapping; what policies read in it has Kubernetes' type nevertheless."""
    if not isinstance(value, dict):
        raise MalformedObject(here, "expected a mapping")
    for field in _SOURCE_STRINGS.get(key, ()):
        if not isinstance(value.get(field), str | None):
            raise MalformedObject(f"{here}/{field}", "expected a string")


def same_template(kind: str, new: bytes, old: bytes) -> bool:
    """True if both JSON objects of a known kind carry an equal pod template."""
    return bool(_template(kind, new) == _template(kind, old))


def _template(kind: str, raw: bytes) -> Any:
    value = msgspec.json.decode(raw)
    for key in pod_path(kind).split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value
