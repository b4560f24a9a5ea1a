"""Break-glass on a real API server: nobody is asked for a verdict, and it is seen all the same."""

import json
from typing import Any

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, handler, pod
from tests.cluster.processes import wait_for
from tests.cluster.registration import BREAK_GLASS, LABEL

SOUND = {"livenessProbe": handler(), "readinessProbe": handler()}


def create(cluster: ControlPlane, namespace: str, manifest: Json, *groups: str) -> str:
    """What is said against it; nothing if it was created."""
    command = ("create", f"--namespace={namespace}", "--filename=-")
    masters = ["system:masters", *groups]
    stdin = json.dumps(manifest)
    done = cluster.kubectl(*command, stdin=stdin, check=False, as_user="ada", as_group=masters)
    return done.stderr if done.returncode else ""


def test_what_the_group_gets_past_is_in_the_decision_log(
    webhook: ControlPlane, new_namespace: Namespaces
) -> None:
    namespace = new_namespace({LABEL: "strict"})
    assert "denied the request" in create(webhook, namespace, pod("bad"))
    assert create(webhook, namespace, pod("bad"), BREAK_GLASS) == ""
    assert create(webhook, namespace, pod("sound", **SOUND), BREAK_GLASS) == ""

    def told() -> dict[str, Any] | None:
        log = (webhook.directory / "webhook.log").read_text()
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        mine = [line for line in lines if line.get("namespace") == namespace]
        glass = {line["name"]: line for line in mine if "breakGlass" in line}
        return glass if len(glass) == 2 else None

    found = wait_for(told, seconds=30, what="lines of the decision log")
    assert found is not None
    assert {name: line["breakGlass"] for name, line in found.items()} == {
        "bad": "denied",
        "sound": "allowed",
    }
    assert found["bad"]["user"] == "ada"
    assert found["bad"]["door"] == "mutate"
    assert {finding["policy"] for finding in found["bad"]["findings"]} == {"require-probes"}
