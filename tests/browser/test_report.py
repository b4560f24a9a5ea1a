"""The report of an audit, as somebody sees and uses it."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTEFACTS, DESKTOP, PHONE, Look, Looked, audited, complaints
from tests.unit.report.samples import written
from tests.unit.report.test_html import EVIL, FULL, hostile
from webhook.report.entries import ErrorEntry, Source
from webhook.report.html import STATIC_ROWS

VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True},
}


def status(looked: Looked) -> str:
    return looked.page.inner_text("#status")


def words(looked: Looked) -> set[str]:
    """The results that the table shows."""
    return set(looked.page.locator("#rows .mark").all_inner_texts())


# What it is


def test_it_asks_for_nothing_and_breaks_no_rule_of_its_own(look: Look, report: Path) -> None:
    with look(report) as looked:
        looked.page.fill("[name=search]", "cart")
        looked.page.locator("#rows summary").first.click()
        looked.page.click("#by-team + table a >> nth=0")

        assert looked.requests == [f"file://{report}"]
        assert looked.console == []


def test_its_rules_hold_against_what_it_does_not_name(look: Look, report: Path) -> None:
    with look(report) as looked:
        looked.page.evaluate(
            "document.body.append(Object.assign(document.createElement('img'), {src: 'x.png'}))"
        )
        expect(looked.page.locator("img")).to_have_count(1)
        looked.page.evaluate("new Promise(requestAnimationFrame)")

        assert any("CSP: img-src" in line for line in looked.console)


@pytest.mark.parametrize("view", VIEWS)
def test_it_can_be_read(look: Look, small_report: Path, view: str) -> None:
    with look(small_report, bypass_csp=True, **VIEWS[view]) as looked:
        page = looked.page
        page.check("[name=result][value=fill]")
        for number in range(3):
            page.locator("#rows summary").nth(number).click()
        page.locator(".more summary, .asks summary").first.click()
        looked.shoot(view)

        assert complaints(page) == []
        assert not looked.is_wider_than_its_window()
        assert looked.console == []


def test_a_diff_can_be_read_on_a_phone(look: Look, small_report: Path) -> None:
    with look(small_report, bypass_csp=True, **VIEWS["phone"]) as looked:
        looked.page.select_option("[name=policy]", "probe-timing")
        looked.page.locator("#rows summary").first.click()
        looked.shoot("phone-diff")

        assert "timeoutSeconds: 3" in looked.page.inner_text(".diff .plus >> nth=0")
        assert complaints(looked.page) == []
        assert not looked.is_wider_than_its_window()


def test_it_can_be_printed(look: Look, small_report: Path) -> None:
    with look(small_report, viewport={"width": 700, "height": 990}) as looked:
        page = looked.page
        page.emulate_media(media="print", color_scheme="dark")
        looked.shoot("print")
        page.pdf(path=ARTEFACTS / "report.pdf", format="A4")

        assert not looked.is_wider_than_its_window()
        expect(page.locator("#filter")).to_be_hidden()
        # closed as it is, it shows all
        expect(page.locator("#rows [data-field=path] dd").first).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )


def test_all_that_is_chosen_is_printed(look: Look, report: Path) -> None:
    with look(report) as looked:
        assert len(looked.rows) == 100
        looked.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert len(looked.rows) == _number(status(looked)) > 400
        looked.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(looked.rows) == 100


def test_without_a_script_the_gravest_are_shown(look: Look, report: Path) -> None:
    with look(report, java_script_enabled=False) as looked:
        looked.shoot("no-script")

        rows = looked.page.locator("#rows tbody tr")
        expect(rows).to_have_count(STATIC_ROWS)
        expect(rows.first).to_contain_text("deny")
        assert f"The gravest {STATIC_ROWS} of" in status(looked)
        expect(looked.page.locator("#filter")).to_be_hidden()
        expect(looked.page.locator(".ring")).to_be_visible()


def _number(text: str) -> int:
    return int(re.split(r"\D", text.replace(",", ""), maxsplit=1)[0])


# Choosing


def test_rows_are_chosen_by_policy_namespace_and_team(look: Look, report: Path) -> None:
    with look(report) as looked:
        page = looked.page
        page.select_option("[name=policy]", "require-claims")
        assert all("require-claims" in row for row in looked.rows)
        by_policy = _number(status(looked))

        page.select_option("[name=namespace]", "search-prod")
        assert all("search-prod/" in row for row in looked.rows)
        assert 0 < _number(status(looked)) < by_policy

        page.select_option("[name=team]", "payments")
        assert _number(status(looked)) == 0
        page.click("button[type=reset]")
        expect(page.locator("#status")).to_contain_text("in all")


def test_words_are_searched_in_all_that_a_row_says(look: Look, report: Path) -> None:
    with look(report) as looked:
        looked.page.fill("[name=search]", "  READINESSprobe  data-staging ")

        assert looked.rows
        assert all("data-staging/" in row and "readinessProbe" in row for row in looked.rows)

        looked.page.fill("[name=search]", "storefront-prod/feed-8")
        assert {row.split()[2] for row in looked.rows} == {"storefront-prod/feed-8"}

        looked.page.fill("[name=search]", "no such words")
        assert looked.rows == []
        assert status(looked).startswith("0 of")


def test_a_name_in_the_totals_chooses_its_rows(look: Look, report: Path) -> None:
    with look(report) as looked:
        looked.page.click("#by-team + table a >> text=search")

        assert looked.page.locator("[name=team]").input_value() == "search"
        assert all("search-" in row for row in looked.rows)
        assert looked.focused == "findings"


def test_pages_are_turned(look: Look, report: Path) -> None:
    with look(report) as looked:
        page, first = looked.page, looked.rows
        page.click("#next")
        assert page.inner_text("#page").startswith("101 to 200 of ")
        assert looked.focused == "findings"
        second = looked.rows

        while page.is_enabled("#next"):
            page.click("#next")
        total = _number(status(looked))
        assert page.inner_text("#page").endswith(f"to {total} of {total}")

        page.click("#previous")
        page.fill("[name=search]", "no")
        page.fill("[name=search]", "")
        assert looked.rows == first != second


# With the keyboard alone


def test_everything_is_reached_in_order_and_seen(look: Look, report: Path) -> None:
    with look(report) as looked:
        met = []
        for _ in range(60):
            looked.page.keyboard.press("Tab")
            met.append(looked.focused)
            outline = looked.page.evaluate(
                "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)"
                "(getComputedStyle(document.activeElement))"
            )
            assert outline, f"nobody sees that {met[-1]} has the keyboard"

    order = [
        "A Skip to the findings",
        "A require-probes",
        "A search-prod",
        "result=deny",
        "search=",
    ]
    order += ["policy=*", "namespace=*", "team=*", "BUTTON Clear"]
    assert [met.index(one) for one in order] == sorted(met.index(one) for one in order)
    assert met[met.index("BUTTON Clear") + 1].startswith("SUMMARY")


def test_filters_work_without_a_mouse(look: Look, report: Path) -> None:
    with look(report) as looked:
        keyboard = looked.page.keyboard
        keyboard.press("Tab")
        keyboard.press("Enter")
        assert looked.focused == "findings"

        keyboard.press("Tab")
        assert looked.focused == "result=deny"
        keyboard.press("Space")
        assert "deny" not in words(looked)
        keyboard.press("Space")

        while looked.focused != "search=":
            keyboard.press("Tab")
        keyboard.type("hostPath")
        assert looked.rows
        assert words(looked) == {"deny"}

        keyboard.press("Tab")
        keyboard.type("require-c")
        assert looked.page.locator("[name=policy]").input_value() == "require-claims"

        while not looked.focused.startswith("SUMMARY"):
            keyboard.press("Tab")
        expect(looked.page.locator("#rows dl").first).to_be_hidden()
        keyboard.press("Enter")
        expect(looked.page.locator("#rows dl").first).to_be_visible()


# Strangers, and many of them


@pytest.mark.parametrize("view", ["desktop", "phone"])
def test_hostile_names_are_shown_as_they_are(look: Look, tmp_path: Path, view: str) -> None:
    texts = [*EVIL, "a" * 50_000, "z̸̢̛" * 400, "مرحبا-שלום"]
    told = [one for text in texts for one in (hostile(text), ErrorEntry(Source(text), text))]
    path = tmp_path / "report.html"
    path.write_text(written("html", *told, heading=FULL))

    with look(path, **VIEWS[view]) as looked:
        for summary in looked.page.locator("#rows summary").all():
            summary.click()
        looked.shoot(f"hostile-{view}")
        looked.page.fill("[name=search]", "<img src=x")

        (row, *_) = looked.rows
        assert "<img src=x onerror=alert(1)>" in row
        assert looked.page.locator("img, #rows script").count() == 0
        assert looked.requests == [f"file://{path}"]
        assert looked.console == []
        assert not looked.is_wider_than_its_window()


def test_ten_thousand_findings_are_shown_page_by_page(look: Look, tmp_path: Path) -> None:
    path = audited(tmp_path / "report.html", 6_700)

    with look(path) as looked:
        page = looked.page
        assert _number(status(looked)) > 10_000
        page.fill("[name=search]", "ledger-6661")

        assert 0 < len(looked.rows) < 10
        page.fill("[name=search]", "")
        assert len(looked.rows) == 100
        # what costs time is what is in the document
        assert page.evaluate("document.querySelectorAll('*').length") < 5_000


def test_a_report_with_nothing_in_it(look: Look, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(written("html", heading=FULL))

    with look(path, bypass_csp=True) as looked:
        looked.shoot("empty")

        assert complaints(looked.page) == []
        assert looked.console == []
