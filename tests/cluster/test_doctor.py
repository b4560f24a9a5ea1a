"""Doctor on a real API server: each thing that can break is broken, and that check alone tells."""

import contextlib
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.chart.rendering import NAMESPACE
from tests.cluster.certificates import Authority
from tests.cluster.conftest import VERSIONS
from tests.cluster.doctor import (
    NAMES,
    RIGHTS,
    SERVICE,
    USER,
    Installed,
    grant,
    installation,
)
from tests.cluster.manifests import Json
from tests.cluster.processes import wait_for
from webhook.cluster import Request
from webhook.doctor.report import Report, exit_code
from webhook.doctor.rights import MUTATING, VALIDATING, Resource, Right
from webhook.doctor.run import examine

_ROOT = Path(__file__).parents[2]
HOST_PATH = {"name": "x", "hostPath": {"path": "/var/lib/kubelet/plugins_registry"}}
CONTAINER = {"name": "web", "image": "nginx:1.29"}
PROFILE = "podworthy.dev/profile"
NODES = "csi-driver"
SHOP = "shop"
"""A namespace in which something runs that no profile but advise lets in."""


@pytest.fixture(scope="module", params=VERSIONS)
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    with installation(request.param, tmp_path_factory.mktemp("doctor")) as found:
        found.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}},
            _workload("Deployment", {"containers": [CONTAINER]}),
        )
        changes(found)
        yield found


def _workload(kind: str, spec: Json) -> Json:
    labels = {"app": "some"}
    spec = spec | {"nodeSelector": {"of": "no-node"}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "some", "namespace": SHOP},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def report(installed: Installed) -> Report:
    """As the service account that has just its rights."""
    return examine(installed.doctor, NAMES)


def grave(seen: Report) -> dict[str, str]:
    """What is not ok."""
    return {one.check: one.verdict for one in seen.checks if one.verdict != "ok"}


def told(seen: Report, check: str) -> str:
    """The evidence of a check, with its remedies."""
    (found,) = [one for one in seen.checks if one.check == check]
    return "\n".join(f"{it.verdict} {it.message} -> {it.remedy}" for it in found.evidence)


def changes(installed: Installed, **expected: str) -> Report:
    """Wait until just these verdicts are others than ok."""
    verdicts = {name.replace("_", "-"): it for name, it in expected.items()}
    seen: list[Report] = []

    def changed() -> bool:
        seen.append(report(installed))
        return grave(seen[-1]) == verdicts

    try:
        wait_for(changed, seconds=60, what=f"report of {expected}")
    except TimeoutError as error:
        error.add_note("\n".join(told(seen[-1], check) for check in grave(seen[-1])))
        raise
    return seen[-1]


Webhooks = list[Json]


@contextlib.contextmanager
def registered(
    installed: Installed, resource: Resource, change: Callable[[Webhooks], None]
) -> Iterator[None]:
    """A configuration's webhooks, changed in place and put back."""
    path = resource.path(name="podworthy")
    before = installed.get(path)["webhooks"]
    webhooks = json.loads(json.dumps(before))
    change(webhooks)

    def put(some: Webhooks) -> None:
        body = installed.get(path) | {"webhooks": some}
        answer = installed.client.ask(Request("PUT", path, body))
        assert answer.ok, answer.problem

    put(webhooks)
    try:
        yield
    finally:
        put(before)


def by_name(webhooks: Webhooks, name: str) -> Json:
    (found,) = [one for one in webhooks if one["name"] == f"{name}.podworthy.dev"]
    return found


def setting(name: str, **settings: object) -> Callable[[Webhooks], None]:
    """Change fields of one webhook."""
    return lambda webhooks: by_name(webhooks, name).update(settings)


def without(name: str) -> Callable[[Webhooks], None]:
    return lambda webhooks: webhooks.remove(by_name(webhooks, name))


def also(name: str, **rule: list[str]) -> Callable[[Webhooks], None]:
    """Let one webhook be called about more."""
    rules = {"apiVersions": ["v1"], "scope": "Namespaced", **rule}
    return lambda webhooks: by_name(webhooks, name)["rules"].append(rules)


def with_no_exclusions(name: str) -> Callable[[Webhooks], None]:
    def change(webhooks: Webhooks) -> None:
        by_name(webhooks, name)["namespaceSelector"]["matchExpressions"].pop()

    return change


def without_condition(name: str, condition: str) -> Callable[[Webhooks], None]:
    def change(webhooks: Webhooks) -> None:
        webhook = by_name(webhooks, name)
        kept = [one for one in webhook["matchConditions"] if one["name"] != condition]
        assert len(kept) < len(webhook["matchConditions"])
        webhook["matchConditions"] = kept

    return change


PODS_UPDATE = {"apiGroups": [""], "resources": ["pods"], "operations": ["UPDATE"]}
REPLICA_SETS = {"apiGroups": ["apps"], "resources": ["replicasets"], "operations": ["CREATE"]}


