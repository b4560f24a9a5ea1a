"""Who needs which probes."""

from typing import Any

import pytest

from policies.require_probes import policy
from tests.builders import Object, container, http, of_kind, pod, pod_path, probed, read
from webhook.api import HANDLERS, KINDS, NOWHERE
from webhook.testing import assert_clean, assert_violates


def misses(obj: Object, *paths: str, **params: Any) -> None:
    """Exactly these probes are found missing."""
    if paths:
        assert_violates(policy, obj, *paths, **params)
    else:
        assert_clean(policy, obj, **params)


LIVENESS, READINESS = "/spec/containers/0/livenessProbe", "/spec/containers/0/readinessProbe"


def test_both_probes_are_asked_of_every_container() -> None:
    obj = pod(probed("web"), container("log"), container("db", livenessProbe=http()))
    misses(
        obj,
        "/spec/containers/1/livenessProbe",
        "/spec/containers/1/readinessProbe",
        "/spec/containers/2/readinessProbe",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind_but_jobs_and_cron_jobs(kind: str) -> None:
    expected = [f"{pod_path(kind)}{LIVENESS}", f"{pod_path(kind)}{READINESS}"]
    misses(of_kind(kind, container()), *(() if kind in ("Job", "CronJob") else expected))


@pytest.mark.parametrize(
    ("restart_policy", "asked"),
    [("Always", True), (None, True), ("OnFailure", False), ("Never", False), ("always", False)],
)
def test_a_pod_that_is_not_always_restarted_is_asked_nothing(
    restart_policy: str | None, asked: bool
) -> None:
    expected = (LIVENESS, READINESS) if asked else ()
    misses(pod(container(), restartPolicy=restart_policy), *expected)


@pytest.mark.parametrize("own", ["Never", "OnFailure", "Always"])
def test_a_containers_own_restart_policy_changes_nothing(own: str) -> None:
    misses(pod(container(restartPolicy=own)), LIVENESS, READINESS)


@pytest.mark.parametrize("handler", HANDLERS)
def test_any_handler_will_do_even_an_empty_one(handler: str) -> None:
    probe: Object = {handler: {}}
    misses(pod(container(livenessProbe=probe, readinessProbe=probe)))


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param({"periodSeconds": 5, "timeoutSeconds": 2}, id="only-timings"),
        pytest.param(dict.fromkeys(HANDLERS), id="null-handlers"),
        pytest.param({"udpSocket": {"port": 53}}, id="unknown-handler"),
    ],
)
def test_a_probe_without_a_handler_is_missing(probe: Any) -> None:
    misses(pod(probed(livenessProbe=probe)), LIVENESS)
    misses(pod(probed(readinessProbe=probe)), READINESS)


def test_a_startup_probe_replaces_neither() -> None:
    misses(pod(container(startupProbe=http())), LIVENESS, READINESS)


def test_native_sidecars_are_asked_and_no_other_init_container_is() -> None:
    inits = [container("setup"), container("mesh", restartPolicy="Always")]
    obj = pod(probed(), initContainers=inits, ephemeralContainers=[container("debugger")])
    misses(obj, "/spec/initContainers/1/livenessProbe", "/spec/initContainers/1/readinessProbe")
    misses(obj, sidecars=False)


def test_a_mirror_pod_is_asked_nothing() -> None:
    obj = pod(container())
    obj["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123abc"}
    misses(obj)


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        (["liveness"], [LIVENESS]),
        (["readiness"], [READINESS]),
        (["startup"], ["/spec/containers/0/startupProbe"]),
        (["readiness", "liveness"], [READINESS, LIVENESS]),
    ],
)
def test_which_probes_are_asked_is_a_parameter(probes: list[str], expected: list[str]) -> None:
    misses(pod(container()), *expected, probes=probes)


# Containers that an injector adds


@pytest.mark.parametrize(
    ("name", "image", "ignored"),
    [
        ("istio-proxy", "docker.io/istio/proxyv2", True),
        ("istio-proxy", "docker.io/istio/proxyv2:1.27.1", True),
        ("istio-proxy", "docker.io/istio/proxyv2@sha256:0123abc", True),
        ("istio-proxy", "docker.io/istio/proxyv2:1.27.1@sha256:0123abc", True),
        ("istio-proxy", "registry.example:5000/istio/proxyv2", True),
        ("istio-proxy", "registry.example:5000/istio/proxyv2:1.27.1", True),
        ("istio-proxy", "localhost:5000/proxyv2", True),
        ("istio-proxy", "istio/proxyv2-debug:1", False),
        ("istio-proxy", "registry.example/web:proxyv2", False),
        ("istio-proxy", "registry.example/web:1@sha256:/proxyv2", False),
        ("istio-proxy", "proxyv2:1", False),
        ("istio-proxy", "registry.example/web:1", False),
        ("istio-proxy", "", False),
        ("Istio-proxy", "docker.io/istio/proxyv2:1", False),
        ("web", "docker.io/istio/proxyv2:1", False),
        ("linkerd-proxy", "cr.l5d.io/linkerd/proxy:edge-25.4.4", True),
        ("linkerd-proxy", "docker.io/istio/proxyv2:1", False),
    ],
)
def test_an_injected_proxy_is_ignored_by_name_and_image(
    name: str, image: str, ignored: bool
) -> None:
    liveness = {"probes": ["liveness"]}
    misses(pod(container(name, image=image)), *(() if ignored else (LIVENESS,)), **liveness)
    sidecar = pod(probed(), initContainers=[container(name, image=image, restartPolicy="Always")])
    expected = () if ignored else ("/spec/initContainers/0/livenessProbe",)
    misses(sidecar, *expected, **liveness)


def test_ignore_replaces_the_shipped_list_and_is_a_pattern_on_the_repository() -> None:
    ignore = [{"name": "agent", "image": "registry.example:*/team-?/*"}]
    agent = container("agent", image="registry.example:5000/team-a/x/agent:1")
    istio = container("istio-proxy", image="docker.io/istio/proxyv2:1")
    params = {"ignore": ignore, "probes": ["liveness"]}
    misses(pod(agent, istio), "/spec/containers/1/livenessProbe", **params)
    misses(pod(container("agent", image="registry.example:5000/team-ab/x")), LIVENESS, **params)


def test_a_tag_cannot_smuggle_a_container_past_the_pattern() -> None:
    obj = pod(container("agent", image="evil.example/miner:agent"))
    misses(obj, LIVENESS, READINESS, ignore=[{"name": "agent", "image": "*agent"}])


# What is said


def test_the_message_names_the_container_and_says_what_to_do() -> None:
    (violation,) = policy.check(  # type: ignore[misc]
        read(pod(probed("web", readinessProbe=None))).workload, policy.params(), NOWHERE
    )
    assert violation.message == "web: no readinessProbe; add httpGet, tcpSocket, grpc or exec"
    assert violation.rule == ""
