"""Whose an object is: what its label says."""

import pytest

from tests.builders import NOON
from webhook.audit import Court
from webhook.audit.hearing import Hearing
from webhook.audit.sources import Text
from webhook.exemptions import Exemptions
from webhook.profile import Profile

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: %s}
spec: {template: {metadata: {labels: %s}, spec: {containers: [{name: web}]}}}
"""


def team(profile: Profile, own: str, template: str, label: str | None = "team") -> str | None:
    court = Court(profile, Exemptions(), NOON.date(), team_label=label)
    text = Text("a.yaml", (DEPLOYMENT % (own, template)).encode())
    (told,) = Hearing(court).outcome(text).told
    assert told.judged
    return told.judged.team


@pytest.mark.parametrize(
    ("own", "template", "expected"),
    [
        ("{team: search}", "{team: other}", "search"),
        ("{tier: web}", "{team: search}", "search"),
        ("null", "{team: search}", "search"),
        ("{team: ''}", "null", None),
        ("{team: 7}", "null", None),
        ("{tier: web}", "null", None),
    ],
)
def test_the_objects_label_or_that_of_its_pods(
    profiles: dict[str, Profile], own: str, template: str, expected: str | None
) -> None:
    assert team(profiles["baseline"], own, template) == expected


def test_another_label_may_name_teams(profiles: dict[str, Profile]) -> None:
    assert team(profiles["baseline"], "{a/owner: x, team: y}", "null", "a/owner") == "x"


def test_nobody_asks_for_teams(profiles: dict[str, Profile]) -> None:
    assert team(profiles["baseline"], "{team: search}", "null", None) is None
