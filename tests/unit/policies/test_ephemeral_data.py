"""Databases on volumes that go with the pod."""

from typing import Any

import pytest

from policies.ephemeral_data import Params
from tests.builders import (
    Object,
    container,
    of_kind,
    patiently,
    pod,
    pod_path,
    violations,
    warnings,
)
from webhook.api import KINDS

SCRATCH: Object = {"name": "scratch", "emptyDir": {}}
CLAIM: Object = {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}}
FILES: Object = {"name": "files", "configMap": {"name": "conf"}}
VOLUMES = [SCRATCH, CLAIM, FILES]


def mount(path: Any, name: Any = "scratch", **fields: Any) -> Object:
    return {"name": name, "mountPath": path, **fields}


def found(obj: Object, **params: Any) -> list[str]:
    return [one.path for one in violations("ephemeral-data", obj, **params)]


def mounts(*entries: Object, volumes: list[Object] = VOLUMES, **params: Any) -> list[int]:
    """Indexes of the mounts that are at fault."""
    paths = found(pod(container(volumeMounts=list(entries)), volumes=volumes), **params)
    return [int(path.split("/")[5]) for path in paths]


@pytest.mark.parametrize("directory", Params().data_directories)
def test_each_shipped_directory(directory: str) -> None:
    assert mounts(mount(directory)) == [0]
    assert mounts(mount(f"{directory}/")) == [0]
    assert mounts(mount(f"{directory}/pgdata")) == [0]
    assert mounts(mount(directory, "claim")) == []


@pytest.mark.parametrize(
    ("path", "at_fault"),
    [
        ("/var/lib/mysql", True),
        ("//var/lib//mysql/", True),
        ("/var/lib/./mysql", True),
        ("/var/lib/x/../mysql", True),
        ("/var/lib/mysql/data", True),
        ("/var/lib/mysql-files", False),
        ("/var/lib/mysqld", False),
        ("/var/lib/mysql/..", False),
        ("/var/lib", False),
        ("/", False),
        ("/srv/var/lib/mysql", False),
        ("/VAR/LIB/MYSQL", False),
        ("/data", False),
        ("/data/db", True),
        ("/cache", False),
        ("", False),
        (None, False),
    ],
)
def test_paths_are_compared_by_whole_segments(path: Any, at_fault: bool) -> None:
    assert mounts(mount("/cache"), mount(path)) == ([1] if at_fault else [])


@pytest.mark.parametrize(
    ("volume", "is_scratch"),
    [
        ({"emptyDir": {}}, True),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, True),
        ({}, True),
        ({"emptyDir": None}, True),
        ({"hostPath": None}, True),
        ({"persistentVolumeClaim": {"claimName": "x"}}, False),
        ({"ephemeral": {}}, False),
        ({"hostPath": {"path": "/srv"}}, False),
        ({"configMap": {}}, False),
        ({"quantumDisk": {}}, False),
    ],
)
def test_an_empty_dir_of_any_medium_or_no_source(volume: Object, is_scratch: bool) -> None:
    volumes = [{"name": "scratch", **volume}]
    assert mounts(mount("/data/db"), volumes=volumes) == ([0] if is_scratch else [])


def test_a_mount_of_a_volume_that_is_not_there_is_not_ours_to_tell() -> None:
    assert mounts(mount("/data/db", "gone"), mount("/data/db", None)) == []


def test_scratch_space_inside_a_directory_that_has_a_claim_is_fine() -> None:
    assert mounts(mount("/var/lib/mysql", "claim"), mount("/var/lib/mysql/tmp")) == []
    assert mounts(mount("/var/lib/mysql"), mount("/var/lib/mysql/data", "claim")) == []
    assert mounts(mount("/data/db", "claim"), mount("/var/lib/mysql")) == [1]


def test_a_file_in_a_directory_is_no_home_for_its_data() -> None:
    entries = mount("/var/lib/mysql"), mount("/var/lib/mysql/my.cnf", "files", subPath="my.cnf")
    assert mounts(*entries) == [0]


def test_a_claim_template_is_a_home_and_hides_a_volume_of_the_same_name() -> None:
    db = container(volumeMounts=[mount("/var/lib/mysql", "data"), mount("/var/lib/mysql/tmp")])
    obj = of_kind("StatefulSet", db, volumes=[SCRATCH])
    obj["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert found(obj) == []

    same = container(volumeMounts=[mount("/var/lib/mysql", "data")])
    obj = of_kind("StatefulSet", same, volumes=[{"name": "data", "emptyDir": {}}])
    assert len(found(obj)) == 1
    obj["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert found(obj) == []


def test_another_containers_claim_is_another_containers() -> None:
    obj = pod(
        container("a", volumeMounts=[mount("/data/db", "claim")]),
        container("b", volumeMounts=[mount("/data/db")]),
        volumes=VOLUMES,
    )
    assert found(obj) == ["/spec/containers/1/volumeMounts/0/mountPath"]


def test_init_and_ephemeral_containers_are_not_asked_and_sidecars_are() -> None:
    entries = {"volumeMounts": [mount("/data/db")]}
    obj = pod(
        container(),
        initContainers=[
            container("i", **entries),
            container("s", restartPolicy="Always", **entries),
        ],
        ephemeralContainers=[container("e", **entries)],
        volumes=VOLUMES,
    )
    assert found(obj) == ["/spec/initContainers/1/volumeMounts/0/mountPath"]


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind(kind: str) -> None:
    db = container(volumeMounts=[mount("/cache"), mount("/data/db")])
    assert found(of_kind(kind, db, volumes=VOLUMES)) == [
        f"{pod_path(kind)}/spec/containers/0/volumeMounts/1/mountPath"
    ]


def test_the_list_of_directories_replaces_the_shipped_one() -> None:
    entries = mount("/data/db"), mount("/pgdata/18")
    assert mounts(*entries) == [0]
    assert mounts(*entries, dataDirectories=["/pgdata/"]) == [1]
    assert mounts(*entries, dataDirectories=[]) == []


def test_many_mounts_are_judged_in_time() -> None:
    with patiently():
        found(pod(container(volumeMounts=[mount("/data/db")] * 10_000), volumes=VOLUMES))


def test_the_message_says_why_and_what_to_do() -> None:
    db = container("db", volumeMounts=[mount("/data/db")])
    assert [one.message for one in violations("ephemeral-data", pod(db, volumes=VOLUMES))] == [
        "db: emptyDir at /data/db is deleted with the pod; use a persistentVolumeClaim"
    ]
    obj = of_kind("StatefulSet", db, volumes=VOLUMES)
    assert warnings("ephemeral-data", obj) == [
        "db: emptyDir at /data/db (/spec/template/spec/containers/0/volumeMounts/0) "
        "is deleted with the pod [ephemeral-data]"
    ]
