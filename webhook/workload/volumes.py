"""The entries of `spec.volumes`: raw mappings, so that sources unknown today stay visible."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from webhook.api import ClaimTemplate, Volume
from webhook.errors import MalformedObject
from webhook.review import malformed
from webhook.workload.claims import WireClaimTemplate, claim_spec

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

_STRINGS: Final = {
    "csi": ("driver",),
    "hostPath": ("path",),
    "persistentVolumeClaim": ("claimName",),
}


def volumes(wire: Iterable[dict[str, Any]], path: str) -> Iterator[Volume]:
    """The volumes of the list at `path`. Raises `MalformedObject`."""
    for index, volume in enumerate(wire):
        here = f"{path}/{index}"
        sources = volume.copy()
        name = sources.pop("name", None)
        if None in sources.values():
            sources = {key: value for key, value in sources.items() if value is not None}
        for key, value in sources.items():
            if key in KNOWN_SOURCES:
                _check_source(value, key, here)
        if not isinstance(name, str | None):
            raise MalformedObject(f"{here}/name", "expected a string")
        yield Volume(here, name or "", sources)


def _check_source(value: Any, key: str, here: str) -> None:
    """A source stays a raw mapping; what policies read in it has Kubernetes' type nevertheless."""
    if not isinstance(value, dict):
        raise MalformedObject(f"{here}/{key}", "expected a mapping")
    for field in _STRINGS.get(key, ()):
        if not isinstance(value.get(field), str | None):
            raise MalformedObject(f"{here}/{key}/{field}", "expected a string")


def claim_template(wire: WireClaimTemplate, path: str) -> ClaimTemplate:
    """One entry of `volumeClaimTemplates`. Raises `MalformedObject`."""
    return _claim_template(wire, path, (wire.metadata and wire.metadata.name) or "")


def ephemeral_claims(read: Iterable[Volume]) -> Iterator[ClaimTemplate]:
    """The claims that are made for `ephemeral` volumes. Raises `MalformedObject`."""
    for volume in read:
        source = volume.sources.get("ephemeral")
        if source is None or source.get("volumeClaimTemplate") is None:
            continue
        path = f"{volume.path}/ephemeral/volumeClaimTemplate"
        try:
            wire = msgspec.convert(source["volumeClaimTemplate"], WireClaimTemplate)
        except msgspec.ValidationError as error:
            raise malformed(error, path) from error
        yield _claim_template(wire, path, volume.name)


def _claim_template(wire: WireClaimTemplate, path: str, name: str) -> ClaimTemplate:
    annotations = wire.metadata.annotations if wire.metadata else None
    return ClaimTemplate(path, name, claim_spec(wire.spec, f"{path}/spec", annotations))
