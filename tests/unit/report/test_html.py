"""The page for people who decide; what manifests say must stay text."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exemptions import exemption
from tests.unit.report.samples import (
    DENIED,
    EVERY_KIND,
    EXEMPTION,
    HEADING,
    ODD,
    PROBE,
    SKIPPED,
    UNREAD,
    at,
    changed,
    fill,
    judged,
    written,
)
from webhook.exemptions import Exemptions
from webhook.markup import visible
from webhook.report import html
from webhook.report.entries import ErrorEntry, Heading, Judged, ObjectName, Source
from webhook.report.html_rows import MAX_TEXT

TODAY = date(2026, 11, 24)
FULL = msgspec.structs.replace(
    HEADING,
    kinds={HEADING.profile: {"require-probes": ("StatefulSet",)}},
    today=TODAY,
    team_label="team",
)
EVIL = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "<!--",
    "]]>",
    "{{ 7 * 7 }}",
    "\u202egnp.exe",
    ODD,
)


class Page(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inline: list[str] = []
        """Content of styles and scripts."""
        self._is_inline = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._is_inline = tag in ("style", "script")
        if self._is_inline:
            self.inline.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 the parser names it
        self._is_inline = False

    def handle_data(self, data: str) -> None:
        if self._is_inline:
            self.inline[-1] += data
        elif data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def data(self) -> Any:
        """What the script shows."""
        return json.loads(self.inline[1])

    def rows(self) -> list[dict[str, str]]:
        found = self.data["findings"]
        return [
            {
                name: found["texts"][number]
                for name, number in zip(found["columns"], row, strict=True)
            }
            for row in found["rows"]
        ]


def page(*told: Judged | ErrorEntry, heading: Heading = FULL) -> Page:
    return Page(written("html", *told, heading=heading))


def of_team(one: Judged, team: str) -> Judged:
    return msgspec.structs.replace(one, team=team)


def with_exemptions(*days: int) -> Heading:
    made = [
        msgspec.structs.replace(
            exemption(name=f"e{number}"), granted=TODAY, expires=TODAY + timedelta(number)
        )
        for number in days
    ]
    return msgspec.structs.replace(FULL, exemptions=Exemptions(made))


def everything() -> Iterator[Judged | ErrorEntry]:
    yield of_team(judged(*EVERY_KIND, fill("periodSeconds", 10)), "search")
    yield judged(name=ObjectName("v1", "Pod", None, None))
    yield UNREAD


# What the page is


def test_styles_and_scripts_are_allowed_by_their_hashes_and_nothing_else_is() -> None:
    shown = page(*everything())

    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in shown.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    style, data, script = shown.inline
    hashes = [
        base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    assert json.loads(data)


def test_the_page_needs_nothing_but_itself() -> None:
    for tag, attributes in page(*everything()).elements:
        assert tag not in ("link", "img", "iframe", "object", "base"), tag
        for name, value in attributes.items():
            assert name not in ("style", "src", "srcset"), tag
            assert not name.startswith("on"), tag
            assert name != "href" or (value or "").startswith("#"), value


def test_links_lead_somewhere() -> None:
    shown = page(*everything(), heading=with_exemptions(5))
    ids = {attributes.get("id") for _, attributes in shown.elements}

    links = {attributes["href"] for tag, attributes in shown.elements if tag == "a"}
    assert {(link or "").removeprefix("#") for link in links} <= ids


def test_the_same_audit_is_the_same_page() -> None:
    assert written("html", *everything(), heading=FULL) == written(
        "html", *everything(), heading=FULL
    )


# What it says


def test_a_finding_is_a_row_with_its_path_its_fix_and_its_place() -> None:
    (row,) = page(of_team(judged(DENIED), "search")).rows()

    assert row == {
        "result": "deny",
        "state": "",
        "policy": "require-probes",
        "rule": "",
        "namespace": "shop",
        "team": "search",
        "kind": "StatefulSet",
        "name": "web",
        "what": "web: no livenessProbe",
        "fix": "add one",
        "path": PROBE,
        "source": "app.yaml:9",
        "exemption": "",
        "note": "",
        "diff": "",
    }


def test_the_gravest_comes_first() -> None:
    told = judged(*reversed(EVERY_KIND), fill("periodSeconds", 10))

    assert [row["result"] for row in page(told).rows()] == [
        *("deny", "error", "warn", "warn", "audit", "skip", "fill"),
    ]


def test_the_diff_is_shown_with_what_is_filled() -> None:
    diff = ("--- app.yaml", "+++ app.yaml", "@@ -1 +1,2 @@", " a: 1\r", "+b: 2\r")
    told = msgspec.structs.replace(judged(fill("periodSeconds", 10)), diff=diff)

    shown = page(told)

    (row,) = shown.rows()
    assert row["diff"] == "@@ -1 +1,2 @@\n a: 1\n+b: 2"
    assert row["what"] == "web: would set livenessProbe periodSeconds 10"
    assert ("span", {"class": "plus"}) in shown.elements
    assert "+b: 2" in shown.texts


def test_why_there_is_no_diff() -> None:
    told = msgspec.structs.replace(
        judged(fill("periodSeconds", 10)), diff=(), without_diff={PROBE: "not set: it is an alias"}
    )

    (row,) = page(told).rows()

    assert row["note"] == f"evidence: absent; {PROBE}: not set: it is an alias"


def test_what_could_not_be_judged_is_said() -> None:
    texts = page(UNREAD).texts

    assert "Not judged" in texts
    assert "No such file or directory" in texts
    assert "There was nothing to judge." in texts


def test_nothing_found() -> None:
    texts = page(judged()).texts

    assert "Nothing was found." in texts
    assert "100%" in texts


def test_exemptions_with_their_days() -> None:
    shown = page(judged(SKIPPED), heading=with_exemptions(127, 1, 0))

    start = shown.texts.index("Exemptions")
    assert [text for text in shown.texts[start:] if text.endswith("left")] == [
        *("0 days left", "1 day left", "127 days left"),
    ]


def test_a_finding_tells_of_the_exemption_that_excuses_it() -> None:
    excused = msgspec.structs.replace(
        SKIPPED, exemption=msgspec.structs.replace(EXEMPTION, name="e9")
    )

    remark = page(judged(excused), heading=with_exemptions(9)).data["remarks"]["e9"]

    assert re.fullmatch("e9 of .+, 9 days left: .+", remark)


def test_an_exemption_that_ended() -> None:
    shown = page(judged(), heading=with_exemptions(-3))

    assert "ended 3 days ago" in shown.texts
    assert "nothing" in shown.texts


def test_what_one_policy_warns_of_is_counted_although_another_denies() -> None:
    warned = changed(DENIED, policy="statefulset-service", result="warn", action="warn")
    shown = page(judged(DENIED, warned)).texts

    table = shown[shown.index("By policy") : shown.index("By namespace")]
    assert table[1:6] == ["Policy", "Share", "Pass", "Objects", "Deny"]
    assert table[6] == "Warn"
    assert table[table.index("statefulset-service") :][1:5] == ["0%", "1", "·", "1"]


def test_teams_are_left_out_where_there_are_none() -> None:
    assert "By team" not in page(judged(DENIED)).texts
    assert "By team" in page(of_team(judged(DENIED), "search")).texts


def test_policies_that_found_something_are_explained() -> None:
    ids = {
        attributes.get("id")
        for _, attributes in page(judged(DENIED, changed(DENIED, policy="own"))).elements
    }

    assert "policy-require-probes" in ids
    assert "policy-own" not in ids  # nobody knows it


def test_where_policies_are_documented_is_linked() -> None:
    heading = msgspec.structs.replace(FULL, docs_url="https://docs.example")
    links = [a["href"] for tag, a in page(judged(DENIED), heading=heading).elements if tag == "a"]

    assert "https://docs.example/require-probes" in links


def test_without_a_script_the_first_rows_are_there_and_the_rest_is_counted() -> None:
    told = [judged(DENIED) for _ in range(html.STATIC_ROWS + 7)]

    shown = page(*told)

    static = shown.texts.count("web: no livenessProbe")
    assert static == html.STATIC_ROWS
    assert len(shown.rows()) == html.STATIC_ROWS + 7
    assert any(f"of {html.STATIC_ROWS + 7};" in text for text in shown.texts)


def test_more_than_a_page_can_hold_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_ROWS", 3)
    monkeypatch.setattr(html, "MAX_LISTED", 2)

    shown = page(judged(*[DENIED] * 5), *[UNREAD] * 6, heading=with_exemptions(*range(5)))

    assert len(shown.rows()) == 3
    assert any(text.startswith("2 more are only counted") for text in shown.texts)
    assert any(text.startswith("and 4 more;") for text in shown.texts)
    assert any(text.startswith("and 3 more;") for text in shown.texts)


# What manifests say stays text


def hostile(text: str) -> Judged:
    name = ObjectName("v1", "Pod", text or None, text)
    odd = changed(DENIED, object=name, message=text, path=f"/{text}", source=at(1, text), rule=text)
    one = judged(odd, fill("periodSeconds", 10), file=text, name=name)
    return msgspec.structs.replace(
        one, team=text, diff=("---", "+++", f"+{text}".replace("\n", ""))
    )


@pytest.mark.parametrize("text", EVIL)
def test_hostile_names_make_no_element(text: str) -> None:
    _is_text(text)


@settings(max_examples=20)  # each makes a whole page
@given(st.text(st.sampled_from("<>&\"'/!-{}%\u202e\n\r\ta"), min_size=1, max_size=30))
def test_any_name_makes_no_element(text: str) -> None:
    _is_text(text)


@cache
def _plain_elements() -> list[tuple[str, set[str]]]:
    plain = page(hostile("x"), ErrorEntry(Source("x"), "x"))
    return [(tag, set(attributes)) for tag, attributes in plain.elements]


def _is_text(text: str) -> None:
    error = ErrorEntry(Source(text), text)
    shown = page(hostile(text), error)

    assert [(tag, set(attributes)) for tag, attributes in shown.elements] == _plain_elements()
    row = shown.rows()[0]
    assert row["name"] == row["namespace"] == row["team"] == row["rule"] == visible(text)
    assert row["path"] == visible(f"/{text}")


def test_a_text_without_end_is_cut() -> None:
    row = page(hostile("x" * 1_000_000)).rows()[0]

    assert row["name"] == "x" * (MAX_TEXT - 1) + "…"