@pytest.mark.parametrize(
    ("resource", "change", "verdict", "words"),
    [
        (MUTATING, also("fill.strict", **PODS_UPDATE), "failed", "UPDATE pods"),
        (MUTATING, also("fill.strict", **REPLICA_SETS), "failed", "CREATE replicasets.apps"),
        (MUTATING, setting("fill.strict", reinvocationPolicy="Never"), "warning", "Never"),
        (MUTATING, without("fill.strict"), "failed", "has no fill.strict.podworthy.dev"),
        (VALIDATING, without("critical-pods.strict"), "failed", "has no critical-pods.strict"),
        (VALIDATING, setting("workloads.strict", failurePolicy="Fail"), "failed", "Fail"),
        (VALIDATING, setting("pods.strict", timeoutSeconds=30), "warning", "timeoutSeconds 30"),
        (VALIDATING, with_no_exclusions("pods.strict"), "failed", "namespace kube-system"),
        (
            VALIDATING,
            setting("pods.strict", objectSelector={"matchLabels": {"a": "b"}}),
            "warning",
            "has an objectSelector",
        ),
        (
            VALIDATING,
            without_condition("pods.strict", "not-critical"),
            "failed",
            "no matchCondition not-critical",
        ),
    ],
)
def test_a_registration_that_is_not_the_tables(
    installed: Installed,
    resource: Resource,
    change: Callable[[Webhooks], None],
    verdict: str,
    words: str,
) -> None:
    with registered(installed, resource, change):
        seen = changes(installed, registration=verdict)
        assert words in told(seen, "registration")


def test_a_registration_that_only_narrows_is_fine(installed: Installed) -> None:
    def narrow(webhooks: Webhooks) -> None:
        webhook = by_name(webhooks, "pods.strict")
        webhook["namespaceSelector"]["matchExpressions"].append(
            {"key": "team", "operator": "Exists"}
        )
        webhook["timeoutSeconds"] = 1

    with registered(installed, VALIDATING, narrow):
        changes(installed)


@pytest.mark.parametrize(
    ("entry", "policy", "verdict"),
    [("pods.strict", "Ignore", "warning"), ("pods.advise", "Fail", "failed")],
)
def test_a_failure_policy_that_is_not_the_profiles(
    installed: Installed, entry: str, policy: str, verdict: str
) -> None:
    with registered(installed, VALIDATING, setting(entry, failurePolicy=policy)):
        seen = changes(installed, failure_policy=verdict)
        assert f"has failurePolicy {policy}" in told(seen, "failure-policy")


def test_a_ca_bundle_that_does_not_believe(installed: Installed) -> None:
    def change(webhooks: Webhooks) -> None:
        foreign = b64encode(Authority("another").certificate).decode()
        by_name(webhooks, "pods.strict")["clientConfig"]["caBundle"] = foreign

    with registered(installed, VALIDATING, change):
        seen = changes(installed, certificate="failed")
        assert "pods.strict.podworthy.dev: its caBundle does not" in told(seen, "certificate")


def test_a_certificate_that_nobody_renews(installed: Installed) -> None:
    ends = datetime.now(UTC) + timedelta(days=2)
    with installed.serving(installed.leaf(began=ends - timedelta(days=90))):
        seen = changes(installed, certificate="warning")
        assert "nobody has renewed it" in told(seen, "certificate")


def test_servers_that_are_not_ready(installed: Installed) -> None:
    names = installed.pods("server")
    with installed.unready(names[0]):
        seen = changes(installed, endpoints="warning")
        assert "1 of 2 endpoints" in told(seen, "endpoints")
        with installed.unready(names[1]):
            changes(installed, endpoints="failed")


def test_no_disruption_budget(installed: Installed) -> None:
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
    budget = installed.get(f"{path}/podworthy")
    assert installed.client.ask(Request("DELETE", f"{path}/podworthy")).ok
    try:
        changes(installed, replicas="warning")
    finally:
        metadata = {"name": "podworthy", "namespace": NAMESPACE}
        installed.apply({**budget, "metadata": metadata})
    changes(installed)


def test_api_servers_do_not_reach_the_servers(installed: Installed) -> None:
    installed.stop()
    try:
        seen = changes(installed, enforcement="failed")
        assert "do not reach the webhook" in told(seen, "enforcement")
        # not the served certificate, then
        assert "ok Secret podworthy-system/podworthy-tls (" in told(seen, "certificate")
    finally:
        installed.start()
    changes(installed)


def test_a_controller_that_is_not_ready(installed: Installed) -> None:
    (name,) = installed.pods("controller")
    with installed.unready(name):
        changes(installed, controller="failed")
    changes(installed)


def test_what_runs_and_would_not_come_back(installed: Installed) -> None:
    with installed.labelled(SHOP, "strict"):
        seen = changes(installed, workloads="warning")
        assert "1 of 1 running workloads would not come back" in told(seen, "workloads")
        assert "Deployment shop/some (strict): " in told(seen, "workloads")


