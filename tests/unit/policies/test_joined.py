"""Policies that look around: what they say to, and where nobody can know."""

from typing import Any

import pytest

from tests.builders import Object, of_kind, pod, probed, profile, read, statefulset
from tests.fixtures import gathered
from webhook import engine
from webhook.api import KINDS, NOWHERE, Lookups

FIRST_CLAIM = "/spec/volumes/0/persistentVolumeClaim/claimName"


def uses(claim: str | None = "data", **spec: Any) -> Object:
    """A pod that mounts the claim."""
    return pod(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": claim}}], **spec)


def of_class(name: str | None) -> Object:
    return {} if name is None else {"storageClassName": name}


def claim(
    name: str = "data", storage_class: str | None = "", phase: str | None = None, **spec: Any
) -> Object:
    asked = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        **of_class(storage_class),
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": asked,
        "status": {"phase": phase},
    }


def volume(name: str = "pv", storage_class: str | None = None, **spec: Any) -> Object:
    holds = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        **of_class(storage_class),
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": holds,
    }


def storage_class(name: str, provisioner: str = "csi.example", *, default: bool = False) -> Object:
    key = "storageclass.kubernetes.io/is-default-class"
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {key: str(default).lower()}},
        "provisioner": provisioner,
    }


def service(name: str = "db", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"clusterIP": "None", "ports": [{"port": 80}], **spec},
    }


def messages(policy: str, workload: Object, *around: Object, lookups: Lookups | None = None) -> Any:
    """Path and message of each violation."""
    verdict = engine.check(
        profile(policies={policy: {"action": "deny"}}),
        read(workload),
        gathered(around) if lookups is None else lookups,
    )
    assert verdict.crashes == ()
    return [(one.violation.path, one.violation.message) for one in verdict.findings]


def test_nothing_is_said_where_nobody_can_look_around() -> None:
    for policy in ("claim-exists", "claim-can-bind", "claim-backing"):
        assert messages(policy, uses(), lookups=NOWHERE) == []
        assert messages(policy, uses()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_is_looked_for_in_every_kind(kind: str) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "dta"}}]
    ((path, _),) = messages("claim-exists", of_kind(kind, probed(), volumes=volumes), claim())
    assert path.endswith(FIRST_CLAIM)


# claim-exists


def test_a_missing_claim() -> None:
    assert messages("claim-exists", uses("dta"), claim()) == [
        (
            FIRST_CLAIM,
            "v: no claim 'dta' is known in this namespace; "
            "correct claimName, or add the PersistentVolumeClaim",
        )
    ]


def test_a_claim_without_a_name_is_the_api_servers_to_refuse() -> None:
    assert messages("claim-exists", uses(None), claim()) == []
    assert messages("claim-exists", uses(""), claim()) == []


def test_a_claim_of_another_namespace_is_not_the_one() -> None:
    elsewhere = claim()
    elsewhere["metadata"]["namespace"] = "elsewhere"
    here = uses()
    here["metadata"]["namespace"] = "shop"
    other = claim("other")
    other["metadata"]["namespace"] = "shop"

    assert messages("claim-exists", here, elsewhere) == []
    assert len(messages("claim-exists", here, elsewhere, other)) == 1


# claim-can-bind


def test_an_empty_class_is_explained() -> None:
    assert messages("claim-can-bind", uses(), claim(), volume(capacity={"storage": "500M"})) == [
        (
            FIRST_CLAIM,
            "v: claim 'data' has storageClassName \"\", so that nothing is provisioned "
            "(the nearest volume, 'pv', holds 500M, not 1Gi); "
            "leave it out, or make such a volume",
        )
    ]


def test_the_nearest_volume_is_the_one_that_lacks_the_least() -> None:
    far = volume("a", "fast", capacity={"storage": "1Ti"}, volumeMode="Block")
    near = volume("b", "fast")
    ((_, message),) = messages("claim-can-bind", uses(), claim(), far, near)
    assert "(the nearest volume, 'b', has class 'fast', the claim no class)" in message


def test_the_default_class_of_a_claim_that_names_its_volume_is_explained() -> None:
    asked = claim(storage_class=None, volumeName="pv")
    default = storage_class("fast", default=True)
    assert messages("claim-can-bind", uses(), asked, volume(), default) == [
        (
            FIRST_CLAIM,
            "v: claim 'data' asks for PersistentVolume 'pv', which has no class, the claim class "
            "'fast'; write storageClassName: \"\", else the claim gets the default class",
        )
    ]


@pytest.mark.parametrize(
    "around",
    [
        [claim("data", None), volume(storage_class="fast")],
        [claim("data", "fast"), volume()],
        [claim("data", "slow"), volume(), storage_class("slow")],
        [claim("data", "")],
        [claim("data", "", volumeName="pv")],
        [claim("data", "slow", selector={"matchLabels": {"a": "b"}}), storage_class("slow")],
        [claim("data", "slow"), storage_class("slow", "kubernetes.io/no-provisioner")],
        [claim("data", None, volumeName="pv"), volume()],
        [claim("data", phase="Bound"), volume(storage_class="fast")],
        [claim("data", phase="Lost"), volume(storage_class="fast")],
        [claim("other"), volume(storage_class="fast")],
    ],
    ids=lambda around: " ".join(one["kind"] for one in around),
)
def test_what_may_be_bound_for_all_we_know_is_left_alone(around: list[Object]) -> None:
    assert messages("claim-can-bind", uses(), *around) == []


