"""Persistent storage only through a claim."""

from typing import Any

import pytest

from policies.require_claims import policy
from tests.builders import (
    Object,
    container,
    of_kind,
    pod,
    pod_path,
    probed,
    profile,
    read,
)
from webhook import engine
from webhook.api import KINDS
from webhook.testing import assert_clean, assert_violates


def finds(obj: Object, *sources: str, **params: Any) -> None:
    """Exactly these sources are forbidden, by path; rules stand behind theirs."""
    if sources:
        assert_violates(policy, obj, *sources, **params)
    else:
        assert_clean(policy, obj, **params)


def forbids(volume: Object, *sources: str, **params: Any) -> None:
    """Exactly these sources of a pod's only volume are forbidden."""
    finds(pod(volumes=[volume]), *(f"/spec/volumes/0/{source}" for source in sources), **params)


ALLOWED = (
    "persistentVolumeClaim",
    "ephemeral",
    "emptyDir",
    "configMap",
    "secret",
    "downwardAPI",
    "projected",
    "image",
)
INLINE = (
    "hostPath",
    "nfs",
    "iscsi",
    "fc",
    "flexVolume",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cinder",
    "vsphereVolume",
    "portworxVolume",
    "glusterfs",
    "rbd",
    "cephfs",
    "quobyte",
    "flocker",
    "scaleIO",
    "storageos",
    "photonPersistentDisk",
    "gitRepo",
)


@pytest.mark.parametrize("source", ALLOWED)
def test_allowed_sources(source: str) -> None:
    forbids({"name": "a", source: {}})


@pytest.mark.parametrize("source", [*INLINE, "csi"])
def test_inline_sources_are_forbidden(source: str) -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", source: {}}]
    finds(pod(volumes=volumes), f"/spec/volumes/1/{source}")


@pytest.mark.parametrize("source", ["quantumDisk", "hostpath", "HostPath", "local"])
def test_a_source_that_nobody_knows_is_forbidden(source: str) -> None:
    forbids({"name": "a", source: {}}, source)


def test_a_source_is_one_token_of_the_path() -> None:
    forbids({"name": "a", "x/y~z": {}}, "x~1y~0z")


def test_no_source_is_an_empty_dir() -> None:
    forbids({"name": "a"})
    forbids({})


def test_a_null_source_is_absent() -> None:
    forbids({"name": "a", "hostPath": None})
    forbids({"name": "a", "hostPath": None, "emptyDir": {}})
    forbids({"name": "a", "quantumDisk": None})
    forbids({"name": "a", "hostPath": None}, hostPaths=[{"prefix": "/x"}])


def test_there_is_one_finding_for_each_forbidden_source() -> None:
    volumes: list[Object] = [{"name": "a", "nfs": {}, "rbd": {}, "emptyDir": {}}, {"iscsi": {}}]
    finds(
        pod(volumes=volumes),
        "/spec/volumes/0/nfs",
        "/spec/volumes/0/rbd",
        "/spec/volumes/1/iscsi",
    )


def test_a_volume_that_nothing_mounts_is_judged_for_it_can_be_mounted_later() -> None:
    forbids({"name": "unused", "hostPath": {"path": "/"}}, "hostPath")


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind(kind: str) -> None:
    obj = of_kind(kind, probed(), volumes=[{"name": "a", "nfs": {}}], restartPolicy="Never")
    finds(obj, f"{pod_path(kind)}/spec/volumes/0/nfs")


