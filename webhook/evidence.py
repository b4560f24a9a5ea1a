"""Who chose a probe timing: its author, or the API server's defaulting?

The API server fills timeout 1, period 10, success 1 and failure 3 before any webhook sees the
object, so that a timing at its default may have been written or not. Two sources tell, if they are
there: `metadata.managedFields` (a server-side apply owns exactly what was written; an `Update`
entry of the creating request owns the defaults too, and so proves nothing) and kubectl's
last-applied-configuration annotation. Both were tried on API servers 1.34 and 1.37.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar

import msgspec

from webhook.api import PROBES, Container, Proof, Standing, Workload
from webhook.workload import Metadata

T = TypeVar("T")

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MAX_SOURCE_BYTES: Final = 256 * 1024
"""A source that is larger is not read: decoding it would delay the request."""


class WrittenText:
    """The author's own text: a field stands there because somebody wrote it."""

    at_creation = False

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """Absent is unwritten, present is written."""
        found = container.probe(probe)
        if found is None or found.timing(field) is None:
            return Proof(Standing.UNWRITTEN, "absent from the file")
        return Proof(Standing.WRITTEN, "written in the file")


class _Unreadable(Exception):
    """A source is there, and cannot be relied upon; the message says why."""


class CreatedObject:
    """An object on its way into the API server, with defaults in place."""

    at_creation = True

    def __init__(
        self, workload: Workload, metadata: Metadata, field_manager: str | None = None
    ) -> None:
        """`field_manager` is `request.options.fieldManager`: the name of the creating request."""
        self._spec_keys = (*workload.pod_path.split("/")[1:], "spec")
        names = Counter((_list_of(one), one.name) for one in workload.containers)
        self._ambiguous = {name for name, count in names.items() if count > 1}
        self._metadata = metadata
        self._field_manager = field_manager
        self.doubts: dict[str, str] = {}
        """Path and reason of every timing that was asked about and is `DOUBTFUL`."""

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """What managedFields and last-applied prove together."""
        proof = self._prove(container, probe, field)
        if proof.standing is Standing.DOUBTFUL:
            self.doubts[f"{container.path}/{probe}Probe/{field}"] = proof.why
        return proof

    def _prove(self, container: Container, probe: str, field: str) -> Proof:
        found = container.probe(probe)
        value = found.timing(field) if found else None
        # a written initialDelaySeconds of 0 is dropped on the wire: its absence says nothing
        if value is None and field != "initialDelaySeconds":
            return Proof(Standing.UNWRITTEN, "absent from the object")
        if isinstance(self._sources, str):
            return Proof(Standing.DOUBTFUL, self._sources)
        if (_list_of(container), container.name) in self._ambiguous:
            return Proof(Standing.DOUBTFUL, "two containers have this name")
        try:
            proofs = [source.proof(container, probe, field) for source in self._sources]
        except _Unreadable as reason:
            return Proof(Standing.DOUBTFUL, str(reason))
        known = [proof for proof in proofs if proof is not None]
        if any(proof.standing is not known[0].standing for proof in known):
            return Proof(Standing.DOUBTFUL, "managedFields and last-applied disagree")
        return known[0] if known else Proof(Standing.UNKNOWN, "no evidence")

    @cached_property
    def _sources(self) -> "tuple[_ManagedFields, _LastApplied] | str":
        """Both, read once for all questions; or why they cannot be relied upon."""
        annotations = self._metadata.annotations or {}
        try:
            return (
                _ManagedFields(
                    bytes(self._metadata.managed_fields), self._spec_keys, self._field_manager
                ),
                _LastApplied(annotations.get(LAST_APPLIED), self._spec_keys),
            )
        except _Unreadable as reason:
            return str(reason)


class _Entry(msgspec.Struct):
    manager: str | None = None
    operation: str | None = None
    time: str | None = None
    fieldsV1: msgspec.Raw = msgspec.Raw(b"null")
    """Decoded only of entries that prove something: mostly there is one, which does not."""


_entries_decoder = msgspec.json.Decoder(list[_Entry] | None)


class _Owners(msgspec.Struct):
    """Who owns what of one probe."""

    fields: dict[str, str | None]
    """Manager by field, as managedFields spell it: `f:periodSeconds`."""
    applier: _Entry | None = None
    """A server-side apply that owns the probe."""


