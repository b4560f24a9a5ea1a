"""The form of a policy's docstring."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import create_model

from webhook.api import Params, Policy
from webhook.catalog import POLICIES
from webhook.docstring import FILLS, SECTIONS, Block, Documentation, documentation
from webhook.errors import DocstringError

DOC = """Pods have names.

What it checks
    Each name, as in `metadata.name`:
    it is there.

    - of pods
    - of what
      makes pods

    where     a name is: in
              metadata
    nowhere   else

    what    where
    a name  in metadata

      indented: too

Why
    Nameless pods are nobody's.

Bad
    metadata:

      namespace: shop

Good
    metadata: {name: web}

Params
    As few as can be.

    prefix: what names
        begin with.
    suffix: what they end with.

Limits
    None.
"""


class Named(Params):
    """What it takes."""

    prefix: str = ""
    suffix: str = ""


def named(doc: str = DOC, params: type[Params] = Named) -> Policy[Any]:
    return Policy(id="named", summary="", params=params, check=lambda *_: iter(()), doc=doc)


def test_a_docstring_is_a_title_and_sections_of_blocks() -> None:
    assert documentation(named()) == Documentation(
        "Pods have names.",
        {
            "What it checks": [
                Block("prose", ("Each name, as in `metadata.name`: it is there.",)),
                Block("list", ("of pods", "of what makes pods")),
                Block("terms", ("`where`: a name is: in metadata", "`nowhere`: else")),
                Block("literal", ("what    where", "a name  in metadata")),
                Block("literal", ("  indented: too",)),
            ],
            "Why": [Block("prose", ("Nameless pods are nobody's.",))],
            "Bad": [Block("literal", ("metadata:", "", "  namespace: shop"))],
            "Good": [Block("literal", ("metadata: {name: web}",))],
            "Params": [
                Block("prose", ("As few as can be.",)),
                Block("list", ("prefix: what names begin with.", "suffix: what they end with.")),
            ],
            "Limits": [Block("prose", ("None.",))],
        },
        {"prefix": "what names begin with.", "suffix": "what they end with."},
    )


@pytest.mark.parametrize(
    "table",
    [
        "where   a name\n    nowhere  else",  # not aligned
        "where     a   name\n    nowhere   else",  # three columns
        "where     a name",  # one line
        "where     a name\n              is:\n    in metadata",
        "where     a name\n                is",  # an indented column
    ],
)
def test_what_is_no_table_of_terms_is_no_list(table: str) -> None:
    doc = DOC.replace(
        "    where     a name is: in\n              metadata\n    nowhere   else", "    " + table
    )
    assert doc != DOC
    blocks = documentation(named(doc)).sections["What it checks"]
    assert blocks[2].kind in ("literal", "prose")


def test_a_list_needs_no_empty_line_before_it() -> None:
    doc = DOC.replace("    it is there.\n\n", "    it is there.\n")
    assert documentation(named(doc)) == documentation(named())


def test_indentation_of_the_whole_docstring_does_not_matter() -> None:
    assert documentation(named(DOC.replace("\n", "\n    "))) == documentation(named())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (DOC, "", "must begin with one line that says what holds, and an empty line"),
        ("names.\n\n", "names.\n", "must begin with one line that says what holds, and an"),
        ("names.\n\n", "names.\n\n    And more.\n\n", "has 'And more.' before its first section"),
        ("Limits\n    None.\n", "", "has no section 'Limits'"),
        ("\nWhy\n", "\nWhat for\n", "has an unknown section 'What for'"),
        ("\nLimits\n", "\nLimit\n", "has an unknown section 'Limit' (did you mean 'Limits'?)"),
        ("\nBad\n", "\nWhy\n", "has no section 'Bad'"),
        ("\nLimits\n", "\nWhy\n    So.\n\nLimits\n", "has a section twice: What it checks, Why, B"),
        ("    Nameless pods are nobody's.\n", "", "has nothing in its section 'Why'"),
        (
            "    prefix: what names\n        begin with.\n",
            "",
            "does not describe the param 'prefix'",
        ),
        ("    suffix: ", "    sufix: ", "does not describe the param 'suffix'"),
        (
            "    As few as can be.\n",
            "    prefixes: no.\n",
            "describes a param that it has not, 'prefixes' (did you mean 'prefix'?)",
        ),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, problem: str) -> None:
    doc = DOC.replace(old, new, 1)
    assert doc != DOC
    with pytest.raises(DocstringError) as raised:
        documentation(named(doc))
    assert str(raised.value).startswith(f"policy named: its docstring {problem}")


def test_another_order_is_wrong() -> None:
    bad, good = (DOC[DOC.index(f"\n{a}\n") : DOC.index(f"\n{b}\n")] for a, b in ORDER)
    with pytest.raises(DocstringError) as raised:
        documentation(named(DOC.replace(bad + good, good + bad)))
    assert "sections in another order: What it checks, Why, Good, Bad, P" in str(raised.value)


ORDER = [("Bad", "Good"), ("Good", "Params")]


def fill(doc: str) -> Policy[Any]:
    return replace(named(doc), check=None, fill=lambda *_: iter(()))


def test_a_fill_may_say_what_it_fills() -> None:
    doc = documentation(fill(DOC.replace("What it checks", FILLS)))
    assert tuple(doc.sections) == (FILLS, *SECTIONS[1:])
    assert doc.what == documentation(fill(DOC)).what == documentation(named()).what


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (named(DOC.replace("What it checks", FILLS)), "did you mean 'What it checks'?"),
        (fill(DOC.replace("What it checks", "What it fill")), "did you mean 'What it fills'?"),
        (
            fill(DOC[: DOC.index("What")] + DOC[DOC.index("Why") :]),
            "has no section 'What it fills'",
        ),
    ],
)
def test_what_a_policy_does_is_said_by_its_name(policy: Policy[Any], problem: str) -> None:
    with pytest.raises(DocstringError) as raised:
        documentation(policy)
    assert problem in str(raised.value)


def test_a_policy_without_params_may_say_so() -> None:
    start, end = DOC.index("    As few"), DOC.index("\nLimits")
    doc = f"{DOC[:start]}    None.\n{DOC[end:]}"
    assert documentation(named(doc, Params)).params == {}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
class TestShipped:
    """Every shipped policy is documented in full."""

    def test_its_docstring_has_the_form(self, policy: Policy[Any]) -> None:
        doc = documentation(policy)
        assert doc.title.endswith(".")
        first = FILLS if policy.fill else SECTIONS[0]
        assert tuple(doc.sections) == (first, *SECTIONS[1:])

    def test_its_examples_are_yaml_and_differ(self, policy: Policy[Any]) -> None:
        sections = documentation(policy).sections
        bad, good = (yaml.safe_load("\n".join(sections[s][0].lines)) for s in ("Bad", "Good"))
        assert isinstance(bad, dict)
        assert isinstance(good, dict)
        assert bad != good

    def test_a_param_that_is_not_described_is_noticed(self, policy: Policy[Any]) -> None:
        more = create_model("More", __base__=policy.params, one_more=(int, 0))
        with pytest.raises(DocstringError, match="does not describe the param 'oneMore'"):
            documentation(replace(policy, params=more))
