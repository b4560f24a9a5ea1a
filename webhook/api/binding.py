"""Which PersistentVolume a claim can be bound to, as Kubernetes' volume controller decides it.

Facts are those of Kubernetes 1.37: pkg/controller/volume/persistentvolume (`syncUnboundClaim`,
`checkVolumeSatisfyClaim`, `findByClaim`) and k8s.io/component-helpers storage/volume
(`FindMatchingVolume`, which the scheduler calls, too). Nodes are not looked at.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from webhook.api.claims import ClaimSpec, ClaimTemplate
from webhook.api.lookups import Claim, Lookups, Missing, PersistentVolume, StorageClass
from webhook.api.workload import Workload

NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
"""The provisioner of a class whose volumes somebody makes by hand."""

_UNITS: Final = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki", "E", "P", "T", "G", "M", "k")
_FACTORS: Final = [1024**power for power in range(6, 0, -1)] + [
    1000**power for power in range(6, 0, -1)
]


class Unbound(msgspec.Struct, frozen=True):
    """A claim that waits for a volume, or will when it is made from its template."""

    path: str
    """JSON Pointer to what names the claim or, in a template, its class."""
    subject: str
    """The volume's label, or the template's name."""
    title: str
    """`claim 'data'`, `the claim template`."""
    spec: ClaimSpec
    namespace: str | None
    names: str
    """What the claim may be called, as a regular expression."""

    def is_meant(self, volume: PersistentVolume) -> bool:
        """True if the volume is reserved for the claim. An unknown namespace may be any."""
        if volume.claim_ref is None:
            return False
        namespace, name = volume.claim_ref
        known = namespace is not None and self.namespace is not None
        return bool(re.fullmatch(self.names, name)) and (not known or namespace == self.namespace)


def unbound_claims(workload: Workload, lookups: Lookups) -> Iterator[Unbound]:
    """The claims of a workload that are known and not bound, and its claim templates.

    A template without access modes, which the API server refuses, is left out.
    """
    for reference in workload.claim_references():
        claim = lookups.claim(workload.namespace, reference.name)
        if (
            isinstance(claim, Claim)
            and claim.phase in (None, "Pending")
            and not claim.is_being_deleted
        ):
            yield Unbound(
                path=reference.path,
                subject=reference.volume,
                title=f"claim {claim.name!r}",
                spec=claim.spec,
                namespace=claim.namespace,
                names=re.escape(claim.name),
            )
    for template in workload.claim_templates:
        if template.spec.access_modes:
            yield Unbound(
                path=f"{template.path}/spec/storageClassName",
                subject=template.name,
                title="the claim template",
                spec=template.spec,
                namespace=workload.namespace,
                names=_names(template, workload),
            )


def _names(template: ClaimTemplate, workload: Workload) -> str:
    """What the claims of a template are called.

    `<template>-<StatefulSet>-<ordinal>` (pkg/controller/statefulset `getPersistentVolumeClaimName`)
    and `<pod>-<volume>` (k8s.io/component-helpers storage/ephemeral `VolumeClaimName`).
    """
    name = ".+" if workload.name is None else re.escape(workload.name)
    own = re.escape(template.name)
    if template.is_of_statefulset:
        return rf"{own}-{name}-\d+"
    return f"{name}-{own}" if workload.kind == "Pod" else f"{name}-.+-{own}"


def class_of(spec: ClaimSpec, lookups: Lookups) -> StorageClass | str | Missing:
    """The class that a claim gets: a StorageClass, or the name of one that is not there.

    Empty without any. UNKNOWN if that cannot be told. ABSENT if none is named and there is no
    default: such a claim takes a volume without a class.
    """
    if spec.storage_class is None:
        return lookups.default_class()
    if not spec.storage_class:
        return ""
    found = lookups.storage_class(spec.storage_class)
    return spec.storage_class if found is Missing.ABSENT else found


def class_name(spec: ClaimSpec, lookups: Lookups) -> str | Missing:
    """The name of the class that a claim gets, empty for none; UNKNOWN if that cannot be told."""
    if spec.storage_class is not None:
        return spec.storage_class
    default = lookups.default_class()
    if isinstance(default, StorageClass):
        return default.name
    return "" if default is Missing.ABSENT else default


def obstacles(
    claim: Unbound, storage_class: str | Missing, volume: PersistentVolume
) -> tuple[str, ...]:
    """Why the claim cannot be bound to the volume, short clauses; none if it can.

    `storage_class` is the claim's, see `class_name`; one that is unknown is no obstacle.
    """
    is_named = claim.spec.volume_name is not None
    if volume.claim_ref is not None:
        if not claim.is_meant(volume):
            return (f"is for claim {'/'.join(filter(None, volume.claim_ref))!r}",)
        if volume.phase in ("Released", "Failed"):
            return (f"is {volume.phase} with the data of an earlier claim",)
        if is_named:
            return ()
    return tuple(_mismatches(claim.spec, storage_class, volume, is_named))


def _mismatches(
    spec: ClaimSpec, storage_class: str | Missing, volume: PersistentVolume, is_named: bool
) -> Iterator[str]:
    if volume.is_being_deleted:
        yield "is being deleted"
    if volume.capacity < spec.request:
        yield f"holds {_size(volume.capacity)}, not {_size(spec.request)}"
    if volume.volume_mode != spec.volume_mode:
        yield f"is of volumeMode {volume.volume_mode}, not {spec.volume_mode}"
    if volume.attributes_class != spec.attributes_class:
        has, wanted = volume.attributes_class or "none", spec.attributes_class or "none"
        yield f"has volumeAttributesClassName {has}, the claim {wanted}"
    lacking = [mode for mode in spec.access_modes if mode not in volume.access_modes]
    if lacking:
        yield f"is {' and '.join(volume.access_modes)}, not {' and '.join(lacking)}"
    if volume.claim_ref is not None:
        return
    if isinstance(storage_class, str) and volume.storage_class != storage_class:
        yield f"has {_class(volume.storage_class)}, the claim {_class(storage_class)}"
    if not is_named and not all(one.matches(volume.labels) for one in spec.selector):
        yield "lacks the labels of the claim's selector"


def choices(
    claim: Unbound, lookups: Lookups, volumes: Iterable[PersistentVolume]
) -> list[PersistentVolume]:
    """The volume that the claim will be bound to; several that are equally good; or none.

    The controller prefers the fewest access modes, then the volume that is reserved, then the
    smallest. The scheduler, which binds where a class waits for the first consumer, does not look
    at the number of modes.
    """
    name = class_name(claim.spec, lookups)
    if name is Missing.UNKNOWN:
        return []
    found = class_of(claim.spec, lookups)
    waits = isinstance(found, StorageClass) and found.binding_mode == "WaitForFirstConsumer"

    def rank(volume: PersistentVolume) -> tuple[int, bool, int]:
        modes = 0 if waits else len(volume.access_modes)
        return modes, volume.claim_ref is None, volume.capacity

    fitting = [volume for volume in volumes if not obstacles(claim, name, volume)]
    best = min(map(rank, fitting), default=None)
    return [volume for volume in fitting if rank(volume) == best]


def _size(number: int) -> str:
    """Bytes as the shortest quantity: `1Gi`, `5T`."""
    sizes = (
        f"{number // factor}{unit}"
        for unit, factor in zip(_UNITS, _FACTORS, strict=True)
        if number % factor == 0
    )
    return min(sizes, key=len, default=str(number)) if number else "0"


def _class(name: str) -> str:
    return f"class {name!r}" if name else "no class"
