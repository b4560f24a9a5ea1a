"""All servers are gone: what is blocked, what is not, the ways out, and the way back."""

import json
import os
import signal

from tests.chart.rendering import NAME, NAMESPACE
from tests.cluster.conftest import Namespaces
from tests.cluster.install.installation import BAD, BREAK_GLASS, GOOD, LABEL, Installation
from tests.cluster.manifests import workload


def test_while_all_servers_are_gone(in_order: Installation, new_namespace: Namespaces) -> None:
    closed, open_ = new_namespace({LABEL: "strict"}), new_namespace()
    in_order.until(lambda: in_order.judged(closed, BAD), "enforcement")
    with in_order.kubelet.holding("server"):
        in_order.until(lambda: "failed calling webhook" in _said(in_order, closed), "the outage")
        _see_what_is_blocked(in_order, closed, open_)
    # the way back, with no human
    in_order.until(lambda: not in_order.judged(closed, GOOD), "recovery")
    in_order.until(
        lambda: in_order.judged(closed, BAD)[:1] == ["podworthy/strict: 3 violations"],
        "enforcement",
    )


def _see_what_is_blocked(in_order: Installation, closed: str, open_: str) -> None:
    # Ignore does not block, nor are authors' templates blocked
    assert in_order.judged(open_, BAD) == []
    assert in_order.judged(closed, workload("Deployment", "web")) == []
    for namespace in ("kube-system", NAMESPACE):
        assert in_order.judged(namespace, GOOD) == []
    # the ways out
    assert in_order.judged(closed, BAD, groups=[BREAK_GLASS]) == []
    _set_policies(in_order, "Ignore")
    in_order.until(lambda: not in_order.judged(closed, GOOD), "the open door")
    _set_policies(in_order, "Fail")
    in_order.until(lambda: in_order.judged(closed, GOOD), "the closed door")


def test_a_server_that_dies_is_started_again(in_order: Installation) -> None:
    """And comes back into the Service; until then there is the other one."""
    dead = in_order.kubelet.pods("server")[-1]
    (container,) = dead.containers
    assert container.process
    os.killpg(container.process.pid, signal.SIGKILL)
    in_order.until(lambda: container.restarts == 1, "restart")
    in_order.until(lambda: container.ready, "ready server")
    name = f"pod/{dead.name}"
    in_order.own("wait", name, "--for=condition=Ready")
    place = ".status.containerStatuses[0].lastState.terminated.exitCode"
    assert in_order.own("get", name, f"--output=jsonpath={{{place}}}") == "137"
    logs = ("logs", name, "--timestamps")
    last, now = in_order.own(*logs, "--previous"), in_order.own(*logs)
    assert "Ready:" in last
    assert "Ready:" in now
    assert max(last.splitlines()) < min(now.splitlines())


def _said(installed: Installation, namespace: str) -> str:
    return "".join(installed.judged(namespace, GOOD))


def _set_policies(installed: Installation, policy: str) -> None:
    """As the documents say, by the place of the entry."""
    kind = "validatingwebhookconfiguration"
    found = json.loads(installed.own("get", kind, NAME, "--output=json"))["webhooks"]
    (place,) = [i for i, it in enumerate(found) if it["name"] == "pods.strict.podworthy.dev"]
    path = f"/webhooks/{place}/failurePolicy"
    patch = json.dumps([{"op": "replace", "path": path, "value": policy}])
    installed.own("patch", kind, NAME, "--type=json", f"--patch={patch}")
