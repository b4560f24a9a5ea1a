"""Who chose a probe timing: its author, or the API server's defaulting?

The API server fills timeout 1, period 10, success 1 and failure 3 before any webhook sees the
object, so that a timing at its default may have been written or not. Two sources tell, if they are
there: `metadata.managedFields` (a server-side apply owns exactly what was written; an `Update`
entry of the creating request owns the defaults too, and so proves nothing) and kubectl's
last-applied-configuration annotation. Both were tried on API servers 1.34 and 1.37.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from webhook.api import HANDLERS, Container, Proof, Standing, Workload
from webhook.workload import Metadata

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


class _Entry(msgspec.Struct, rename="camel"):
    manager: str | None = None
    operation: str | None = None
    time: str | None = None
    fields_v1: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


_entries_decoder = msgspec.json.Decoder(list[_Entry] | None)


class CreatedObject:
    """An object on its way into the API server, with defaults in place."""

    at_creation = True

    def __init__(
        self, workload: Workload, metadata: Metadata, field_manager: str | None = None
    ) -> None:
        """`field_manager` is `request.options.fieldManager`: the name of the creating request."""
        self._workload = workload
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
        try:
            managed = self._managed(container, probe, field)
            applied = self._applied(container, probe, field, value)
        except _Unreadable as reason:
            return Proof(Standing.DOUBTFUL, str(reason))
        if managed is None or applied is None:
            return managed or applied or Proof(Standing.UNKNOWN, "no evidence")
        if managed.standing is not applied.standing:
            return Proof(Standing.DOUBTFUL, "managedFields and last-applied disagree")
        return managed

    def _managed(self, container: Container, probe: str, field: str) -> Proof | None:
        unwritten: Proof | None = None
        for entry in self._entries:
            owned = self._owned_probe(entry, container, probe)
            if owned is None:
                continue
            if f"f:{field}" in owned:
                return Proof(Standing.WRITTEN, f"owned by {entry.manager} in managedFields")
            if entry.operation == "Apply":
                unwritten = Proof(
                    Standing.UNWRITTEN, f"{entry.manager} applied the probe without it"
                )
        return unwritten

    @cached_property
    def _entries(self) -> tuple[_Entry, ...]:
        raw = bytes(self._metadata.managed_fields)
        if len(raw) > MAX_SOURCE_BYTES:
            raise _Unreadable(f"managedFields are larger than {MAX_SOURCE_BYTES // 1024} KiB")
        try:
            entries = _entries_decoder.decode(raw) or []
        except (msgspec.MsgspecError, RecursionError) as error:
            raise _Unreadable("managedFields are malformed") from error
        creating = self._creating_entry(entries)
        return tuple(entry for entry in entries if entry is not creating)

    def _creating_entry(self, entries: list[_Entry]) -> _Entry | None:
        """The `Update` entry of the request that creates the object, which owns its defaults too.

        Without a name in the request (controllers give none) it is the youngest.
        """
        updates = [entry for entry in entries if entry.operation == "Update"]
        if self._field_manager:
            updates = [entry for entry in updates if entry.manager == self._field_manager]
        return max(updates, key=lambda entry: entry.time or "", default=None)

    def _owned_probe(self, entry: _Entry, container: Container, probe: str) -> Any:
        keys = [f"f:{key}" for key in self._spec_keys]
        node: Any = entry.fields_v1 or {}
        for key in (*keys, f"f:{_list_of(container)}"):
            node = _child(node, key)
        for key, owned in node.items():
            if key.startswith("k:") and _names(key) == container.name:
                return _child(owned, f"f:{probe}Probe", missing=None)
        return None

    def _applied(
        self, container: Container, probe: str, field: str, value: int | None
    ) -> Proof | None:
        written = self._applied_probe(container, probe)
        if not written:
            return None
        chosen = written.get(field)
        if chosen is not None:
            # what the API server drops on the wire: a 0 that is its default
            if chosen != (0 if value is None else value) or isinstance(chosen, bool):
                raise _Unreadable("last-applied has another value than the object")
            return Proof(Standing.WRITTEN, "written in last-applied")
        found = container.probe(probe)
        if found is None or found.handler is None:
            return None
        live = getattr(found, _HANDLER_ATTRIBUTES[found.handler])
        if not _covers(written.get(found.handler), live):
            return None
        return Proof(Standing.UNWRITTEN, "absent from the probe in last-applied")

    def _applied_probe(self, container: Container, probe: str) -> dict[str, Any] | None:
        node: Any = self._last_applied
        for key in (*self._spec_keys, _list_of(container)):
            if node is None:
                return None
            node = node.get(key) if isinstance(node, dict) else _refuse()
        for entry in node or () if isinstance(node, list | None) else _refuse():
            if not isinstance(entry, dict):
                _refuse()
            if entry.get("name") == container.name:
                written = entry.get(f"{probe}Probe")
                return written if isinstance(written, dict | None) else _refuse()
        return None

    @cached_property
    def _last_applied(self) -> Any:
        text = (self._metadata.annotations or {}).get(LAST_APPLIED)
        if text is None:
            return None
        if not isinstance(text, str):
            _refuse()
        if len(text) > MAX_SOURCE_BYTES:
            raise _Unreadable(f"last-applied is larger than {MAX_SOURCE_BYTES // 1024} KiB")
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise _Unreadable("last-applied is malformed") from error

    @cached_property
    def _spec_keys(self) -> tuple[str, ...]:
        return (*self._workload.pod_path.split("/")[1:], "spec")


_HANDLER_ATTRIBUTES = dict(zip(HANDLERS, ("exec", "http_get", "tcp_socket", "grpc"), strict=True))


def _list_of(container: Container) -> str:
    return container.path.rsplit("/", 2)[-2]


def _child(node: Any, key: str, missing: Any = msgspec.UNSET) -> Any:
    child = node.get(key, {} if missing is msgspec.UNSET else missing)
    if child is not None and not isinstance(child, Mapping):
        raise _Unreadable("managedFields are malformed")
    return child


def _names(key: str) -> Any:
    """The name in a list key such as `k:{"name":"web"}`."""
    try:
        fields = msgspec.json.decode(key[2:])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _Unreadable("managedFields are malformed") from error
    return fields.get("name") if isinstance(fields, dict) else None


def _refuse() -> Any:
    raise _Unreadable("last-applied is malformed")


def _covers(written: Any, live: Any) -> bool:
    """True if `live` holds all of `written`: the API server only ever adds defaults."""
    if isinstance(written, dict) and isinstance(live, dict):
        return all(v is None or _covers(v, live.get(k)) for k, v in written.items())
    if isinstance(written, list) and isinstance(live, list):
        return len(written) == len(live) and all(map(_covers, written, live))
    return bool(written == live)
