"""An exempted workload at the doors: let in, told of, and alike in webhook and audit."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.builders import (
    NOON,
    Object,
    container,
    load_profiles,
    of_kind,
    pod,
    probed,
    response,
    review,
)
from tests.exemptions import exemption
from tests.unit.audit.conftest import Audit
from webhook.admission import Admission, Answer, Door, Snapshot
from webhook.exemptions import Exemptions

CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"

EXEMPTION = exemption(name="ledger", kind="Deployment", workload="ledger", owner="team-pay")
SKIP = {"name": "ledger", "owner": "team-pay", "expires": "2026-11-24"}


def deployment() -> Object:
    """The exempted Deployment, without a probe."""
    obj = of_kind("Deployment", container("web"))
    obj["metadata"] = {"name": "ledger"}
    return obj


def its_pod(*containers: Object) -> Object:
    """A pod as the Deployment's ReplicaSet makes it."""
    obj = pod(*(containers or (container("web"),)))
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "ledger-5f4d"}
    obj["metadata"] = {
        "generateName": "ledger-5f4d-",
        "labels": {"pod-template-hash": "5f4d"},
        "ownerReferences": [owner | {"controller": True}],
    }
    return obj


def asked(
    obj: Object,
    *,
    door: Door = Door.VALIDATE,
    user: str = "ada",
    days: int = 0,
    profile: str = "baseline",
) -> Answer:
    """The webhook's answer, `days` after the exemption's last day has begun."""
    snapshot = Snapshot(load_profiles(), profile, Exemptions([EXEMPTION]))

    def clock() -> datetime:
        return NOON + timedelta(days=days)

    return Admission(snapshot, clock).handle(door, None, review(obj, userInfo={"username": user}))


def recorded(answer: Answer) -> list[dict[str, Any]]:
    """The findings in the decision log."""
    assert answer.record is not None
    found: list[dict[str, Any]] = answer.record["findings"]
    return found


def test_the_workload_is_let_in_without_a_warning() -> None:
    answer = asked(deployment())
    assert response(answer)["allowed"] is True
    assert "warnings" not in response(answer)


def test_what_is_excused_stays_visible() -> None:
    answer = asked(deployment())
    assert [one["exemption"] for one in recorded(answer)] == [SKIP, SKIP]
    assert response(answer)["auditAnnotations"]["require-probes"].startswith(
        "skip /spec/template/spec/containers/0/livenessProbe "
        "(exemption ledger of team-pay until 2026-11-24)"
    )


def test_it_reaches_the_pods_that_the_controller_makes() -> None:
    assert response(asked(its_pod(), user=CONTROLLER))["allowed"] is True


def test_a_forged_owner_grants_nothing() -> None:
    assert response(asked(its_pod()))["allowed"] is False


def test_on_the_day_after_the_workload_is_denied() -> None:
    assert response(asked(deployment(), days=1))["allowed"] is False


@pytest.mark.parametrize(("days", "is_allowed"), [(1, True), (14, True), (15, False)])
def test_its_pods_are_warned_of_for_fourteen_days(days: int, is_allowed: bool) -> None:
    answer = response(asked(its_pod(), user=CONTROLLER, days=days))
    assert answer["allowed"] is is_allowed
    if is_allowed:
        assert answer["warnings"] == [
            "exemption ledger of team-pay ended on 2026-11-24; denied after 2026-12-08",
            "web: no livenessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
            "[require-probes]",
            "web: no readinessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
            "[require-probes]",
        ]


def test_nothing_is_filled_into_it() -> None:
    answer = asked(its_pod(probed("web")), user=CONTROLLER, door=Door.MUTATE)
    assert "patch" not in response(answer)
    assert answer.record is not None
    assert answer.record["exemptions"] == ["ledger"]
    assert "patch" in response(asked(its_pod(probed("web")), door=Door.MUTATE))


def test_a_long_owner_does_not_lengthen_the_warning() -> None:
    owner = "team-" + "x" * 300
    one = msgspec.structs.replace(EXEMPTION, owner=owner)
    snapshot = Snapshot(load_profiles(), "baseline", Exemptions([one]))
    body = review(its_pod(), userInfo={"username": CONTROLLER})
    answer = Admission(snapshot, lambda: NOON + timedelta(days=1)).handle(Door.VALIDATE, None, body)
    assert max(map(len, response(answer)["warnings"])) <= 120


# The audit says the same


@pytest.mark.parametrize("user", ["ada", CONTROLLER])
def test_a_recorded_review_is_excused_in_the_audit_as_in_the_webhook(
    audit: Audit, user: str
) -> None:
    for obj in (deployment(), its_pod()):
        body = review(obj, userInfo={"username": user})
        outcome = audit(body, exemptions=[EXEMPTION])
        expected = [(one["path"], one["exemption"]) for one in recorded(asked(obj, user=user))]
        assert outcome.findings("path", "exemption") == expected
        is_allowed = response(asked(obj, user=user))["allowed"]
        assert outcome.code == (0 if is_allowed else 1)
        assert set(outcome.findings("result")) == {("skip" if is_allowed else "fail",)}


def test_a_manifest_is_excused_by_the_namespace_it_will_get(audit: Audit) -> None:
    text = json.dumps(deployment())
    nearly = audit(text, exemptions=[EXEMPTION])
    assert nearly.code == 1
    assert nearly.stderr == (
        "podworthy: exemption ledger (team.yaml:1) does not count for Deployment ledger: it is for "
        "namespace shop, and the manifest names none: --namespace shop\n"
    )
    outcome = audit(text, exemptions=[EXEMPTION], namespace="shop")
    assert outcome.code == 0
    assert outcome.report["summary"]["skip"] == 2
    assert outcome.findings("result", "action", "exemption") == [("skip", "deny", SKIP)] * 2


def test_the_namespace_in_a_manifest_wins(audit: Audit) -> None:
    obj = deployment()
    obj["metadata"]["namespace"] = "pay"
    outcome = audit(json.dumps(obj), exemptions=[EXEMPTION], namespace="shop")
    assert outcome.code == 1
    assert outcome.report["objects"][0]["object"]["namespace"] == "pay"


@pytest.mark.parametrize(("fail_on", "code"), [("deny", 0), ("warn", 1), ("never", 0)])
def test_what_is_in_its_days_of_grace_is_a_warning(audit: Audit, fail_on: str, code: int) -> None:
    ended = msgspec.structs.replace(EXEMPTION, expires=date(2026, 11, 23))
    body = review(its_pod(), userInfo={"username": CONTROLLER})
    outcome = audit(body, exemptions=[ended], fail_on=fail_on)
    assert (
        outcome.findings("result", "action", "exemption")
        == [("warn", "warn", SKIP | {"expires": "2026-11-23"})] * 2
    )
    assert outcome.code == code


def test_what_is_excused_is_not_even_a_warning(audit: Audit) -> None:
    text = json.dumps(deployment())
    outcome = audit(
        text, exemptions=[EXEMPTION], namespace="shop", profile="advise", fail_on="warn"
    )
    assert outcome.findings("result", "action") == [("skip", "warn")] * 2
    assert outcome.code == 0
