"""For which workloads an object stands: for itself, and for the owners that made it.

An ownerReference is whatever the client wrote. It counts only if the request came from the
controller that makes such objects, as the API server says.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from webhook.workload import Metadata, OwnerReference, Reading

_ACCOUNT: Final = "system:serviceaccount:kube-system:"
_MANAGER: Final = "system:kube-controller-manager"
"""The user of every built-in controller where each has not its own
(`--use-service-account-credentials=false`)."""

_CONTROLLERS: Final = {
    "ReplicaSet": ("apps", "replicaset-controller"),
    "ReplicationController": ("", "replication-controller"),
    "StatefulSet": ("apps", "statefulset-controller"),
    "DaemonSet": ("apps", "daemon-set-controller"),
    "Job": ("batch", "job-controller"),
    "Deployment": ("apps", "deployment-controller"),
    "CronJob": ("batch", "cronjob-controller"),
}
"""Kind of the owner to its API group and the service account that makes what it owns
(kube-controller-manager app/controller_descriptor.go; recorded on 1.34 and 1.37)."""

HASH_LABEL: Final = "pod-template-hash"
"""On a Deployment's pods; their ReplicaSet is named `<deployment>-<hash>`."""


class Identity(msgspec.Struct, frozen=True):
    """Whom exemptions may mean."""

    namespace: str | None
    names: tuple[tuple[str, str], ...]
    """Kind and name of the object, then of its owners."""
    is_made_by_controller: bool
    """True for a pod whose controller sent it: nobody stands before a screen to read a denial."""


def identify(
    reading: Reading, user: str | None = None, controllers: frozenset[str] = frozenset()
) -> Identity:
    """The identity of an object that `user` sent; None where nobody did, as in a file.

    `controllers` are users that are believed in like built-in controllers, for owners of any kind.
    """
    workload, metadata = reading.workload, reading.metadata
    owners = tuple(_owners(metadata, workload.kind, user, controllers))
    return Identity(
        namespace=workload.namespace,
        names=((workload.kind, _name(metadata)), *owners),
        is_made_by_controller=workload.kind == "Pod" and bool(owners),
    )


def maker(api_version: str | None, kind: str | None) -> str | None:
    """The user that makes what an object of this kind controls; None if no built-in one does."""
    group, account = _CONTROLLERS.get(kind or "", ("", ""))
    is_ours = account and (api_version or "").rpartition("/")[0] == group
    return _ACCOUNT + account if is_ours else None


def _name(metadata: Metadata) -> str:
    """Its name; while that is still to be generated, its start and what is part of no name."""
    return metadata.name or f"{metadata.generate_name or ''}?"


def _owners(
    metadata: Metadata, kind: str, user: str | None, controllers: frozenset[str]
) -> Iterator[tuple[str, str]]:
    owner = next((o for o in metadata.owner_references or () if o.controller), None)
    if owner is None or not owner.kind or not owner.name or user is None:
        return
    if user not in controllers and not _is_its_controller(user, owner):
        return
    yield owner.kind, owner.name
    if kind == "Pod":
        yield from _grandparent(owner.kind, owner.name, metadata)


def _is_its_controller(user: str, owner: OwnerReference) -> bool:
    controller = maker(owner.api_version, owner.kind)
    return controller is not None and user in (controller, _MANAGER)


def _grandparent(kind: str, name: str, metadata: Metadata) -> Iterator[tuple[str, str]]:
    """The owner's owner, which a pod shows only in names."""
    parent, dash, end = name.rpartition("-")
    if not dash or not parent:
        return
    if kind == "ReplicaSet" and end == (metadata.labels or {}).get(HASH_LABEL):
        yield "Deployment", parent
    # a CronJob's Job ends in the minute that it was due (cronjob/utils.go, getJobName)
    elif kind == "Job" and end.isascii() and end.isdecimal():
        yield "CronJob", parent