class _ManagedFields:
    """Who owns which field (sigs.k8s.io/structured-merge-diff, `fieldpath/serialize.go`)."""

    name = "managedFields"

    def __init__(self, raw: bytes, spec_keys: Sequence[str], field_manager: str | None) -> None:
        """Raises `_Unreadable`."""
        entries = _decode(_entries_decoder, raw, self.name) or []
        creating = _creating_entry(entries, field_manager)
        self._owners: dict[tuple[str, str, str], _Owners] = {}
        for entry in entries:
            if entry is not creating:
                self._add(entry, spec_keys)

    def proof(self, container: Container, probe: str, field: str) -> Proof | None:
        """Written if anybody owns the field; unwritten if it was applied without; None else."""
        owners = self._owners.get((_list_of(container), container.name, f"f:{probe}Probe"))
        if owners is None:
            return None
        if f"f:{field}" in owners.fields:
            manager = owners.fields[f"f:{field}"]
            return Proof(Standing.WRITTEN, f"owned by {manager} in managedFields")
        if owners.applier is None:
            return None
        return Proof(Standing.UNWRITTEN, f"{owners.applier.manager} applied the probe without it")

    def _add(self, entry: _Entry, spec_keys: Sequence[str]) -> None:
        fields = _decode(_any_decoder, bytes(entry.fieldsV1), self.name)
        spec = _mapping(fields, self.name)
        for key in spec_keys:
            spec = _mapping(spec.get(f"f:{key}"), self.name)
        for items in _LISTS:
            for key, owned in _mapping(spec.get(f"f:{items}"), self.name).items():
                if key.startswith("k:"):
                    item = _mapping(_decode(_any_decoder, key[2:].encode(), self.name), self.name)
                    self._add_container(entry, (items, str(item.get("name"))), owned)

    def _add_container(self, entry: _Entry, container: tuple[str, str], owned: Any) -> None:
        for key, fields in _mapping(owned, self.name).items():
            if key in _PROBE_KEYS:
                owners = self._owners.setdefault((*container, key), _Owners({}))
                for field in _mapping(fields, self.name):
                    owners.fields.setdefault(field, entry.manager)
                if entry.operation == "Apply":
                    owners.applier = entry


def _creating_entry(entries: Iterable[_Entry], field_manager: str | None) -> _Entry | None:
    """The `Update` entry of the request that creates the object: it owns the defaults too.

    Without a name in the request (controllers give none) it is the youngest.
    """
    updates = [entry for entry in entries if entry.operation == "Update"]
    if field_manager:
        updates = [entry for entry in updates if entry.manager == field_manager]
    return max(updates, key=lambda entry: entry.time or "", default=None)


class _LastApplied:
    """kubectl's record of what a client-side apply wrote."""

    name = "last-applied"

    def __init__(self, text: Any, spec_keys: Sequence[str]) -> None:
        """Raises `_Unreadable`."""
        if not isinstance(text, str | None):
            raise _Unreadable(f"{self.name} is malformed")
        written = None if text is None else _decode(_any_decoder, text.encode(), self.name)
        spec = _mapping(written, self.name)
        for key in spec_keys:
            spec = _mapping(spec.get(key), self.name)
        self._containers: dict[tuple[str, str], Mapping[str, Any]] = {}
        for name in _LISTS:
            items = spec.get(name)
            if not isinstance(items, list | None):
                raise _Unreadable(f"{self.name} is malformed")
            for item in items or ():
                container = _mapping(item, self.name)
                self._containers[name, str(container.get("name"))] = container

    def proof(self, container: Container, probe: str, field: str) -> Proof | None:
        """Written if the field is there; unwritten if the same probe is there without it.

        Raises `_Unreadable` if the object has another value by now.
        """
        fields = self._containers.get((_list_of(container), container.name), {})
        written = _mapping(fields.get(f"{probe}Probe"), self.name)
        found = container.probe(probe)
        if not written or found is None or found.handler is None:
            return None
        chosen = written.get(field)
        if chosen is not None:
            # an absent value is a 0 that the API server drops on the wire
            if isinstance(chosen, bool) or chosen != (found.timing(field) or 0):
                raise _Unreadable("last-applied has another value than the object")
            return Proof(Standing.WRITTEN, "written in last-applied")
        if not _covers(written.get(found.handler), found.settings):
            return None
        return Proof(Standing.UNWRITTEN, "absent from the probe in last-applied")


_LISTS: Final = ("initContainers", "containers")
_PROBE_KEYS: Final = frozenset(f"f:{probe}Probe" for probe in PROBES)
_any_decoder = msgspec.json.Decoder()


_LIST_OF_ROLE: Final = {
    "container": "containers",
    "sidecar": "initContainers",
    "init": "initContainers",
    "ephemeral": "ephemeralContainers",
}


def _list_of(container: Container) -> str:
    return _LIST_OF_ROLE[container.role]


def _decode(decoder: msgspec.json.Decoder[T], raw: bytes, name: str) -> T:
    if len(raw) > MAX_SOURCE_BYTES:
        raise _Unreadable(f"{name} is larger than {MAX_SOURCE_BYTES // 1024} KiB")
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Unreadable(f"{name} is malformed") from error


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    """A JSON object as it is, null or nothing as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Unreadable(f"{name} is malformed")
    return value


def _covers(written: Any, live: Any) -> bool:
    """True if `live` holds all of `written`: the API server only ever adds defaults."""
    pairs = [(written, live)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            pairs += [(value, other.get(key)) for key, value in one.items() if value is not None]
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            pairs += zip(one, other, strict=True)
        elif one != other:
            return False
    return True
