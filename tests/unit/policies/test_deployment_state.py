"""Claims that several pods of a Deployment share, at rest or in an update."""

from typing import Any

import pytest

from tests.builders import Object, of_kind, probed, violations, warnings
from webhook.api import NOWHERE, Claim, ClaimSpec, Lookups, Missing

CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
SOURCE = "/spec/template/spec/volumes/{}/persistentVolumeClaim"


class Claims:
    """Claims by namespace and name; the rest is nobody's."""

    def __init__(self, claims: dict[tuple[str | None, str], tuple[str, ...] | Missing]) -> None:
        self._claims = claims

    def claim(self, namespace: str | None, name: str) -> Claim | Missing:
        modes = self._claims.get((namespace, name), Missing.ABSENT)
        if isinstance(modes, Missing):
            return modes
        spec = ClaimSpec(None, modes, 0, "Filesystem", None, ())
        return Claim(namespace, name, spec, "Bound", is_being_deleted=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(NOWHERE, name)


def of_modes(*modes: str) -> Lookups:
    """Claim `data` is known."""
    return Claims({(None, "data"): modes})


def deployment(*volumes: Object, strategy: Any = None, replicas: Any = 1) -> Object:
    obj = of_kind("Deployment", probed(), volumes=list(volumes or [CLAIM]))
    obj["spec"] |= {"replicas": replicas, "strategy": strategy}
    return obj


def found(obj: Object, lookups: Lookups = NOWHERE) -> list[tuple[str, str]]:
    return [(one.path, one.rule) for one in violations("deployment-state", obj, lookups)]


RECREATE: Object = {"type": "Recreate"}
NO_SURGE: Object = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}
TOLD = [(SOURCE.format(0), "unknown-mode")]


def surge(value: Any) -> Object:
    return {"rollingUpdate": {"maxSurge": value}}


@pytest.mark.parametrize(
    ("strategy", "replicas", "shares"),
    [
        pytest.param(None, None, True, id="defaults"),
        pytest.param(None, 1, True, id="a-quarter-of-one-is-one"),
        pytest.param({"type": "RollingUpdate"}, 1, True, id="rolling"),
        pytest.param({"type": "RollingUpdate", "rollingUpdate": None}, 1, True, id="null"),
        pytest.param(surge(None), 1, True, id="null-surge"),
        pytest.param(surge("1%"), 1, True, id="rounded-up"),
        pytest.param(surge("100%"), 1, True, id="percent"),
        pytest.param(surge(1), 1, True, id="one"),
        pytest.param(surge(0), 1, False, id="no-surge"),
        pytest.param(surge("0%"), 1, False, id="no-percent"),
        pytest.param(surge("00%"), 1, False, id="no-percent-twice"),
        pytest.param(RECREATE, 1, False, id="recreate"),
        pytest.param(RECREATE, None, False, id="recreate-by-default-one"),
        pytest.param({"type": "Recreate", **surge(1)}, 1, False, id="recreate-has-no-surge"),
        pytest.param({"type": "BlueGreen"}, 1, False, id="unknown-strategy"),
        pytest.param(RECREATE, 2, True, id="two"),
        pytest.param(NO_SURGE, 3, True, id="three"),
        pytest.param(None, 0, False, id="none"),
        pytest.param(surge(5), 0, False, id="no-pods-but-a-surge"),
        pytest.param(surge("9" * 5000 + "%"), 1, True, id="a-number-too-long-to-convert"),
    ],
)
def test_several_pods_at_rest_or_in_an_update(strategy: Any, replicas: Any, shares: bool) -> None:
    obj = deployment(strategy=strategy, replicas=replicas)
    assert found(obj) == (TOLD if shares else [])
    assert bool(found(obj, of_modes("ReadWriteOnce"))) is shares


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (["ReadWriteOnce"], [""]),
        (["ReadWriteOncePod"], [""]),
        (["ReadWriteMany"], []),
        (["ReadOnlyMany"], []),
        (["ReadWriteOnce", "ReadWriteMany"], []),
        (["ReadOnlyMany", "ReadWriteOnce"], []),
        (["ReadWriteFew"], ["unknown-mode"]),
        ([], ["unknown-mode"]),
    ],
)
def test_the_modes_of_a_known_claim_decide(modes: list[str], expected: list[str]) -> None:
    assert [rule for _, rule in found(deployment(replicas=2), of_modes(*modes))] == expected


@pytest.mark.parametrize("missing", list(Missing))
def test_what_is_not_known_or_not_there_yet_is_a_rule_of_its_own(missing: Missing) -> None:
    assert found(deployment(), Claims({(None, "data"): missing})) == TOLD


def test_the_claim_is_looked_up_in_the_deployments_namespace() -> None:
    obj = deployment()
    obj["metadata"]["namespace"] = "shop"
    claims = Claims({("shop", "data"): ("ReadWriteMany",), (None, "data"): ("ReadWriteOnce",)})
    assert found(obj, claims) == []


def test_only_claims_that_the_pods_share_are_asked() -> None:
    others: list[Object] = [
        {"name": "a", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "b", "emptyDir": {}},
        {"name": "c"},
        {"name": "d", "persistentVolumeClaim": None},
        {"name": "e", "persistentVolumeClaim": {}},
        {"name": "f", "persistentVolumeClaim": {"claimName": ""}},
        {"name": "g", "nfs": {}},
    ]
    obj = deployment(
        *others, CLAIM, {"name": "h", **{k: v for k, v in CLAIM.items() if k != "name"}}
    )
    assert [path for path, _ in found(obj)] == [SOURCE.format(7), SOURCE.format(8)]


@pytest.mark.parametrize("fields", [{"readOnly": True}, {"readOnly": False}])
def test_reading_alone_does_not_lift_the_limit(fields: Object) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data", **fields}}
    assert found(deployment(volume), of_modes("ReadWriteOnce")) == [(SOURCE.format(0), "")]


@pytest.mark.parametrize("kind", ["StatefulSet", "ReplicaSet", "Pod", "DaemonSet"])
def test_of_deployments_alone(kind: str) -> None:
    assert violations("deployment-state", of_kind(kind, probed(), volumes=[CLAIM])) == []


@pytest.mark.parametrize(
    ("replicas", "modes", "message"),
    [
        (
            3,
            "ReadWriteOnce",
            "data: claim (/spec/template/spec/volumes/0) is for one node, not 3 pods; "
            "use a StatefulSet [deployment-state]",
        ),
        (
            1,
            "ReadWriteOnce",
            "data: claim (/spec/template/spec/volumes/0) is for one node, and updates surge; "
            "use strategy Recreate [deployment-state]",
        ),
        (
            3,
            "ReadWriteOncePod",
            "data: claim (/spec/template/spec/volumes/0) is for one pod, not 3 pods; "
            "use a StatefulSet [deployment-state]",
        ),
        (
            1,
            "ReadWriteOncePod",
            "data: claim (/spec/template/spec/volumes/0) is for one pod, and updates surge; "
            "use strategy Recreate [deployment-state]",
        ),
        (
            3,
            "",
            "data: claim (/spec/template/spec/volumes/0) may be ReadWriteOnce; "
            "if so, use a StatefulSet [deployment-state]",
        ),
        (
            1,
            "",
            "data: claim (/spec/template/spec/volumes/0) may be ReadWriteOnce; "
            "if so, use strategy Recreate [deployment-state]",
        ),
    ],
)
def test_a_warning_says_why_and_what_to_do(replicas: int, modes: str, message: str) -> None:
    lookups = of_modes(modes) if modes else NOWHERE
    assert warnings("deployment-state", deployment(replicas=replicas), lookups) == [message]
