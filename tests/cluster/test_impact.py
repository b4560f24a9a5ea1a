"""`podworthy impact`, checked by doing it: promote, evict, roll out, excuse.

Nodes there are none: a pod that is evicted is gone at once, and what has to make it again is the
controller-manager.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, get, handler, pod, send, workload
from tests.cluster.processes import wait_for
from tests.cluster.registration import LABEL, wait_until_enforced

PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}
HOST_PATH = {"name": "data", "hostPath": {"path": "/srv"}}
KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_ROOT = Path(__file__).parents[2]


def manifests() -> Iterator[Json]:
    """Of each kind a good one and a bad one. DaemonSets have no pods without nodes, and CronJobs
    none in this year."""
    for kind in KINDS:
        for name, probes in ((f"good-{kind.lower()}", PROBES), (f"bad-{kind.lower()}", {})):
            made = workload(kind, name, **probes)
            made["spec"]["replicas"] = 2
            if kind == "StatefulSet":
                made["spec"]["podManagementPolicy"] = "Parallel"
            if kind == "ReplicationController":
                made["apiVersion"] = "v1"
                made["spec"]["selector"] = {"app": name}
            yield made
    for name, volumes in (("good-job", []), ("bad-job", [HOST_PATH])):
        spec = pod(name)["spec"] | {"restartPolicy": "Never", "volumes": volumes}
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        job = {"backoffLimit": 100, "template": template}
        yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": job}
        name = name.replace("job", "cronjob")
        yearly = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}
        named = {"kind": "CronJob", "metadata": {"name": name}}
        yield {"apiVersion": "batch/v1", **named, "spec": yearly}
    for name, probes in (("good-pod", PROBES), ("bad-pod", {})):
        yield pod(name, **probes) | {"metadata": {"name": name, "labels": {"app": name}}}
    for name, probes in (("good-daemonset", PROBES), ("bad-daemonset", {})):
        yield workload("DaemonSet", name, **probes)
    yield workload("Deployment", "half") | {"metadata": {"name": "half"}}


def pods_by_app(cluster: ControlPlane, namespace: str) -> Counter[str]:
    """How many pods of each workload are there, and do not go."""
    pods = get(cluster, namespace, "pods")["items"]
    alive = [one["metadata"] for one in pods if "deletionTimestamp" not in one["metadata"]]
    return Counter(metadata["labels"]["app"] for metadata in alive)


def impact(
    cluster: ControlPlane, namespace: str, *arguments: str | Path
) -> tuple[int, dict[str, Any]]:
    """The exit code, and the entries of the report by the names of workloads."""
    command = [sys.executable, "-m", "webhook", "impact", "--to=baseline", "--cluster"]
    done = subprocess.run(
        [*command, f"--namespace={namespace}", "--format=json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=_ROOT,
        env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig)},
    )
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    return done.returncode, {one["workload"]["name"]: one for one in report["workloads"]}


def evict(cluster: ControlPlane, namespace: str) -> None:
    """Every pod, as a drain of all nodes would."""
    for one in get(cluster, namespace, "pods")["items"]:
        name = one["metadata"]["name"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        cluster.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))


def is_rolled_out(cluster: ControlPlane, namespace: str, entry: Json) -> bool:
    """Whether a change of a template is let in; of a bare pod, whether it can be applied again."""
    kind, name = entry["workload"]["kind"], entry["workload"]["name"]
    if kind == "Pod":
        (manifest,) = [one for one in manifests() if one["metadata"]["name"] == name]
        return not send(cluster, namespace, manifest, "create", "--dry-run=server", check=False)
    patch: Json = {"spec": {"template": {"metadata": {"annotations": {"note": "x"}}}}}
    if kind == "CronJob":
        patch = {"spec": {"jobTemplate": patch}}
    done = cluster.kubectl(
        *("patch", f"--namespace={namespace}", f"{kind}/{name}", "--dry-run=server"),
        f"--patch={json.dumps(patch)}",
        check=False,
    )
    assert done.returncode == 0 or "podworthy/baseline" in done.stderr, done.stderr
    return done.returncode == 0


def denied_owners(cluster: ControlPlane, namespace: str, names: set[str]) -> set[str]:
    """Those whose controllers have told that podworthy denied a pod."""
    told = {
        event["involvedObject"]["name"]
        for event in get(cluster, namespace, "events")["items"]
        if event["reason"] == "FailedCreate" and "podworthy/baseline" in event["message"]
    }
    return {one for one in names if any(f"{owner}-".startswith(f"{one}-") for owner in told)}


@contextlib.contextmanager
def excused(cluster: ControlPlane, namespace: str, exemptions: Path) -> Iterator[None]:
    """With more exemptions in force at the server, which reads its file again."""
    file = cluster.directory / "exemptions.yaml"
    before = file.read_text()
    file.write_text(f"{before}\n---\n{exemptions.read_text()}")
    try:
        bad = {"workload": {"kind": "Pod", "name": "bad-pod"}}
        wait_for(
            lambda: is_rolled_out(cluster, namespace, bad), seconds=60, what="exemptions in force"
        )
        yield
    finally:
        file.write_text(before)


@pytest.fixture
def running(webhook: ControlPlane, new_namespace: Namespaces) -> tuple[str, Counter[str]]:
    """A namespace of profile advise in which all of it runs, and how many pods each has."""
    namespace = new_namespace({LABEL: "advise"})
    everything = {"apiVersion": "v1", "kind": "List", "items": list(manifests())}
    send(webhook, namespace, everything, "create")
    wait_for(
        lambda: sum(pods_by_app(webhook, namespace).values()) >= 21,
        seconds=60,
        what="pods of all workloads",
    )
    # the old pod stays until the new one is ready, which it never is
    template = workload("Deployment", "half", **PROBES)["spec"]["template"]
    patch = json.dumps({"spec": {"template": template}})
    webhook.kubectl("patch", f"--namespace={namespace}", "deployment/half", f"--patch={patch}")
    wait_for(
        lambda: pods_by_app(webhook, namespace)["half"] == 2, seconds=60, what="half a rollout"
    )
    return namespace, pods_by_app(webhook, namespace)


def test_it_happens_as_it_is_said(
    webhook: ControlPlane, running: tuple[str, Counter[str]], tmp_path: Path
) -> None:
    namespace, before = running
    exemptions = tmp_path / "exemptions.yaml"
    arguments = ("--owner=testers", "--reason=a test", f"--write-exemptions={exemptions}")

    code, found = impact(webhook, namespace, *arguments)

    assert code == 1
    assert Counter({name: one["pods"] for name, one in found.items()}) == before
    hurt = {name for name, one in found.items() if one["change"] == "newlyDenied"}
    assert hurt == {"half"} | {name for name in found if name.startswith("bad-")}
    assert found["half"]["then"] == {"lostPods": 1, "newPods": "admitted", "rollout": "admitted"}
    assert impact(webhook, namespace, f"--exemptions={exemptions}")[0] == 0

    here = f"--namespace={namespace}"
    webhook.kubectl("label", "--overwrite", "namespace", namespace, f"{LABEL}=baseline")
    wait_until_enforced(webhook, "baseline", namespace=namespace)
    evict(webhook, namespace)

    left = Counter(
        {
            name: 0 if one["workload"]["kind"] == "Pod" else one["pods"] - one["then"]["lostPods"]
            for name, one in found.items()
        }
    )
    makers = {name for name in hurt if found[name]["then"]["lostPods"]}
    assert makers == hurt - {"bad-pod", "bad-daemonset", "bad-cronjob"}
    wait_for(lambda: pods_by_app(webhook, namespace) >= left, seconds=60, what="pods made again")
    wait_for(
        lambda: denied_owners(webhook, namespace, hurt) == makers,
        seconds=60,
        what="denials of all others",
    )
    assert +pods_by_app(webhook, namespace) == +left
    for name, one in found.items():
        if one["workload"]["kind"] != "Job":  # whose template cannot be changed
            is_admitted = one["then"]["rollout"] == "admitted"
            assert is_rolled_out(webhook, namespace, one) is is_admitted, name

    with excused(webhook, namespace, exemptions):
        # they would try again by themselves, later and later
        webhook.kubectl("annotate", here, "rs,sts,rc,jobs", "--all", "wake=up")
        lost = before - left
        del lost["bad-pod"], lost["good-pod"]
        wait_for(
            lambda: pods_by_app(webhook, namespace) >= lost + left,
            seconds=60,
            what="pods that are excused",
        )
        for name, one in found.items():
            if one["workload"]["kind"] != "Job":
                assert is_rolled_out(webhook, namespace, one), name
