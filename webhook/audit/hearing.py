"""A text judged, in a form that fits into a message between processes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from webhook.audit.judge import Court, judge
from webhook.audit.objects import Around, Ignored, Subject, objects
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


class Outcome(msgspec.Struct, array_like=True):
    """What became of one text."""

    told: Sequence[Told] = ()
    """In the order of the text."""
    clean: int = 0
    """Objects that are not told, because there is nothing to say of them."""
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

    def outcome(self, text: Text | Unread) -> Outcome:
        """Judge everything in a text."""
        if isinstance(text, Unread):
            return Outcome([Told(error=ErrorEntry(Source(text.file), text.problem))])
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
                    outcome.ignored += 1
                    if isinstance(found, Around) and found.note:
                        told.append(Told(note=found.note))
                    continue
                is_judged = True
                if isinstance(found, ErrorEntry):
                    told.append(Told(error=found))
                    continue
                judged = judge_one(found)
                if self.tells_clean or not judged.is_clean:
                    told.append(Told(judged))
                else:
                    outcome.clean += 1
            if is_judged:
                told += _repeated(text.file, document)
        return outcome


def _repeated(file: str, document: Document) -> Iterator[Told]:
    for line, key in document.repeated:
        yield Told(note=f"{file}:{line}: key {key!r} is repeated, the last one counts")


def renumbered(told: Told, before: int) -> Told:
    """The same, where so many documents of the file come before those of the text."""
    if told.error:
        return Told(error=_moved(told.error, before))
    if told.judged:
        judged = told.judged
        entry = _moved(judged.entry, before)
        findings = [_moved(finding, before) for finding in judged.findings]
        fills = [_moved(fill, before) for fill in judged.fills]
        return Told(msgspec.structs.replace(judged, entry=entry, findings=findings, fills=fills))
    return told


def _moved(entry: T, before: int) -> T:
    source = entry.source
    if source.document is UNSET:
        return entry
    moved = msgspec.structs.replace(source, document=source.document + before)
    return msgspec.structs.replace(entry, source=moved)
