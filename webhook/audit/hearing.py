"""A text judged, in a form that fits into a message between processes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from webhook.audit.judge import Court, judge
from webhook.audit.objects import Around, Ignored, Subject, objects
from webhook.audit.shard import Shard
from webhook.audit.sources import Text, Unread
from webhook.goyaml import Document, documents
from webhook.report.entries import (
    ErrorEntry,
    FillEntry,
    FindingEntry,
    Judged,
    ObjectEntry,
    Source,
)

T = TypeVar("T", ObjectEntry, FindingEntry, FillEntry, ErrorEntry)


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One of three."""

    judged: Judged | None = None
    error: ErrorEntry | None = None
    note: str = ""
    order: int = 0
    """Number of the object, or of what is none and cannot be judged, in its text."""


class Outcome(msgspec.Struct, array_like=True):
    """What became of one text."""

    told: Sequence[Told] = ()
    """In the order of the text."""
    clean: int = 0
    """Objects that are not told, because there is nothing to say of them."""
    found: int = 0
    """How many objects, and things that cannot be judged, the text has, whoever tells of them."""
    ignored: int = 0
    """Objects and documents that are no workload."""
    documents: int = 0
    """How many the text has."""
    size: int = 0
    """Bytes of the text."""
    is_continued: bool = False
    """The text's: the documents are numbered from its start, not from that of its file."""


class Hearing(msgspec.Struct, frozen=True):
    """How texts are judged."""

    court: Court
    namespace: str | None = None
    """Of objects that name none."""
    show_fill: bool = False
    """Whether to add diffs that make the fills; texts are whole files then."""
    tells_clean: bool = True
    """Whether objects of which there is nothing to say are told, or only counted."""
    shard: Shard | None = None
    """Whose objects are judged; None for all."""

    def outcome(self, text: Text | Unread) -> Outcome:
        """Judge everything in a text."""
        if isinstance(text, Unread):
            error = Told(error=ErrorEntry(Source(text.file), text.problem))
            return Outcome([error] if self._is_first else [], found=1)
        judge_one: Callable[[Subject], Judged] = partial(judge, self.court)
        if self.show_fill:
            # here, because few audits show diffs
            from webhook.audit.preview import judge_with_diffs

            judge_one = judge_with_diffs(self.court, text, self.namespace)
        told: list[Told] = []
        outcome = Outcome(told, size=len(text.data), is_continued=text.is_continued)
        for document in documents(text.data, text.line):
            outcome.documents += 1
            is_judged = False
            for found in objects(text.file, document, self.namespace):
                if isinstance(found, Ignored | Around):
                    outcome.ignored += self._is_first
                    if isinstance(found, Around) and found.note and self._is_first:
                        told.append(Told(note=found.note))
                    continue
                is_judged = True
                order = outcome.found
                outcome.found += 1
                if isinstance(found, ErrorEntry):
                    told += [Told(error=found, order=order)] if self._is_first else []
                elif self._is_ours(found):
                    judged = judge_one(found)
                    if self.tells_clean or not judged.is_clean:
                        told.append(Told(judged, order=order))
                    else:
                        outcome.clean += 1
            if is_judged and self._is_first:
                told += _repeated(text.file, document)
        return outcome

    @property
    def _is_first(self) -> bool:
        return self.shard is None or self.shard.is_first

    def _is_ours(self, subject: Subject) -> bool:
        workload = subject.reading.workload
        return self.shard is None or self.shard.holds(workload.namespace, workload.name)


def _repeated(file: str, document: Document) -> Iterator[Told]:
    for line, key in document.repeated:
        yield Told(note=f"{file}:{line}: key {key!r} is repeated, the last one counts")


def renumbered(told: Told, before: int) -> Told:
    """The same, where so many documents of the file come before those of the text."""
    if told.error:
        return Told(error=_moved(told.error, before), order=told.order)
    if told.judged:
        judged = told.judged
        entry = _moved(judged.entry, before)
        findings = [_moved(finding, before) for finding in judged.findings]
        fills = [_moved(fill, before) for fill in judged.fills]
        judged = msgspec.structs.replace(judged, entry=entry, findings=findings, fills=fills)
        return Told(judged, order=told.order)
    return told


def numbered(told: Told, before: int) -> Told:
    """The same with its number in the whole, where so many come before those of the text."""
    order = before + told.order
    if told.error:
        return Told(error=msgspec.structs.replace(told.error, order=order))
    if told.judged:
        judged = told.judged
        entry = msgspec.structs.replace(judged.entry, order=order)
        findings = [msgspec.structs.replace(one, order=order) for one in judged.findings]
        fills = [msgspec.structs.replace(one, order=order) for one in judged.fills]
        return Told(msgspec.structs.replace(judged, entry=entry, findings=findings, fills=fills))
    return told


def _moved(entry: T, before: int) -> T:
    source = entry.source
    if source.document is UNSET:
        return entry
    moved = msgspec.structs.replace(source, document=source.document + before)
    return msgspec.structs.replace(entry, source=moved)