def test_claim_templates_are_claims() -> None:
    obj = of_kind("StatefulSet", probed())
    obj["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    finds(obj)


def test_a_mirror_pod_is_asked_nothing() -> None:
    obj = pod(volumes=[{"name": "etc", "hostPath": {"path": "/etc/kubernetes"}}])
    obj["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123abc"}
    finds(obj)


# Inline csi


@pytest.mark.parametrize(
    "driver",
    [
        "secrets-store.csi.k8s.io",
        "csi.cert-manager.io",
        "csi.spiffe.io",
        "spiffe.csi.cert-manager.io",
    ],
)
def test_shipped_drivers_hand_out_secrets_not_storage(driver: str) -> None:
    forbids({"name": "a", "csi": {"driver": driver}})


@pytest.mark.parametrize(
    "csi",
    [
        {"driver": "nfs.csi.k8s.io"},
        {"driver": "CSI.spiffe.io"},
        {"driver": ""},
        {"driver": None},
        {},
    ],
)
def test_another_driver_is_a_rule_of_its_own(csi: Object) -> None:
    forbids({"name": "a", "csi": csi}, "csi rule=inline-csi")


def test_the_rule_may_have_an_action_of_its_own() -> None:
    settings = {"action": "deny", "rules": {"inline-csi": {"action": "warn"}}}
    obj = pod(volumes=[{"name": "a", "csi": {}}, {"name": "b", "nfs": {}}])
    verdict = engine.check(profile(policies={"require-claims": settings}), read(obj))
    assert [one.action for one in verdict.findings] == ["warn", "deny"]


def test_the_list_of_drivers_replaces_the_shipped_one() -> None:
    own = ["csi.example.com"]
    forbids({"name": "a", "csi": {"driver": "csi.spiffe.io"}}, "csi", csiDrivers=own)
    forbids({"name": "a", "csi": {"driver": "csi.example.com"}}, csiDrivers=own)


# Host paths of node agents


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/var/log", True),
        ("/var/log/", True),
        ("/var/log/pods", True),
        ("//var//log", True),
        ("///var/log/./pods/", True),
        ("/var/lib/../log", True),
        ("/var/log/pods/../containers", True),
        ("/var/logs", False),
        ("/var/log-archive", False),
        ("/var", False),
        ("/", False),
        ("/var/log/..", False),
        ("/var/log/../../etc", False),
        ("/VAR/LOG", False),
        ("/etc/var/log", False),
        ("var/log", False),
        ("./var/log", False),
        ("", False),
        (" /var/log", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("prefix", ["/var/log", "/var/log/", "//var/log"])
def test_a_host_path_is_allowed_by_whole_segments(prefix: str, path: Any, covered: bool) -> None:
    volume = {"name": "logs", "hostPath": {"path": path}}
    forbids(volume, *(() if covered else ("hostPath",)), hostPaths=[{"prefix": prefix}])


def test_the_root_covers_everything() -> None:
    volume = {"name": "root", "hostPath": {"path": "/etc"}}
    forbids(volume, hostPaths=[{"prefix": "/"}])


def mount(name: str, **fields: Any) -> Object:
    return {"name": name, "mountPath": f"/{name}", **fields}


@pytest.mark.parametrize(
    ("containers", "fine"),
    [
        pytest.param([[mount("logs", readOnly=True)]], True, id="read-only"),
        pytest.param([[mount("logs", readOnly=False)]], False, id="writable"),
        pytest.param([[mount("logs")]], False, id="writable-by-default"),
        pytest.param([[mount("logs", readOnly=None)]], False, id="null"),
        pytest.param([[]], False, id="unmounted"),
        pytest.param([[mount("other", readOnly=True)]], False, id="another-is-mounted"),
        pytest.param(
            [[mount("logs", readOnly=True), mount("logs", readOnly=True)]], True, id="twice"
        ),
        pytest.param([[mount("logs", readOnly=True), mount("logs")]], False, id="one-of-two"),
        pytest.param(
            [[mount("logs", readOnly=True)], [mount("logs")]], False, id="one-of-two-containers"
        ),
        pytest.param([[mount("logs", readOnly=True), mount("other")]], True, id="beside-another"),
    ],
)
def test_read_only_is_asked_of_every_mount(containers: list[list[Object]], fine: bool) -> None:
    obj = pod(
        *(container(f"c{n}", volumeMounts=mounts) for n, mounts in enumerate(containers)),
        volumes=[{"name": "logs", "hostPath": {"path": "/var/log"}}],
    )
    expected = () if fine else ("/spec/volumes/0/hostPath",)
    finds(obj, *expected, hostPaths=[{"prefix": "/var/log", "readOnly": True}])


@pytest.mark.parametrize("where", ["initContainers", "ephemeralContainers"])
def test_a_writable_mount_of_any_container_counts(where: str) -> None:
    reader = container("reader", volumeMounts=[mount("logs", readOnly=True)])
    writer = container("writer", volumeMounts=[mount("logs")])
    volumes = [{"name": "logs", "hostPath": {"path": "/var/log"}}]
    params = {"hostPaths": [{"prefix": "/var/log", "readOnly": True}]}
    finds(pod(reader, volumes=volumes), **params)
    both = pod(reader, volumes=volumes, **{where: [writer]})
    finds(both, "/spec/volumes/0/hostPath", **params)


def test_the_most_generous_of_several_entries_counts() -> None:
    volume = {"name": "pods", "hostPath": {"path": "/var/log/pods"}}
    entries: list[Object] = [{"prefix": "/var/log", "readOnly": True}, {"prefix": "/var/log/pods"}]
    forbids(volume, hostPaths=entries)
    forbids(volume, "hostPath", hostPaths=entries[:1])


# What is said


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (
            {"name": "data", "hostPath": {}},
            "data: hostPath is tied to a node; use a persistentVolumeClaim",
        ),
        (
            {"nfs": {}},
            "volumes/0: nfs does not go through a claim; use a persistentVolumeClaim",
        ),
        (
            {"name": "src", "gitRepo": {}},
            "src: gitRepo is not served any more; use a persistentVolumeClaim",
        ),
        (
            {"name": "x", "csi": {"driver": "nfs.csi.k8s.io"}},
            "x: csi driver nfs.csi.k8s.io is not one of those allowed inline; "
            "use a persistentVolumeClaim",
        ),
    ],
)
def test_the_message_says_why_and_what_to_do(volume: Object, message: str) -> None:
    settings = {"require-claims": {"action": "deny"}}
    verdict = engine.check(profile(policies=settings), read(pod(volumes=[volume])))
    assert [one.violation.message for one in verdict.findings] == [message]
