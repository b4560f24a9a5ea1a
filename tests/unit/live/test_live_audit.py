"""The audit of a cluster: what is judged there, by what, and what is said of the rest."""

import io
import json
import os
import re
import signal
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.builders import NOON, Object, container, pod_in, probed
from tests.exemptions import exemption
from tests.unit.live.fake import FakeApi, forbidden, namespace, refused, stored, workload
from webhook import catalog, documents
from webhook.audit.live import EXCLUDED, Docket, LiveAudit, Scope, run
from webhook.cluster import METADATA, Patience, Request
from webhook.errors import ClusterError
from webhook.exemptions import Exemption, Exemptions
from webhook.report.entries import Judged
from webhook.report.reports import Format

SCHEMA = Draft202012Validator(json.loads((schemas.DIRECTORY / "audit-report.json").read_text()))
PROFILES = documents.load((), catalog.POLICIES).profiles
BARE = container()
HOST_PATH = {"name": "data", "hostPath": {"path": "/srv"}}


def docket(*exemptions: Exemption, default: str = "baseline", **scope: Any) -> Docket:
    return Docket(PROFILES, default, Exemptions(exemptions), NOON.date(), scope=Scope(**scope))


class Outcome:
    """Of an audit with a JSON report."""

    def __init__(self, api: FakeApi, of: Docket, fail_on: str = "deny") -> None:
        stdout, stderr = io.StringIO(), io.StringIO()
        patience = Patience(sleep=repr)
        self.code = run(
            api, of, [Format("json")], fail_on, patience=patience, stdout=stdout, stderr=stderr
        )
        self.report = json.loads(stdout.getvalue())
        SCHEMA.validate(self.report)
        self.stderr = stderr.getvalue()

    @property
    def judged(self) -> list[str]:
        """`Kind/name` of each object."""
        return [f"{o['object']['kind']}/{o['object']['name']}" for o in self.report["objects"]]

    @property
    def left(self) -> dict[str, int]:
        """What was not judged."""
        counts: dict[str, int] = self.report["summary"]["notJudged"]
        return {why: count for why, count in counts.items() if count}

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(e["source"]["resource"], e["message"]) for e in self.report["errors"]]


def audit(*objects: Object, of: Docket | None = None) -> Outcome:
    return Outcome(FakeApi(*objects), of or docket())


def test_every_kind_is_judged_in_one_order() -> None:
    kinds = ["Pod", "PodTemplate", "Job", "CronJob", "ReplicationController", "ReplicaSet"]
    kinds += ["DaemonSet", "Deployment", "StatefulSet"]

    found = audit(*[workload(kind, "web") for kind in kinds])

    assert found.judged == [
        "StatefulSet/web",
        "Deployment/web",
        "DaemonSet/web",
        "ReplicaSet/web",
        "ReplicationController/web",
        "CronJob/web",
        "Job/web",
        "PodTemplate/web",
        "Pod/web",
    ]
    assert (found.code, found.errors, found.left) == (0, [], {})


def test_what_is_made_from_a_judged_template_is_not_judged_again() -> None:
    web = workload("Deployment", "web")
    revision = workload("ReplicaSet", "web-1", owner=web)
    nightly = workload("CronJob", "nightly")
    job = workload("Job", "nightly-1", owner=nightly)
    made = [
        workload("Pod", "web-1-a", owner=revision),
        workload("Pod", "web-1-b", owner=revision),
        workload("Pod", "nightly-1-a", owner=job),
    ]

    found = audit(web, revision, nightly, job, *made)

    assert found.judged == ["Deployment/web", "CronJob/nightly"]
    assert found.left == {"owned": 5}


def test_pods_are_judged_where_nobody_knows_what_makes_them() -> None:
    rollout = {"kind": "Deployment", "metadata": {"name": "gone"}}
    alone = workload("Pod", "alone")
    foreign = workload("Pod", "foreign", owner=rollout)
    revision = workload("ReplicaSet", "foreign-1", owner=rollout)
    its_pod = workload("Pod", "foreign-1-a", owner=revision)

    found = audit(alone, foreign, revision, its_pod)

    assert found.judged == ["ReplicaSet/foreign-1", "Pod/alone", "Pod/foreign"]
    assert found.left == {"owned": 1}


