"""For which workloads an object stands, and whom that is believed."""

from typing import Any

import pytest

from tests.builders import Object, of_kind, pod, read
from webhook.identity import identify

ACCOUNT = "system:serviceaccount:kube-system:"
MANAGER = "system:kube-controller-manager"


def owned(obj: Object, kind: str, name: str, api_version: str = "apps/v1", **more: Any) -> Object:
    """The object with a controller."""
    reference = {"apiVersion": api_version, "kind": kind, "name": name, "controller": True, **more}
    obj["metadata"] = obj["metadata"] | {"ownerReferences": [reference]}
    return obj


def names(obj: Object, user: str | None, *controllers: str) -> list[tuple[str, str]]:
    """For whom the object stands besides itself."""
    identity = identify(read(obj), user, frozenset(controllers))
    assert identity.names[0] == (obj["kind"], obj["metadata"].get("name", "?"))
    return list(identity.names[1:])


@pytest.mark.parametrize(
    ("kind", "api_version", "account"),
    [
        ("ReplicaSet", "apps/v1", "replicaset-controller"),
        ("ReplicationController", "v1", "replication-controller"),
        ("StatefulSet", "apps/v1", "statefulset-controller"),
        ("DaemonSet", "apps/v1", "daemon-set-controller"),
        ("Job", "batch/v1", "job-controller"),
    ],
)
def test_a_pod_stands_for_the_controller_that_sent_it(
    kind: str, api_version: str, account: str
) -> None:
    obj = owned(pod(), kind, "web", api_version)
    assert names(obj, ACCOUNT + account) == [(kind, "web")]
    assert names(obj, MANAGER) == [(kind, "web")]
    assert identify(read(obj), MANAGER).is_made_by_controller


@pytest.mark.parametrize(
    "user",
    [
        None,
        "ada",
        "system:serviceaccount:pay:replicaset-controller",
        ACCOUNT + "statefulset-controller",
        ACCOUNT + "replicaset-controller2",
        "system:serviceaccount:kube-system:",
        "",
    ],
)
def test_an_owner_that_somebody_else_wrote_counts_for_nothing(user: str | None) -> None:
    obj = owned(pod(), "ReplicaSet", "ledger-7d9c6b5f4")
    assert names(obj, user) == []
    assert not identify(read(obj), user).is_made_by_controller


def test_a_listed_user_is_believed_for_any_owner() -> None:
    obj = owned(pod(), "CloneSet", "web", "apps.kruise.io/v1alpha1")
    assert names(obj, "system:serviceaccount:kruise-system:kruise-manager") == []
    user = "system:serviceaccount:kruise-system:kruise-manager"
    assert names(obj, user, user) == [("CloneSet", "web")]


def test_a_kind_of_another_group_is_not_the_built_in_one() -> None:
    obj = owned(pod(), "StatefulSet", "web", "apps.example.com/v1")
    assert names(obj, ACCOUNT + "statefulset-controller") == []


def test_only_the_reference_that_says_controller_counts() -> None:
    obj = owned(pod(), "StatefulSet", "web", controller=False)
    assert names(obj, ACCOUNT + "statefulset-controller") == []


def test_a_deployments_pod_shows_its_deployment_in_the_name_of_its_replicaset() -> None:
    obj = owned(pod(), "ReplicaSet", "web-app-7d9c6b5f4")
    obj["metadata"]["labels"] = {"pod-template-hash": "7d9c6b5f4"}
    user = ACCOUNT + "replicaset-controller"
    assert names(obj, user) == [("ReplicaSet", "web-app-7d9c6b5f4"), ("Deployment", "web-app")]
    obj["metadata"]["labels"] = {"pod-template-hash": "other"}
    assert names(obj, user) == [("ReplicaSet", "web-app-7d9c6b5f4")]


def test_a_cronjobs_pod_shows_its_cronjob_in_the_name_of_its_job() -> None:
    user = ACCOUNT + "job-controller"
    obj = owned(pod(), "Job", "backup-daily-29402880", "batch/v1")
    assert names(obj, user)[1:] == [("CronJob", "backup-daily")]
    assert names(owned(pod(), "Job", "backup-daily", "batch/v1"), user)[1:] == []
    assert names(owned(pod(), "Job", "29402880", "batch/v1"), user)[1:] == []


@pytest.mark.parametrize(
    ("kind", "owner", "api_version", "account"),
    [
        ("ReplicaSet", "Deployment", "apps/v1", "deployment-controller"),
        ("Job", "CronJob", "batch/v1", "cronjob-controller"),
    ],
)
def test_what_a_controller_makes_between_stands_for_its_owner(
    kind: str, owner: str, api_version: str, account: str
) -> None:
    obj = owned(of_kind(kind), owner, "web", api_version)
    assert names(obj, ACCOUNT + account) == [(owner, "web")]
    # a template is somebody's act: it is denied at once when its exemption ends
    assert not identify(read(obj), ACCOUNT + account).is_made_by_controller


def test_a_name_that_is_still_to_be_generated_is_only_a_start() -> None:
    obj = pod()
    obj["metadata"] = {"generateName": "web-"}
    ((kind, name),) = identify(read(obj)).names
    assert kind == "Pod"
    assert name.startswith("web-")
    assert name not in ("web-", "web")
