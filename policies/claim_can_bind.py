"""Every claim that still waits for a volume can get one.

What it checks
    Each claim of a workload that is not Bound, and each claim template of a StatefulSet or of an
    `ephemeral` volume, by the rules by which Kubernetes binds. A claim that names its volume
    (`volumeName`) gets that one, if it fits. Otherwise it gets a volume of its class that is large
    enough, has its volumeMode, at least its access modes and the labels of its selector, and is
    not reserved for another claim. If there is none, its StorageClass has to provision one. Waiting
    for the first consumer is fine.

Why
    A claim that cannot be bound stays Pending, and so do its pods, without an error to the one who
    applied them. Three things are easily mistaken.

    `storageClassName: ""` does not ask for dynamic provisioning, it rules it out: only a volume
    without a class will do, made by hand. To ask for the default class, leave the field out.

    A selector rules out dynamic provisioning, too.

    ReadWriteOnce means one node, not one pod or one claim; for one pod there is ReadWriteOncePod.

Bad
    kind: PersistentVolumeClaim
    spec:
      storageClassName: ""              # no volume without a class holds 10Gi
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 10Gi}}

Good
    kind: PersistentVolumeClaim
    spec:                               # the default class
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 10Gi}}

Params
    None.

Limits
    Nothing is said where nobody can know: in admission, and in files unless they hold
    PersistentVolumes or StorageClasses to compare with. Whether enough volumes are there for every
    replica and every claim is not told, only whether one fits. Nodes are not looked at, and neither
    are quotas, limits of the storage behind a class, or whether its provisioner runs.
"""

from collections.abc import Iterator

from webhook import api

Complaint = tuple[str, str]
"""What is wrong with a claim, and what to do."""

_CHANGE = "change the claim or the volume"


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each claim that no volume can be found for."""
    for claim in api.unbound_claims(workload, lookups):
        name = claim.spec.volume_name
        complaint = _of_named(claim, name, lookups) if name else _of_any(claim, lookups)
        if complaint:
            why, fix = complaint
            yield api.Violation(claim.path, claim.subject, claim.title, fix, why)


def _of_named(claim: api.Unbound, name: str, lookups: api.Lookups) -> Complaint | None:
    volume = lookups.volume(name)
    if volume is api.Missing.ABSENT:
        return f"asks for PersistentVolume {name!r}, which is not there", "correct volumeName"
    if isinstance(volume, api.Missing):
        return None
    storage_class = api.class_name(claim.spec, lookups)
    obstacles = api.obstacles(claim, storage_class, volume)
    if not obstacles:
        return None
    fix = _CHANGE
    is_default = claim.spec.storage_class is None and isinstance(storage_class, str)
    if is_default and storage_class and not volume.storage_class:
        fix = 'write storageClassName: "", else the claim gets the default class'
    return f"asks for PersistentVolume {name!r}, which {' and '.join(obstacles)}", fix


def _of_any(claim: api.Unbound, lookups: api.Lookups) -> Complaint | None:
    found = api.class_of(claim.spec, lookups)
    name = api.class_name(claim.spec, lookups)
    if found is api.Missing.UNKNOWN or _is_provisioned(claim, found):
        return None
    volumes = lookups.volumes_for(claim.namespace)
    known = () if isinstance(volumes, api.Missing) else volumes
    if any(not api.obstacles(claim, name, volume) for volume in known):
        return None
    nearest = _nearest(claim, name, lookups)
    if found is api.Missing.ABSENT:
        fix = "name one, or annotate one as the default"
        return f"names no class, and no StorageClass is the default{nearest}", fix
    if isinstance(found, str) and found:
        fix = "correct storageClassName, or add the StorageClass"
        return f"asks for StorageClass {found!r}, which is not there{nearest}", fix
    if isinstance(volumes, api.Missing):
        return None
    if isinstance(found, api.StorageClass) and found.provisioner != api.NO_PROVISIONER:
        return (
            f"has a selector, so that nothing is provisioned{nearest}",
            "remove it, or make such a volume",
        )
    if isinstance(found, api.StorageClass):
        why = f"is of class {found.name!r}, which provisions nothing{nearest}"
        return why, "make such a PersistentVolume, or change the claim"
    return (
        f'has storageClassName "", so that nothing is provisioned{nearest}',
        "leave it out, or make such a volume",
    )


def _is_provisioned(claim: api.Unbound, found: api.StorageClass | str | api.Missing) -> bool:
    """Whether a volume is made for the claim if there is none, whatever volumes there are."""
    return (
        isinstance(found, api.StorageClass)
        and found.provisioner != api.NO_PROVISIONER
        and not claim.spec.selector
    )


def _nearest(claim: api.Unbound, name: str | api.Missing, lookups: api.Lookups) -> str:
    """The volume that lacks the least, and what that is; nothing where no volume is known."""
    found = lookups.volumes()
    volumes = () if isinstance(found, api.Missing) else found
    lacking = [(api.obstacles(claim, name, volume), volume.name) for volume in volumes]
    if not lacking:
        return ""
    obstacles, volume_name = min(lacking, key=lambda one: (len(one[0]), one[1]))
    return f" (the nearest volume, {volume_name!r}, {' and '.join(obstacles)})"


policy = api.Policy(
    id="claim-can-bind",
    summary="claims that wait for a volume can get one",
    params=api.Params,
    check=check,
    looks_up="only",
    doc=__doc__,
)
