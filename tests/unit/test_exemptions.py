"""What an exemption excuses, of whom, and when."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, Object, container, of_kind, pod, probed, profile, read
from tests.exemptions import exemption
from webhook import catalog, documents, engine
from webhook.errors import DocumentError
from webhook.evidence import WrittenText
from webhook.exemptions import Excuses, Exemption, Exemptions, Grant
from webhook.identity import Identity

TODAY = NOON.date()

LEDGER = """\
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: ledger}
spec:
  policies: [require-claims]
  workload: {namespace: pay, kind: StatefulSet, name: ledger}
  reason: moves to claims in Q1
  owner: team-pay
  granted: 2026-11-24
  expires: 2027-03-31
"""


def loaded(tmp_path: Path, text: str) -> list[Exemption]:
    """The exemptions that a file holds."""
    file = tmp_path / "team.yaml"
    file.write_text(text)
    return list(documents.load([file], catalog.POLICIES).exemptions)


def problems(tmp_path: Path, text: str) -> list[str]:
    """What is wrong in a file, with its line."""
    with pytest.raises(DocumentError) as refusal:
        loaded(tmp_path, text)
    return [problem.removeprefix(f"{tmp_path}/") for problem in refusal.value.problems]


# As it is written


def test_an_exemption_is_read(tmp_path: Path) -> None:
    assert loaded(tmp_path, LEDGER) == [
        Exemption(
            name="ledger",
            policies=frozenset({"require-claims"}),
            namespace="pay",
            kind="StatefulSet",
            workload="ledger",
            containers=frozenset(),
            reason="moves to claims in Q1",
            owner="team-pay",
            granted=date(2026, 11, 24),
            expires=date(2027, 3, 31),
            place=f"{tmp_path}/team.yaml:1",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "[require-claims]",
            "[require-claim]",
            "team.yaml:5: unknown policy 'require-claim' (did you mean 'require-claims'?); "
            "policies of your own: --policies-dir DIR",
        ),
        (
            "[require-claims]",
            '["*"]',
            "team.yaml:5: no policy '*': name each policy, there is no wildcard",
        ),
        (
            "kind: StatefulSet",
            "kind: Statefulset",
            "team.yaml:6: unknown kind 'Statefulset' (did you mean 'StatefulSet'?)",
        ),
        (
            "name: ledger}\n  reason",
            'name: "ledger*"}\n  reason',
            "team.yaml:6: a trailing * is for kind Pod only: name one StatefulSet, its pods follow",
        ),
        (
            "2027-03-31",
            "2027-05-24",
            "team.yaml:10: expires more than 180 days after 2026-11-24; 2027-05-23 is the latest",
        ),
        (
            "2027-03-31",
            "2026-11-23",
            "team.yaml:10: expires before it is granted (2026-11-24)",
        ),
        (
            "2027-03-31",
            "next year",
            "team.yaml:10: 'expires' must be a date such as 2026-11-24, not 'next year'",
        ),
        ("owner: team-pay", 'owner: " "', "team.yaml:8: 'owner' must not be blank"),
        ("  owner: team-pay\n", "", "team.yaml:4: 'owner' is missing in 'spec'"),
        (
            "  reason:",
            "  reasons: x\n  reason:",
            "team.yaml:7: unknown key 'reasons' (did you mean 'reason'?)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in LEDGER
    assert problems(tmp_path, LEDGER.replace(old, new)) == [problem]


@pytest.mark.parametrize("name", ["*", "a*b", "Ledger", "ledger**", "ledger-", ""])
def test_a_name_that_no_workload_has_is_refused(tmp_path: Path, name: str) -> None:
    text = LEDGER.replace("kind: StatefulSet, name: ledger", f'kind: Pod, name: "{name}"')
    (problem,) = problems(tmp_path, text)
    assert problem == (
        "team.yaml:6: 'name' must be lower case letters, digits, - and ., of a Pod maybe with * at "
        f"the end, not {name!r}"
    )


def test_the_last_day_that_may_be_asked_for(tmp_path: Path) -> None:
    assert loaded(tmp_path, LEDGER.replace("2027-03-31", "2027-05-23"))


def test_a_name_is_given_once(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{LEDGER}---\n{LEDGER}") == [
        f"team.yaml:14: exemption 'ledger' is taken by {tmp_path}/team.yaml:3"
    ]


def test_a_file_may_hold_both_kinds(tmp_path: Path) -> None:
    text = (
        f"{LEDGER}---\napiVersion: podworthy.dev/v1alpha1\nkind: Profile\n"
        "metadata: {name: pay}\nspec: {extends: baseline}\n"
    )
    (tmp_path / "team.yaml").write_text(text)
    found = documents.load([tmp_path], catalog.POLICIES)
    assert "pay" in found.profiles
    assert [one.name for one in found.exemptions] == ["ledger"]


# Whom it reaches, and when


def reached(one: Exemption, *, today: date = TODAY, by_controller: bool = False) -> list[bool]:
    """In grace or not, for each grant that reaches Pod shop/web."""
    identity = Identity("shop", (("Pod", "web"),), by_controller)
    return [grant.in_grace for grant in Exemptions([one]).reach(identity, today)]


def test_it_is_in_force_from_its_first_through_its_last_day() -> None:
    one = exemption()
    days = [date(2026, 10, 31), date(2026, 11, 1), TODAY, TODAY + timedelta(days=1)]
    assert [reached(one, today=day) for day in days] == [[], [False], [False], []]


def test_pods_of_controllers_get_fourteen_days_more() -> None:
    one = exemption()
    for days, expected in ((0, [False]), (1, [True]), (14, [True]), (15, [])):
        day = TODAY + timedelta(days=days)
        assert reached(one, today=day, by_controller=True) == expected


@pytest.mark.parametrize(
    "changes",
    [{"namespace": "pay"}, {"kind": "StatefulSet"}, {"workload": "we"}, {"workload": "web-1"}],
)
def test_it_reaches_nobody_else(changes: dict[str, str]) -> None:
    assert reached(exemption(**changes)) == []


def test_a_star_stands_for_any_end() -> None:
    assert reached(exemption(workload="we*")) == [False]
    assert reached(exemption(workload="web*")) == [False]
    assert reached(exemption(workload="web-*")) == []


# What it excuses


def excused(obj: Object, one: Exemption, *, in_grace: bool = False) -> dict[str, tuple[str, bool]]:
    """Action and whether it is exempt, by path, under a profile that denies both."""
    denying = profile(
        policies={"require-probes": {"action": "deny"}, "require-claims": {"action": "deny"}}
    )
    verdict = engine.check(denying, read(obj), grants=[Grant(one, in_grace)])
    return {f.violation.path: (f.action, f.is_exempt) for f in verdict.findings}


BAD = pod(
    container("web", volumeMounts=[{"name": "data", "mountPath": "/data"}]),
    container("proxy", volumeMounts=[{"name": "socket", "mountPath": "/run"}]),
    volumes=[
        {"name": "data", "hostPath": {"path": "/srv"}},
        {"name": "socket", "hostPath": {"path": "/run"}},
        {"name": "idle", "hostPath": {"path": "/idle"}},
    ],
)


def test_everything_of_its_policies_is_excused() -> None:
    found = excused(BAD, exemption(policies=frozenset({"require-claims"})))
    assert {path for path, (_, is_exempt) in found.items() if is_exempt} == {
        "/spec/volumes/0/hostPath",
        "/spec/volumes/1/hostPath",
        "/spec/volumes/2/hostPath",
    }
    assert len(found) == 7


def test_with_containers_only_theirs_is_excused_and_volumes_that_only_they_mount() -> None:
    found = excused(BAD, exemption(containers=frozenset({"proxy"})))
    assert {path for path, (_, is_exempt) in found.items() if is_exempt} == {
        "/spec/containers/1/livenessProbe",
        "/spec/containers/1/readinessProbe",
        "/spec/volumes/1/hostPath",
    }


def test_container_1_is_not_container_10() -> None:
    obj = pod(*(container(f"c{index}") for index in range(11)))
    found = excused(obj, exemption(containers=frozenset({"c1"})))
    assert {path for path, (_, is_exempt) in found.items() if is_exempt} == {
        "/spec/containers/1/livenessProbe",
        "/spec/containers/1/readinessProbe",
    }


def test_in_grace_a_deny_becomes_a_warning() -> None:
    found = excused(BAD, exemption(), in_grace=True)
    assert set(found.values()) == {("warn", False)}


def test_in_grace_what_only_warns_anyway_is_nobodys_exemption() -> None:
    warning = profile(policies={"require-probes": {"action": "warn"}})
    grants = [Grant(exemption(), in_grace=True)]
    verdict = engine.check(warning, read(pod(container())), grants=grants)
    assert [(f.action, f.grant) for f in verdict.findings] == [("warn", None), ("warn", None)]


def test_nothing_is_filled_into_what_is_exempt() -> None:
    filling = profile(policies={"probe-timing": {"action": "fill"}})
    one = exemption(containers=frozenset({"web"}))
    reading = read(pod(probed("web"), probed("proxy")))
    proposal = engine.fill(filling, reading, WrittenText(), [Grant(one, in_grace=False)])
    assert {filling.fill.subject for filling in proposal.fillings} == {"proxy"}
    assert proposal.spared == (one,)
    expired = engine.fill(filling, reading, WrittenText(), [Grant(one, in_grace=True)])
    assert {filling.fill.subject for filling in expired.fillings} == {"web", "proxy"}


@given(
    policy=st.sampled_from(["require-probes", "require-claims", "probe-targets"]),
    kind=st.sampled_from(["Pod", "Deployment"]),
    granted=st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    days=st.integers(0, 180),
)
def test_without_a_match_in_every_respect_there_is_no_grant(
    policy: str, kind: str, granted: date, days: int
) -> None:
    one = exemption(kind=kind, granted=granted, expires=granted + timedelta(days=days))
    reading = read(of_kind("Pod", container("web")))
    identity = Identity("shop", (("Pod", "web"),), is_made_by_controller=False)
    grants = Exemptions([one]).reach(identity, TODAY)
    grant = Excuses(grants, reading.workload).excuse(policy, "/spec/containers/0/livenessProbe")
    should = kind == "Pod" and policy in one.policies and granted <= TODAY <= one.expires
    assert (grant is not None) is should
