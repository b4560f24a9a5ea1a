"""Each check on its own: what no real API server is brought to in a hurry."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOON
from tests.unit.doctor.world import (
    AUTHORITY,
    BUNDLE,
    NAMES,
    SERVICE,
    Json,
    configurations,
    deployment,
    grave,
    namespace,
    pod,
    state,
    told,
    words,
)
from webhook.controller.canary import Finding, Outcome
from webhook.controller.certificates import Service, new_authority, new_leaf
from webhook.doctor.asking import Unread
from webhook.doctor.rights import rights
from webhook.doctor.state import Asked, Served
from webhook.doctor.survey import Ruling, Survey

MUTATING, VALIDATING = "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"


def test_all_is_well() -> None:
    assert grave(state()) == {}


@pytest.mark.parametrize(
    ("field", "checks"),
    [
        ("kubernetes", {"versions"}),
        ("rights", {"rights"}),
        ("mutating", {"registration", "failure-policy", "certificate", "replicas", "order",
                      "labels", "infrastructure"}),
        ("validating", {"registration", "failure-policy", "certificate", "replicas", "labels",
                        "infrastructure"}),
        ("service", {"endpoints", "replicas"}),
        ("slices", {"endpoints"}),
        ("deployments", {"replicas", "controller", "versions"}),
        ("pods", {"replicas"}),
        ("budgets", {"replicas"}),
        ("served", {"certificate"}),
        ("documents", {"failure-policy"}),
        ("namespaces", {"labels"}),
        ("canary", {"enforcement"}),
        ("controller", set()),
        ("survey", {"infrastructure", "workloads"}),
    ],
)  # fmt: skip
def test_what_could_not_be_read_is_unknown_to_what_needs_it(field: str, checks: set[str]) -> None:
    seen = state(**{field: Unread("you have no right")})
    assert grave(seen) == dict.fromkeys(checks, "unknown")


# Registration


def registered(kind: str, name: str, change: Callable[[Json], Any]) -> dict[str, Any]:
    """The state's fields with one webhook changed."""
    made = configurations()
    (webhook,) = [it for it in made[kind]["webhooks"] if it["name"] == f"{name}.podworthy.dev"]
    change(webhook)
    return {"mutating": (made[MUTATING],), "validating": (made[VALIDATING],)}


@pytest.mark.parametrize(
    ("kind", "name", "change", "verdict", "message"),
    [
        (
            VALIDATING,
            "pods.strict",
            lambda it: it["matchConditions"].pop(1),
            "warning",
            "no matchCondition not-break-glass",
        ),
        (
            VALIDATING,
            "workloads.strict",
            lambda it: it["matchConditions"][2].update(expression="true"),
            "warning",
            "a matchCondition template-changed of its own",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it["clientConfig"]["service"].update(path="/validate/baseline"),
            "failed",
            "is judged by the profile 'baseline'",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it["clientConfig"]["service"].update(path="/mutate/strict"),
            "failed",
            "sends reviews to /mutate/strict",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it["clientConfig"]["service"].update(port=8443),
            "failed",
            "calls port 8443, and the Service has [443]",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it.update(rules=[]),
            "failed",
            "is not called about CREATE pods",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it["rules"][0].update(resources=["pods", "pods/ephemeralcontainers"]),
            "failed",
            "is called about CREATE pods/ephemeralcontainers",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it.update(matchPolicy="Exact"),
            "warning",
            "has matchPolicy Exact",
        ),
        (
            VALIDATING,
            "pods.strict",
            lambda it: it.update(sideEffects="Some"),
            "failed",
            "has sideEffects",
        ),
        (
            VALIDATING,
            "cronjobs.strict",
            lambda it: it.update(name="more.strict.podworthy.dev"),
            "failed",
            "more.strict.podworthy.dev is none of podworthy's",
        ),
        (
            VALIDATING,
            "pods.advise",
            lambda it: it["namespaceSelector"].update(
                matchExpressions=it["namespaceSelector"]["matchExpressions"][1:]
            ),
            "failed",
            "is judged by advise and baseline",
        ),
    ],
)
def test_a_registration_that_is_not_the_tables(
    kind: str, name: str, change: Callable[[Json], Any], verdict: str, message: str
) -> None:
    seen = state(**registered(kind, name, change))
    assert grave(seen)["registration"] == verdict
    assert message in words(seen, "registration")


def test_nothing_is_registered() -> None:
    seen = state(mutating=(), validating=())
    assert grave(seen)["registration"] == "failed"
    assert "nothing is judged" in words(seen, "registration")


def test_what_is_registered_is_another_installation() -> None:
    made = configurations()
    for one in made.values():
        for webhook in one["webhooks"]:
            webhook["clientConfig"]["service"]["namespace"] = "policies"
    seen = state(mutating=(made[MUTATING],), validating=(made[VALIDATING],))
    assert grave(seen)["registration"] == "failed"
    assert "those of podworthy call policies/podworthy" in words(seen, "registration")


