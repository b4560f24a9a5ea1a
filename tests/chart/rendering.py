"""The chart, rendered by Helm: its objects, or Helm's complaint."""

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.helm import helm
from tests.cluster.versions import HELM, NEWEST

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
NAME = "podworthy"
NAMESPACE = "podworthy-system"

RICH: Json = {
    "fullnameOverride": "pw",
    "image": {"repository": "apps/podworthy", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "profiles": [
        {"name": "advise", "failurePolicy": "Ignore"},
        {"name": "baseline", "failurePolicy": "Fail"},
        {"name": "payments", "failurePolicy": "Fail"},
    ],
    "defaultProfile": "baseline",
    "excludedNamespaces": ["cilium", "openebs"],
    "webhookAnnotations": {"admissions.enforcer/disabled": "true"},
    "documents": {
        "profiles": [
            {
                "apiVersion": "podworthy.dev/v1alpha1",
                "kind": "Profile",
                "metadata": {"name": "payments"},
                "spec": {"extends": "strict", "policies": {"require-probes": {"action": "deny"}}},
            }
        ],
        "exemptions": [
            {
                "apiVersion": "podworthy.dev/v1alpha1",
                "kind": "Exemption",
                "metadata": {"name": "ledger"},
                "spec": {
                    "policies": ["require-claims"],
                    "workload": {"namespace": "pay", "kind": "StatefulSet", "name": "ledger"},
                    "reason": "moves to claims in Q1",
                    "owner": "team-pay",
                    "granted": "2026-11-24",
                    "expires": "2027-03-31",
                },
            }
        ],
    },
    "audit": {"intervalSeconds": 3600, "reports": True, "history": {"enabled": True}},
    "server": {
        "replicas": 3,
        "port": 9443,
        "preStopSeconds": 8,
        "drainSeconds": 25,
        "extraArgs": ["--docs-url=https://docs.example/podworthy"],
        "extraVolumes": [{"name": "own", "configMap": {"name": "own"}}],
        "extraVolumeMounts": [{"name": "own", "mountPath": "/own", "readOnly": True}],
        "priorityClassName": "",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"note": "rich"},
        "podLabels": {"team": "platform"},
    },
    "controller": {
        "port": 9090,
        "priorityClassName": "system-cluster-critical",
        "podLabels": {"team": "platform"},
    },
    "canary": {"namespace": "pw-bird", "profile": "payments"},
    "networkPolicy": {
        "webhookFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        "metricsFrom": [{"namespaceSelector": {}}],
        "apiServerCIDRs": ["10.0.0.1/32"],
    },
    "monitoring": {"monitor": "PodMonitor", "rules": True, "dashboard": True},
}
"""Values that turn everything on, and differ from the default ones wherever they can."""


class HelmError(Exception):
    """Helm refused; its complaint."""


def run_helm(
    *arguments: str, version: str = HELM, stdin: str = "", kubeconfig: Path | None = None
) -> str:
    """What this Helm prints; HelmError if it fails. It finds no settings but those given."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.defpath}
        if kubeconfig:
            environment["KUBECONFIG"] = str(kubeconfig)
        done = subprocess.run(
            [helm(version), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
    if done.returncode != 0:
        raise HelmError(done.stderr + done.stdout)
    return done.stdout


def template(values: Mapping[str, Any] | None = None, *options: str, version: str = HELM) -> str:
    """The text that `helm template` prints for a release `podworthy` in `podworthy-system`."""
    return _template(json.dumps(values or {}), options, version)


@functools.cache
def _template(values: str, options: tuple[str, ...], version: str) -> str:
    return run_helm(
        "template",
        NAME,
        str(CHART),
        f"--namespace={NAMESPACE}",
        f"--kube-version={NEWEST}",
        "--values=-",
        *options,
        version=version,
        stdin=values,
    )


@functools.cache
def objects(text: str) -> tuple[Json, ...]:
    """The objects of a rendered text; nobody may change them."""
    return tuple(one for one in yaml.load_all(text, yaml.CSafeLoader) if one)


def render(
    values: Mapping[str, Any] | None = None, *options: str, version: str = HELM
) -> tuple[Json, ...]:
    """All objects, hooks and tests included, unless options say otherwise."""
    return objects(template(values, *options, version=version))


def of_kind(kind: str, rendered: Iterable[Json]) -> dict[str, Json]:
    """By name; a name that is there twice is an error."""
    found = [one for one in rendered if one["kind"] == kind]
    named = {one["metadata"]["name"]: one for one in found}
    assert len(named) == len(found)
    return named


def pod_templates(rendered: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    """Name, and metadata and spec, of every pod that the objects make or are."""
    for one in rendered:
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Pod":
            yield name, {"metadata": one["metadata"], "spec": one["spec"]}
        elif "template" in one.get("spec", {}):
            yield name, one["spec"]["template"]
