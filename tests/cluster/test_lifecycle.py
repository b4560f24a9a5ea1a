"""What a cluster does all day must go on as if podworthy were not there."""

import json

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, get, handler, pod, send
from tests.cluster.processes import wait_for


def test_the_pod_of_a_job_finishes_and_is_deleted(webhook: ControlPlane, namespace: str) -> None:
    """The Job controller removes a finalizer from it by an UPDATE, which must not be blocked."""
    here = f"--namespace={namespace}"
    template = {"spec": pod("once")["spec"] | {"restartPolicy": "Never"}}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"template": template},
    }
    send(webhook, namespace, job, "create")

    def made() -> str | None:
        pods: list[Json] = get(webhook, namespace, "pods", "--selector=job-name=once")["items"]
        return pods[0]["metadata"]["name"] if pods else None

    name = wait_for(made, seconds=30, what="pod of the Job")
    # no kubelet runs here: say what it would say when the container has ended
    ended = json.dumps({"status": {"phase": "Succeeded"}})
    webhook.kubectl("patch", here, "pod", str(name), "--subresource=status", f"--patch={ended}")
    wait_for(
        lambda: get(webhook, namespace, "job", "once")["status"].get("succeeded") == 1,
        seconds=30,
        what="finished Job",
    )

    webhook.kubectl("delete", here, "job/once", "--timeout=30s", "--cascade=foreground")

    assert get(webhook, namespace, "pods")["items"] == []


def test_a_mirror_pod_passes(webhook: ControlPlane, namespace: str) -> None:
    mirror = pod("etcd-node", annotations={"kubernetes.io/config.mirror": "0123456789abcdef"})
    mirror["spec"] |= {"nodeName": "node", "automountServiceAccountToken": False}

    assert send(webhook, namespace, mirror, "create") == ""

    webhook.kubectl("delete", f"--namespace={namespace}", "pod/etcd-node", "--force")


def test_kubectl_debug_works_on_an_admitted_pod(webhook: ControlPlane, namespace: str) -> None:
    good = pod("web", livenessProbe=handler(), readinessProbe=handler())
    send(webhook, namespace, good, "create")

    webhook.kubectl(
        *("debug", f"--namespace={namespace}", "web", "--image=busybox:1.37"),
        *("--container=look", "--profile=general", "--", "sleep", "1"),
    )

    stored = get(webhook, namespace, "pod", "web")
    assert [c["name"] for c in stored["spec"]["ephemeralContainers"]] == ["look"]


def test_pods_of_kube_system_are_not_judged(webhook: ControlPlane) -> None:
    assert send(webhook, "kube-system", pod("bad"), "create", "--dry-run=server") == ""
