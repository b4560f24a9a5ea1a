"""Params as a tree in words."""

from typing import Annotated, Literal, Optional

import pytest
from pydantic import Field

from webhook.api import Params
from webhook.explain.params import Param, defaults, tree


class Entry(Params):
    """One entry."""

    name: str = Field(min_length=1)
    """Exact name."""
    ends: int | None = Field(default=None, ge=1, le=9)
    is_read_only: bool = False


class Table(Params):
    """Entries by side."""

    left: Entry | None = None
    right: Entry | None = None
    width: float = 1.5


class Chain(Params):
    """Holds itself."""

    next: Optional["Chain"] = None


class Several(Params):
    """Every type there is."""

    words: tuple[str, ...] = Field(default=("a", "b"), min_length=1)
    paths: tuple[Annotated[str, Field(pattern="^/")], ...] = ()
    which: Literal["all", "none"] = "all"
    only: Literal["this"] = "this"
    entries: tuple[Entry, ...] = ()
    """Written by hand."""
    table: Table = Table()
    counts: dict[str, int] = Field(default={}, max_length=3)
    nothing: str | None = None


def test_a_tree_tells_types_limits_defaults_and_descriptions() -> None:
    params = tree(Several, {"entries": "what is listed.", "table": "the table."})
    entry = (
        Param(("name",), "string, 1 or more characters", "Exact name.", "required"),
        Param(("ends",), "integer, at least 1, at most 9, or null", "", "default `null`"),
        Param(("isReadOnly",), "true or false", "", "default `false`"),
    )
    assert params == (
        Param(("words",), "list of strings, 1 or more"),
        Param(("paths",), "list of strings, matching `^/`"),
        Param(("which",), "`all` or `none`"),
        Param(("only",), "`this`"),
        Param(("entries",), "list of mappings", "what is listed. Written by hand.", "", entry),
        Param(
            ("table",),
            "mapping",
            "the table.",
            "",
            (
                Param(("left", "right"), "mapping or null", "", "", entry),
                Param(("width",), "number"),
            ),
        ),
        Param(("counts",), "mapping of names to integers"),
        Param(("nothing",), "string or null"),
    )


def test_defaults_are_yaml_without_what_is_null_inside() -> None:
    assert defaults(Several) == (
        "words: [a, b]\n"
        "paths: []\n"
        "which: all\n"
        "only: this\n"
        "entries: []\n"
        "table: {width: 1.5}\n"
        "counts: {}\n"
        "nothing: null"
    )


def test_a_model_that_holds_itself_ends() -> None:
    once = Param(("next",), "mapping or null", "", "default `null`")
    assert tree(Chain, {}) == (Param(("next",), "mapping or null", "", "", (once,)),)


def test_a_param_with_a_description_of_its_own_is_told_alone() -> None:
    class Pair(Params):
        """Two alike."""

        first: int = 0
        second: int = 0

    assert [one.names for one in tree(Pair, {})] == [("first", "second")]
    assert [one.names for one in tree(Pair, {"first": "a.", "second": "b."})] == [
        ("first",),
        ("second",),
    ]


def test_what_is_required_or_has_another_default_is_told_alone() -> None:
    class Mixed(Params):
        """Alike but for one thing."""

        one: int
        two: int = 2
        three: int = 3

    class Listed(Params):
        """Several."""

        mixed: tuple[Mixed, ...] = ()

    (param,) = tree(Listed, {})
    assert [(one.names, one.default) for one in param.children] == [
        (("one",), "required"),
        (("two",), "default `2`"),
        (("three",), "default `3`"),
    ]


@pytest.mark.parametrize(("model", "text"), [(Params, ""), (Chain, "next: null")])
def test_few_params_have_few_defaults(model: type[Params], text: str) -> None:
    assert defaults(model) == text
