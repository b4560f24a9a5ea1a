"""Earlier days and a baseline on the page."""

import io
from datetime import date, timedelta

import msgspec
import pytest

from tests.unit.report.samples import DENIED, SKIPPED, changed, judged
from tests.unit.report.test_html import EVIL, FULL, TODAY, Page, page
from webhook.report import FORMATS
from webhook.report.entries import DayEntry, Summary
from webhook.report.html_trend import Chart, chart
from webhook.report.output import Output


def before(days: int) -> date:
    return TODAY - timedelta(days)


def drawn(*days: DayEntry) -> Page:
    return page(judged(DENIED), heading=msgspec.structs.replace(FULL, trend=days))


def charted(*days: DayEntry) -> Chart:
    made = chart(msgspec.structs.replace(FULL, trend=days))
    assert made is not None
    return made


def labels(shown: Page) -> list[str | None]:
    return [a["aria-label"] for tag, a in shown.elements if a.get("class") == "days"]


def test_there_is_no_trend_unless_asked_for() -> None:
    shown = page(judged(DENIED))
    assert "Trend" not in shown.texts
    assert labels(shown) == []


def test_with_nothing_kept_it_says_how_to_keep_something() -> None:
    shown = drawn()
    assert "Trend" in shown.texts
    assert "podworthy history --add" in shown.texts
    assert labels(shown) == []


def test_each_day_is_in_the_charts_and_in_the_table() -> None:
    shown = drawn(
        DayEntry(before(2), 0, "strict", 400, 100),
        DayEntry(before(1), 7),
        DayEntry(before(0), 1, "baseline", 1200, 0),
    )
    assert labels(shown) == ["Objects in which nothing denies, by day", "Requests denied, by day"]
    text = " ".join(shown.texts)
    assert "75% of 400 on 2026-11-22, 100% of 1,200 on 2026-11-24" in text
    assert "8 in all, 7 on the worst day" in text
    assert "2026-11-24 100% 1,200 1 baseline 2026-11-23 - - 7 no audit 2026-11-22 75% 400 0" in text


def test_without_audits_or_denials_there_is_no_chart_of_them() -> None:
    assert labels(drawn(DayEntry(before(1), 7))) == ["Requests denied, by day"]
    assert labels(drawn(DayEntry(before(1), 0, "strict", 4, 1))) == [
        "Objects in which nothing denies, by day"
    ]
    assert labels(drawn(DayEntry(before(1), 0, "strict"))) == []


def test_days_of_which_nothing_is_known_are_gaps() -> None:
    made = charted(DayEntry(before(19), 1), DayEntry(before(3), 1))
    assert [bar.x for bar in made.bars] == [0, 160]
    assert (made.start, made.until, made.width) == (before(19), TODAY, 200)


def test_a_few_days_stand_at_the_end_of_two_weeks() -> None:
    made = charted(DayEntry(TODAY, 1))
    assert (made.start, made.width, made.bars[0].x) == (before(13), 140, 130)


@pytest.mark.parametrize(
    ("failing", "rate", "passed", "failed"),
    [
        (0, "100%", 100, 0),
        (1, "99%", 98, 2),
        (4000, "60%", 60, 40),
        (9_999, "<1%", 2, 98),
        (10_000, "0%", 0, 100),
    ],
)
def test_what_little_there_is_can_be_seen(
    failing: int, rate: str, passed: float, failed: float
) -> None:
    (bar,) = charted(DayEntry(TODAY, 0, "strict", 10_000, failing)).bars
    assert (bar.rate, bar.passed, bar.failed) == (rate, passed, failed)


def test_denials_are_drawn_beside_the_most() -> None:
    made = charted(DayEntry(before(2), 1), DayEntry(before(1), 500), DayEntry(TODAY, 1000))
    assert [bar.denied for bar in made.bars] == [2, 50, 100]


@pytest.mark.parametrize("text", EVIL)
def test_a_hostile_profile_makes_no_element(text: str) -> None:
    plain, evil = (drawn(DayEntry(TODAY, 0, name, 4, 1)) for name in ("strict", text))
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in plain.elements]


def compared(summary: Summary) -> Page:
    stream = io.StringIO()
    report = FORMATS["html"](Output(stream), FULL)
    report.judged(
        judged(
            changed(DENIED, baseline_state="new"),
            changed(DENIED, baseline_state="unchanged"),
            SKIPPED,
        )
    )
    report.close(summary)
    return Page(stream.getvalue())


def inputs(shown: Page) -> list[str | None]:
    return [a["name"] for tag, a in shown.elements if tag == "input" and "name" in a]


def test_beside_a_baseline_each_finding_has_its_state() -> None:
    shown = compared(Summary(objects=1, new=1, new_fail=1, unchanged=1, fixed=3))
    text = " ".join(shown.texts)
    assert "1 new (1 of them denies), 1 unchanged, 3 fixed." in text
    assert [row["state"] for row in shown.rows()] == ["new", "unchanged", ""]
    assert "Baseline new" in text
    assert "Baseline unchanged" in text
    assert "new" in inputs(shown)


def test_without_a_baseline_nothing_is_new() -> None:
    shown = page(judged(DENIED))
    assert "Beside the baseline" not in shown.texts
    assert "new" not in inputs(shown)
    assert [a for _, a in shown.elements if a.get("class") == "new"] == [{"class": "new"}], (
        "the template of a row alone"
    )
