"""Objects counted by what became of them."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    HEADING,
    SKIPPED,
    WARNED,
    changed,
    fill,
    judged,
)
from webhook.report.entries import FindingEntry, Judged, ObjectName
from webhook.report.tally import Outcome, Tallies, Tally


def counted(*told: Judged) -> Tallies:
    asked = {"require-probes": ("StatefulSet",), "own": ("StatefulSet", "Pod"), "jobs": ("Job",)}
    tallies = Tallies(msgspec.structs.replace(HEADING, kinds={HEADING.profile: asked}))
    for one in told:
        tallies.judged(one)
    return tallies


def named(kind: str, namespace: str | None, *findings: FindingEntry, team: str = "") -> Judged:
    one = judged(*findings, name=ObjectName("v1", kind, namespace, "x"))
    return msgspec.structs.replace(one, team=team or None)


def plain(tallies: Sequence[Tally]) -> list[tuple[str | None, dict[Outcome, int]]]:
    return [(one.name, dict(one.counts)) for one in tallies]


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ((), "pass"),
        ((SKIPPED,), "skip"),
        ((SKIPPED, AUDITED), "audit"),
        ((AUDITED, WARNED), "warn"),
        ((WARNED, CRASHED), "error"),
        ((CRASHED, DENIED), "deny"),
    ],
)
def test_an_object_counts_once_by_the_gravest(
    findings: tuple[FindingEntry, ...], outcome: str
) -> None:
    assert dict(counted(judged(*findings)).all.counts) == {outcome: 1}


def test_what_would_be_filled_is_no_finding() -> None:
    assert dict(counted(judged(fill("periodSeconds", 10))).all.counts) == {"pass": 1}


def test_a_policy_passes_in_those_objects_of_its_kinds_where_it_found_nothing() -> None:
    own = changed(WARNED, policy="own")
    tallies = counted(
        judged(DENIED, own), judged(changed(DENIED), DENIED), judged(), named("Pod", "shop")
    )

    assert plain(tallies.policies) == [
        ("require-probes", {"pass": 1, "deny": 2}),
        ("own", {"pass": 3, "warn": 1}),
    ]


def test_a_policy_that_only_fills_counts_where_it_crashed() -> None:
    crashed = changed(CRASHED, policy="probe-timing")

    assert ("probe-timing", {"error": 1}) in plain(counted(judged(crashed)).policies)


def test_namespaces_where_most_is_wrong_on_top() -> None:
    tallies = counted(
        named("Pod", "a"),
        named("Pod", "b", WARNED),
        named("Pod", "c", DENIED),
        named("Pod", None, DENIED),
        named("Pod", "d", DENIED),
        named("Pod", "d", DENIED),
    )

    assert [one.name for one in tallies.namespaces] == ["d", None, "c", "b", "a"]


def test_teams_only_where_an_object_names_one() -> None:
    assert counted(named("Pod", "a", DENIED)).teams == ()
    tallies = counted(named("Pod", "a", DENIED), named("Pod", "a", team="search"))
    assert plain(tallies.teams) == [(None, {"deny": 1}), ("search", {"pass": 1})]


@pytest.mark.parametrize(
    ("passed", "denied", "rate"),
    [(0, 0, "-"), (0, 1, "0%"), (1, 0, "100%"), (1, 999, "<1%"), (999, 1, "99%"), (2, 1, "66%")],
)
def test_the_rate_says_all_and_none_only_of_all_and_none(
    passed: int, denied: int, rate: str
) -> None:
    assert Tally(None, {"pass": passed, "deny": denied}).rate == rate


def test_the_bar_is_full() -> None:
    segments = Tally(None, {"deny": 1, "warn": 1, "pass": 1}).segments

    assert [one.outcome for one in segments] == ["pass", "deny", "warn"]
    assert [one.start for one in segments] == [0, 33.333, 66.667]
    assert segments[-1].start + segments[-1].length == pytest.approx(100, abs=0.01)
