"""From the documents of a file to the workloads in them."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from webhook import lookups, review, workload
from webhook.api import Evidence
from webhook.errors import BadReview, MalformedObject
from webhook.evidence import WrittenText
from webhook.goyaml import Document
from webhook.report.entries import ErrorEntry, Source
from webhook.scope import evidence_for_filling, judged_object
from webhook.workload import Reading


class Place(msgspec.Struct, frozen=True):
    """Where in a file an object stands."""

    file: str
    document: Document
    pointer: str = ""
    """JSON Pointer to the object inside the document: `/items/3`, `/request/object`."""
    item: int | UnsetType = UNSET
    namespace: str | None = None
    """Of an object that names none."""

    def source(self, path: str = "") -> Source:
        """The place of something inside the object; `path` is a JSON Pointer into it."""
        pointer = self.pointer + path
        line = self.document.line_of(pointer) if pointer else self.document.line
        return Source(self.file, self.document.index, self.item, line)

    def error(self, path: str, problem: str) -> ErrorEntry:
        """What is wrong with something inside the object."""
        return ErrorEntry(self.source(path), f"{path}: {problem}" if path else problem)


class Subject(msgspec.Struct, frozen=True):
    """A workload to be judged."""

    place: Place
    reading: Reading
    evidence: Evidence | None
    """None where nothing would be filled."""
    user: str | None = None
    """Who sent it, in a review; nobody is known to have sent what stands in a file."""
    stands_alone: bool = False
    """True for the object of a review: the webhook knows of no other."""


class Around(msgspec.Struct, frozen=True):
    """Something that is judged only as what stands around a workload, a claim for one."""

    object: lookups.Object
    note: str = ""
    """Why it cannot be looked up, if its shape is not Kubernetes'."""


class Ignored(msgspec.Struct, frozen=True):
    """Something that is no workload."""


Found = Subject | Around | Ignored | ErrorEntry

_IGNORED: Final = Ignored()
_WRITTEN: Final = WrittenText()
_LIST: Final = "List"


def objects(file: str, document: Document, namespace: str | None = None) -> Iterator[Found]:
    """Everything in a document, in its order; nothing for an empty one.

    `namespace` is that of objects that name none.
    """
    place = Place(file, document, namespace=namespace)
    if document.problem:
        yield ErrorEntry(place.source(), document.problem.message)
    elif document.value is not None:
        yield from _found(place, document.value, count())


def _found(
    place: Place, value: Any, numbers: Iterator[int], api_version: str = "", kind: str = ""
) -> Iterator[Found]:
    """What a value is; `api_version` and `kind` are what the list around it says of its items."""
    if not isinstance(value, dict):
        yield _IGNORED
        return
    api_version = value.get("apiVersion") or api_version
    kind = value.get("kind") or kind
    if isinstance(kind, dict) and "operation" in value and "uid" in value:
        envelope = {"apiVersion": review.API_VERSION, "kind": review.KIND, "request": value}
        yield _reviewed(place, envelope, "/object")
    elif not isinstance(api_version, str) or not isinstance(kind, str):
        yield _IGNORED
    elif kind == review.KIND and api_version.startswith("admission.k8s.io/"):
        yield _reviewed(place, value, "/request/object")
    elif kind.endswith(_LIST) and "items" in value:
        yield from _items(place, value["items"], numbers, api_version, kind.removesuffix(_LIST))
    elif workload.is_known(api_version, kind):
        yield _written(place, value, api_version, kind)
    elif lookups.is_known(api_version, kind):
        yield _around(place, value, kind)
    else:
        yield _IGNORED


def _items(
    place: Place, items: Any, numbers: Iterator[int], api_version: str, kind: str
) -> Iterator[Found]:
    holds_workloads = not kind or workload.is_known(api_version, kind)
    if not isinstance(items, list):
        if not holds_workloads:
            yield _IGNORED
        elif items is not None:
            yield place.error("/items", "expected a list")
        return
    # items of a plain List say themselves what they are
    inherited = (api_version, kind) if kind else ("", "")
    for index, item in enumerate(items):
        here = msgspec.structs.replace(place, pointer=f"{place.pointer}/items/{index}")
        if _is_list(item):
            yield from _found(here, item, numbers, *inherited)
            continue
        here = msgspec.structs.replace(here, item=next(numbers))
        if holds_workloads and not isinstance(item, dict):
            yield here.error("", "expected a mapping")
        else:
            yield from _found(here, item, numbers, *inherited)


def _is_list(item: Any) -> bool:
    """True for a list in a list: its items are numbered on, itself it has no number."""
    if not isinstance(item, dict) or not isinstance(item.get("items"), list):
        return False
    kind = item.get("kind")
    return isinstance(kind, str) and kind.endswith(_LIST)


def _written(place: Place, value: dict[str, Any], api_version: str, kind: str) -> Found:
    try:
        # as JSON, because every door has the same decoder
        namespace = None if _namespace(value) else place.namespace
        reading = workload.read(api_version, kind, msgspec.json.encode(value), namespace)
    except MalformedObject as error:
        return place.error(error.pointer, error.problem)
    return Subject(place, reading, _WRITTEN)


def _around(place: Place, value: dict[str, Any], kind: str) -> Around:
    namespace = _namespace(value)
    try:
        raw = msgspec.json.encode(value)
        return Around(lookups.read(kind, raw, None if namespace else place.namespace))
    except MalformedObject as error:
        # it is not judged, so it is no error; but it is there, and must not count as absent
        where = namespace if isinstance(namespace, str) else place.namespace
        name = _metadata(value).get("name")
        fragment = lookups.Fragment(kind, where, name if isinstance(name, str) else "")
        source = place.source(error.pointer)
        note = f"{source.file}:{source.line}: {error.pointer}: {error.problem}"
        return Around(fragment, f"{note}; nothing is said of what refers to this {kind}")


def _namespace(value: dict[str, Any]) -> Any:
    return _metadata(value).get("namespace")


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _reviewed(place: Place, envelope: dict[str, Any], pointer: str) -> Found:
    """The object of an AdmissionReview, judged as the webhook would."""
    inside = msgspec.structs.replace(place, pointer=place.pointer + pointer)
    try:
        request = review.parse(msgspec.json.encode(envelope))
        reading = judged_object(request)
    except BadReview as error:
        if isinstance(error.__cause__, MalformedObject):
            return inside.error(error.__cause__.pointer, error.__cause__.problem)
        return place.error("", str(error))
    if reading is None:
        return _IGNORED
    user = request.user_info.username if request.user_info else None
    evidence = evidence_for_filling(request, reading)
    return Subject(inside, reading, evidence, user, stands_alone=True)