def test_the_rest_of_an_older_installation() -> None:
    made, old = configurations(), configurations()[VALIDATING]
    old["metadata"] = {"name": "old"}
    seen = state(validating=(made[VALIDATING], old))
    assert grave(seen) == {"registration": "warning"}
    assert f"{VALIDATING} old calls the same Service" in words(seen, "registration")


def test_a_registered_profile_that_the_servers_do_not_know() -> None:
    made = configurations()
    for one in made.values():
        for webhook in one["webhooks"]:
            webhook["name"] = webhook["name"].replace("strict", "payments")
            service = webhook["clientConfig"]["service"]
            service["path"] = service["path"].replace("strict", "payments")
    seen = state(mutating=(made[MUTATING],), validating=(made[VALIDATING],))
    assert grave(seen)["failure-policy"] == "failed"
    assert "'payments', which the servers do not know" in words(seen, "failure-policy")


# Certificates


@pytest.mark.parametrize(
    ("service", "began", "verdict", "message"),
    [
        (
            Service("podworthy-system", "other"),
            1,
            "failed",
            "not for podworthy.podworthy-system.svc",
        ),
        (SERVICE, 89, "warning", "nobody has renewed it"),
        (SERVICE, 100, "failed", "a certificate that expired on 2026-11-14"),
        (SERVICE, -2, "failed", "is not valid before"),
    ],
)
def test_a_served_certificate(service: Service, began: int, verdict: str, message: str) -> None:
    leaf = new_leaf(AUTHORITY, service, NOON - timedelta(days=began)).certificate
    seen = state(served=Served("10.96.0.7:443 shows", (leaf,), {}))
    assert grave(seen) == {"certificate": verdict}
    assert message in words(seen, "certificate")


def test_without_a_connection_the_secret_is_judged() -> None:
    foreign = new_leaf(new_authority(SERVICE, NOON), SERVICE, NOON).certificate
    ours = new_leaf(AUTHORITY, SERVICE, NOON).certificate
    assert grave(state(served=Served("Secret holds", (ours,)))) == {}
    seen = state(served=Served("Secret holds", (foreign,)))
    assert grave(seen) == {"certificate": "failed"}
    assert "and 17 more: its caBundle does not believe it" in words(seen, "certificate")


def test_a_handshake_that_failed_is_told() -> None:
    served = state().served
    assert isinstance(served, Served)
    seen = state(served=Served(served.where, served.chain, {BUNDLE: "self-signed certificate"}))
    assert grave(seen) == {"certificate": "failed"}
    assert "self-signed certificate" in words(seen, "certificate")


@pytest.mark.parametrize(
    ("bundle", "message"),
    [("", "no caBundle"), ("bm8=", "no certificate that is valid now"), ("?", "no certificate")],
)
def test_a_ca_bundle_that_holds_nothing(bundle: str, message: str) -> None:
    change = registered(
        VALIDATING, "pods.strict", lambda it: it["clientConfig"].update(caBundle=bundle)
    )
    # even if nobody can see what is served
    for served in (state().served, Unread("no")):
        seen = state(served=served, **change)
        assert grave(seen) == {"certificate": "failed"}
        assert message in words(seen, "certificate")


# Servers


def test_a_single_server_for_a_profile_that_fails_closed() -> None:
    single = (deployment("podworthy", "server", 1), deployment("c", "controller", 1))
    seen = state(deployments=single, pods=(pod("node-1"),))
    assert grave(seen) == {"replicas": "failed"}
    assert "baseline, strict fail closed" in words(seen, "replicas")


def test_servers_on_one_node() -> None:
    seen = state(pods=(pod("node-1"), pod("node-1")))
    assert grave(seen) == {"replicas": "warning"}
    assert "all 2 servers are on node node-1" in words(seen, "replicas")


def test_where_nothing_fails_closed_one_server_is_fine() -> None:
    made = configurations()
    for webhook in made[VALIDATING]["webhooks"]:
        webhook["failurePolicy"] = "Ignore"
    seen = state(
        validating=(made[VALIDATING],),
        deployments=(deployment("podworthy", "server", 1), deployment("c", "controller", 1)),
        pods=(),
        budgets=(),
    )
    assert "replicas" not in grave(seen)


def test_no_service() -> None:
    assert told(state(service=None), "endpoints").verdict == "failed"


def test_pods_that_leave_are_no_missing_endpoints() -> None:
    leaving = {"conditions": {"ready": False, "terminating": True}}
    assert grave(state(slices=({"endpoints": [{}, {}, leaving]},))) == {}


