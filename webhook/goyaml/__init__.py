"""YAML and JSON text as Kubernetes reads it, with the line of every value.

kubectl and helm read through sigs.k8s.io/yaml, that is go-yaml v2 and then Go's JSON: `yes` is a
boolean, `0644` is 420, a date is a string and every key ends as a string. What kubectl made of
each such case is in `tests/golden/goyaml.json`. On purpose more is read than kubectl would apply,
because an auditor must not overlook anything: what follows `---` on its line or a `...`, and
`%YAML 1.2`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from webhook.goyaml import json_text, yaml_text
from webhook.goyaml.chunks import Chunk, Content, Unreadable, split

__all__ = ["Document", "Problem", "documents"]

_TEMPLATE = (
    "; the {{ looks like an unrendered Helm or Go template: render it first, "
    "e.g. `helm template CHART | podworthy audit -`"
)


class Problem(msgspec.Struct, frozen=True):
    """Why a document could not be read."""

    line: int
    """1-based line of the file."""
    message: str
    """One line for a human."""


class Document(msgspec.Struct, kw_only=True):
    """One document of a stream."""

    index: int
    """0-based; every document counts, empty ones too."""
    line: int
    """1-based line of the file where its content starts; of the problem if there is one."""
    value: Any = None
    """JSON-like: dict with str keys, list, str, int, float, bool or None. Parts may be shared."""
    problem: Problem | None = None
    """Why it could not be read; `value` is None then."""
    repeated: tuple[tuple[int, str], ...] = ()
    """Line and key of each key that is repeated in its mapping: the last one won."""
    find_lines: Callable[[], dict[str, int]] = dict
    """Reads the text again for the line of each pointer."""
    _lines: dict[str, int] | None = None

    def line_of(self, pointer: str) -> int:
        """The 1-based line of the value at an RFC 6901 pointer, or of its nearest parent.

        The line of a mapping's entry is that of its key. Lines are not kept while reading: the
        first call reads the text again.
        """
        if self._lines is None:
            self._lines = self.find_lines()
        while pointer and pointer not in self._lines:
            pointer = pointer.rpartition("/")[0]
        return self._lines.get(pointer, self.line)


def documents(data: bytes) -> Iterator[Document]:
    """Every document in a file's bytes, one at a time; whatever the bytes are, nothing is raised.

    A document that cannot be read has a `problem`, and the documents after it are still read.
    """
    index = 0
    for chunk in split(data):
        for document in _read(chunk):
            document.index = index
            yield document
            index += 1


def _read(chunk: Chunk) -> Iterator[Document]:
    try:
        if chunk.json_start is not None:
            try:
                yield from (_document(chunk, one, json_text.lines) for one in json_text.read(chunk))
                return
            except json_text.NotJson:
                pass  # flow YAML
        yield from (_document(chunk, one, yaml_text.lines) for one in yaml_text.read(chunk))
    except Unreadable as error:
        advice = _TEMPLATE if b"{{" in chunk.text else ""
        problem = Problem(chunk.line + error.row, f"{error}{advice}")
        yield Document(index=0, line=problem.line, problem=problem)


def _document(
    chunk: Chunk, content: Content, lines: Callable[[Chunk, int], dict[str, int]]
) -> Document:
    return Document(
        index=0,
        line=chunk.line + content.row,
        value=content.value,
        repeated=tuple((chunk.line + row, key) for row, key in content.repeated),
        find_lines=partial(lines, chunk, content.place),
    )
