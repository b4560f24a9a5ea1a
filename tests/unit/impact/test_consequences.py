"""What a promotion would do to each kind of workload: the table of cases."""

from typing import Any

import pytest

from tests.builders import Object, container, http, pod_in, probed
from tests.exemptions import exemption
from tests.unit.impact.conftest import PROFILES, analyse, promotion
from tests.unit.live.fake import FakeApi, forbidden, namespace, workload
from webhook import catalog
from webhook.api import KINDS
from webhook.profile import Profile, bind

BARE = container()
HOST_PATH = {"name": "data", "hostPath": {"path": "/srv"}}
CONTROLLERS = ["StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "ReplicationController"]
ADMITTED = {"lostPods": 0, "newPods": "admitted", "rollout": "admitted"}
HASH = "5f4d8c"


def with_pods(top: Object, count: int = 2) -> list[Object]:
    """A workload and the pods of it that its controllers have made."""
    kind, name = top["kind"], top["metadata"]["name"]
    made = [top]
    owner = top
    if kind == "Deployment":
        owner = revision(top, HASH)
        made.append(owner)
    if kind == "CronJob":
        owner = owned("Job", f"{name}-29012345", top)
        made.append(owner)
    return [*made, *(pod_of(owner, f"{owner['metadata']['name']}-{n}") for n in range(count))]


def owned(kind: str, name: str, owner: Object) -> Object:
    """With the pod of its owner."""
    made = workload(kind, name, owner=owner)
    pod_in(made)["spec"] = pod_in(owner)["spec"]
    return with_group(made, owner)


def with_group(made: Object, owner: Object) -> Object:
    reference = made["metadata"]["ownerReferences"][0]
    reference["apiVersion"] = owner["apiVersion"]
    return made


def revision(deployment: Object, end: str) -> Object:
    """A ReplicaSet of it."""
    made = owned("ReplicaSet", f"{deployment['metadata']['name']}-{end}", deployment)
    pod_in(made)["metadata"]["labels"] = {"pod-template-hash": end}
    return made


def pod_of(owner: Object, name: str) -> Object:
    made = owned("Pod", name, owner)
    template = pod_in(owner)["metadata"]
    made["metadata"]["labels"] = template.get("labels", {})
    return made


def foreign_pod(name: str, kind: str, *containers: Object) -> Object:
    """Of an owner `web` that is not of Kubernetes."""
    made = workload("Pod", name, *containers)
    owner = {"apiVersion": "apps.kruise.io/v1beta1", "kind": kind, "name": "web", "uid": "1"}
    made["metadata"]["ownerReferences"] = [owner | {"controller": True}]
    return made


def profile(name: str, **policies: Any) -> Profile:
    return bind(name, {"policies": policies}, catalog.POLICIES)


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_what_advise_lets_in_does_not_come_back_under_baseline(kind: str) -> None:
    top = workload(kind, "web", BARE)

    found = analyse(*with_pods(top), of=promotion(to="baseline", default="advise"))

    entry = found.workloads[f"{kind}/web"]
    assert entry["now"] == ADMITTED
    assert entry["then"] == {"lostPods": 2, "newPods": "denied", "rollout": "rejected"}
    assert (entry["change"], entry["pods"], entry["profile"]) == ("newlyDenied", 2, "advise")
    assert [(one["policy"], one["path"], one["now"], one["then"]) for one in entry["denials"]] == [
        (
            "require-probes",
            f"/spec/template/spec/containers/0/{probe}Probe",
            False,
            True,
        )
        for probe in ("liveness", "readiness")
    ]
    assert found.code == 1
    assert len(found.workloads) == 1


@pytest.mark.parametrize("kind", [*CONTROLLERS, "Job", "CronJob"])
def test_what_is_worthy_comes_back(kind: str) -> None:
    found = analyse(*with_pods(workload(kind, "web")))

    entry = found.workloads[f"{kind}/web"]
    assert (entry["then"], entry["change"], entry["pods"]) == (ADMITTED, "admitted", 2)
    assert (found.code, found.report["errors"], entry["denials"]) == (0, [], [])


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_nothing_is_asked_of_the_probes_of_jobs(kind: str) -> None:
    made = workload(kind, "web", BARE)
    pod_in(made)["spec"]["restartPolicy"] = "Never"

    assert analyse(*with_pods(made)).code == 0


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_jobs_need_claims_as_all_do(kind: str) -> None:
    made = workload(kind, "web", BARE)
    pod_in(made)["spec"] |= {"restartPolicy": "Never", "volumes": [HOST_PATH]}

    found = analyse(*with_pods(made), of=promotion(default="advise"))

    then = found.workloads[f"{kind}/web"]["then"]
    assert then == {"lostPods": 2, "newPods": "denied", "rollout": "rejected"}
    assert found.code == 1


def test_a_bare_pod_comes_back_under_no_profile() -> None:
    found = analyse(
        workload("Pod", "bad", BARE), workload("Pod", "good"), of=promotion(default="advise")
    )

    bad, good = found.workloads["Pod/bad"], found.workloads["Pod/good"]
    assert bad["then"] == {"lostPods": 0, "newPods": None, "rollout": "rejected"}
    assert good["then"] == {"lostPods": 0, "newPods": None, "rollout": "admitted"}
    assert (bad["change"], good["change"]) == ("newlyDenied", "admitted")
    assert found.report["summary"]["barePods"] == 2
    assert found.report["summary"]["pods"] == 2


def test_a_pod_template_makes_no_pods() -> None:
    found = analyse(workload("PodTemplate", "web", BARE), of=promotion(default="advise"))

    entry = found.workloads["PodTemplate/web"]
    assert entry["then"] == {"lostPods": 0, "newPods": None, "rollout": "rejected"}
    assert entry["pods"] == 0


def test_pods_of_an_owner_that_is_not_of_kubernetes_are_told_together() -> None:
    pods = [foreign_pod(name, "CloneSet", BARE) for name in ("web-a", "web-b")]

    found = analyse(*pods, of=promotion(default="advise"))

    entry = found.workloads["CloneSet/web"]
    assert entry["then"] == {"lostPods": 2, "newPods": "denied", "rollout": None}
    assert entry["pods"] == 2
    assert entry["denials"][0]["path"] == "/spec/containers/0/livenessProbe"


def test_a_kind_that_is_called_as_one_of_kubernetes_is_not_it() -> None:
    top = workload("StatefulSet", "web")
    pods = [pod_of(top, "web-0"), foreign_pod("web-a", "StatefulSet", BARE)]

    entries = analyse(top, *pods, of=promotion(default="advise")).report["workloads"]

    assert [
        (one["workload"]["apiVersion"], one["pods"], one["then"]["lostPods"]) for one in entries
    ] == [("apps.kruise.io/v1beta1", 1, 1), ("apps/v1", 1, 0)]


def test_what_an_operator_owns_is_told_with_its_owner() -> None:
    ours = workload("StatefulSet", "db", BARE)
    reference = {"kind": "Postgres", "apiVersion": "acid.zalan.do/v1", "name": "db", "uid": "1"}
    ours["metadata"]["ownerReferences"] = [reference | {"controller": True}]

    entry = analyse(ours).workloads["StatefulSet/db"]

    assert entry["madeBy"] == {"kind": "Postgres", "name": "db"}


def test_pods_of_an_old_revision_are_judged_as_that_makes_them() -> None:
    top = workload("Deployment", "web")
    old = revision(top, "old")
    pod_in(old)["spec"] = pod_in(workload("Deployment", "x", BARE))["spec"]
    new = revision(top, "new")
    pods = [pod_of(old, "web-old-1"), pod_of(old, "web-old-2"), pod_of(new, "web-new-1")]

    found = analyse(top, old, new, *pods, of=promotion(default="advise"))

    entry = found.workloads["Deployment/web"]
    assert entry["then"] == {"lostPods": 2, "newPods": "admitted", "rollout": "admitted"}
    assert (entry["change"], entry["pods"], found.code) == ("newlyDenied", 3, 1)


def test_pods_that_are_not_there_are_not_lost() -> None:
    asleep = workload("Deployment", "web", BARE)
    asleep["spec"]["replicas"] = 3

    entry = analyse(asleep, of=promotion(default="advise")).workloads["Deployment/web"]

    assert entry["pods"] == 0
    assert entry["then"] == {"lostPods": 0, "newPods": "denied", "rollout": "rejected"}


def test_old_revisions_without_pods_hurt_nobody() -> None:
    top = workload("Deployment", "web")
    old = revision(top, "old")
    pod_in(old)["spec"] = pod_in(workload("Deployment", "x", BARE))["spec"]
    asleep = revision(top, "older")
    asleep["spec"]["replicas"] = 0

    assert analyse(top, old, asleep).code == 0


def test_what_others_put_into_pods_counts() -> None:
    top = workload("Deployment", "web")
    made = with_pods(top, 1)
    injected = pod_in(made[-1])
    injected["spec"] = injected["spec"] | {"containers": [probed(), container("agent")]}

    found = analyse(*made, of=promotion(default="advise"))

    entry = found.workloads["Deployment/web"]
    assert entry["then"] == {"lostPods": 1, "newPods": "admitted", "rollout": "admitted"}
    assert {one["message"].partition(":")[0] for one in entry["denials"]} == {"agent"}


def test_the_known_sidecars_of_meshes_are_none_of_those() -> None:
    top = workload("Deployment", "web")
    made = with_pods(top, 1)
    proxy = container("istio-proxy", image="docker.io/istio/proxyv2:1.27")
    pod = pod_in(made[-1])
    pod["spec"] = pod["spec"] | {"containers": [probed(), proxy]}

    assert analyse(*made).code == 0


def test_a_pod_that_was_mended_in_the_template_comes_back_mended() -> None:
    top = workload("StatefulSet", "web")
    old = pod_of(top, "web-0")
    old["spec"] = {"containers": [BARE]}

    assert analyse(top, old).code == 0


def test_ephemeral_containers_do_not_come_back() -> None:
    pod = foreign_pod("web-a", "CloneSet", probed())
    pod["spec"]["ephemeralContainers"] = [container("debug")]

    assert analyse(pod).code == 0


def test_what_only_a_lookup_finds_does_not_count() -> None:
    made = workload("StatefulSet", "web")
    pod_in(made)["spec"]["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "gone"}}
    ]
    lookups = {"claim-exists": {"action": "deny"}, "statefulset-service": {"action": "deny"}}

    found = analyse(*with_pods(made), of=promotion(to="x", profiles={"x": profile("x", **lookups)}))

    assert found.code == 0


@pytest.mark.parametrize(
    ("kinds", "then"),
    [
        (["Pod"], {"lostPods": 2, "newPods": "denied", "rollout": "stalls"}),
        (["Deployment"], {"lostPods": 0, "newPods": "admitted", "rollout": "rejected"}),
        (["ReplicaSet"], {"lostPods": 0, "newPods": "admitted", "rollout": "stalls"}),
        (["StatefulSet"], ADMITTED),
    ],
)
def test_the_way_from_a_template_to_a_pod_may_end_anywhere(
    kinds: list[str], then: dict[str, Any]
) -> None:
    narrow = profile("x", **{"require-probes": {"action": "deny", "kinds": kinds}})

    found = analyse(
        *with_pods(workload("Deployment", "web", BARE)),
        of=promotion(to="x", default="advise", profiles={"x": narrow}),
    )

    assert found.workloads["Deployment/web"]["then"] == then


def test_a_run_of_a_cron_job_begins_with_a_job() -> None:
    narrow = profile("x", **{"require-claims": {"action": "deny", "kinds": ["Job"]}})
    made = workload("CronJob", "backup", BARE)
    pod_in(made)["spec"]["volumes"] = [HOST_PATH]

    found = analyse(made, of=promotion(to="x", default="advise", profiles={"x": narrow}))

    then = {"lostPods": 0, "newPods": "denied", "rollout": "stalls"}
    assert found.workloads["CronJob/backup"]["then"] == then


@pytest.mark.parametrize(
    ("bound", "is_hurt"),
    [
        ({"timeoutSeconds": {"min": 2}}, False),  # filled, on their way in, to 3
        ({"failureThreshold": {"max": 5}}, True),  # filled to 6
    ],
)
def test_pods_are_filled_before_they_are_judged(bound: dict[str, Any], is_hurt: bool) -> None:
    policies = {
        "probe-timing": {"action": "fill"},
        "probe-bounds": {
            "action": "deny",
            "kinds": ["Pod"],
            "params": {"bounds": {"liveness": bound}},
        },
    }
    bounded = profile("x", **policies)
    top = workload("Deployment", "web", probed(livenessProbe=http(timeoutSeconds=1)))

    found = analyse(top, of=promotion(to="x", default="advise", profiles={"x": bounded}))

    assert found.workloads["Deployment/web"]["then"]["newPods"] == (
        "denied" if is_hurt else "admitted"
    )


def test_what_the_author_kept_is_not_filled() -> None:
    policies = {
        "probe-timing": {"action": "fill"},
        "probe-bounds": {
            "action": "deny",
            "params": {"bounds": {"liveness": {"failureThreshold": {"max": 5}}}},
        },
    }
    top = workload("Deployment", "web")
    pod_in(top)["metadata"]["annotations"] = {"podworthy.dev/probe-timing": "keep"}

    found = analyse(top, of=promotion(to="x", profiles={"x": profile("x", **policies)}))

    assert found.workloads["Deployment/web"]["then"] == ADMITTED


def test_each_namespace_is_compared_with_its_own_profile() -> None:
    tops = [workload("Deployment", "web", BARE, namespace=name) for name in ("a", "b")]

    found = analyse(*tops, namespace("a", "advise"), namespace("b"), of=promotion(to="baseline"))

    entries = found.report["workloads"]
    assert [(one["workload"]["namespace"], one["profile"], one["change"]) for one in entries] == [
        ("a", "advise", "newlyDenied"),
        ("b", "baseline", "alreadyDenied"),
    ]
    assert found.code == 1


def test_what_a_looser_profile_lets_in_is_fixed() -> None:
    found = analyse(workload("Deployment", "web", BARE), of=promotion(to="advise"))

    entry = found.workloads["Deployment/web"]
    assert (entry["change"], found.code) == ("fixed", 0)
    assert [(one["now"], one["then"]) for one in entry["denials"]] == [(True, False)] * 2


def test_what_does_not_run_any_more_is_left_out() -> None:
    finished = {"conditions": [{"type": "Complete", "status": "True"}]}
    job = workload("Job", "done", BARE, status=finished)
    gone = workload("Deployment", "gone", BARE, deletionTimestamp="2026-11-24T12:00:00Z")
    revision_of_it = revision(gone, "1")

    found = analyse(
        job,
        pod_of(job, "done-a"),
        gone,
        revision_of_it,
        pod_of(revision_of_it, "gone-1-a"),
        workload("Pod", "over", BARE, status={"phase": "Failed"}),
        workload("Pod", "static", BARE, annotations={"kubernetes.io/config.mirror": "1"}),
        workload("Pod", "system", BARE, namespace="kube-system"),
    )

    assert (found.workloads, found.code) == ({}, 0)
    assert "nothing to judge" in found.stderr


def test_an_exempt_workload_comes_back() -> None:
    top = workload("Deployment", "web", BARE)
    excused = exemption(kind="Deployment")

    found = analyse(*with_pods(top), of=promotion(excused))

    entry = found.workloads["Deployment/web"]
    assert (entry["then"], entry["exemptions"], found.code) == (ADMITTED, ["web"], 0)
    assert found.report["summary"]["exempted"] == 1


def test_in_the_grace_of_an_exemption_pods_come_back_and_templates_do_not() -> None:
    ended = exemption(kind="Deployment", expires=exemption().expires.replace(day=20))

    found = analyse(*with_pods(workload("Deployment", "web", BARE)), of=promotion(ended))

    then = {"lostPods": 0, "newPods": "admitted", "rollout": "rejected"}
    assert found.workloads["Deployment/web"]["then"] == then
    assert found.code == 1


def test_what_cannot_be_read_is_no_silent_gap() -> None:
    top = workload("Deployment", "web", BARE)
    api = FakeApi(*with_pods(top))
    api.refusals["replicasets.apps"] = forbidden("replicasets")

    found = analyse(api=api)

    assert found.code == 3
    assert [e["source"]["resource"] for e in found.report["errors"]] == ["replicasets.apps"]
    # the webhook knows the Deployment from the names that a pod shows, and so do we
    assert found.workloads["Deployment/web"]["pods"] == 2


def test_the_same_cluster_gives_the_same_bytes() -> None:
    objects = [
        *with_pods(workload("Deployment", "web", BARE, labels={"team": "a"})),
        *with_pods(workload("StatefulSet", "db", BARE, labels={"team": "b"})),
        workload("Pod", "alone", BARE),
    ]

    first, second = analyse(*objects), analyse(*reversed(objects))

    assert first.stdout == second.stdout
    assert (
        analyse(*objects, format_name="text").stdout
        == analyse(*objects[::-1], format_name="text").stdout
    )


def test_workloads_are_counted_by_namespace_and_team() -> None:
    template = workload("Deployment", "template", BARE)
    pod_in(template)["metadata"]["labels"] = {"squad": "b"}
    objects = [
        *with_pods(workload("Deployment", "web", BARE, labels={"squad": "a"})),
        workload("Deployment", "fine", labels={"squad": "a"}),
        template,
        workload("Pod", "alone"),
    ]

    found = analyse(*objects, of=promotion(default="advise", team_label="squad"))

    keys = ("namespace", "team", "workloads", "newlyDenied", "pods", "lostPods")
    assert [tuple(group[key] for key in keys) for group in found.report["groups"]] == [
        ("shop", "a", 2, 1, 2, 2),
        ("shop", "b", 1, 1, 0, 0),
        ("shop", None, 1, 0, 1, 0),
    ]


def test_every_kind_has_a_way_through() -> None:
    found = analyse(
        *[workload(kind, "web", BARE) for kind in KINDS], of=promotion(default="advise")
    )

    assert {entry.partition("/")[0] for entry in found.workloads} == set(KINDS)
    assert found.report["errors"] == []
    assert set(PROFILES) == {"advise", "baseline", "strict"}
