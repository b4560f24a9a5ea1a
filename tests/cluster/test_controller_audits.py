"""The controller's audits on a real API server: reports, totals, and no right too many."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controller import grant, kubeconfig
from tests.cluster.manifests import Json, get, handler, send, workload
from tests.cluster.policy_reports import crd
from tests.cluster.processes import wait_for
from tests.cluster.registration import BREAK_GLASS
from webhook.cluster import Answer, Reply, Request
from webhook.cluster.client import ApiServer
from webhook.controller.access import Extent, rules
from webhook.controller.audits import Auditor, Denials, Plan, PolicyReports
from webhook.controller.certificates import Service
from webhook.controller.clocks import Clocks, system_clock
from webhook.controller.reading import Subject
from webhook.history import History
from webhook.report.openreports import HASH, OPENREPORTS, WGPOLICY, Api

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
GOOD = {"livenessProbe": handler(), "readinessProbe": handler()}
VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


class Recorded(ApiServer):
    """The real one; remembers what was asked."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.asked: list[Request] = []
        self.refusals: list[Reply | Answer] = []

    def fetch(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = super().fetch(request)
        # a namespace of another test may be on its way out, which is a 403, too
        if reply.status in (401, 403) and b"NamespaceTerminating" not in reply.data:
            self.refusals.append(reply)
        return reply


@dataclass
class Audits:
    """An auditor that has exactly the rights of `access.rules`, and a namespace to look at."""

    control_plane: ControlPlane
    client: Recorded
    own: str
    """podworthy's namespace."""
    shop: str
    database: str
    auditor: Auditor = field(init=False)

    def __post_init__(self) -> None:
        plan = Plan(self.own, "baseline", (), frozenset(), 3600)
        kept = Denials(self.client, self.own, "podworthy", self.database, system_clock)
        sinks = (PolicyReports(self.client), kept)
        clocks = Clocks(system_clock, time.monotonic)
        self.auditor = Auditor(self.client, plan, sinks, clocks)

    def report(self, api: Api = OPENREPORTS) -> Json:
        return get(self.control_plane, self.shop, f"{api.resource}.{api.group}", "podworthy")


@pytest.fixture
def audits(
    control_plane: ControlPlane, new_namespace: Namespaces, tmp_path: Path
) -> Iterator[Audits]:
    own, shop = new_namespace(), new_namespace()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "podworthy"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 443}]},
    }
    send(control_plane, own, service, "create")
    subject = Subject("files", Service(own, "podworthy"), None, ())
    granted = list(rules(subject, None, Extent(reports=True, history=True)))
    grant(control_plane, [rule for rule in granted if "webhook" not in rule.resource], own)
    configuration = Configuration()
    load_kube_config(str(kubeconfig(control_plane, own)), client_configuration=configuration)
    client = Recorded(configuration)
    yield Audits(control_plane, client, own, shop, f"sqlite:///{tmp_path / 'history.db'}")
    names = (f"{kind}/podworthy-controller" for kind in ("clusterrole", "clusterrolebinding"))
    control_plane.kubectl("delete", *names)


