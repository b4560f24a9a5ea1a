"""Installed by Helm into a real cluster, its pods running: what users see, and what they can do."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, ROOT
from tests.cluster.conftest import Namespaces
from tests.cluster.install.installation import (
    BAD,
    BREAK_GLASS,
    GOOD,
    LABEL,
    USER,
    Installation,
    made,
)
from tests.cluster.manifests import Json, denial, workload


def test_one_command_installs_it_and_helm_test_finds_it_well(installed: Installation) -> None:
    said = installed.helm("test")
    assert "Phase:          Succeeded" in said
    for component, count in (("server", 2), ("controller", 1)):
        assert len(installed.names(component)) >= count
        assert "Traceback" not in installed.kubelet.log(component)


def test_as_installed_it_blocks_nothing_and_changes_nothing(
    installed: Installation, before: dict[str, Json]
) -> None:
    assert made(installed.plane, "after") == before


def test_as_installed_it_warns_whoever_creates(installed: Installation, namespace: str) -> None:
    assert installed.create(namespace, BAD).splitlines() == [
        f"Warning: {line}"
        for line in (
            "web: no livenessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
            "[require-probes]",
            "web: no readinessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
            "[require-probes]",
            "data: hostPath (/spec/volumes/0) is tied to a node; use a persistentVolumeClaim "
            "[require-claims]",
        )
    ]
    said = installed.create(namespace, GOOD | {"metadata": {"name": "good"}})
    assert said == "Warning: web: would set 3 probe timings (/spec/containers/0) [probe-timing]\n"


@pytest.mark.parametrize("profile", ["baseline", "strict"])
def test_a_label_on_the_namespace_is_all_that_enforcement_takes(
    installed: Installation, namespace: str, profile: str
) -> None:
    assert len(installed.judged(namespace, BAD)) == 0
    installed.plane.kubectl("label", "namespace", namespace, f"{LABEL}={profile}")
    installed.until(lambda: installed.judged(namespace, BAD), "enforcement")
    assert denial(installed.create(namespace, BAD)) == [
        f"podworthy/{profile}: 3 violations",
        "web: no livenessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
        "[require-probes]",
        "web: no readinessProbe (/spec/containers/0); add httpGet, tcpSocket, grpc or exec "
        "[require-probes]",
        "data: hostPath (/spec/volumes/0) is tied to a node; use a persistentVolumeClaim "
        "[require-claims]",
    ]
    assert installed.judged(namespace, workload("Deployment", "web"))[0].endswith("2 violations")
    assert installed.judged(namespace, GOOD) == []
    assert installed.judged(namespace, BAD, groups=[BREAK_GLASS]) == []
    # a label that nothing knows is no way out, and no way in
    installed.plane.kubectl("label", "namespace", namespace, f"{LABEL}=typo", "--overwrite")
    installed.until(lambda: not installed.judged(namespace, BAD), "the default profile")
    assert "Warning: web: no livenessProbe" in installed.create(namespace, BAD)


@pytest.mark.parametrize("namespace", ["kube-system", NAMESPACE])
def test_what_podworthy_needs_it_never_judges(installed: Installation, namespace: str) -> None:
    """Not even where somebody has put a label on it."""
    label = ("label", "namespace", namespace, "--overwrite")
    installed.plane.kubectl(*label, f"{LABEL}=strict")
    try:
        assert installed.create(namespace, BAD, "--dry-run=server") == ""
    finally:
        installed.plane.kubectl(*label, f"{LABEL}-")


def test_an_exemption_takes_effect_without_a_restart(
    in_order: Installation, new_namespace: Namespaces
) -> None:
    namespace = new_namespace({LABEL: "strict"})
    in_order.until(lambda: in_order.judged(namespace, BAD), "enforcement")
    servers = in_order.names("server")
    in_order.helm("upgrade", values={"documents": {"exemptions": [_exempts(namespace)]}})
    in_order.until(lambda: not in_order.judged(namespace, BAD), "the exemption")
    assert in_order.judged(namespace, BAD | {"metadata": {"name": "other"}}) != []
    in_order.helm("rollback")
    in_order.until(lambda: in_order.judged(namespace, BAD), "the end of the exemption")
    assert in_order.names("server") == servers


def test_a_denial_is_in_the_log_that_kubectl_shows(
    installed: Installation, namespace: str, tmp_path: Path
) -> None:
    """And from there in the history, as its page says."""
    installed.plane.kubectl("label", "namespace", namespace, f"{LABEL}=strict")
    installed.until(lambda: installed.judged(namespace, BAD), "enforcement")
    assert "denied" in installed.create(namespace, BAD)
    logs = ("logs", "--selector=app.kubernetes.io/component=server", "--prefix=false")
    log = installed.own(*logs, "--tail=-1")
    assert [
        (it["user"], it["name"], it["profile"])
        for it in map(json.loads, (line for line in log.splitlines() if line.startswith("{")))
        if (it["namespace"], it["decision"], it["dryRun"]) == (namespace, "denied", False)
    ] == [(USER, "web", "strict")]
    assert len(installed.own(*logs, "--tail=1").splitlines()) == 2  # of each server
    since = installed.own(*logs, "--tail=-1", "--since=24h")
    assert set(since.splitlines()) >= set(log.splitlines())
    database = f"--database=sqlite:///{tmp_path}/history.db"
    command = [sys.executable, "-m", "webhook", "history", database, "--add=-", "--format=json"]
    told = subprocess.run(command, input=log, capture_output=True, text=True, check=True, cwd=ROOT)
    (day,) = json.loads(told.stdout)["days"][-1:]
    assert day["denials"] >= 1


def _exempts(namespace: str) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {
        "apiVersion": "podworthy.dev/v1alpha1",
        "kind": "Exemption",
        "metadata": {"name": "web"},
        "spec": {
            "policies": ["require-claims", "require-probes"],
            "workload": {"namespace": namespace, "kind": "Pod", "name": "web"},
            "reason": "a test",
            "owner": "testers",
            "granted": str(today),
            "expires": str(today + timedelta(days=30)),
        },
    }
