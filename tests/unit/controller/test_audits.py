"""The controller's audits beside a cluster that is here only in memory.

A real one is asked in `tests/cluster/test_controller_audits.py`; it has no kubelet, hence no logs.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from webhook.cli import main
from webhook.cluster import Answer, Reply, Request
from webhook.controller.audits import Auditor, Denials, Plan
from webhook.controller.audits.auditor import Sink
from webhook.controller.clocks import Clocks
from webhook.controller.metrics import Metrics
from webhook.controller.pages import Pages
from webhook.controller.status import Status
from webhook.errors import ClusterError
from webhook.history import Counter, History, Run
from webhook.report.openreports import Collection

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POD = {
    "metadata": {"name": "web", "namespace": "shop", "uid": "1"},
    "spec": {"containers": [{"name": "web", "image": "web"}]},
}
DENIED = {
    "time": "2026-11-24T11:59:00+00:00",
    "decision": "denied",
    "profile": "strict",
    "kind": "Pod",
    "name": "web",
    "namespace": "shop",
    "user": "ann",
    "findings": [{"policy": "require-probes", "action": "deny"}],
}


class Cluster:
    """Lists by their path, empty where there are none."""

    name = "memory"

    def __init__(self, lists: Mapping[str, list[Any]] | None = None) -> None:
        self.lists = dict(lists or {})
        self.asked: list[Request] = []
        self.logs: dict[str, Reply] = {}
        self.refused: tuple[str, ...] = ()

    def fetch(self, request: Request) -> Reply:
        self.asked.append(request)
        if request.path in self.refused:
            return Reply(403, b'{"message": "forbidden"}')
        if request.path.endswith("/log"):
            return self.logs[request.path.split("/")[-2]]
        if request.path.endswith("/services/podworthy"):
            return Reply(200, b'{"spec": {"selector": {"app": "server"}}}')
        body = {"metadata": {}, "items": self.lists.get(request.path, [])}
        return Reply(200, json.dumps(body).encode())

    def ask(self, request: Request) -> Answer:
        reply = self.fetch(request)
        return Answer(reply.status, json.loads(reply.data))


class Kept:
    """A sink that keeps everything, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs: list[Run] = []
        self.error = error

    def take(self, run: Run, found: Collection) -> None:
        del found
        if self.error:
            raise self.error
        self.runs.append(run)


def auditor(cluster: Cluster, *sinks: Sink, **changes: Any) -> Auditor:
    settings: dict[str, Any] = {
        "namespace": "podworthy-system",
        "profile": "baseline",
        "documents": (),
        "excluded": frozenset({"cilium"}),
        "seconds": 60,
    }
    clocks = Clocks(lambda: NOW, iter(range(1000)).__next__)
    return Auditor(cluster, Plan(**settings | changes), sinks, clocks)


def test_every_sink_gets_what_was_found() -> None:
    ours = {"metadata": {"name": "own", "namespace": "podworthy-system", "uid": "2"}}
    theirs = {"metadata": {"name": "agent", "namespace": "cilium", "uid": "3"}}
    one, other = Kept(), Kept()
    made = auditor(Cluster({"/api/v1/pods": [POD, POD | ours, POD | theirs]}), one, other)
    made.audit()
    (run,) = one.runs
    assert other.runs == [run]
    assert run.namespaces.keys() == {"shop"}
    assert (run.at, run.total.objects, run.total.failing, run.errors) == (NOW, 1, 1, 0)
    assert made.status.run == run
    assert made.status.problem is None
    assert made.status.seconds == 1


def test_a_sink_that_fails_keeps_nothing_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept = Kept()
    made = auditor(Cluster(), Kept(ClusterError("full")), Kept(KeyError("x")), kept)
    made.audit()
    assert len(kept.runs) == 1
    assert made.status.problem == "Kept: full (and 1 more)"
    assert "KeyError" in caplog.text


def test_what_cannot_be_read_is_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster({"/api/v1/pods": [POD]})
    cluster.refused = ("/apis/apps/v1/deployments",)
    kept = Kept()
    made = auditor(cluster, kept)
    made.audit()
    assert kept.runs[0].errors == 1
    assert made.status.problem == "deployments.apps: HTTP 403: forbidden"
    assert "deployments.apps: HTTP 403" in caplog.text


def test_a_namespace_that_names_no_profile_of_ours_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = {"metadata": {"name": "shop", "labels": {"podworthy.dev/profile": "stricct"}}}
    cluster = Cluster({"/api/v1/namespaces": [shop], "/api/v1/pods": [POD]})
    made = auditor(cluster)
    made.audit()
    made.audit()
    (told,) = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert told == (
        "audit: namespace shop: there is no profile 'stricct' (did you mean 'strict'?); "
        "judged by baseline"
    )
    assert made.status.problem is None