@pytest.fixture
def served(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The cluster serves this API of reports."""
    api: Api = request.param
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(crd(api)))
    name = f"{api.resource}.{api.group}"
    wait_for(
        lambda: control_plane.kubectl("get", name, check=False).returncode == 0,
        seconds=30,
        what=name,
    )
    yield api
    control_plane.kubectl("delete", "crd", name)


@pytest.mark.parametrize("served", [OPENREPORTS, WGPOLICY], indirect=True, ids=["open", "wg"])
def test_a_report_follows_what_runs(audits: Audits, served: Api) -> None:
    cluster, shop = audits.control_plane, audits.shop
    make(cluster, shop, workload("Deployment", "web"), "create")
    make(cluster, shop, workload("Deployment", "good", **GOOD), "create")
    audits.auditor.audit()
    assert audits.auditor.status.problem is None
    first = audits.report(served)
    assert first["summary"] == {"pass": 1, "fail": 2, "warn": 0, "error": 0, "skip": 0}
    assert {one["resources"][0]["name"] for one in first["results"]} == {"web"}

    audits.auditor.audit()
    assert (
        audits.report(served)["metadata"]["resourceVersion"]
        == (first["metadata"]["resourceVersion"])
    ), "it is written only when it says something else"

    make(cluster, shop, workload("Deployment", "web", **GOOD), "replace")
    audits.auditor.audit()
    second = audits.report(served)
    assert second["summary"] == {"pass": 2, "fail": 0, "warn": 0, "error": 0, "skip": 0}
    assert second.get("results", []) == []
    assert second["metadata"]["annotations"][HASH] != first["metadata"]["annotations"][HASH]

    cluster.kubectl("delete", "deployment", "--all", f"--namespace={shop}", "--wait=false")
    wait_for(lambda: not get(cluster, shop, "pods,rs,deploy")["items"], seconds=60, what="an end")
    audits.auditor.audit()
    kind = f"{served.resource}.{served.group}"
    gone = cluster.kubectl("get", kind, f"--namespace={shop}", "--output=name").stdout
    assert gone == ""


@pytest.mark.parametrize("served", [OPENREPORTS], indirect=True, ids=["open"])
@pytest.mark.usefixtures("served")
def test_it_is_granted_what_it_uses_and_nothing_more(audits: Audits) -> None:
    make(audits.control_plane, audits.shop, workload("Deployment", "web"), "create")
    server = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "server", "labels": {"app": "server"}},
        "spec": {"containers": [{"name": "server", "image": "podworthy"}]},
    }
    make(audits.control_plane, audits.own, server, "create")
    audits.auditor.audit()
    audits.control_plane.kubectl("delete", "deployment", "web", f"--namespace={audits.shop}")
    wait_for(
        lambda: not get(audits.control_plane, audits.shop, "pods,rs,deploy")["items"],
        seconds=60,
        what="an end",
    )
    audits.auditor.audit()
    assert audits.auditor.status.problem is None
    assert audits.client.refusals == []
    subject = Subject("files", Service(audits.own, "podworthy"), None, ())
    granted = {
        (rule.resource, verb)
        for rule in rules(subject, None, Extent(reports=True, history=True))
        for verb in rule.verbs
        if "webhook" not in rule.resource and rule.group != WGPOLICY.group
    }
    # server-side apply of what is not there yet needs both rights
    used = {right for request in audits.client.asked if (right := _right(request))}
    assert used | {(OPENREPORTS.resource, "create")} == granted


def test_totals_are_kept_and_what_cannot_be_written_is_told(audits: Audits) -> None:
    make(audits.control_plane, audits.shop, workload("Deployment", "web"), "create")
    audits.auditor.audit()
    status = audits.auditor.status
    assert status.problem is not None
    assert "the cluster serves neither openreports.io/v1alpha1 nor" in status.problem
    with History(audits.database) as history:
        (run,) = history.runs(LONG_AGO)
    assert run.namespaces[audits.shop].failing == 1
    assert audits.own not in run.namespaces


@pytest.mark.parametrize("served", [OPENREPORTS], indirect=True, ids=["open"])
def test_an_audit_that_has_not_seen_everything_changes_no_report(
    audits: Audits, served: Api
) -> None:
    make(audits.control_plane, audits.shop, workload("Deployment", "web"), "create")
    audits.auditor.audit()
    before = audits.report(served)
    role = get(audits.control_plane, audits.own, "clusterrole", "podworthy-controller")
    role["rules"] = [rule for rule in role["rules"] if rule["resources"] != ["deployments"]]
    send(audits.control_plane, audits.own, role, "replace")

    def is_refused() -> bool:
        audits.auditor.audit()
        return bool(audits.client.refusals)

    wait_for(is_refused, seconds=30, what="refusal")
    assert "deployments.apps: " in str(audits.auditor.status.problem)
    assert audits.report(served) == before


def make(cluster: ControlPlane, namespace: str, manifest: Json, verb: str) -> None:
    """As somebody about whom no webhook is asked: other tests' podworthy may judge it."""
    cluster.kubectl(
        verb,
        f"--namespace={namespace}",
        "--filename=-",
        stdin=json.dumps(manifest),
        as_user="ann",
        as_group=["system:masters", BREAK_GLASS],
    )


def _right(request: Request) -> tuple[str, str] | None:
    """Resource and verb; None for discovery, which everybody may do."""
    parts = (
        request.path.split("/")[2:]
        if request.path.startswith("/api/")
        else (request.path.split("/")[3:])
    )
    parts = parts[1:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    if not parts:
        return None
    resource, *rest = parts
    if len(rest) == 2:
        resource = f"{resource}/{rest[1]}"
    verb = VERBS[request.method]
    return resource, "list" if verb == "get" and not rest else verb
