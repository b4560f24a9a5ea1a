"""Texts in batches: neither many small messages nor one file for one process."""

from collections.abc import Iterable, Iterator
from typing import Final

from webhook.audit.sources import Text, Unread
from webhook.goyaml import portions

Batch = list[Text | Unread]

SIZE: Final = 128 * 1024
"""Bytes of a batch, or little more: some 80 documents, 20 ms of work."""
_LENGTH: Final = 100
"""Texts of a batch at most: of files that cannot be read, or are nearly empty."""


def parts(texts: Iterable[Text | Unread]) -> Iterator[Text | Unread]:
    """Large files cut between their documents; the rest as it is."""
    for text in texts:
        if isinstance(text, Text):
            for data, line in portions(text.data, SIZE):
                yield Text(text.file, data, line, is_continued=line > 1)
        else:
            yield text


def batches(texts: Iterable[Text | Unread]) -> Iterator[Batch]:
    """All texts in their order, so many together that their bytes are `SIZE`."""
    batch: Batch = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.data) if isinstance(text, Text) else 0
        if size >= SIZE or len(batch) == _LENGTH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
