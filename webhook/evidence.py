"""Who chose a probe timing: its author, or the API server's defaulting?

The API server fills timeout 1, period 10, success 1 and failure 3 before any webhook sees the
object, so that a timing at its default may have been written or not. Two sources tell, if they are
there: `metadata.managedFields` (a server-side apply owns exactly what was written; an `Update`
entry of the creating request owns the defaults too, and so proves nothing) and kubectl's
last-applied-configuration annotation. Both were tried on API servers 1.34 and 1.37.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from webhook.api import Container, Proof, Standing, Workload
from webhook.provenance import (
    CHANGED,
    LAST_APPLIED,
    Applied,
    LastApplied,
    ManagedFields,
    Owners,
    Unreadable,
)
from webhook.workload import Metadata

T = TypeVar("T")

_ABSENT: Final = Proof(Standing.UNWRITTEN, "absent from the object")
_NO_EVIDENCE: Final = Proof(Standing.UNKNOWN, "no evidence")
_DISAGREEING: Final = Proof(Standing.DOUBTFUL, "managedFields and last-applied disagree")


class WrittenText:
    """The author's own text: a field stands there because somebody wrote it."""

    at_creation = False

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """Absent is unwritten, present is written."""
        found = container.probe(probe)
        if found is None or found.timing(field) is None:
            return Proof(Standing.UNWRITTEN, "absent from the file")
        return Proof(Standing.WRITTEN, "written in the file")


class CreatedObject:
    """An object on its way into the API server, with defaults in place."""

    at_creation = True

    def __init__(
        self, workload: Workload, metadata: Metadata, field_manager: str | None = None
    ) -> None:
        """`field_manager` is `request.options.fieldManager`: the name of the creating request."""
        self._spec_keys = (*workload.pod_path.split("/")[1:], "spec")
        places = [(_LIST_OF_ROLE[one.role], one.name) for one in workload.containers]
        self._ambiguous = _repeated(places)
        self._metadata = metadata
        self._field_manager = field_manager
        self._sources: tuple[ManagedFields, LastApplied] | str | None = None
        self._heard: dict[tuple[str, str], _Testimony | Proof] = {}
        self.doubts: dict[str, str] = {}
        """Path and reason of every timing that was asked about and is `DOUBTFUL`."""

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """What managedFields and last-applied prove together."""
        found = container.probe(probe)
        value = found.timing(field) if found else None
        # a written initialDelaySeconds of 0 is dropped on the wire: its absence says nothing
        if value is None and field != "initialDelaySeconds":
            return _ABSENT
        heard = self._heard.get((container.path, probe))
        if heard is None:
            heard = self._heard[container.path, probe] = self._hear(container, probe)
        proof = heard if isinstance(heard, Proof) else heard.on(field, value)
        if proof.standing is Standing.DOUBTFUL:
            self.doubts[f"{container.path}/{probe}Probe/{field}"] = proof.why
        return proof

    def _hear(self, container: Container, probe: str) -> "_Testimony | Proof":
        """What the sources say of one probe; or, of all its timings, why they are doubtful."""
        if self._sources is None:
            self._sources = self._read_sources()
        if isinstance(self._sources, str):
            return Proof(Standing.DOUBTFUL, self._sources)
        place = (_LIST_OF_ROLE[container.role], container.name)
        if place in self._ambiguous:
            return Proof(Standing.DOUBTFUL, "two containers have this name")
        managed, applied = self._sources
        try:
            said, written = managed.of(*place, probe), applied.of(*place, probe, container)
        except Unreadable as reason:
            return Proof(Standing.DOUBTFUL, str(reason))
        return _Testimony(said, written) if said or written else _NO_EVIDENCE

    def _read_sources(self) -> tuple[ManagedFields, LastApplied] | str:
        """Both, read once for all questions; or why they cannot be relied upon."""
        annotations = self._metadata.annotations or {}
        managed = bytes(self._metadata.managed_fields)
        try:
            return (
                ManagedFields(managed, self._spec_keys, self._field_manager),
                LastApplied(annotations.get(LAST_APPLIED), self._spec_keys),
            )
        except Unreadable as reason:
            return str(reason)


class _Testimony(msgspec.Struct, frozen=True):
    """What both sources say of one probe; None where one is silent."""

    owners: Owners | None
    applied: Applied | None

    def on(self, field: str, value: int | None) -> Proof:
        """What they prove together of one timing, which is `value` in the object."""
        owned = self.owners.proof(field) if self.owners else None
        applied = self.applied.proof(field, value) if self.applied else None
        if applied is CHANGED or owned is None:
            return applied or _NO_EVIDENCE
        if applied is None or applied.standing is owned.standing:
            return owned
        return _DISAGREEING


_LIST_OF_ROLE: Final = {
    "container": "containers",
    "sidecar": "initContainers",
    "init": "initContainers",
    "ephemeral": "ephemeralContainers",
}


def _repeated(places: Sequence[T]) -> set[T]:
    if len(set(places)) == len(places):
        return set()
    return {place for place, count in Counter(places).items() if count > 1}
