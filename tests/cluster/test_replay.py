"""What an API server logs is judged again as the webhook judged it when it was asked."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON, load_profiles
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, denial, handler, pod, send, workload
from tests.cluster.processes import wait_for
from tests.cluster.programs import RECORDED
from webhook.audit import Court
from webhook.exemptions import Exemptions
from webhook.replay import run

PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}
CONTROLLERS = "system:serviceaccount:kube-system:"


@pytest.fixture(scope="module")
def namespace(webhook: ControlPlane) -> Iterator[str]:
    """The one whose audit events have the stored objects."""
    webhook.create_namespace(RECORDED, {"podworthy.dev/profile": "baseline"})
    yield RECORDED
    webhook.kubectl("delete", "namespace", "--wait=false", RECORDED)


@pytest.fixture(scope="module")
def events(webhook: ControlPlane, namespace: str) -> list[Json]:
    """What the API server logged of good and bad workloads, sent in every way."""

    def ask(manifest: Json, *how: str) -> bool:
        return bool(denial(send(webhook, namespace, manifest, *how, check=False)))

    server_side = ("apply", "--server-side", "--force-conflicts")
    assert not ask(pod("good", **PROBES), "create")
    assert ask(pod("bad"), "create")
    assert not ask(workload("Deployment", "good", **PROBES), "create")
    assert not ask(workload("StatefulSet", "good", **PROBES), *server_side)
    assert ask(workload("StatefulSet", "bad"), "apply")
    assert ask(workload("Deployment", "bad"), *server_side)
    assert not ask(workload("Deployment", "good", annotations={"new": "1"}, **PROBES), "replace")
    assert ask(workload("Deployment", "good"), "replace")
    webhook.kubectl("scale", f"--namespace={namespace}", "deployment/good", "--replicas=2")

    def logged() -> list[Json]:
        found = webhook.audit_events()
        return [one for one in found if one.get("objectRef", {}).get("namespace") == namespace]

    def complete() -> list[Json] | None:
        found = logged()
        made = {one["user"]["username"] for one in found if _creates_pod(one)}
        wanted = {f"{CONTROLLERS}{kind}-controller" for kind in ("replicaset", "statefulset")}
        scaled = any(one["objectRef"].get("subresource") == "scale" for one in found)
        return found if made >= wanted and scaled else None

    found = wait_for(complete, seconds=60, what="events of the controllers' pods")
    assert found
    return found


def _creates_pod(event: Json) -> bool:
    about = event["objectRef"]
    return event["verb"] == "create" and about["resource"] == "pods" and "subresource" not in about


def replay(events: list[Json], directory: Path, profile: str) -> tuple[int, Any]:
    log = directory / "audit.log"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    court = Court(load_profiles()[profile], Exemptions(), NOON.date())
    stdout = io.StringIO()
    code = run([str(log)], court, "json", stdout=stdout)
    return code, json.loads(stdout.getvalue())


def test_who_was_denied_is_denied_again_and_nobody_else(events: list[Json], tmp_path: Path) -> None:
    code, report = replay(events, tmp_path, "baseline")

    assert sorted(
        (one["owner"]["kind"], one["owner"]["name"], one["requests"], one["refusedThen"])
        for one in report["denials"]
    ) == [
        ("Deployment", "good", 1, 1),
        ("Pod", "bad", 1, 1),
        ("StatefulSet", "bad", 1, 1),
    ]
    assert report["errors"] == []
    # the patch that would have created Deployment bad has no object, and stored none
    assert report["notJudged"]["refusedWithoutObject"] == 1
    assert report["notJudged"]["withoutObject"] == 0
    assert code == 1


def test_pods_count_for_the_owner_whose_controller_made_them(
    events: list[Json], tmp_path: Path
) -> None:
    """As stored, with all that was filled in, they have nothing to fear by another profile."""
    made = [
        event for event in events if _creates_pod(event) and event["user"]["username"] != "admin"
    ]

    code, report = replay(made, tmp_path, "strict")

    assert (code, report["denials"]) == (0, [])
    assert report["summary"]["judged"] == len(made) >= 3


def test_what_was_sent_is_logged_with_its_defaults(events: list[Json]) -> None:
    """Whatever the audit API's documentation says: an object is logged once it is decoded."""
    [sent] = [
        event["requestObject"]
        for event in events
        if event["verb"] == "create" and event["objectRef"].get("name") == "good"
        if event["objectRef"]["resource"] == "deployments"
    ]
    assert sent["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] == 10
