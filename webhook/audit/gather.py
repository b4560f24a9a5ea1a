"""The first of two passes over the inputs: what may stand around the workloads."""

import re
from collections.abc import Iterator
from typing import Final

from webhook import lookups
from webhook.audit.objects import Around, objects
from webhook.audit.sources import Inputs, Text
from webhook.goyaml import documents
from webhook.goyaml.chunks import split

_KINDS: Final = tuple(kind.encode() for kind in lookups.API_VERSIONS)
# a list of them counts, too; ServiceAccount and serviceName do not
_MENTION: Final = re.compile(rb"\b(?:%s)(?:List)?\b" % b"|".join(_KINDS))


def gather(inputs: Inputs, namespace: str | None = None) -> lookups.Gathered:
    """Every claim, volume, class and Service in the inputs.

    `namespace` is that of objects that name none.
    Only documents that mention one of these kinds are read. What cannot be read is left out here:
    the second pass says so.
    """
    return lookups.Gathered(_around(inputs, namespace))


def _around(inputs: Inputs, namespace: str | None) -> Iterator[lookups.Object]:
    for text in inputs.texts():
        if isinstance(text, Text) and _mentions(text.data):
            for chunk in split(text.data):
                if _mentions(chunk.text):
                    for document in documents(chunk.text):
                        for found in objects(text.file, document, namespace):
                            if isinstance(found, Around):
                                yield found.object


def _mentions(text: bytes) -> bool:
    """Whether one of the kinds is named. Most texts hold none of the words, which is told faster
    than by the pattern."""
    return any(kind in text for kind in _KINDS) and _MENTION.search(text) is not None
