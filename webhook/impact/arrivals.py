"""What a workload sends to the API server: itself, and what its controllers make of it."""

from collections.abc import Iterator
from typing import Final

import msgspec

from webhook import workload
from webhook.audit.live.resources import OWNERS
from webhook.identity import HASH_LABEL, maker
from webhook.workload import Metadata, OwnerReference, Reading

API_VERSIONS: Final = {one.kind: one.api_version for one in OWNERS}
"""Of the kinds that make pods, or make what does."""

_BETWEEN: Final = {"Deployment": ("ReplicaSet", "podworthy"), "CronJob": ("Job", "0")}
"""What stands between a workload and its pods, and what a name of such a one ends in: any hash, any
minute. The webhook knows the workload from both names, see `webhook.identity`."""


class Arrival(msgspec.Struct, frozen=True):
    """An object as the webhook would be asked about it."""

    reading: Reading
    user: str | None = None
    """Who sends it; None for people, whom no ownerReference makes anybody else."""
    is_new: bool = False
    """Whether it is filled before it is judged, as pods are that are created."""


def made(reading: Reading) -> Iterator[Arrival]:
    """What the controllers of a workload create from its template: what stands between it and its
    pods, if anything does, then a pod. Nothing for kinds that make none."""
    top = reading.workload
    if top.kind not in API_VERSIONS:
        return
    owner = _reference(top.kind, _name(reading))
    labels = dict(top.pod_labels)
    if top.kind in _BETWEEN:
        kind, end = _BETWEEN[top.kind]
        name = f"{owner.name}-{end}"
        metadata = Metadata(name=name, namespace=top.namespace, owner_references=[owner])
        yield Arrival(_recast(reading, kind, metadata), maker(owner.api_version, owner.kind))
        owner = _reference(kind, name)
        labels |= {HASH_LABEL: end} if kind == "ReplicaSet" else {}
    metadata = Metadata(
        namespace=top.namespace,
        generate_name=f"{owner.name}-",
        labels=labels,
        annotations=dict(top.pod_annotations),
        owner_references=[owner],
    )
    sender = maker(owner.api_version, owner.kind)
    yield Arrival(_recast(reading, "Pod", metadata), sender, is_new=True)


def _name(reading: Reading) -> str:
    metadata = reading.metadata
    return metadata.name or f"{metadata.generate_name or ''}?"


def _reference(kind: str, name: str) -> OwnerReference:
    return OwnerReference(API_VERSIONS[kind], kind, name, controller=True)


def _recast(reading: Reading, kind: str, metadata: Metadata) -> Reading:
    """The same pod in an object of another kind."""
    old = reading.workload
    path = workload.pod_path(kind)
    start = len(old.pod_path)
    containers = tuple(
        msgspec.structs.replace(one, path=path + one.path[start:]) for one in old.containers
    )
    places = {one.path for one in old.probed}
    # the API server takes no other from them (pkg/apis/batch/validation)
    of_job = kind == "Pod" and old.kind in ("Job", "CronJob") and old.restart_policy == "Always"
    probed = zip(old.containers, containers, strict=True)
    new = msgspec.structs.replace(
        old,
        api_version=API_VERSIONS.get(kind, "v1"),
        kind=kind,
        name=metadata.name,
        pod_path=path,
        restart_policy="Never" if of_job else old.restart_policy,
        containers=containers,
        probed=tuple(moved for before, moved in probed if before.path in places),
        volumes=tuple(
            msgspec.structs.replace(one, path=path + one.path[start:])
            for one in old.volumes_of_pods()
        ),
        annotations=old.pod_annotations if kind == "Pod" else old.annotations,
        pod_labels=metadata.labels or old.pod_labels,
        replicas=1,
        claim_templates=(),
        service_name=None,
        retention=type(old.retention)(),
        rollout=None,
    )
    return Reading(new, metadata, has_pod_metadata=True)
