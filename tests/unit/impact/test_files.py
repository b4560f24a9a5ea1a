"""The same analysis of files: manifests, dumps of a cluster, recorded reviews."""

import json
from collections.abc import Callable

from tests.builders import Object, container, of_kind, review
from tests.unit.impact.conftest import Outcome, promotion
from tests.unit.impact.test_consequences import BARE, with_pods
from tests.unit.live.fake import stored, workload
from webhook.audit.live import Scope

Analyse = Callable[..., Outcome]


def dump(*objects: Object) -> str:
    """As `kubectl get -o json` prints it."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [stored(o) for o in objects]})


def test_a_manifest_counts_the_replicas_that_are_written(analyse_text: Analyse) -> None:
    made = of_kind("Deployment", container())
    made["spec"]["replicas"] = 3

    found = analyse_text(json.dumps(made), of=promotion(default="advise", scope=Scope("shop")))

    entry = found.workloads["Deployment/web"]
    assert entry["pods"] == 3
    assert entry["then"] == {"lostPods": 3, "newPods": "denied", "rollout": "rejected"}
    assert entry["workload"]["namespace"] == "shop"
    assert entry["source"] == {"file": "-", "document": 0, "line": 1}
    assert (found.report["cluster"], found.code) == (None, 1)


def test_nobody_knows_how_many_pods_a_daemon_set_has(analyse_text: Analyse) -> None:
    found = analyse_text(json.dumps(of_kind("DaemonSet", container())))
    assert found.workloads["DaemonSet/web"]["pods"] is None


def test_a_dump_is_put_together_in_whatever_order(analyse_text: Analyse) -> None:
    objects = with_pods(workload("Deployment", "web", BARE))

    found = analyse_text(dump(*reversed(objects)), of=promotion(default="advise"))

    assert list(found.workloads) == ["Deployment/web"]
    assert found.workloads["Deployment/web"]["pods"] == 2
    assert found.workloads["Deployment/web"]["then"]["lostPods"] == 2


def test_recorded_reviews_are_evidence(analyse_text: Analyse) -> None:
    pod = with_pods(workload("Deployment", "web", BARE))[-1]
    pod["metadata"]["namespace"] = "shop"
    user = "system:serviceaccount:kube-system:replicaset-controller"
    body = review(pod, userInfo={"username": user})

    found = analyse_text(body.decode(), of=promotion(default="advise"))

    entry = found.workloads["Deployment/web"]
    assert (entry["pods"], entry["then"]["lostPods"], found.code) == (1, 1, 1)


def test_what_cannot_be_read_is_told(analyse_text: Analyse) -> None:
    found = analyse_text("kind: Pod\napiVersion: v1\nspec: {containers: 1}\n")
    assert (found.code, len(found.report["errors"])) == (3, 1)