def test_what_does_not_control_an_object_has_not_made_it() -> None:
    web = workload("Deployment", "web")
    held = workload("Pod", "held", owner=web)
    held["metadata"]["ownerReferences"][0]["controller"] = False

    assert audit(web, held).judged == ["Deployment/web", "Pod/held"]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (workload("Pod", "x", status={"phase": "Succeeded"}), "finished"),
        (workload("Pod", "x", status={"phase": "Failed"}), "finished"),
        (workload("Pod", "x", deletionTimestamp="2026-11-24T12:00:00Z"), "deleting"),
        (workload("Deployment", "x", deletionTimestamp="2026-11-24T12:00:00Z"), "deleting"),
        (workload("Pod", "x", annotations={"kubernetes.io/config.mirror": "1"}), "mirror"),
        (workload("Pod", "x", namespace="kube-system"), "excluded"),
        (workload("Pod", "x", namespace="kube-node-lease"), "excluded"),
        *[
            (workload("Job", "x", status={"conditions": [{"type": end, "status": "True"}]}), why)
            for end, why in (("Complete", "finished"), ("Failed", "finished"))
        ],
    ],
)
def test_what_needs_no_judgement_is_counted(made: Object, why: str) -> None:
    found = audit(made)

    assert (found.judged, found.left) == ([], {why: 1})
    assert found.code == 0
    assert "nothing to judge" in found.stderr


@pytest.mark.parametrize(
    "made",
    [
        workload("Pod", "x", status={"phase": "Running"}),
        workload("Job", "x", status={"conditions": [{"type": "Failed", "status": "False"}]}),
        workload("Job", "x", status={"conditions": [{"type": "Suspended", "status": "True"}]}),
        workload("Job", "x"),
    ],
)
def test_what_has_not_finished_is_judged(made: Object) -> None:
    assert audit(made).judged == [f"{made['kind']}/x"]


@pytest.mark.parametrize(("replicas", "is_judged"), [(0, False), (1, True), (None, True)])
def test_a_replica_set_without_replicas_is_history(replicas: int | None, is_judged: bool) -> None:
    old = workload("ReplicaSet", "old")
    old["spec"]["replicas"] = replicas

    found = audit(old)

    assert found.judged == (["ReplicaSet/old"] if is_judged else [])
    assert found.left == ({} if is_judged else {"scaledToZero": 1})


def test_a_deployment_without_replicas_is_judged() -> None:
    asleep = workload("Deployment", "asleep")
    asleep["spec"]["replicas"] = 0
    assert audit(asleep).judged == ["Deployment/asleep"]


def test_each_namespace_has_its_own_profile() -> None:
    pods = [workload("Pod", name, BARE, namespace=name) for name in ("a", "b", "c", "d")]
    places = [namespace("a", "advise"), namespace("b", "strict"), namespace("c", "strcit")]

    found = audit(*pods, *places, namespace("d"))

    assert [
        (one["object"]["name"], one["profile"], one["result"])
        for one in found.report["findings"]
        if one["path"].endswith("livenessProbe")
    ] == [
        ("a", "advise", "warn"),
        ("b", "strict", "fail"),
        ("c", "baseline", "fail"),
        ("d", "baseline", "fail"),
    ]
    assert [one["profile"] for one in found.report["objects"]] == [
        "advise",
        "strict",
        "baseline",
        "baseline",
    ]
    assert (
        "podworthy: namespace c: there is no profile 'strcit' (did you mean 'strict'?); "
        "judged by baseline"
    ) in found.stderr
    assert "namespace d" not in found.stderr


def test_the_default_is_what_the_command_line_names() -> None:
    found = audit(workload("Pod", "x", BARE), of=docket(default="advise"))
    assert found.report["profile"] == "advise"
    assert found.report["summary"]["fail"] == 0
    assert found.report["summary"]["warn"] == 2


def test_the_report_says_which_cluster_and_list() -> None:
    found = audit(workload("Deployment", "web", BARE))

    source = {"file": None, "resource": "deployments.apps"}
    name = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
    assert found.report["cluster"] == "prod"
    assert found.report["objects"] == [{"object": name, "source": source, "profile": "baseline"}]
    assert {json.dumps(one["source"]) for one in found.report["findings"]} == {json.dumps(source)}
    assert found.report["fills"] == []
    assert list(found.report)[-1] == "summary"
    assert found.report["summary"]["partial"] is False
    assert found.code == 1


@pytest.mark.parametrize(("fail_on", "code"), [("deny", 1), ("never", 0)])
def test_the_exit_code_is_that_of_files(fail_on: str, code: int) -> None:
    api = FakeApi(workload("Pod", "x", BARE))
    assert Outcome(api, docket(), fail_on).code == code


def test_exemptions_count() -> None:
    bare = workload("Deployment", "web", BARE)
    mine = exemption(kind="Deployment")
    near = exemption(name="near", kind="Deployment", expires=mine.granted)

    found = audit(bare, of=docket(mine))
    assert {one["result"] for one in found.report["findings"]} == {"skip"}
    assert found.code == 0

    ended = audit(bare, of=docket(near))
    assert ended.code == 1
    assert "exemption near (team.yaml:1) does not count for Deployment shop/web" in ended.stderr


