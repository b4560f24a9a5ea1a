"""What managedFields and kubectl's last-applied annotation say of who wrote a probe."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from webhook.api import PROBES, Container, Proof, Standing

T = TypeVar("T")

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MAX_SOURCE_BYTES: Final = 256 * 1024
"""A source that is larger is not read: decoding it would delay the request."""

CHANGED: Final = Proof(Standing.DOUBTFUL, "last-applied has another value than the object")
_IN_LAST_APPLIED: Final = Proof(Standing.WRITTEN, "written in last-applied")
_LEFT_OUT: Final = Proof(Standing.UNWRITTEN, "absent from the probe in last-applied")


class Unreadable(Exception):
    """A source is there, and cannot be relied upon; the message says why."""


class _Entry(msgspec.Struct):
    manager: str | None = None
    operation: str | None = None
    time: str | None = None
    fieldsV1: msgspec.Raw = msgspec.Raw(b"null")
    """Decoded only of entries that prove something: mostly there is one, which does not."""


_entries_decoder = msgspec.json.Decoder(list[_Entry] | None)


class Owners(msgspec.Struct):
    """Who owns what of one probe."""

    fields: dict[str, str | None]
    """Manager by field, as managedFields spell it: `f:periodSeconds`."""
    applier: _Entry | None = None
    """A server-side apply that owns the probe."""

    def proof(self, field: str) -> Proof | None:
        """Written if anybody owns the field; unwritten if it was applied without; None else."""
        if f"f:{field}" in self.fields:
            manager = self.fields[f"f:{field}"]
            return Proof(Standing.WRITTEN, f"owned by {manager} in managedFields")
        if self.applier is None:
            return None
        return Proof(Standing.UNWRITTEN, f"{self.applier.manager} applied the probe without it")


class Applied(msgspec.Struct):
    """One probe as last-applied has it."""

    fields: Mapping[str, Any]
    is_same: bool
    """Whether the object still has the handler that was applied."""

    def proof(self, field: str, value: int | None) -> Proof | None:
        """Written if the field is there; unwritten if the same probe is there without it.

        Doubtful if the object has another value by now.
        """
        chosen = self.fields.get(field)
        if chosen is not None:
            # an absent value is a 0 that the API server drops on the wire
            is_other = isinstance(chosen, bool) or chosen != (value or 0)
            return CHANGED if is_other else _IN_LAST_APPLIED
        return _LEFT_OUT if self.is_same else None


class ManagedFields:
    """Who owns which field (sigs.k8s.io/structured-merge-diff, `fieldpath/serialize.go`)."""

    name = "managedFields"

    def __init__(self, raw: bytes, spec_keys: Sequence[str], field_manager: str | None) -> None:
        """Raises `Unreadable`."""
        entries = _decode(_entries_decoder, raw, self.name) or []
        creating = _creating_entry(entries, field_manager)
        self._owners: dict[tuple[str, str, str], Owners] = {}
        for entry in entries:
            if entry is not creating:
                self._add(entry, spec_keys)

    def of(self, items: str, name: str, probe: str) -> Owners | None:
        """Who owns what of a probe of the container so named in a list; None if nobody does."""
        return self._owners.get((items, name, f"f:{probe}Probe"))

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
                owners = self._owners.setdefault((*container, key), Owners({}))
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


class LastApplied:
    """kubectl's record of what a client-side apply wrote."""

    name = "last-applied"

    def __init__(self, text: Any, spec_keys: Sequence[str]) -> None:
        """Raises `Unreadable`."""
        self._containers: dict[tuple[str, str], Mapping[str, Any]] = {}
        if text is None:
            return
        if not isinstance(text, str):
            raise Unreadable(f"{self.name} is malformed")
        spec = _mapping(_decode(_any_decoder, text.encode(), self.name), self.name)
        for key in spec_keys:
            spec = _mapping(spec.get(key), self.name)
        for name in _LISTS:
            items = spec.get(name)
            if not isinstance(items, list | None):
                raise Unreadable(f"{self.name} is malformed")
            for item in items or ():
                container = _mapping(item, self.name)
                self._containers[name, str(container.get("name"))] = container

    def of(self, items: str, name: str, probe: str, container: Container) -> Applied | None:
        """The same probe as it was applied; None if it was not. Raises `Unreadable`."""
        fields = self._containers.get((items, name))
        if not fields:
            return None
        written = _mapping(fields.get(f"{probe}Probe"), self.name)
        found = container.probe(probe)
        if not written or found is None or found.handler is None:
            return None
        return Applied(written, _covers(written.get(found.handler), found.settings))


_LISTS: Final = ("initContainers", "containers")
_PROBE_KEYS: Final = frozenset(f"f:{probe}Probe" for probe in PROBES)
_any_decoder = msgspec.json.Decoder()


def _decode(decoder: msgspec.json.Decoder[T], raw: bytes, name: str) -> T:
    if len(raw) > MAX_SOURCE_BYTES:
        raise Unreadable(f"{name} is larger than {MAX_SOURCE_BYTES // 1024} KiB")
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{name} is malformed") from error


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    """A JSON object as it is, null or nothing as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is malformed")
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
