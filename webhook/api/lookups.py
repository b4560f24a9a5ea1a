"""What a policy may ask about other objects.

Whoever looks things up may not know: a kind of which no list is at hand is unknown, and the unknown
never denies. Only where the source holds all objects of a kind is a missing one absent.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Protocol

import msgspec

from webhook.api.claims import ClaimSpec


class Missing(Enum):
    """Why an object cannot be shown."""

    ABSENT = "absent"
    """It is not there, now: it may still come, the order of apply is arbitrary."""
    UNKNOWN = "unknown"
    """Nobody looked, or not everywhere."""


class Claim(msgspec.Struct, frozen=True):
    """A PersistentVolumeClaim."""

    namespace: str | None
    name: str
    spec: ClaimSpec
    phase: str | None
    """`Pending`, `Bound` or `Lost`; None where the source has no status, as in a manifest."""
    is_being_deleted: bool


class PersistentVolume(msgspec.Struct, frozen=True):
    """A PersistentVolume."""

    name: str
    capacity: int
    """Bytes; 0 if none is written."""
    storage_class: str
    """Empty for a volume without a class."""
    volume_mode: str
    """`Filesystem` or `Block`."""
    access_modes: tuple[str, ...]
    labels: Mapping[str, str]
    claim_ref: tuple[str | None, str] | None
    """Namespace and name of the claim that it is reserved for or bound to."""
    phase: str | None
    """`Available`, `Bound`, `Released`, `Failed` or `Pending`; None where there is no status."""
    sources: Mapping[str, Any]
    """Its storage by wire name, e.g. `{"hostPath": {"path": "/srv"}}`."""
    has_node_affinity: bool
    is_being_deleted: bool
    attributes_class: str = ""
    """Its VolumeAttributesClass; empty for none."""


class StorageClass(msgspec.Struct, frozen=True):
    """A StorageClass."""

    name: str
    provisioner: str
    """`kubernetes.io/no-provisioner` provisions nothing."""
    binding_mode: str
    """`Immediate` or `WaitForFirstConsumer`."""
    is_default: bool
    created: str | None = None
    """RFC 3339, in UTC; None where the source has none, as in a manifest."""


class Service(msgspec.Struct, frozen=True):
    """A Service."""

    namespace: str | None
    name: str
    is_headless: bool
    """`clusterIP: None`."""
    selector: Mapping[str, str]
    """Empty: it selects no pods by itself."""


class Lookups(Protocol):
    """Read-only questions about the objects around a workload."""

    def claim(self, namespace: str | None, name: str) -> Claim | Missing:
        """The PersistentVolumeClaim of that name."""

    def volume(self, name: str) -> PersistentVolume | Missing:
        """The PersistentVolume of that name."""

    def volumes(self) -> Sequence[PersistentVolume] | Missing:
        """Every PersistentVolume, or that they are unknown."""

    def volumes_for(self, namespace: str | None) -> Sequence[PersistentVolume] | Missing:
        """Those of them that are reserved for no claim of another namespace. Of a namespace that is
        unknown, every one."""

    def storage_class(self, name: str) -> StorageClass | Missing:
        """The StorageClass of that name."""

    def default_class(self) -> StorageClass | Missing:
        """The StorageClass for claims that name none: of several defaults the newest."""

    def service(self, namespace: str | None, name: str) -> Service | Missing:
        """The Service of that name."""


class _Nowhere:
    """Knows nothing: the webhook, which may not look around."""

    def claim(self, namespace: str | None, name: str) -> Missing:  # noqa: ARG002 a Lookups
        return Missing.UNKNOWN

    def volume(self, name: str) -> Missing:  # noqa: ARG002
        return Missing.UNKNOWN

    def volumes(self) -> Missing:
        return Missing.UNKNOWN

    def volumes_for(self, namespace: str | None) -> Missing:  # noqa: ARG002
        return Missing.UNKNOWN

    def storage_class(self, name: str) -> Missing:  # noqa: ARG002
        return Missing.UNKNOWN

    def default_class(self) -> Missing:
        return Missing.UNKNOWN

    def service(self, namespace: str | None, name: str) -> Missing:  # noqa: ARG002
        return Missing.UNKNOWN


NOWHERE: Final[Lookups] = _Nowhere()
"""Everything is unknown."""
