"""From an object on the wire to what a policy sees of it: claims, volumes, classes, Services."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from webhook.api import Claim, PersistentVolume, Service, StorageClass
from webhook.errors import MalformedObject
from webhook.review import malformed
from webhook.workload.claims import WireClaimSpec, claim_spec, quantity, storage_class, strings

API_VERSIONS: Final = {
    "PersistentVolumeClaim": ("v1",),
    "PersistentVolume": ("v1",),
    "StorageClass": ("storage.k8s.io/v1", "storage.k8s.io/v1beta1"),
    "Service": ("v1",),
}
"""The kinds that policies may ask about, and as what Kubernetes has served them."""

_NAMESPACED: Final = ("PersistentVolumeClaim", "Service")

PV_SOURCES: Final = frozenset(
    {
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc",
        "flexVolume", "flocker", "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local",
        "nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
        "vsphereVolume",
    }
)  # fmt: skip
"""`PersistentVolumeSource` of k8s.io/api core/v1 1.37."""

_DEFAULT_CLASS: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
"""Either, if `true`, makes a class the default (pkg/volume/util `IsDefaultAnnotation`)."""


class Fragment(msgspec.Struct, frozen=True):
    """An object that lacks what Kubernetes would demand: a patch for one that is elsewhere."""

    kind: str
    namespace: str | None
    name: str


Object = Claim | PersistentVolume | StorageClass | Service | Fragment


class _Metadata(msgspec.Struct, rename="camel"):
    name: str | None = None
    namespace: str | None = None
    labels: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class _Status(msgspec.Struct):
    phase: str | None = None


class _Claim(msgspec.Struct):
    metadata: _Metadata | None = None
    spec: WireClaimSpec | None = None
    status: _Status | None = None


class _Reference(msgspec.Struct):
    namespace: str | None = None
    name: str | None = None


class _VolumeSpec(msgspec.Struct, rename="camel"):
    capacity: dict[str, Any] | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    access_modes: list[str] | None = None
    claim_ref: _Reference | None = None
    node_affinity: dict[str, Any] | None = None
    volume_attributes_class_name: str | None = None


class _Volume(msgspec.Struct):
    metadata: _Metadata | None = None
    spec: dict[str, Any] | None = None
    status: _Status | None = None


class _Class(msgspec.Struct, rename="camel"):
    metadata: _Metadata | None = None
    provisioner: str | None = None
    volume_binding_mode: str | None = None


class _ServiceSpec(msgspec.Struct, rename="camel"):
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    type: str | None = None
    ports: list[Any] | None = None
    selector: dict[str, Any] | None = None


class _Service(msgspec.Struct):
    metadata: _Metadata | None = None
    spec: _ServiceSpec | None = None


_DECODERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    "PersistentVolumeClaim": msgspec.json.Decoder(_Claim),
    "PersistentVolume": msgspec.json.Decoder(_Volume),
    "StorageClass": msgspec.json.Decoder(_Class),
    "Service": msgspec.json.Decoder(_Service),
}


def is_known(api_version: str, kind: str) -> bool:
    """True for an object that policies may ask about."""
    return api_version in API_VERSIONS.get(kind, ())


def read(kind: str, raw: bytes, namespace: str | None = None) -> Object:
    """The object of a known kind in the JSON text `raw`.

    `namespace`, if given, wins over the object's own. Raises `MalformedObject` with the place where
    the shape is not Kubernetes'.
    """
    try:
        wire = _DECODERS[kind].decode(raw)
    except msgspec.ValidationError as error:
        raise malformed(error) from error
    metadata = wire.metadata or _Metadata()
    metadata.namespace = namespace or metadata.namespace or None
    found: Object | None = _READERS[kind](wire, metadata)
    if found is not None:
        return found
    where = metadata.namespace if kind in _NAMESPACED else None
    return Fragment(kind, where, metadata.name or "")


def _claim(wire: _Claim, metadata: _Metadata) -> Claim | None:
    spec = claim_spec(wire.spec, "/spec", metadata.annotations)
    if not spec.access_modes:
        return None
    return Claim(
        namespace=metadata.namespace,
        name=metadata.name or "",
        spec=spec,
        phase=(wire.status and wire.status.phase) or None,
        is_being_deleted=metadata.deletion_timestamp is not None,
    )


def _volume(wire: _Volume, metadata: _Metadata) -> PersistentVolume | None:
    raw = wire.spec or {}
    try:
        spec = msgspec.convert(raw, _VolumeSpec)
    except msgspec.ValidationError as error:
        raise malformed(error, "/spec") from error
    sources = {key: raw[key] for key in raw if key in PV_SOURCES and raw[key] is not None}
    for key, source in sources.items():
        if not isinstance(source, dict):
            raise MalformedObject(f"/spec/{key}", "expected a mapping")
    capacity = quantity((spec.capacity or {}).get("storage"), "/spec/capacity/storage")
    if not spec.access_modes or not capacity:
        return None
    reference = spec.claim_ref
    return PersistentVolume(
        name=metadata.name or "",
        capacity=capacity,
        storage_class=storage_class(spec.storage_class_name, metadata.annotations) or "",
        volume_mode=spec.volume_mode or "Filesystem",
        access_modes=tuple(spec.access_modes),
        labels={k: v for k, v in (metadata.labels or {}).items() if isinstance(v, str)},
        claim_ref=(reference.namespace or None, reference.name or "") if reference else None,
        phase=(wire.status and wire.status.phase) or None,
        sources=sources,
        has_node_affinity=bool(spec.node_affinity),
        is_being_deleted=metadata.deletion_timestamp is not None,
        attributes_class=spec.volume_attributes_class_name or "",
    )


def _class(wire: _Class, metadata: _Metadata) -> StorageClass | None:
    if not wire.provisioner:
        return None
    annotations = metadata.annotations or {}
    return StorageClass(
        name=metadata.name or "",
        provisioner=wire.provisioner,
        binding_mode=wire.volume_binding_mode or "Immediate",
        is_default=any(annotations.get(key) == "true" for key in _DEFAULT_CLASS),
        created=metadata.creation_timestamp,
    )


def _service(wire: _Service, metadata: _Metadata) -> Service | None:
    spec = wire.spec or _ServiceSpec()
    selector = strings(spec.selector, "/spec/selector")
    is_headless = spec.cluster_ip == "None"
    # the API server asks for ports of all others
    if not (spec.ports or is_headless or spec.type == "ExternalName"):
        return None
    return Service(
        namespace=metadata.namespace,
        name=metadata.name or "",
        is_headless=is_headless,
        selector=selector,
    )


_READERS: Final[Mapping[str, Any]] = {
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "StorageClass": _class,
    "Service": _service,
}
