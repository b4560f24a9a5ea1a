"""The proof notices whatever else might have changed."""

import pytest

from webhook.goyaml import documents
from webhook.rewrite.edits import Edit, Splice
from webhook.rewrite.proof import holds

OLD = "a: {b: 1}  # here\n---\nc: 1\n"
EDIT = Edit(0, "/a/d", 1)
SPLICE = Splice(8, 8, ", d: 1")


def proved(new: str, edit: Edit = EDIT, splice: Splice = SPLICE, old: str = OLD) -> bool:
    """Whether the new text is what the edit asks for, and the splice the only difference."""
    before = list(documents(old.encode()))
    return holds(old.encode(), new.encode(), before, [edit], [splice])


def test_what_was_asked_for() -> None:
    assert proved("a: {b: 1, d: 1}  # here\n---\nc: 1\n")


@pytest.mark.parametrize(
    "new",
    [
        "a: {b: 1}  # here\n---\nc: 1\n",  # not set
        "a: {b: 1, d: 2}  # here\n---\nc: 1\n",  # another number
        "a: {b: 1, d: true}  # here\n---\nc: 1\n",  # no number, though equal to Python
        "a: {b: 1, d: 1.0000001}  # here\n---\nc: 1\n",
        "a: {b: 1, d: 1, e: 1}  # here\n---\nc: 1\n",  # more than asked
        "a: {b: 2, d: 1}  # here\n---\nc: 1\n",  # another value changed
        "a: {b: 1, d: 1}  # here\n---\nc: 2\n",  # in another document
        "a: {b: 1, d: 1}  # here\n---\nc: 1\n---\n",  # one document more
        "a: {b: 1, d: 1}  # here\n---\nc: [\n",  # no longer readable
        "a: {b: 1, d: 1, b: 1}  # here\n---\nc: 1\n",  # a key repeated
        "a: {b: 1, d: 1}  # there\n---\nc: 1\n",  # a comment changed
        "a: {b: 1, d: 1} # here\n---\nc: 1\n",  # a space lost
        "a: {b: 1, d: 1}  # here\n---\r\nc: 1\n",
    ],
)
def test_anything_else(new: str) -> None:
    assert not proved(new)


def test_a_splice_that_lies() -> None:
    assert not proved("a: {b: 1, d: 1}  # here\n---\nc: 1\n", splice=Splice(9, 9, ", d: 1"))


def test_an_alias_must_not_change_with_what_it_stands_for() -> None:
    old = "a: &x {b: 1}\nc: *x\n"
    splice = Splice(11, 11, ", d: 1")
    assert not proved("a: &x {b: 1, d: 1}\nc: *x\n", splice=splice, old=old)


def test_a_document_that_cannot_be_read_must_stay_so() -> None:
    old = "a: {b: 1}\n---\n]\n"
    assert proved("a: {b: 1, d: 1}\n---\n]\n", old=old)
    assert not proved("a: {b: 1, d: 1}\n---\n[]\n", old=old)
