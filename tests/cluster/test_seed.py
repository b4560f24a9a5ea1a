"""The examples of a lesson on probes and volumes, created with kubectl on a real API server."""

from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import denial, get
from tests.cluster.processes import wait_for

SEED = Path(__file__).parents[2] / "examples" / "seed"
FIX = "add httpGet, tcpSocket, grpc or exec [require-probes]"


@pytest.mark.parametrize(
    ("name", "container"),
    [("liveness-exec", "liveness"), ("liveness-http", "liveness"), ("goproxy", "goproxy")],
)
def test_a_pod_that_has_only_a_liveness_probe_is_denied(
    webhook: ControlPlane, namespace: str, name: str, container: str
) -> None:
    done = webhook.kubectl(
        "apply", f"--namespace={namespace}", f"--filename={SEED / name}.yaml", check=False
    )

    assert done.returncode == 1
    assert denial(done.stderr) == [
        "podworthy/baseline: 1 violation",
        f"{container}: no readinessProbe (/spec/containers/0); {FIX}",
    ]


def test_mongodb_lacks_both_probes_and_its_claim_is_fine(
    webhook: ControlPlane, namespace: str
) -> None:
    manifest = f"--filename={SEED / 'mongodb.yaml'}"
    done = webhook.kubectl("apply", f"--namespace={namespace}", manifest, check=False)
    try:
        assert denial(done.stderr) == [
            "podworthy/baseline: 2 violations",
            f"mongodb: no livenessProbe (/spec/containers/0); {FIX}",
            f"mongodb: no readinessProbe (/spec/containers/0); {FIX}",
        ]
        # static provisioning, as the lesson tells it: the claim finds the volume by itself
        wait_for(
            lambda: get(webhook, namespace, "pvc", "mongodb-pvc")["status"]["phase"] == "Bound",
            seconds=30,
            what="bound claim",
        )
    finally:
        webhook.kubectl("delete", f"--namespace={namespace}", "--wait=false", "pvc/mongodb-pvc")
        webhook.kubectl("delete", "--wait=false", "pv/mongodb-pv")
