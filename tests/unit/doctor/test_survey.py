"""What a walk through all workloads comes to."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from webhook import catalog, documents
from webhook.doctor.asking import Unread
from webhook.doctor.rights import WORKLOADS
from webhook.doctor.survey import Court, Survey, survey
from webhook.documents import Texts

Json = dict[str, Any]

BAD: Json = {"containers": [{"name": "web", "image": "nginx"}]}
GOOD: Json = {
    "containers": [
        {
            "name": "web",
            "image": "nginx",
            "livenessProbe": {"httpGet": {"port": 80}},
            "readinessProbe": {"httpGet": {"port": 80}},
        }
    ]
}
EXEMPTION = """
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: web}
spec:
  policies: [require-probes]
  workload: {namespace: shop, kind: Deployment, name: web}
  reason: a test
  owner: testers
  granted: 2026-11-01
  expires: 2026-11-20
"""


def court(today: date = date(2026, 11, 24), text: str = "") -> Court:
    texts = Texts(((Path("documents.yaml"), text.encode()),), ())
    known = documents.parse(texts, catalog.POLICIES)
    profiles = {"shop": "strict", "calm": "advise", "odd": "payments"}
    return Court(profiles.get, known, today)


def workload(pod: Json, namespace: str = "shop", **more: Any) -> Json:
    metadata = {"name": "web", "namespace": namespace, **more.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"template": {"spec": pod}, **more}}


def walk(*objects: Any, kind: str = "Deployment", by: Court | None = None) -> Survey:
    (resource,) = [one for one in WORKLOADS if one.kind == kind]
    return survey([(resource, objects)], by or court())


def test_what_is_denied_is_counted_and_named() -> None:
    seen = walk(workload(BAD), workload(GOOD), workload(BAD))
    assert (seen.judged, seen.denied) == (3, 2)
    assert seen.examples[0].workload == "Deployment shop/web"
    assert seen.examples[0].profile == "strict"
    assert "[require-probes]" in (seen.examples[0].denied or "")


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("Deployment", workload(BAD, replicas=0)),
        ("Deployment", workload(BAD, "kube-system")),
        ("ReplicaSet", workload(BAD, metadata={"ownerReferences": [{"controller": True}]})),
        (
            "Job",
            workload(BAD) | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}},
        ),
        ("CronJob", {"metadata": {"namespace": "shop"}, "spec": {"suspend": True}}),
        ("Pod", {"metadata": {"namespace": "shop"}, "spec": BAD, "status": {"phase": "Failed"}}),
    ],
)
def test_of_what_nobody_would_make_a_pod_is_not_asked(kind: str, one: Json) -> None:
    assert walk(one, kind=kind) == Survey()


def test_a_profile_that_warns_denies_nothing() -> None:
    assert walk(workload(BAD, "calm")) == Survey(judged=1)


def test_pods_are_judged_as_pods() -> None:
    """A Job's template may leave restartPolicy to be its pods' affair."""
    pod = {**BAD, "restartPolicy": "Never"}
    assert walk(workload(pod), kind="Job").denied == 0
    job = {"spec": {"template": {"spec": {**pod, "volumes": [{"name": "x", "hostPath": {}}]}}}}
    cron_job = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"jobTemplate": job}}
    assert walk(cron_job, kind="CronJob").denied == 1


def test_a_pod_on_its_own_is_judged() -> None:
    metadata = {"name": "web", "namespace": "shop"}
    assert walk({"metadata": metadata, "spec": BAD}, kind="Pod").denied == 1
    mirror = {**metadata, "annotations": {"kubernetes.io/config.mirror": "x"}}
    assert walk({"metadata": mirror, "spec": BAD}, kind="Pod").denied == 0


@pytest.mark.parametrize(
    ("today", "denied"), [(date(2026, 11, 20), 0), (date(2026, 11, 24), 0), (date(2026, 12, 24), 1)]
)
def test_exemptions_count_as_they_do_for_a_controllers_pods(today: date, denied: int) -> None:
    """For a fortnight after its end they still come back."""
    assert walk(workload(BAD), by=court(today, EXEMPTION)).denied == denied


def test_infrastructure_is_told_apart() -> None:
    pod = {**BAD, "volumes": [{"name": "x", "hostPath": {"path": "/opt/cni/bin"}}]}
    seen = walk(workload(pod), kind="DaemonSet")
    assert (seen.judged, seen.denied) == (1, 0)
    (found,) = seen.infrastructure
    assert (found.purpose, found.critical) == ("network", False)
    assert found.denied


def test_what_cannot_be_judged_is_told() -> None:
    broken = workload({"containers": "none"})
    seen = walk(broken, workload(BAD, "odd"), Unread("no right to list"))
    assert seen.judged == 2
    assert seen.unjudged[0].startswith("Deployment shop/web: /spec/template/spec/containers")
    assert "no server knows the profile 'payments'" in seen.unjudged[1]
    assert seen.unread == ("no right to list",)