def test_one_namespace_is_asked_for_alone() -> None:
    """Who may see one namespace may often not list them, nor what is in all of them."""
    api = FakeApi(
        namespace("shop", "advise"),
        workload("Pod", "mine", BARE),
        workload("Pod", "theirs", BARE, namespace="other"),
    )

    found = Outcome(api, docket(namespace="shop"))

    assert found.judged == ["Pod/mine"]
    assert found.report["objects"][0]["profile"] == "advise"
    cluster_wide = ("/persistentvolumes", "/storageclasses", "/namespaces/shop")
    paths = [request.path for request in api.asked if not request.path.endswith(cluster_wide)]
    assert paths
    assert all("/namespaces/shop/" in path for path in paths)


def test_other_namespaces_can_be_excluded() -> None:
    scope = Scope(excluded=EXCLUDED | {"cilium"})
    found = audit(
        workload("Pod", "x", namespace="cilium"),
        workload("Pod", "y"),
        of=msgspec.structs.replace(docket(), scope=scope),
    )
    assert found.judged == ["Pod/y"]


def test_an_excluded_namespace_is_judged_if_it_is_named() -> None:
    found = audit(
        namespace("kube-system"),
        workload("Pod", "x", namespace="kube-system"),
        of=docket(namespace="kube-system"),
    )
    assert found.judged == ["Pod/x"]


def test_a_namespace_that_is_not_there_is_an_error() -> None:
    api = FakeApi(workload("Pod", "x"))

    found = Outcome(api, docket(namespace="shopp"))

    assert found.errors == [("namespaces", 'HTTP 404: namespaces "shopp" not found')]
    assert (found.code, len(api.asked)) == (3, 1)


def test_a_selector_selects_what_is_judged_and_not_what_makes_it() -> None:
    """The pods of a Deployment have its template's labels, and the Deployment may have none."""
    web = workload("Deployment", "web")
    revision = workload("ReplicaSet", "web-1", owner=web, labels={"app": "web"})
    its_pod = workload("Pod", "web-1-a", owner=revision, labels={"app": "web"})
    alone = workload("Pod", "alone", labels={"app": "web"})
    api = FakeApi(web, revision, its_pod, alone, workload("Pod", "other"))

    found = Outcome(api, docket(selector="app=web"))

    assert found.judged == ["Pod/alone"]
    assert found.left == {"owned": 2}
    unselected = [r for r in api.asked if "labelSelector" not in r.query and "apps/v1" in r.path]
    assert {request.accept for request in unselected} == {METADATA}


def test_a_selector_that_is_none_is_told_once() -> None:
    api = FakeApi(workload("Pod", "x"))
    for plural in ("statefulsets.apps", "deployments.apps", "pods"):
        api.refusals[plural] = refused(400, "unable to parse requirement")

    found = Outcome(api, docket(selector="in ("))

    assert found.errors == [("statefulsets.apps", "HTTP 400: unable to parse requirement")]
    assert found.code == 3


def test_what_cannot_be_read_is_told_and_the_rest_is_judged() -> None:
    web = workload("Deployment", "web")
    api = FakeApi(web, workload("ReplicaSet", "web-1", owner=web), workload("CronJob", "x", BARE))
    api.refusals["deployments.apps"] = forbidden("deployments.apps")
    api.refusals["jobs.batch"] = ClusterError("no answer")

    found = Outcome(api, docket(), "never")

    assert found.errors == [
        ("deployments.apps", "HTTP 403: deployments.apps is forbidden"),
        ("jobs.batch", "no answer"),
    ]
    # a template that nobody could read makes nothing known
    assert found.judged == ["ReplicaSet/web-1", "CronJob/x"]
    assert found.report["summary"]["errors"] == 2
    assert found.code == 3


def test_namespaces_that_cannot_be_read_are_judged_by_the_default() -> None:
    api = FakeApi(namespace("shop", "advise"), workload("Pod", "x", BARE))
    api.refusals["namespaces"] = forbidden("namespaces")

    found = Outcome(api, docket())

    assert found.errors == [
        (
            "namespaces",
            "HTTP 403: namespaces is forbidden; which profiles they name is unknown: judged by "
            "baseline",
        )
    ]
    assert found.report["summary"]["fail"] == 2
    assert found.code == 3


@pytest.mark.parametrize("refusal", [refused(401, "Unauthorized"), ClusterError("no answer")])
def test_where_nobody_answers_there_is_one_error(refusal: Any) -> None:
    api = FakeApi(workload("Pod", "x"))
    api.refusals["namespaces"] = refusal

    found = Outcome(api, docket())

    assert len(found.errors) == len(api.asked) == 1
    assert found.code == 3


