"""Where the estate is known from: a cluster, or files."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from webhook.audit.live import Found, Left, Note, Progress, Survey
from webhook.audit.live.resources import WORKLOADS
from webhook.audit.objects import Subject, objects
from webhook.audit.sources import Inputs, Text
from webhook.cluster import Fetcher, Patience
from webhook.goyaml import documents
from webhook.impact.estate import Estate, Piece
from webhook.impact.trial import Promotion
from webhook.report.entries import ErrorEntry, Source

_ORDER: Final = {resource.kind: index for index, resource in enumerate(WORKLOADS)}
"""Whoever makes another comes before it."""


def of_cluster(
    client: Fetcher, promotion: Promotion, estate: Estate, patience: Patience | None = None
) -> Iterator[Note | Progress]:
    """Put everything that runs in a cluster into the estate, list by list."""
    survey = Survey(client, promotion.scope, patience, finds_owned=True)
    for step in survey.namespaces(promotion.profiles, promotion.default):
        if isinstance(step, ErrorEntry):
            estate.errors.append(step)
        else:
            yield step
    for namespace, profile in survey.profiles.items():
        estate.chosen(namespace, profile)
    if not survey.can_go_on:
        return
    for found in survey.workloads():
        if isinstance(found, Found):
            estate.add(Piece(found.reading, found.place.source()))
        elif isinstance(found, Left):
            estate.left(found.namespace, found.kind, found.name)
        elif isinstance(found, ErrorEntry):
            estate.errors.append(found)
        else:
            yield found


def of_files(
    paths: Iterable[str], stdin: BinaryIO, estate: Estate, namespace: str | None
) -> Iterator[Note]:
    """Put everything that is written in files into the estate; `namespace` is that of objects that
    name none."""
    pieces: list[Piece] = []
    for text in Inputs(paths, stdin).texts():
        if not isinstance(text, Text):
            estate.errors.append(ErrorEntry(Source(text.file), text.problem))
            continue
        for document in documents(text.data):
            for found in objects(text.file, document, namespace):
                if isinstance(found, Subject):
                    pieces.append(Piece(found.reading, found.place.source(), found.user))
                elif isinstance(found, ErrorEntry):
                    estate.errors.append(found)
            for line, key in document.repeated:
                yield Note(f"{text.file}:{line}: key {key!r} is repeated, the last one counts")
    for piece in sorted(pieces, key=lambda one: _ORDER[one.reading.workload.kind]):
        estate.add(piece)
