"""Exemptions where requests are real: the API server says who made a pod."""

from collections.abc import Iterator

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, denial, get, handler, pod, send, workload
from tests.cluster.processes import wait_for
from tests.cluster.server import EXEMPTED

VOLUME = {"name": "data", "hostPath": {"path": "/srv"}}
PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}


@pytest.fixture(scope="module")
def namespace(webhook: ControlPlane) -> Iterator[str]:
    """The one that the server's exemptions name."""
    webhook.create_namespace(EXEMPTED, None)
    yield EXEMPTED
    webhook.kubectl("delete", "namespace", "--wait=false", EXEMPTED)


def manifest(kind: str, name: str) -> Json:
    """A workload that mounts a directory of the node."""
    if kind == "Job":
        spec = pod(name)["spec"] | {"restartPolicy": "Never", "volumes": [VOLUME]}
        job = {"template": {"spec": spec}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": job}
    made = workload(kind, name, **PROBES)
    made["spec"]["template"]["spec"]["volumes"] = [VOLUME]
    return made


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Job"])
def test_an_exempted_workload_gets_its_pods(
    webhook: ControlPlane, namespace: str, kind: str
) -> None:
    assert denial(send(webhook, namespace, manifest(kind, "exempted"), "create")) == []

    def made() -> Json | None:
        pods: list[Json] = get(webhook, namespace, "pods")["items"]
        mine = [one for one in pods if one["metadata"]["name"].startswith("exempted-")]
        return next((one for one in mine if owner_of(one) in OWNERS[kind]), None)

    found = wait_for(made, seconds=30, what=f"pod of the {kind}")
    assert found is not None
    assert VOLUME["name"] in [volume["name"] for volume in found["spec"]["volumes"]]
    webhook.kubectl("delete", f"--namespace={namespace}", f"{kind}/exempted", "--wait=false")


OWNERS = {"Deployment": {"ReplicaSet"}, "StatefulSet": {"StatefulSet"}, "Job": {"Job"}}


def owner_of(obj: Json) -> str:
    """Kind of its controller."""
    kind: str = obj["metadata"]["ownerReferences"][0]["kind"]
    return kind


@pytest.mark.parametrize("name", ["other", "expired"])
def test_any_other_and_an_expired_one_is_denied(
    webhook: ControlPlane, namespace: str, name: str
) -> None:
    for kind in ("Deployment", "StatefulSet", "Job"):
        stderr = send(webhook, namespace, manifest(kind, name), "create", check=False)
        assert denial(stderr)[0] == "podworthy/baseline: 1 violation", (kind, stderr)


def test_a_forged_owner_grants_nothing(webhook: ControlPlane, namespace: str) -> None:
    forged = pod("exempted-0", **PROBES)
    forged["spec"]["volumes"] = [VOLUME]
    forged["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": "exempted",
            "controller": True,
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        }
    ]
    assert denial(send(webhook, namespace, forged, "create", check=False))