def test_what_runs_the_cluster_and_is_judged(installed: Installed) -> None:
    driver = _workload("DaemonSet", {"containers": [CONTAINER], "volumes": [HOST_PATH]})
    installed.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NODES}},
        driver | {"metadata": {"name": "driver", "namespace": NODES}},
    )
    try:
        with installed.labelled(NODES, "strict"):
            seen = changes(installed, infrastructure="failed")
            words = f"DaemonSet {NODES}/driver (storage) is denied by strict: "
            assert words in told(seen, "infrastructure")
    finally:
        path = f"/apis/apps/v1/namespaces/{NODES}/daemonsets/driver"
        assert installed.client.ask(Request("DELETE", path)).ok
    changes(installed)


def test_a_label_that_names_no_profile(installed: Installed) -> None:
    with installed.labelled(SHOP, "strickt"):
        seen = changes(installed, labels="warning")
        assert "'strickt' (did you mean 'strict'?)" in told(seen, "labels")


def test_a_webhook_that_adds_containers_later(installed: Installed) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    webhook = {
        "name": "sidecar.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "objectSelector": {"matchLabels": {"never": "there"}},
        "rules": [{**rule, "operations": ["CREATE"]}],
    }
    path = MUTATING.path(name="sidecars")
    installed.apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": MUTATING.kind,
            "metadata": {"name": "sidecars"},
            "webhooks": [webhook],
        }
    )
    try:
        seen = changes(installed, order="warning")
        assert f"{MUTATING.kind} sidecars, sidecar.example.com" in told(seen, "order")
    finally:
        assert installed.client.ask(Request("DELETE", path)).ok
    changes(installed)


def test_versions_that_differ(installed: Installed) -> None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{SERVICE.name}"
    label = "app.kubernetes.io/version"
    before = installed.get(path)["metadata"]["labels"][label]
    installed.patch(path, {"metadata": {"labels": {label: "0.0.1"}}})
    try:
        changes(installed, versions="warning")
    finally:
        installed.patch(path, {"metadata": {"labels": {label: before}}})


def test_a_right_that_is_missing(installed: Installed) -> None:
    """What needs it, says so."""
    grant(installed, tuple(it for it in RIGHTS if it.resource.plural != "poddisruptionbudgets"))
    try:
        seen = changes(installed, rights="warning", replicas="unknown")
        words = "list poddisruptionbudgets in namespace podworthy-system"
        assert f"you have no right to {words}" in told(seen, "replicas")
        assert f"you may not {words}" in told(seen, "rights")
    finally:
        grant(installed, RIGHTS)
    changes(installed)


def test_whoever_has_no_right_is_told_which_are_missing(installed: Installed) -> None:
    grant(installed, ())
    try:
        needed = {it.check for it in report(installed).checks} - {"rights"}
        seen = changes(installed, rights="warning", **dict.fromkeys(needed, "unknown"))
        for check in needed:
            assert "you have no right to " in told(seen, check)
        assert exit_code(seen) == 3
    finally:
        grant(installed, RIGHTS)
    changes(installed)


def test_it_only_reads_and_needs_all_that_it_is_granted(installed: Installed) -> None:
    changes(installed)  # whatever another test broke is whole again
    done = podworthy_doctor(installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 20
    assert max(map(len, done.stdout.splitlines())) <= 80
    used: set[str] = set()
    needed = {_right(right) for right in RIGHTS if not right.spare}

    def all_used() -> bool:
        for event in installed.control_plane.audit_events():
            if event["user"]["username"] == USER:
                used.add(_asked(event))
        return used >= needed

    wait_for(all_used, seconds=10, what="audit log")
    review = _in_words("create", None, "selfsubjectaccessreviews", "")
    assert used - set(map(_right, RIGHTS)) == {review, "/version"}


def _right(right: Right) -> str:
    return _in_words(right.verb, right.namespace, right.resource.plural, right.subresource)


def _in_words(verb: str, namespace: str | None, resource: str, subresource: str) -> str:
    return f"{verb} {resource}/{subresource} in {namespace}"


def _asked(event: Json) -> str:
    """One request of the audit log; whatever creates a pod is a dry run."""
    where = event.get("objectRef")
    if where is None:
        return str(event["requestURI"])
    if where["resource"] == "pods" and event["verb"] == "create":
        assert "dryRun=All" in event["requestURI"]
    return _in_words(
        event["verb"], where.get("namespace"), where["resource"], where.get("subresource", "")
    )


def podworthy_doctor(installed: Installed, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, with no option but these."""
    return subprocess.run(
        [sys.executable, "-m", "webhook", "doctor", *options],
        capture_output=True,
        text=True,
        env={"KUBECONFIG": str(installed.config), "HOME": str(installed.control_plane.directory)},
        cwd=_ROOT,
        timeout=60,
        check=False,
    )
