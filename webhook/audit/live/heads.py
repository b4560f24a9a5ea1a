"""The little of an object that tells whether it needs a judgement of its own."""

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from webhook.cluster import Resource

Reason = Literal["owned", "finished", "deleting", "scaledToZero", "mirror", "excluded"]
"""Why an object is not judged: a template that makes it is; it has done its work; it goes; it is
history, or at rest; the kubelet runs it whatever anybody says; nobody asks about its namespace."""


class _Owner(msgspec.Struct):
    uid: str
    controller: bool | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    uid: str
    name: str
    namespace: str = ""
    deletion_timestamp: str | None = None
    owner_references: list[_Owner] | None = None


class _Spec(msgspec.Struct):
    replicas: int | None = None


class _Condition(msgspec.Struct):
    type: str
    status: str


class _Status(msgspec.Struct):
    phase: str | None = None
    replicas: int | None = None
    conditions: list[_Condition] | None = None


class Head(msgspec.Struct):
    """Of an object of whichever kind, as an API server has it."""

    metadata: _Metadata
    spec: _Spec | None = None
    status: _Status | None = None

    @property
    def owner(self) -> str | None:
        """The uid of its controller; there is one at most."""
        owners = self.metadata.owner_references or ()
        return next((owner.uid for owner in owners if owner.controller), None)

    @property
    def replicas(self) -> int | None:
        """How many pods there are of it, or were when it last said; None where it does not."""
        return self.status.replicas if self.status else None


_decoder = msgspec.json.Decoder(Head)


def head_of(item: msgspec.Raw) -> Head:
    """Raises `msgspec.DecodeError` for what is no object of an API server."""
    return _decoder.decode(item)


def reason(head: Head, resource: Resource, known: Collection[str]) -> Reason | None:
    """Why it is not judged; None if it is. `known` are uids of what makes objects."""
    if head.metadata.deletion_timestamp is not None:
        return "deleting"
    if head.owner in known:
        return "owned"
    if resource.kind == "ReplicaSet" and head.spec and head.spec.replicas == 0:
        return "scaledToZero"
    status = head.status or _Status()
    if resource.kind == "Pod" and status.phase in ("Succeeded", "Failed"):
        return "finished"
    if resource.kind == "Job" and _has_finished(status.conditions or ()):
        return "finished"
    return None


def _has_finished(conditions: Iterable[_Condition]) -> bool:
    """As kubernetes' job controller sees it (pkg/controller/job/util, IsJobFinished)."""
    return any(one.type in ("Complete", "Failed") and one.status == "True" for one in conditions)
