"""The audit of a real cluster: what it says of objects is what admission would say of them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, handler, pod, send, workload
from tests.cluster.processes import wait_for
from tests.fixtures import PROFILES_DIRECTORY
from webhook import catalog

ROOT = Path(__file__).parents[2]
PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}
VOLUME = {"name": "data", "hostPath": {"path": "/srv"}}
LONE = {one for one, policy in catalog.POLICIES.items() if policy.looks_up != "only"}
"""Policies that admission asks, too."""

_REASON = re.compile(r"\((?P<path>/\S*)\).* \[(?P<policy>[\w-]+)\]$", re.MULTILINE)


class Outcome:
    """Of `podworthy audit --cluster`, as a process."""

    def __init__(self, kubeconfig: Path, *options: str) -> None:
        command = [sys.executable, "-m", "webhook", "audit", "--cluster", "--format", "json"]
        profiles = ("--profiles", str(PROFILES_DIRECTORY))
        environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
        done = subprocess.run(
            [*command, *profiles, *options],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        self.code = done.returncode
        self.stderr = done.stderr
        self.report = json.loads(done.stdout)

    def judged(self, namespace: str) -> list[str]:
        return [
            f"{one['object']['kind']}/{one['object']['name']}"
            for one in self.report["objects"]
            if one["object"]["namespace"] == namespace
        ]

    def findings(self, namespace: str) -> list[Any]:
        return [f for f in self.report["findings"] if f["object"]["namespace"] == namespace]


def around(kind: str, name: str, spec: Json) -> Json:
    """A workload of any kind around the spec of a pod."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    group = "batch/v1" if kind in ("Job", "CronJob") else "v1"
    head = {"apiVersion": group, "kind": kind, "metadata": {"name": name}}
    if kind == "PodTemplate":
        return head | {"template": template}
    if kind == "CronJob":
        job = {"spec": {"template": template}}
        return head | {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": job}}
    if kind == "Job":
        return head | {"spec": {"suspend": True, "template": template}}
    made = workload("Deployment", name)
    made["spec"]["template"] = template
    if kind == "ReplicationController":
        made |= {"apiVersion": "v1", "spec": made["spec"] | {"selector": labels}}
    return made | {"kind": kind}


def manifests() -> Iterator[Json]:
    """Of every kind a good one, one without probes and one on a directory of the node."""
    good = pod("x", **PROBES)["spec"]
    specs = {"good": good, "bare": pod("x")["spec"], "path": good | {"volumes": [VOLUME]}}
    kinds = ("StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "ReplicationController")
    for how, spec in specs.items():
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": how}, "spec": spec}
        for kind in kinds:
            yield around(kind, f"{how}-{kind.lower()}", spec)
        never = spec | {"restartPolicy": "Never"}
        yield around("CronJob", f"{how}-cron", never)
        yield around("Job", f"{how}-job", never)
        yield around("PodTemplate", f"{how}-template", spec)


def test_it_finds_what_admission_would_refuse(
    webhook: ControlPlane, new_namespace: Namespaces
) -> None:
    """Where the profile only warns they are made; then the namespace names another one."""
    namespace = new_namespace({"podworthy.dev/profile": "advise"})
    items = list(manifests())
    everything = {"apiVersion": "v1", "kind": "List", "items": items}
    send(webhook, namespace, everything, "create")
    webhook.kubectl(
        "label", "namespace", namespace, "--overwrite", "podworthy.dev/profile=everything"
    )
    refused: dict[str, set[tuple[str, str]]] = {}
    for item in items:
        renamed = item | {"metadata": {"name": f"again-{item['metadata']['name']}"}}
        stderr = send(webhook, namespace, renamed, "create", "--dry-run=server", check=False)
        key = f"{item['kind']}/{item['metadata']['name']}"
        refused[key] = {(one["policy"], one["path"]) for one in _REASON.finditer(stderr)}

    found = Outcome(webhook.kubeconfig)

    audited: dict[str, set[tuple[str, str]]] = {key: set() for key in found.judged(namespace)}
    for one in found.findings(namespace):
        assert one["profile"] == "everything"
        if one["policy"] in LONE:
            key = f"{one['object']['kind']}/{one['object']['name']}"
            # a denial names the container or the volume
            audited[key].add((one["policy"], one["path"].rpartition("/")[0]))
    assert audited == refused
    assert sum(map(bool, refused.values())) >= 16
    assert found.report["errors"] == []
    assert found.code == 1


def test_pods_are_judged_where_nobody_knows_their_owner(
    webhook: ControlPlane, new_namespace: Namespaces
) -> None:
    namespace = new_namespace({"podworthy.dev/profile": "advise"})
    send(webhook, namespace, workload("Deployment", "web"), "create")
    names = ("get", "pods", f"--namespace={namespace}", "--output=name", "-lapp=web")
    wait_for(lambda: webhook.kubectl(*names).stdout, seconds=60, what="pod of a Deployment")
    config = webhook.kubectl("create", "configmap", "maker", f"--namespace={namespace}", "-ojson")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "maker", "controller": True}
    foreign = pod("foreign")
    foreign["metadata"]["ownerReferences"] = [
        owner | {"uid": json.loads(config.stdout)["metadata"]["uid"]}
    ]
    send(webhook, namespace, foreign, "create")

    found = Outcome(webhook.kubeconfig, f"--namespace={namespace}")

    assert found.judged(namespace) == ["Deployment/web", "Pod/foreign"]
    assert {one["profile"] for one in found.report["objects"]} == {"advise"}
    left = found.report["summary"]["notJudged"]
    assert (left["owned"], left["excluded"]) == (2, 0)
    selected = Outcome(webhook.kubeconfig, f"--namespace={namespace}", "--selector=app=web")
    assert selected.judged(namespace) == []
    assert selected.report["summary"]["notJudged"]["owned"] == 2


@pytest.fixture
def limited(webhook: ControlPlane, new_namespace: Namespaces, tmp_path: Path) -> tuple[str, Path]:
    """A namespace, and the kubeconfig of a service account that may see pods in it."""
    namespace = new_namespace({"podworthy.dev/profile": "advise"})
    within = f"--namespace={namespace}"
    webhook.kubectl("create", "role", "viewer", within, "--verb=get,list", "--resource=pods")
    account = f"--serviceaccount={namespace}:default"
    webhook.kubectl("create", "rolebinding", "viewer", within, "--role=viewer", account)
    token = webhook.kubectl("create", "token", "default", within).stdout.strip()
    config: dict[str, Any] = json.loads(webhook.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "limited.kubeconfig"
    path.write_text(json.dumps(config))
    return namespace, path


def test_what_may_not_be_read_is_told_by_resource(
    webhook: ControlPlane, limited: tuple[str, Path]
) -> None:
    namespace, kubeconfig = limited
    send(webhook, namespace, pod("bare"), "create")

    found = Outcome(kubeconfig, f"--namespace={namespace}", "--fail-on=never")

    assert found.judged(namespace) == ["Pod/bare"]
    messages: Mapping[str, str] = {
        one["source"]["resource"]: one["message"] for one in found.report["errors"]
    }
    assert {"namespaces", "persistentvolumes", "deployments.apps", "jobs.batch"} < set(messages)
    assert "pods" not in messages
    assert all(message.startswith("HTTP 403: ") for message in messages.values())
    assert found.code == 3


def test_a_real_list_has_several_pages_in_the_order_of_its_keys(
    control_plane: ControlPlane, new_namespace: Namespaces
) -> None:
    """On which the restart of a list without a token rests; `-` sorts before `/`."""
    from webhook.cluster import Patience, Query, Resource, listing, pages

    first = new_namespace()
    control_plane.create_namespace(f"{first}-b")
    try:
        for place in (f"{first}-b", first):
            maps = [
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
                for name in ("x", "x-y", "a")
            ]
            everything = {"apiVersion": "v1", "kind": "List", "items": maps}
            send(control_plane, place, everything, "create")
        config_maps = Resource("v1", "configmaps", "ConfigMap")
        client = connected(control_plane)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(listing, "LIMIT", 2)
            found = list(pages(client, config_maps, Patience(), Query()))
        keys = [listing._key(item) for page in found for item in page.items]
        assert len(found) > 2
        assert keys == sorted(set(keys))
        mine = [key for key in keys if key.startswith(first) and "kube-root" not in key]
        ends = ("a", "x", "x-y")
        assert mine == [f"{place}/{end}" for place in (f"{first}-b", first) for end in ends]
    finally:
        control_plane.kubectl("delete", "namespace", "--wait=false", f"{first}-b")


def connected(control_plane: ControlPlane) -> Any:
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config

    from webhook.cluster.client import ApiServer

    configuration = Configuration()
    load_kube_config(str(control_plane.kubeconfig), client_configuration=configuration)
    return ApiServer(configuration)
