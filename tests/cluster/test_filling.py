"""What is stored after a fill, for the ways in which people create things."""

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import (
    API_DEFAULTS,
    LIVENESS_FILLED,
    READINESS_FILLED,
    Json,
    get,
    handler,
    pod,
    send,
    timings,
    workload,
)
from tests.cluster.processes import wait_for

CREATE = ("create",)
APPLY = ("apply",)
SERVER_SIDE = ("apply", "--server-side")
EVERY_WAY = pytest.mark.parametrize("how", [CREATE, APPLY, SERVER_SIDE], ids=" ".join)
WITH_PROOF = pytest.mark.parametrize("how", [APPLY, SERVER_SIDE], ids=" ".join)
KEEP = {"podworthy.dev/probe-timing": "keep"}


def stored_template(cluster: ControlPlane, namespace: str, name: str) -> Json:
    template: Json = get(cluster, namespace, "statefulset", name)["spec"]["template"]
    return template


def first_pod(cluster: ControlPlane, namespace: str, name: str) -> Json:
    """The pod that the StatefulSet controller makes."""

    def look() -> Json | None:
        pods: list[Json] = get(cluster, namespace, "pods", f"--selector=app={name}")["items"]
        return pods[0] if pods else None

    found = wait_for(look, seconds=30, what=f"pod of StatefulSet {name}")
    assert found
    return found


@EVERY_WAY
def test_a_pod_with_only_handlers_is_filled(
    webhook: ControlPlane, namespace: str, how: tuple[str, ...]
) -> None:
    manifest = pod("web", livenessProbe=handler(), readinessProbe=handler())

    send(webhook, namespace, manifest, *how)

    stored = get(webhook, namespace, "pod", "web")
    assert timings(stored, "liveness") == LIVENESS_FILLED
    assert timings(stored, "readiness") == READINESS_FILLED


@WITH_PROOF
def test_a_statefulset_is_filled_where_evidence_shows_what_was_written(
    webhook: ControlPlane, namespace: str, how: tuple[str, ...]
) -> None:
    manifest = workload(
        "StatefulSet",
        "web",
        livenessProbe=handler(periodSeconds=10),
        readinessProbe=handler(),
    )

    send(webhook, namespace, manifest, *how)

    template = stored_template(webhook, namespace, "web")
    # the period is written, so the number of failures is a part of the author's budget
    assert timings(template, "liveness") == API_DEFAULTS | {"timeoutSeconds": 3}
    assert timings(template, "readiness") == READINESS_FILLED
    assert "annotations" not in template["metadata"]


def test_a_statefulset_without_evidence_is_left_and_its_pods_are_filled(
    webhook: ControlPlane, namespace: str
) -> None:
    manifest = workload("StatefulSet", "web", livenessProbe=handler(), readinessProbe=handler())

    send(webhook, namespace, manifest, "create")

    assert timings(stored_template(webhook, namespace, "web"), "liveness") == API_DEFAULTS
    made = first_pod(webhook, namespace, "web")
    assert timings(made, "liveness") == LIVENESS_FILLED
    assert timings(made, "readiness") == READINESS_FILLED


@WITH_PROOF
def test_written_api_defaults_survive_in_the_template_and_in_its_pods(
    webhook: ControlPlane, namespace: str, how: tuple[str, ...]
) -> None:
    written = handler(timeoutSeconds=1, periodSeconds=10)
    manifest = workload("StatefulSet", "web", livenessProbe=written, readinessProbe=written)

    send(webhook, namespace, manifest, *how)

    template = stored_template(webhook, namespace, "web")
    assert timings(template, "liveness") == API_DEFAULTS
    assert template["metadata"]["annotations"] == KEEP
    made = first_pod(webhook, namespace, "web")
    assert timings(made, "liveness") == API_DEFAULTS
    assert timings(made, "readiness") == API_DEFAULTS


@EVERY_WAY
def test_keep_is_honoured(webhook: ControlPlane, namespace: str, how: tuple[str, ...]) -> None:
    probes = {"livenessProbe": handler(), "readinessProbe": handler()}

    send(webhook, namespace, pod("alone", annotations=KEEP, **probes), *how)
    send(webhook, namespace, workload("StatefulSet", "web", annotations=KEEP, **probes), *how)

    assert timings(get(webhook, namespace, "pod", "alone"), "liveness") == API_DEFAULTS
    assert timings(stored_template(webhook, namespace, "web"), "liveness") == API_DEFAULTS
    assert timings(first_pod(webhook, namespace, "web"), "liveness") == API_DEFAULTS


def test_pods_of_a_deployment_are_filled_and_its_template_is_not(
    webhook: ControlPlane, namespace: str
) -> None:
    manifest = workload("Deployment", "web", livenessProbe=handler(), readinessProbe=handler())

    send(webhook, namespace, manifest, "apply")

    stored = get(webhook, namespace, "deployment", "web")["spec"]["template"]
    assert timings(stored, "liveness") == API_DEFAULTS
    assert timings(first_pod(webhook, namespace, "web"), "liveness") == LIVENESS_FILLED


def test_the_evidence_stands_in_the_audit_log(webhook: ControlPlane, namespace: str) -> None:
    manifest = workload("StatefulSet", "web", livenessProbe=handler(), readinessProbe=handler())

    send(webhook, namespace, manifest, *SERVER_SIDE)

    key = "fill.baseline.podworthy.dev/probe-timing"

    def look() -> str | None:
        for event in webhook.audit_events():
            about = event.get("objectRef", {})
            if about.get("namespace") == namespace and key in event.get("annotations", {}):
                return str(event["annotations"][key])
        return None

    annotation = wait_for(look, seconds=30, what="audit annotation")
    assert (
        "fill /spec/template/spec/containers/0/livenessProbe/timeoutSeconds=3 "
        "(kubectl applied the probe without it)"
    ) in str(annotation)
