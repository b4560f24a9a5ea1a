"""Behind a claim there is no bare hostPath.

What it checks
    The PersistentVolume that each claim of a workload is bound to; where a claim is not bound yet,
    the one that Kubernetes would choose for it. The same for claim templates of a StatefulSet or of
    an `ephemeral` volume. A hostPath volume without nodeAffinity is a violation.

Why
    A hostPath volume is a directory of whichever node the pod happens to run on. Without
    nodeAffinity nothing keeps the pod there: on the next node it finds an empty directory, and its
    data is lost without an error. A claim hides that, and does not change it. Such volumes are for
    experiments on a single node.

Bad
    kind: PersistentVolume
    spec:
      hostPath: {path: /srv/data}

Good
    kind: PersistentVolume
    spec:
      local: {path: /srv/data}
      nodeAffinity: {required: {nodeSelectorTerms: [...]}}

Params
    None.

Limits
    Nothing is said where nobody can know: in admission, and in files that hold no
    PersistentVolumes. What a StorageClass will provision is not known beforehand. A nodeAffinity
    is not read: one that every node meets protects nothing. A `local` volume needs a nodeAffinity
    anyway, and so do the hostPath volumes that a local-path provisioner makes.
"""

from collections.abc import Iterator, Sequence

from webhook import api


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each claim that leads to a directory of some node."""
    for reference in workload.claim_references():
        claim = lookups.claim(workload.namespace, reference.name)
        if isinstance(claim, api.Claim) and claim.phase == "Bound" and claim.spec.volume_name:
            volume = lookups.volume(claim.spec.volume_name)
            if isinstance(volume, api.PersistentVolume):
                title = f"claim {claim.name!r}"
                yield from _judge(reference.path, reference.volume, title, [volume])
    for unbound in api.unbound_claims(workload, lookups):
        yield from _judge(unbound.path, unbound.subject, unbound.title, _future(unbound, lookups))


def _future(claim: api.Unbound, lookups: api.Lookups) -> Sequence[api.PersistentVolume]:
    """What an unbound claim will be bound to, as far as that is known."""
    if claim.spec.volume_name is None:
        volumes = lookups.volumes_for(claim.namespace)
        return [] if isinstance(volumes, api.Missing) else api.choices(claim, lookups, volumes)
    volume = lookups.volume(claim.spec.volume_name)
    if isinstance(volume, api.Missing):
        return []
    name = api.class_name(claim.spec, lookups)
    return [] if api.obstacles(claim, name, volume) else [volume]


def _judge(
    path: str, subject: str, title: str, volumes: Sequence[api.PersistentVolume]
) -> Iterator[api.Violation]:
    """`volumes` are those among which nothing decides: all of them have to be bare."""
    if volumes and all(_is_bare(volume) for volume in volumes):
        yield api.Violation(
            path=path,
            subject=subject,
            fact=f"{title} is on hostPath volume {volumes[0].name!r}",
            why="without nodeAffinity",
            fix="use a local or network volume",
        )


def _is_bare(volume: api.PersistentVolume) -> bool:
    return "hostPath" in volume.sources and not volume.has_node_affinity


policy = api.Policy(
    id="claim-backing",
    summary="behind a claim there is no bare hostPath",
    params=api.Params,
    check=check,
    looks_up="only",
    doc=__doc__,
)