def test_a_class_that_is_not_there_is_told_even_if_no_volume_is_known() -> None:
    ((_, message),) = messages(
        "claim-can-bind", uses(), claim("data", "slow"), storage_class("fast")
    )
    assert "asks for StorageClass 'slow', which is not there;" in message
    ((_, message),) = messages("claim-can-bind", uses(), claim("data", None), storage_class("fast"))
    assert "names no class, and no StorageClass is the default;" in message


def templated(name: str = "db", **template: Any) -> Object:
    """A StatefulSet with one claim template, of no class."""
    obj = statefulset()
    obj["metadata"]["name"] = name
    obj["spec"]["volumeClaimTemplates"] = [
        {"metadata": {"name": "data"}, "spec": claim(**template)["spec"]}
    ]
    return obj


def for_claim(name: str) -> Object:
    return volume(claimRef={"namespace": "shop", "name": name})


def test_volumes_may_be_reserved_for_the_claims_of_a_statefulset() -> None:
    assert messages("claim-can-bind", templated(), for_claim("data-db-0")) == []
    for other in ("data-db", "data-other-0", "data-db-0-1", "other-db-0"):
        ((path, _),) = messages("claim-can-bind", templated(), for_claim(other))
        assert path == "/spec/volumeClaimTemplates/0/spec/storageClassName"


def test_volumes_may_be_reserved_for_the_claim_of_an_ephemeral_volume() -> None:
    source = {"volumeClaimTemplate": {"spec": claim()["spec"]}}
    volumes = [{"name": "tmp", "ephemeral": source}]
    for kind, name, other in (
        ("Pod", "web-tmp", "web-1-tmp"),
        ("Deployment", "web-5d-x1-tmp", "web-tmp"),
    ):
        obj = of_kind(kind, probed(), volumes=volumes)
        assert messages("claim-can-bind", obj, for_claim(name)) == []
        assert len(messages("claim-can-bind", obj, for_claim(other))) == 1


def test_a_template_that_the_api_server_refuses_is_not_judged() -> None:
    assert messages("claim-can-bind", templated(accessModes=[]), volume(storage_class="fast")) == []


# claim-backing

HOST: Object = {"hostPath": {"path": "/srv"}}
NFS: Object = {"nfs": {"server": "nas", "path": "/"}}


def test_of_equally_good_volumes_all_have_to_be_bare() -> None:
    both = [volume("a", **HOST), volume("b", **NFS)]
    assert messages("claim-backing", uses(), claim(), *both) == []
    ((_, message),) = messages("claim-backing", uses(), claim(), both[0], volume("b", **HOST))
    assert "claim 'data' is on hostPath volume 'a' without nodeAffinity" in message


def test_where_the_scheduler_binds_the_number_of_access_modes_does_not_count() -> None:
    many = volume("a", "fast", accessModes=["ReadWriteOnce", "ReadOnlyMany"], **HOST)
    large = volume("b", "fast", capacity={"storage": "2Gi"}, **NFS)
    at_once = storage_class("fast", "kubernetes.io/no-provisioner")
    waits = at_once | {"volumeBindingMode": "WaitForFirstConsumer"}
    asked = claim(storage_class="fast")

    assert messages("claim-backing", uses(), asked, many, large, at_once) == []
    assert len(messages("claim-backing", uses(), asked, many, large, waits)) == 1


def test_what_is_bound_counts_and_not_what_else_would_fit() -> None:
    bound = claim(phase="Bound", volumeName="b")
    volumes = [volume("a", **HOST), volume("b", **NFS)]
    assert messages("claim-backing", uses(), bound, *volumes) == []
    assert messages("claim-backing", uses(), bound, volumes[0]) == [], "b is not known"


def test_a_named_volume_that_the_claim_does_not_get_backs_nothing() -> None:
    taken = volume(claimRef={"namespace": "shop", "name": "other"}, **HOST)
    assert messages("claim-backing", uses(), claim(volumeName="pv"), taken) == []


# statefulset-service


def serving(name: str | None) -> Object:
    obj = statefulset()
    obj["spec"]["serviceName"] = name
    obj["spec"]["template"]["metadata"]["labels"] = {"app": "db", "tier": "data"}
    return obj


@pytest.mark.parametrize(
    ("around", "fact"),
    [
        (service(), ""),
        (service(selector={"app": "db"}), ""),
        (service("other"), "no Service 'db' is known"),
        (service(clusterIP="10.0.0.1"), "Service 'db' is not headless"),
        (service(clusterIP=None), "Service 'db' is not headless"),
        (service(selector={"app": "db", "tier": "web"}), "Service 'db' does not select"),
        (service(selector={"app": "db", "zone": "a"}), "Service 'db' does not select"),
    ],
)
def test_the_service_of_a_statefulset(around: Object, fact: str) -> None:
    found = messages("statefulset-service", serving("db"), around)
    assert [path for path, _ in found] == (["/spec/serviceName"] if fact else [])
    assert all(message.startswith(f"serviceName: {fact}") for _, message in found)


@pytest.mark.parametrize("name", [None, ""])
def test_a_service_name_is_optional(name: str | None) -> None:
    assert messages("statefulset-service", serving(name), service("other")) == []
