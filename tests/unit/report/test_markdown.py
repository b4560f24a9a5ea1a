"""Markdown, read by a parser: what manifests say must stay text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.unit.report.samples import (
    CRASHED,
    DENIED,
    EVERY_KIND,
    ODD,
    SKIPPED,
    UNREAD,
    WARNED,
    at,
    changed,
    fill,
    judged,
    written,
)
from webhook.messages import printable
from webhook.report.entries import ErrorEntry, Judged, ObjectName, Source
from webhook.report.markdown import MAX_CELL

COMMENT = 65_536


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def rows(text: str) -> list[list[str]]:
    """The cells of every row, without heads; each is a code span."""
    found: list[list[str]] = []
    in_body = False
    for token in tokens(text):
        if token.type in ("tbody_open", "tbody_close"):
            in_body = token.type == "tbody_open"
        elif in_body and token.type == "tr_open":
            found.append([])
        elif in_body and token.type == "inline":
            (span,) = token.children or []
            assert span.type == "code_inline"
            found[-1].append(span.content)
    return found


def titles(text: str) -> list[str]:
    return re.findall(r"^(?:#+ |<details><summary>)(.*?)(?:</summary>)?$", text, re.MULTILINE)


def test_sections_in_the_order_of_what_to_look_at_first() -> None:
    text = written("markdown", judged(*EVERY_KIND, fill("periodSeconds", 10)), UNREAD)

    assert titles(text) == [
        "podworthy: 1 violation, 2 warnings, 1 recorded, 1 exempted finding, 1 failed policy, "
        "1 field to fill, 1 error",
        "Not judged",
        "Violations",
        "Warnings",
        "1 recorded finding",
        "1 exempted finding",
        "1 field to fill",
    ]
    assert text.count("<details>") == text.count("</details>") == 3


def test_a_finding_is_a_row() -> None:
    assert rows(written("markdown", judged(DENIED))) == [
        ["app.yaml:9", "StatefulSet shop/web", "require-probes", "web: no livenessProbe; add one"]
    ]


def test_what_would_be_set_is_a_row_for_each_probe() -> None:
    assert rows(
        written("markdown", judged(fill("failureThreshold", 6), fill("periodSeconds", 9)))
    ) == [
        [
            "app.yaml:11",
            "StatefulSet shop/web",
            "probe-timing",
            "web: would set livenessProbe failureThreshold 6, periodSeconds 9",
        ]
    ]


def test_what_was_not_judged() -> None:
    assert rows(written("markdown", UNREAD, judged(CRASHED))) == [
        ["gone.yaml", "No such file or directory"],
        [
            "app.yaml:9",
            "StatefulSet shop/web: require-probes: the policy failed: KeyError: 'x'",
        ],
    ]


def test_the_exemption_is_told() -> None:
    ((*_, cell),) = rows(written("markdown", judged(SKIPPED)))

    assert cell.endswith("exemption ledger of team-pay until 2027-03-31")


@pytest.mark.parametrize("told", [[], [judged()]])
def test_nothing_found(told: list[Judged]) -> None:
    assert len(titles(written("markdown", *told))) == 1


@pytest.mark.parametrize(
    "name",
    [ODD, "@user", "`", "``", "a`", "|", "\\|", "\\\\|", "a\\", "<img src=x>", "#1", " ", "`` | `"],
)
def test_names_stay_text(name: str) -> None:
    odd = changed(DENIED, message=f"{name}: bad", source=at(1, "a.yaml"))
    text = written("markdown", judged(odd, name=ObjectName("v1", "Pod", None, name)))

    ((_, _, _, cell),) = rows(text)

    assert cell == printable(f"{name}: bad")


@given(st.text("`| \\a\n<", min_size=1))
def test_any_text_stays_text(text: str) -> None:
    ((_, cell),) = rows(written("markdown", ErrorEntry(Source("a.yaml"), text)))

    assert cell.strip() == printable(text).strip()


def test_the_report_fits_into_a_comment_and_counts_the_rest() -> None:
    long = changed(DENIED, message="|" * 10_000, source=Source("a" * 10_000))
    told = [judged(*[changed(long, result=f.result, action=f.action) for f in EVERY_KIND])] * 50
    fills = judged(*[fill("periodSeconds", 10)] * 5, file="|" * 10_000)

    text = written("markdown", *told, *[fills] * 400, *[UNREAD] * 1_000)

    assert COMMENT / 2 < len(text) < COMMENT
    assert text.count("\nand ") == 6
    denied = sum("`require-probes`" in line for line in _section(text, "Violations"))
    assert f"and {50 - denied} more" in _section(text, "Violations")


def test_a_long_cell_is_cut() -> None:
    ((*_, cell),) = rows(written("markdown", judged(changed(WARNED, message="x" * 1_000))))

    assert cell == "x" * (MAX_CELL - 1) + "…"


def _section(text: str, title: str) -> list[str]:
    return text.partition(f"### {title}\n")[2].partition("\n#")[0].splitlines()
