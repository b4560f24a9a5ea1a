"""From the documents of a file to the workloads in them."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from webhook import review, workload
from webhook.admission import FILLED_KINDS, judged_object
from webhook.api import Evidence
from webhook.errors import BadReview, MalformedObject
from webhook.evidence import CreatedObject, WrittenText
from webhook.goyaml import Document
from webhook.report.entries import ErrorEntry, Source
from webhook.workload import Reading


class Place(msgspec.Struct, frozen=True):
    """Where in a file an object stands."""

    file: str
    document: Document
    pointer: str = ""
    """JSON Pointer to the object inside the document: `/items/3`, `/request/object`."""
    item: int | UnsetType = UNSET

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


class Ignored(msgspec.Struct, frozen=True):
    """Something that is no workload."""


_IGNORED: Final = Ignored()
_WRITTEN: Final = WrittenText()
_LIST: Final = "List"

Found = Subject | Ignored | ErrorEntry


def objects(file: str, document: Document) -> Iterator[Found]:
    """Everything in a document, in its order; nothing for an empty one."""
    place = Place(file, document)
    if document.problem:
        yield ErrorEntry(place.source(), document.problem.message)
    elif document.value is not None:
        yield from _Search(count()).found(place, document.value)