def test_a_malformed_object_is_an_error_that_names_it() -> None:
    many = workload("Deployment", "many", *[probed(f"c{n}") for n in range(1001)])

    found = audit(many, workload("Deployment", "web"))

    (message,) = [message for _, message in found.errors]
    assert message.startswith("Deployment shop/many: /spec/template/spec/containers: ")
    assert found.judged == ["Deployment/web"]


# What stands around

MOUNTED = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}


def with_claim(name: str = "x") -> Object:
    made = workload("Pod", name)
    made["spec"]["volumes"] = [MOUNTED]
    return made


def claim(**status: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "data"}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec, "status": status}


def policies(found: Outcome) -> list[tuple[str, str | None, str]]:
    return [(one["policy"], one["rule"], one["result"]) for one in found.report["findings"]]


def test_a_lost_claim_is_looked_up() -> None:
    found = audit(with_claim(), claim(phase="Lost"))
    assert policies(found) == [("claim-exists", "lost", "fail")]


def test_a_claim_that_is_not_in_the_list_is_not_there() -> None:
    """In files it would be unknown: there might be others elsewhere."""
    assert policies(audit(with_claim())) == [("claim-exists", None, "warn")]


def test_of_lists_that_cannot_be_read_nothing_is_said() -> None:
    api = FakeApi(with_claim(), claim(phase="Lost"))
    api.refusals["persistentvolumeclaims"] = forbidden("persistentvolumeclaims")

    found = Outcome(api, docket())

    assert policies(found) == []
    assert found.errors == [
        (
            "persistentvolumeclaims",
            "HTTP 403: persistentvolumeclaims is forbidden; what refers to them is not checked",
        )
    ]
    assert found.code == 3


def test_an_odd_claim_is_there_and_unknown() -> None:
    odd = claim(phase="Bound")
    odd["spec"]["resources"]["requests"]["storage"] = "much"
    assert policies(audit(with_claim(), odd)) == []


def test_nothing_is_looked_up_for_profiles_that_do_not_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(PROFILES["baseline"]), "looks_up", False)
    api = FakeApi(with_claim())

    assert Outcome(api, docket()).judged == ["Pod/x"]
    assert not any("persistentvolume" in request.path for request in api.asked)


# Ctrl-C


def interrupting(plural: str) -> FakeApi:
    """Somebody presses Ctrl-C while the pods are read."""
    api = FakeApi(workload("Deployment", "web", BARE), workload("Pod", "x", BARE))

    def before(request: Request) -> None:
        if request.path.endswith(plural):
            os.kill(os.getpid(), signal.SIGINT)

    api.before = before
    return api


def test_ctrl_c_ends_it_with_what_is_known() -> None:
    # a shell ignores it on behalf of what it runs in the background
    before = signal.getsignal(signal.SIGINT)
    found = Outcome(interrupting("/pods"), docket())

    assert found.judged == ["Deployment/web"]
    assert found.report["summary"]["partial"] is True
    assert found.report["summary"]["fail"] == 2
    assert found.code == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_text_says_that_it_is_partial() -> None:
    stdout = io.StringIO()

    code = run(interrupting("/pods"), docket(), [Format("text")], stdout=stdout)

    (last, _) = stdout.getvalue().splitlines()[-2:]
    assert last == (
        "partial, interrupted: 1 object of prod judged, by baseline where the namespace names no "
        "profile: 2 violations"
    )
    assert code == 3


@pytest.mark.parametrize("format_name", ["text", "sarif", "junit", "github", "markdown"])
def test_every_format_takes_a_cluster(format_name: str) -> None:
    api = FakeApi(namespace("shop", "strict"), workload("Deployment", "web", BARE))
    api.refusals["jobs.batch"] = forbidden("jobs.batch")
    stdout = io.StringIO()

    code = run(api, docket(), [Format(format_name)], stdout=stdout, stderr=io.StringIO())

    assert code == 3
    assert "jobs.batch is forbidden" in stdout.getvalue()
    assert not re.search(r"""["'=|`]None""", stdout.getvalue())
    assert "shop/web" in stdout.getvalue()


def test_the_stream_is_there_for_others() -> None:
    """The controller has no report and no terminal."""
    api = FakeApi(workload("Deployment", "web", BARE), workload("Pod", "x"))

    found = [one for one in LiveAudit(api, docket()).events() if isinstance(one, Judged)]

    assert [(one.entry.object.name, len(one.findings)) for one in found] == [("web", 2), ("x", 0)]


def test_a_stored_object_is_judged_as_its_template_says() -> None:
    """`pod_in` leads to the very pod that is judged."""
    bad = workload("CronJob", "x")
    pod_in(bad)["spec"]["volumes"] = [HOST_PATH]

    (finding,) = audit(stored(bad)).report["findings"]

    assert finding["path"] == "/spec/jobTemplate/spec/template/spec/volumes/0/hostPath"
