"""Who is let in, and what the others are told."""

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, denial, handler, pod, send, workload

BOTH = {"livenessProbe": handler(), "readinessProbe": handler()}


def on_host_path(manifest: Json) -> Json:
    spec = manifest["spec"].get("template", manifest)["spec"]
    spec["volumes"] = [{"name": "data", "hostPath": {"path": "/srv"}}]
    return manifest


def test_a_good_pod_is_let_in(webhook: ControlPlane, namespace: str) -> None:
    assert send(webhook, namespace, pod("good", **BOTH), "create") == ""


def test_a_bad_statefulset_hears_everything_at_once(webhook: ControlPlane, namespace: str) -> None:
    bad = on_host_path(workload("StatefulSet", "bad", livenessProbe=handler()))

    stderr = send(webhook, namespace, bad, "create", check=False)

    assert 'admission webhook "workloads.baseline.podworthy.dev" denied' in stderr
    assert denial(stderr) == [
        "podworthy/baseline: 2 violations",
        "web: no readinessProbe (/spec/template/spec/containers/0); "
        "add httpGet, tcpSocket, grpc or exec [require-probes]",
        "data: hostPath (/spec/template/spec/volumes/0) is tied to a node; "
        "use a persistentVolumeClaim [require-claims]",
    ]


def test_the_same_is_said_in_a_dry_run(webhook: ControlPlane, namespace: str) -> None:
    bad = on_host_path(pod("bad", **BOTH))

    stderr = send(webhook, namespace, bad, "create", "--dry-run=server", check=False)

    assert denial(stderr)[0] == "podworthy/baseline: 1 violation"


def test_advise_lets_everything_in_and_warns(
    webhook: ControlPlane, new_namespace: Namespaces
) -> None:
    namespace = new_namespace({"podworthy.dev/profile": "advise"})
    bad = on_host_path(pod("bad", livenessProbe=handler()))

    stderr = send(webhook, namespace, bad, "create")

    assert sorted(stderr.splitlines()) == [
        "Warning: data: hostPath (/spec/volumes/0) is tied to a node; "
        "use a persistentVolumeClaim [require-claims]",
        "Warning: web: no readinessProbe (/spec/containers/0); "
        "add httpGet, tcpSocket, grpc or exec [require-probes]",
        "Warning: web: would set livenessProbe timeoutSeconds 3, livenessProbe failureThreshold 6 "
        "(/spec/containers/0) [probe-timing]",
    ]


def test_strict_denies_an_inline_csi_driver_and_baseline_warns(
    webhook: ControlPlane, namespace: str, new_namespace: Namespaces
) -> None:
    strict = new_namespace({"podworthy.dev/profile": "strict"})
    inline = pod("inline", **BOTH)
    inline["spec"]["volumes"] = [{"name": "data", "csi": {"driver": "nfs.csi.k8s.io"}}]

    assert "Warning: data: csi (/spec/volumes/0)" in send(webhook, namespace, inline, "create")
    assert "data: csi (/spec/volumes/0)" in "".join(
        denial(send(webhook, strict, inline, "create", check=False))
    )


def test_a_misspelt_profile_is_judged_by_the_default_one(
    webhook: ControlPlane, new_namespace: Namespaces
) -> None:
    namespace = new_namespace({"podworthy.dev/profile": "stirct"})

    stderr = send(webhook, namespace, pod("bad"), "create", check=False)

    assert denial(stderr)[0] == "podworthy/baseline: 2 violations"