def test_documents_are_read_before_each_audit(tmp_path: Path) -> None:
    kept = Kept()
    made = auditor(Cluster(), kept, documents=(tmp_path,))
    made.audit()
    (tmp_path / "bad.yaml").write_text("kind: Profile\n")
    made.audit()
    assert len(kept.runs) == 1
    assert made.status.problem is not None
    assert "bad.yaml:1" in made.status.problem
    (tmp_path / "bad.yaml").unlink()
    made.audit()
    assert made.status.problem is None


def test_a_profile_that_nobody_defined_is_a_problem() -> None:
    made = auditor(Cluster(), profile="baselin")
    made.audit()
    assert made.status.problem == (
        "the audit: no profile 'baselin' (did you mean 'baseline'?); "
        "there are advise, baseline, strict"
    )


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'history.db'}"


def denials(cluster: Cluster, database: str, clock: Callable[[], datetime]) -> Denials:
    return Denials(cluster, "podworthy-system", "podworthy", database, clock)


def log(*uids: str) -> Reply:
    lines = (json.dumps(DENIED | {"uid": uid}) for uid in uids)
    return Reply(200, "\n".join(["INFO began", *lines]).encode())


def pods(*names: str) -> dict[str, list[Any]]:
    return {"/api/v1/namespaces/podworthy-system/pods": [{"metadata": {"name": n}} for n in names]}


def test_denials_of_all_servers_are_kept_once(database: str) -> None:
    cluster = Cluster(pods("a", "b", "new"))
    cluster.logs = {"a": log("1", "2"), "b": log("3"), "new": Reply(400, b"waiting")}
    times = iter([NOW, NOW + timedelta(hours=1)])
    kept = denials(cluster, database, times.__next__)
    run = Counter().run(NOW, "baseline", 0)
    kept.take(run, Collection())
    cluster.logs["a"] = log("2", "4")
    kept.take(run, Collection())
    with History(database) as history:
        found = history.denials(NOW - timedelta(days=1))
        assert [one.uid for one in found] == ["1", "2", "3", "4"]
        assert len(history.runs(NOW)) == 2
    since = [one.query.get("sinceTime") for one in cluster.asked if one.path.endswith("/log")]
    assert since == [None] * 3 + ["2026-11-24T11:59:00Z"] * 3


def test_a_log_that_cannot_be_read_is_told_and_read_again_from_before(database: str) -> None:
    cluster = Cluster(pods("a", "b"))
    cluster.logs = {"a": Reply(500, b"no kubelet"), "b": log("3")}
    kept = denials(cluster, database, lambda: NOW)
    for _ in range(2):
        with pytest.raises(ClusterError, match="the log of a cannot be read: HTTP 500"):
            kept.take(Counter().run(NOW, "baseline", 0), Collection())
    with History(database) as history:
        assert [one.uid for one in history.denials(NOW - timedelta(days=1))] == ["3"]
    assert not [one for one in cluster.asked if "sinceTime" in one.query]


def test_pages_and_metrics_tell_of_the_last_audit() -> None:
    made = auditor(Cluster({"/api/v1/pods": [POD]}))
    status = Status()
    status.audits = made.status
    status.turned = 0.0
    metrics = Metrics(status, canary=False)
    pages = Pages(status, metrics, lambda: 0.0)
    assert "podworthy_audit_last_run_timestamp_seconds NaN" in metrics.page().decode()
    assert b"audit" not in pages.respond("/readyz?verbose")[2]
    made.audit()
    page = metrics.page().decode()
    assert 'podworthy_audit_objects{result="fail"} 1.0' in page
    assert 'podworthy_audit_findings{policy="require-probes",result="fail"} 2.0' in page
    assert "podworthy_audit_problem 0.0" in page
    assert b"[+]audit ok" in pages.respond("/readyz?verbose")[2]
    made.status.problem = "no"
    assert pages.respond("/readyz")[0] == 200
    assert b"[-]audit failed: no" in pages.respond("/readyz?verbose")[2]


@pytest.mark.parametrize("option", ["--policy-reports", "--database=sqlite:///x"])
def test_results_need_audits(option: str) -> None:
    done = CliRunner().invoke(main, ["controller", "--configuration=a", "-n", "a", option])
    assert done.exit_code == 2
    assert "give --audit-interval" in done.output
