"""From a manifest to the workload in it, read as the audit reads it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from webhook import goyaml, lookups, workload
from webhook.api import NOWHERE, Lookups
from webhook.errors import BadFixture, MalformedObject
from webhook.lookups import Gathered, Object
from webhook.workload import Reading

Manifest = Path | str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A file, YAML text, an object, or several objects."""


class Case(msgspec.Struct, frozen=True):
    """A workload to be judged, and what stands beside it."""

    reading: Reading
    value: dict[str, Any]
    """The workload as it is written, JSON-like."""
    others: tuple[dict[str, Any], ...]
    """The other objects: what the workload's policies may look up."""
    file: Path | None = None
    document: goyaml.Document | None = None
    """The workload's document; None where it was no text."""

    @property
    def title(self) -> str:
        """Kind, name and file."""
        seen = self.reading.workload
        name = f" {seen.name}" if seen.name else ""
        return f"{seen.kind}{name}{f' in {self.file}' if self.file else ''}"

    def place(self, pointer: str) -> str:
        """The line of a JSON Pointer into the workload, as a parenthesis; empty without text."""
        if self.document is None:
            return ""
        return f" ({self.file or 'line'}:{self.document.line_of(pointer)})"

    def around(self) -> Lookups:
        """What a policy may look up: the other objects of the manifest.

        Raises `BadFixture` for an object of which no policy can ask anything.
        """
        if not self.others:
            return NOWHERE
        return Gathered(self._lookup(other) for other in self.others)

    def _lookup(self, other: Mapping[str, Any]) -> Object:
        api_version, kind = str(other.get("apiVersion")), str(other.get("kind"))
        if not lookups.is_known(api_version, kind):
            raise BadFixture(f"{self.title}: no policy can look up the {kind} beside it")
        try:
            return lookups.read(kind, msgspec.json.encode(other))
        except MalformedObject as error:
            raise BadFixture(f"{self.title}: the {kind} beside it: {error}") from error


class _Object(NamedTuple):
    value: Any
    document: goyaml.Document | None = None


def read(manifest: Manifest) -> Case:
    """The one workload of a manifest. Raises `BadFixture`."""
    file = manifest if isinstance(manifest, Path) else None
    workloads: list[_Object] = []
    others: list[_Object] = []
    for one in _objects(manifest):
        value = one.value
        if not isinstance(value, dict):
            place = f"{file or 'manifest'}:{one.document.line}" if one.document else "manifest"
            hint = "" if file else "; for a file, give a Path"
            raise BadFixture(f"{place}: an object must be a mapping{hint}")
        is_workload = workload.is_known(str(value.get("apiVersion")), str(value.get("kind")))
        (workloads if is_workload else others).append(one)
    if len(workloads) != 1:
        raise BadFixture(f"{file or 'manifest'}: {_count(workloads, others)}")
    ((value, document),) = workloads
    try:
        raw = msgspec.json.encode(value)
        reading = workload.read(value["apiVersion"], value["kind"], raw)
    except MalformedObject as error:
        line = f":{document.line_of(error.pointer)}" if document else ""
        raise BadFixture(f"{file or 'manifest'}{line}: {error}") from error
    return Case(reading, value, tuple(other.value for other in others), file, document)


def _count(workloads: list[_Object], others: list[_Object]) -> str:
    if workloads:
        names = ", ".join(str(one.value["kind"]) for one in workloads)
        return f"only one workload can be judged at once, not {names}"
    kinds = ", ".join(str(one.value.get("kind", "one without kind")) for one in others)
    return f"no pod and no workload in it{f', only {kinds}' if kinds else ''}"


def _objects(manifest: Manifest) -> Iterator[_Object]:
    if isinstance(manifest, Path):
        try:
            text = manifest.read_bytes()
        except OSError as error:
            raise BadFixture(f"{manifest}: {error.strerror}") from error
        yield from _documents(text, str(manifest))
    elif isinstance(manifest, str):
        yield from _documents(manifest.encode(), "manifest")
    else:
        for value in [manifest] if isinstance(manifest, Mapping) else manifest:
            try:
                # what is judged is JSON
                yield _Object(msgspec.json.decode(msgspec.json.encode(value)))
            except TypeError as error:
                raise BadFixture(f"manifest: {error}") from error


def _documents(text: bytes, name: str) -> Iterator[_Object]:
    for document in goyaml.documents(text):
        if document.problem:
            raise BadFixture(f"{name}:{document.problem.line}: {document.problem.message}")
        for line, key in document.repeated:
            raise BadFixture(f"{name}:{line}: key {key!r} is repeated")
        if document.value is not None:
            yield _Object(document.value, document)
