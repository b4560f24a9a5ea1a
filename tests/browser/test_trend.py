"""Earlier days and a baseline on the page, as somebody sees and uses them."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTEFACTS, Look, Looked, complaints
from tests.browser.test_report import VIEWS, status


def shoot(looked: Looked, name: str) -> None:
    """Keep what the trend looks like."""
    looked.page.locator("section:has(#trend)").screenshot(path=ARTEFACTS / f"{name}.png")


@pytest.mark.parametrize("view", ["desktop", "phone-dark"])
def test_the_trend_can_be_read(look: Look, compared_report: Path, view: str) -> None:
    with look(compared_report, bypass_csp=True, **VIEWS[view]) as looked:
        page = looked.page
        page.get_by_text("Day by day").click()
        shoot(looked, f"trend-{view}")

        charts = page.locator(".days")
        expect(charts).to_have_count(2)
        for number in range(2):
            box = charts.nth(number).bounding_box()
            assert box is not None
            assert box["width"] > 250
            assert box["height"] > 60
        expect(page.get_by_role("row", name="2026-11-24 100% 300 0 baseline")).to_be_visible()
        assert complaints(page) == []
        assert not looked.is_wider_than_its_window()
        assert looked.console == []


def test_the_trend_needs_no_script_and_is_printed_with_its_days(
    look: Look, compared_report: Path
) -> None:
    with look(compared_report, java_script_enabled=False) as looked:
        page = looked.page
        page.emulate_media(media="print", color_scheme="dark")
        shoot(looked, "trend-print")

        expect(page.locator(".days").first).to_be_visible()
        # folded as it is, it is printed
        expect(page.locator(".history tbody tr").first).to_be_visible()


def test_new_findings_are_marked_and_can_be_chosen(look: Look, compared_report: Path) -> None:
    with look(compared_report, bypass_csp=True) as looked:
        page = looked.page
        everything = status(looked)
        marked = page.locator("#rows .new").count()
        assert 0 < marked < len(looked.rows)
        told = page.locator("#baseline + p strong").inner_text()

        page.get_by_label("only new").check()
        assert f"{status(looked).split()[0]} new" == told
        assert all("new" in row.splitlines()[0] for row in looked.rows)
        assert complaints(page) == []

        page.locator("#rows summary").first.click()
        expect(page.locator("#rows [data-field=state]").first).to_have_text("Baselinenew")
        page.click("button[type=reset]")
        expect(page.locator("#status")).to_have_text(everything)


def test_only_new_is_reached_by_keyboard(look: Look, compared_report: Path) -> None:
    with look(compared_report) as looked:
        looked.page.locator("[name=result]").last.focus()
        looked.page.keyboard.press("Tab")
        assert looked.focused == "new=on"
        looked.page.keyboard.press("Space")

        assert " of " in status(looked)
