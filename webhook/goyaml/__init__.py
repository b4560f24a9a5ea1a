"""YAML and JSON text as Kubernetes reads it, with the line of every value.

kubectl and helm read through sigs.k8s.io/yaml, that is go-yaml v2 and then Go's JSON: `yes` is a
boolean, `0644` is 420, a date is a string and every key ends as a string. What kubectl made of
each such case is in `tests/golden/goyaml.json`. On purpose more is read than kubectl would apply,
because an auditor must not overlook anything: what follows `---` on its line or a `...`, and
`%YAML 1.2`.

Three readers share the work: `plain` takes YAML as nearly every manifest is written, `json_text`
JSON, and `yaml_text`, which is five times slower than `plain`, whatever is left.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from webhook.goyaml import json_text, plain
from webhook.goyaml.chunks import Chunk, Content, Unreadable, portions, split
from webhook.goyaml.lines import NotPlain
from webhook.goyaml.rows import Rows

__all__ = ["Document", "Problem", "documents", "portions"]

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
    """0-based in what was read; every document counts, empty ones too."""
    line: int
    """1-based line of the file where its content starts; of the problem if there is one."""
    value: Any = None
    """JSON-like: dict with str keys, list, str, int, float, bool or None. Parts may be shared."""
    problem: Problem | None = None
    """Why it could not be read; `value` is None then."""
    repeated: tuple[tuple[int, str], ...] = ()
    """Line and key of each key that is repeated in its mapping: the last one won."""
    find_rows: Callable[[], Rows] = Rows
    """Gives the rows of what is in the value, 0-based from `first_line`."""
    first_line: int = 1
    _rows: Rows | None = None

    def line_of(self, pointer: str) -> int:
        """The 1-based line of the value at an RFC 6901 pointer, or of its nearest parent.

        The line of a mapping's entry is that of its key.
        """
        if self._rows is None:
            self._rows = self.find_rows()
        row = self._rows.row_of(pointer)
        return self.line if row is None else self.first_line + row


def documents(data: bytes, line: int = 1) -> Iterator[Document]:
    """Every document in a file's bytes, one at a time; whatever the bytes are, nothing is raised.

    A document that cannot be read has a `problem`, and the documents after it are still read.
    `line` is where the bytes stand in the file, if they are one of its `portions`.
    """
    index = 0
    for chunk in split(data, line):
        for document in _read(chunk):
            document.index = index
            yield document
            index += 1


def _read(chunk: Chunk) -> Iterator[Document]:
    try:
        yield _document(chunk, plain.read(chunk))
    except NotPlain:
        yield from _read_any(chunk)


def _read_any(chunk: Chunk) -> Iterator[Document]:
    try:
        if chunk.json_start is not None:
            try:
                yield from (_document(chunk, content) for content in json_text.read(chunk))
                return
            except json_text.NotJson:
                pass  # flow YAML
        # here, because most files need no more than the other two, and PyYAML takes long to import
        from webhook.goyaml import yaml_text

        yield from (_document(chunk, content) for content in yaml_text.read(chunk))
    except Unreadable as error:
        advice = _TEMPLATE if b"{{" in chunk.text else ""
        # what is missing is missing after the last line
        line = min(chunk.line + error.row, chunk.last_line)
        problem = Problem(line, f"{error}{advice}")
        yield Document(index=0, line=line, problem=problem)


def _document(chunk: Chunk, content: Content) -> Document:
    return Document(
        index=0,
        line=chunk.line + content.row,
        value=content.value,
        repeated=tuple((chunk.line + row, key) for row, key in content.repeated),
        find_rows=content.find_rows,
        first_line=chunk.line,
    )
