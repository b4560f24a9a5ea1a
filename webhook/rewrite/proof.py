"""The proof that a rewriting says what was asked for, and nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from webhook.api.pointer import pointer_keys
from webhook.goyaml import Document, documents
from webhook.rewrite.edits import Edit, Splice
from webhook.rewrite.splices import undo


def holds(
    old: bytes,
    new: bytes,
    before: Sequence[Document],
    edits: Iterable[Edit],
    splices: Iterable[Splice],
) -> bool:
    """True if the new bytes read as the documents `before` with the edits in them, and if nothing
    but the splices tells them from the old bytes.
    """
    expected = {document.index: document.value for document in before}
    for edit in edits:
        expected[edit.document] = _edited(expected[edit.document], edit)
    after = list(documents(new))
    return (
        len(after) == len(before)
        and all(map(_same_reading, before, after))
        and all(map(_same, expected.values(), (document.value for document in after)))
        and undo(old, new, splices) == old
    )


def _edited(value: Any, edit: Edit) -> Any:
    """The value with the edit in it; what is off its way is shared, what is on it is copied,
    because an alias may stand for the same object elsewhere."""
    edited = copy = _copied(value)
    *way, key = pointer_keys(edit.pointer)
    for token in way:
        step = int(token) if isinstance(copy, list) else token
        copy[step] = copy = _copied(copy[step])
    copy[key] = edit.value
    return edited


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else dict(value)


def _same_reading(one: Document, other: Document) -> bool:
    """The same problem if any, and the same repeated keys, whatever the lines are by now."""
    return (
        (one.problem and one.problem.message) == (other.problem and other.problem.message)
    ) and [key for _, key in one.repeated] == [key for _, key in other.repeated]


def _same(one: Any, other: Any) -> bool:
    """Equal in JSON, where 1, 1.5 and true are of three types and the order of keys is a habit."""
    return one is other or msgspec.json.encode(one, order="sorted") == msgspec.json.encode(
        other, order="sorted"
    )