@pytest.mark.parametrize(
    ("outcome", "detail", "verdict"),
    [
        (Outcome.WARNED, "let in with warnings", None),
        (Outcome.LET_IN, "nobody judges it", "failed"),
        (Outcome.UNKNOWN, 'refused: violates PodSecurity "restricted"', "unknown"),
        (
            Outcome.UNKNOWN,
            'refused: failed calling webhook "pods.strict.podworthy.dev": x509: unknown authority',
            "failed",
        ),
        (Outcome.UNKNOWN, 'refused: failed calling webhook "other.example.com"', "unknown"),
    ],
)
def test_what_became_of_the_bad_pod(outcome: Outcome, detail: str, verdict: str | None) -> None:
    seen = state(canary=Finding(outcome, detail))
    assert grave(seen) == ({"enforcement": verdict} if verdict else {})
    assert detail in words(seen, "enforcement")


def test_the_controllers_health() -> None:
    assert grave(state(controller=503)) == {"controller": "failed"}
    server = deployment("podworthy", "server")
    assert grave(state(deployments=(server,))) == {"controller": "warning"}


# What else there is


def injector(name: str, resource: str = "pods") -> Json:
    rule = {"apiGroups": [""], "resources": [resource], "operations": ["CREATE"]}
    return {"metadata": {"name": name}, "webhooks": [{"name": "x", "rules": [rule]}]}


@pytest.mark.parametrize(
    ("configuration", "verdict"),
    [
        (injector("vault-agent-injector-cfg"), "warning"),
        (injector("sidecars", "*"), "warning"),
        # before us: what it adds is there when we fill
        (injector("a-sidecar"), None),
        (injector("sidecars", "services"), None),
        (injector("vpa-webhook-config"), None),
        (injector("z-istio-sidecar-injector"), None),
    ],
)
def test_webhooks_that_come_later(configuration: Json, verdict: str | None) -> None:
    seen = state(mutating=(configurations()[MUTATING], configuration))
    assert grave(seen) == ({"order": verdict} if verdict else {})


def test_labels_are_told_with_the_nearest_profile() -> None:
    seen = state(namespaces=(namespace("shop", "basline"), namespace("pay", "strict")))
    assert grave(seen) == {"labels": "warning"}
    assert "shop chooses the profile 'basline' (did you mean 'baseline'?)" in words(seen, "labels")
    assert "advise judges it" in words(seen, "labels")
    command = told(seen, "labels").evidence[0].command
    assert command == "kubectl label namespace shop --overwrite podworthy.dev/profile=baseline"


def test_infrastructure_that_fails_closed() -> None:
    critical = Ruling("DaemonSet cni/calico", "cni", "strict", None, "network", critical=True)
    usual = Ruling("Deployment dns/coredns", "dns", "baseline", None, "DNS")
    warned = Ruling("Deployment dns/coredns", "dns", "advise", None, "DNS")
    denied = Ruling("DaemonSet cni/calico", "cni", "advise", "hostPath", "network", critical=True)
    for ruling, verdict in (
        (critical, None),
        (usual, "failed"),
        (warned, None),
        (denied, "failed"),
    ):
        seen = state(survey=Survey(judged=1, infrastructure=(ruling,)))
        assert grave(seen) == ({"infrastructure": verdict} if verdict else {})


def test_workloads_that_cannot_be_judged_are_unknown() -> None:
    seen = state(survey=Survey(judged=1, unjudged=("Pod shop/x: no",)))
    assert grave(seen) == {"workloads": "unknown"}
    seen = state(survey=Survey(unread=("you have no right to list pods",)))
    assert grave(seen) == {"infrastructure": "unknown", "workloads": "unknown"}


@pytest.mark.parametrize(
    ("kubernetes", "verdict"),
    [
        ("v1.33.9", "failed"),
        ("v1.34.4", None),
        ("v1.35.1-gke.100", None),
        ("v1.99.0", "warning"),
        ("?", "unknown"),
    ],
)
def test_versions_of_kubernetes(kubernetes: str, verdict: str | None) -> None:
    assert grave(state(kubernetes=kubernetes)) == ({"versions": verdict} if verdict else {})


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        ("registry:5000/podworthy:0.0.1", "warning"),
        ("registry:5000/podworthy@sha256:00", None),
        ("podworthy:0.0.1@sha256:00", "warning"),
    ],
)
def test_versions_of_images(image: str, verdict: str | None) -> None:
    server = deployment("podworthy", "server")
    server["spec"]["template"]["spec"]["containers"][0]["image"] = image
    seen = state(deployments=(server, deployment("c", "controller", 1)))
    assert grave(seen) == ({"versions": verdict} if verdict else {})


def test_a_spare_right_is_no_warning() -> None:
    asked = [Asked(right, allowed=not right.spare) for right in rights(NAMES, (), "canary")]
    assert grave(state(rights=tuple(asked))) == {}
    denied = tuple(Asked(one.right, allowed=False) for one in asked)
    seen = state(rights=denied)
    assert grave(seen) == {"rights": "warning"}
    assert "you may not create pods in namespace canary" in words(seen, "rights")
