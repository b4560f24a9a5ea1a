"""Nothing that podworthy does may cause a revision that the user did not cause."""

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import LIVENESS_FILLED, get, handler, send, timings, workload
from tests.cluster.processes import wait_for

PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}


def revisions(cluster: ControlPlane, namespace: str) -> int:
    """How many revisions the StatefulSet controller has made, once it has seen the last change."""

    def observed() -> bool:
        stored = get(cluster, namespace, "statefulset", "web")
        return bool(stored["status"].get("observedGeneration") == stored["metadata"]["generation"])

    wait_for(observed, seconds=30, what="observed StatefulSet")
    return len(get(cluster, namespace, "controllerrevisions")["items"])


@pytest.mark.parametrize(
    "how", [("apply",), ("apply", "--server-side")], ids=["client-side", "server-side"]
)
def test_only_what_the_user_changes_makes_a_revision(
    webhook: ControlPlane, namespace: str, how: tuple[str, ...]
) -> None:
    manifest = workload("StatefulSet", "web", **PROBES)
    send(webhook, namespace, manifest, *how)
    assert revisions(webhook, namespace) == 1

    send(webhook, namespace, manifest, *how)
    assert revisions(webhook, namespace) == 1, "applying the same again"

    here = f"--namespace={namespace}"
    webhook.kubectl("annotate", here, "statefulset/web", "note=x")
    webhook.kubectl("scale", here, "statefulset/web", "--replicas=2")
    assert revisions(webhook, namespace) == 1, "annotate and scale"

    webhook.kubectl("set", "image", here, "statefulset/web", "web=nginx:1.28")
    assert revisions(webhook, namespace) == 2, "a new image"

    webhook.kubectl("rollout", "undo", here, "statefulset/web")
    assert revisions(webhook, namespace) == 2, "undo goes back to the first revision"

    template = get(webhook, namespace, "statefulset", "web")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "nginx:1.29"
    assert timings(template, "liveness") == LIVENESS_FILLED


def test_a_deployment_keeps_its_one_replicaset(webhook: ControlPlane, namespace: str) -> None:
    manifest = workload("Deployment", "web", **PROBES)
    send(webhook, namespace, manifest, "apply")
    send(webhook, namespace, manifest, "apply")
    webhook.kubectl("scale", f"--namespace={namespace}", "deployment/web", "--replicas=2")

    wait_for(
        lambda: len(get(webhook, namespace, "pods")["items"]) == 2, seconds=30, what="two pods"
    )

    assert len(get(webhook, namespace, "replicasets")["items"]) == 1


def test_an_unchanged_bad_template_may_be_annotated_and_scaled(
    webhook: ControlPlane, namespace: str
) -> None:
    """It was there before the webhook: only a change of the template is judged as new."""
    here = f"--namespace={namespace}"
    label = ("label", "namespace", namespace, "--overwrite")
    webhook.kubectl(*label, "podworthy.dev/profile=advise")
    send(webhook, namespace, workload("StatefulSet", "web"), "apply")
    webhook.kubectl(*label, "podworthy.dev/profile=baseline")

    webhook.kubectl("annotate", here, "statefulset/web", "note=x")
    webhook.kubectl("scale", here, "statefulset/web", "--replicas=2")
    changed = webhook.kubectl(
        "set", "image", here, "statefulset/web", "web=nginx:1.28", check=False
    )

    assert "podworthy/baseline: 2 violations" in changed.stderr
