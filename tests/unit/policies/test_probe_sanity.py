"""Timings that make sense: each rule at its border, and before and after filling."""

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import (
    Object,
    admission,
    api_defaults,
    client_side_applied,
    command,
    container,
    http,
    load_profiles,
    of_kind,
    patch,
    pod,
    pod_path,
    read,
    review,
    server_side_applied,
    violations,
    warnings,
)
from webhook import engine
from webhook import patch as patches
from webhook.admission import Door
from webhook.api import KINDS, TIMING_DEFAULTS
from webhook.evidence import WrittenText

WEB = "/spec/containers/0"


def found(obj: Object, **params: Any) -> list[tuple[str, str]]:
    """Path below the first container, and rule."""
    return [
        (one.path.removeprefix(WEB), one.rule) for one in violations("probe-sanity", obj, **params)
    ]


def pair(liveness: Object, readiness: Object, **fields: Any) -> Object:
    return pod(container(livenessProbe=liveness, readinessProbe=readiness, **fields))


def ready(**timings: Any) -> Object:
    """A probe that asks another question than `http`."""
    return {"httpGet": {"path": "/ready", "port": 8080}, **timings}


TOO_EARLY = [("/livenessProbe/failureThreshold", "order")]
THE_SAME = [("/livenessProbe/failureThreshold", "same")]


# timeout


@pytest.mark.parametrize(
    ("timings", "is_fine"),
    [
        ({}, True),
        ({"timeoutSeconds": 10}, True),
        ({"timeoutSeconds": 11}, False),
        ({"timeoutSeconds": 11, "periodSeconds": 0}, False),
        ({"timeoutSeconds": 5, "periodSeconds": 5}, True),
        ({"timeoutSeconds": 6, "periodSeconds": 5}, False),
        ({"periodSeconds": 1}, True),
        ({"timeoutSeconds": 0, "periodSeconds": 1}, True),
        ({"timeoutSeconds": 30, "periodSeconds": 60}, True),
    ],
)
@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_timeout_fits_into_its_period(probe: str, timings: Object, is_fine: bool) -> None:
    expected = [] if is_fine else [(f"/{probe}/timeoutSeconds", "timeout")]
    fields: Object = {probe: http(**timings)}
    assert found(pod(container(**fields))) == expected


# order


@pytest.mark.parametrize(
    ("liveness", "readiness", "expected"),
    [
        pytest.param({}, {}, [], id="handlers-only"),
        pytest.param({"periodSeconds": 5}, {}, TOO_EARLY, id="15-before-30"),
        pytest.param({"failureThreshold": 2}, {}, TOO_EARLY, id="20-before-30"),
        pytest.param({}, {"failureThreshold": 5}, TOO_EARLY, id="30-before-50"),
        pytest.param({}, {"periodSeconds": 20}, TOO_EARLY, id="30-before-60"),
        pytest.param({"periodSeconds": 5, "failureThreshold": 6}, {}, [], id="together"),
        pytest.param({"failureThreshold": 6}, {}, [], id="60-after-30"),
        pytest.param({}, {"periodSeconds": 5}, [], id="30-after-15"),
        pytest.param({"periodSeconds": 5}, {"periodSeconds": 5}, [], id="15-with-15"),
        pytest.param({"periodSeconds": 0, "failureThreshold": 2}, {}, TOO_EARLY, id="zero"),
        pytest.param(
            {"initialDelaySeconds": 25, "periodSeconds": 5}, {}, TOO_EARLY, id="delay-is-over"
        ),
        pytest.param({"initialDelaySeconds": 5}, {}, [], id="delay-of-one"),
        pytest.param({}, {"successThreshold": 3}, [], id="success"),
        pytest.param({"timeoutSeconds": 9}, {}, [], id="timeout-counts-not"),
    ],
)
def test_liveness_gives_up_no_earlier_than_readiness(
    liveness: Object, readiness: Object, expected: list[tuple[str, str]]
) -> None:
    assert found(pair(http(**liveness), ready(**readiness))) == expected


def test_a_probe_alone_is_in_no_order() -> None:
    assert found(pod(container(livenessProbe=http(periodSeconds=1)))) == []
    assert found(pod(container(readinessProbe=http(periodSeconds=60)))) == []
    assert found(pair(http(periodSeconds=1), {"periodSeconds": 60})) == []


# same


@pytest.mark.parametrize(
    ("liveness", "readiness", "expected"),
    [
        pytest.param({}, {}, [], id="handlers-only"),
        pytest.param(TIMING_DEFAULTS, TIMING_DEFAULTS, [], id="written-defaults"),
        pytest.param({"periodSeconds": 5}, {"periodSeconds": 5}, THE_SAME, id="same-pace"),
        pytest.param(
            {"periodSeconds": 5, "failureThreshold": 6}, {}, THE_SAME, id="other-beat-same-end"
        ),
        pytest.param({"initialDelaySeconds": 9}, {}, THE_SAME, id="delay-is-over"),
        pytest.param({}, {"successThreshold": 2}, THE_SAME, id="success"),
        pytest.param({"failureThreshold": 6}, {}, [], id="slower"),
        pytest.param({"periodSeconds": 20}, {}, [], id="slower-beat"),
        pytest.param({"periodSeconds": 5}, {}, TOO_EARLY, id="earlier-is-told-once"),
        pytest.param({"timeoutSeconds": 5}, {"timeoutSeconds": 5}, [], id="only-timeouts"),
    ],
)
def test_identical_handlers_need_a_slower_liveness(
    liveness: Object, readiness: Object, expected: list[tuple[str, str]]
) -> None:
    assert found(pair(http(**liveness), http(**readiness))) == expected


@pytest.mark.parametrize(
    ("liveness", "readiness", "is_same"),
    [
        ({"httpGet": {"port": 80}}, {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}}, True),
        ({"httpGet": {"port": 80}}, {"httpGet": {"port": 80, "path": "", "host": None}}, True),
        ({"httpGet": {"port": 80}}, {"httpGet": {"port": 80, "httpHeaders": []}}, True),
        ({"httpGet": {"port": 80}}, {"httpGet": {"port": 80, "scheme": "HTTPS"}}, False),
        ({"httpGet": {"port": 80}}, {"httpGet": {"port": 81}}, False),
        ({"httpGet": {"port": "web"}}, {"httpGet": {"port": 8080}}, True),
        ({"httpGet": {"port": "web"}}, {"httpGet": {"port": "web"}}, True),
        ({"httpGet": {"port": "web"}}, {"httpGet": {"port": "admin"}}, False),
        ({"httpGet": {"port": "gone"}}, {"httpGet": {"port": "lost"}}, False),
        ({"httpGet": {"port": 80}}, {"tcpSocket": {"port": 80}}, False),
        ({"tcpSocket": {"port": 80}}, {"tcpSocket": {"port": 80}}, True),
        ({"grpc": {"port": 80}}, {"grpc": {"port": 80, "service": ""}}, True),
        ({"grpc": {"port": 80}}, {"grpc": {"port": 80, "service": "ready"}}, False),
        ({"exec": {"command": ["a"]}}, {"exec": {"command": ["a"]}}, True),
        ({"exec": {"command": ["a"]}}, {"exec": {"command": ["b"]}}, False),
        ({"exec": {}}, {"exec": {"command": None, "port": []}}, True),
    ],
)
def test_what_is_the_same_question(liveness: Object, readiness: Object, is_same: bool) -> None:
    ports = [{"name": "web", "containerPort": 8080}, {"name": "admin", "containerPort": 8081}]
    obj = pair({**liveness, "periodSeconds": 5}, {**readiness, "periodSeconds": 5}, ports=ports)
    assert found(obj) == (THE_SAME if is_same else [])


# slow-start


@pytest.mark.parametrize(("delay", "is_fine"), [(None, True), (0, True), (30, True), (31, False)])
def test_a_long_delay_needs_a_startup_probe(delay: int | None, is_fine: bool) -> None:
    liveness = command(initialDelaySeconds=delay)
    expected = [] if is_fine else [("/livenessProbe/initialDelaySeconds", "slow-start")]
    assert found(pod(container(livenessProbe=liveness))) == expected
    assert found(pod(container(livenessProbe=liveness, startupProbe=http()))) == []
    assert found(pod(container(livenessProbe=liveness, startupProbe={}))) == expected


def test_how_long_is_a_parameter() -> None:
    obj = pod(container(livenessProbe=http(initialDelaySeconds=10)))
    assert found(obj, slowStart=9) == [("/livenessProbe/initialDelaySeconds", "slow-start")]
    assert found(obj, slowStart=10) == []


def test_readiness_may_be_delayed() -> None:
    assert found(pod(container(readinessProbe=http(initialDelaySeconds=300)))) == []


# All


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind_and_of_sidecars(kind: str) -> None:
    fast: Object = {"livenessProbe": http(periodSeconds=5), "readinessProbe": ready()}
    mesh = container("mesh", restartPolicy="Always", **fast)
    obj = of_kind(kind, container(**fast), initContainers=[mesh])
    assert [one.path for one in violations("probe-sanity", obj)] == [
        f"{pod_path(kind)}/spec/{where}/0/livenessProbe/failureThreshold"
        for where in ("initContainers", "containers")
    ]


EVERY_FAULT: Object = {
    "livenessProbe": http(periodSeconds=5, timeoutSeconds=6, initialDelaySeconds=60),
    "readinessProbe": ready(),
}


def test_the_message_says_why_and_what_to_do() -> None:
    same = container(
        "job", livenessProbe=http(periodSeconds=5), readinessProbe=http(periodSeconds=5)
    )
    obj = pod(container(**EVERY_FAULT), same)
    assert [one.message for one in violations("probe-sanity", obj)] == [
        "web: timeoutSeconds 6 exceeds periodSeconds 5; lower it",
        "web: gives up after 15 s before readiness (30 s); raise failureThreshold",
        "web: initialDelaySeconds 60 is waited at every restart; use a startupProbe",
        "job: gives up after 15 s as readiness does, asking the same; raise failureThreshold",
    ]


def test_a_warning_keeps_the_reason() -> None:
    obj = of_kind("StatefulSet", container(**EVERY_FAULT))
    place = "(/spec/template/spec/containers/0/livenessProbe)"
    assert warnings("probe-sanity", obj) == [
        f"web: timeoutSeconds 6 {place} exceeds periodSeconds 5; lower it [probe-sanity]",
        f"web: gives up after 15 s {place} before readiness (30 s) [probe-sanity]",
        f"web: initialDelaySeconds 60 {place} is waited at every restart [probe-sanity]",
    ]


# Before and after filling

timings = st.fixed_dictionaries(
    {},
    optional={
        "initialDelaySeconds": st.sampled_from([0, 5, 60]),
        "timeoutSeconds": st.sampled_from([0, 1, 3, 5, 12]),
        "periodSeconds": st.sampled_from([0, 5, 10, 20]),
        "failureThreshold": st.sampled_from([0, 2, 3, 6, 12]),
        "successThreshold": st.just(1),
    },
)
handlers = st.sampled_from(
    [
        {"httpGet": {"port": 8080}},
        {"httpGet": {"path": "/ready", "port": 8080}},
        {"exec": {"command": ["true"]}},
        {"tcpSocket": {"port": 8080}},
    ]
)
probes = st.builds(lambda handler, values: {**handler, **values}, handlers, timings)
workloads = st.builds(
    lambda kind, fields: of_kind(kind, container(**copy.deepcopy(fields))),
    st.sampled_from(["Pod", "StatefulSet"]),
    st.fixed_dictionaries(
        {"livenessProbe": probes, "readinessProbe": probes}, optional={"startupProbe": probes}
    ),
)
SHIPPED = load_profiles()["baseline"]
# only the timeouts are filled: one period is written, as the default
DEFAULT_WRITTEN = of_kind(
    "StatefulSet",
    container(livenessProbe=http(periodSeconds=10), readinessProbe=http(periodSeconds=10)),
)


def at_fault(obj: Object) -> set[str]:
    return {one.path for one in violations("probe-sanity", obj)}


@given(obj=workloads)
@example(obj=DEFAULT_WRITTEN)
def test_the_shipped_fill_puts_nothing_into_a_file_that_is_then_at_fault(obj: Object) -> None:
    reading = read(obj)
    fills = [one.fill for one in engine.fill(SHIPPED, reading, WrittenText()).fillings]
    filled = jsonpatch.apply_patch(copy.deepcopy(obj), list(patches.operations(reading, fills)))
    assert at_fault(filled) <= at_fault(obj)


@given(
    obj=workloads,
    client=st.sampled_from([api_defaults, client_side_applied, server_side_applied]),
)
@example(obj=DEFAULT_WRITTEN, client=server_side_applied)
def test_the_shipped_fill_puts_nothing_into_a_cluster_that_is_then_at_fault(
    obj: Object, client: Any
) -> None:
    created = client(obj)
    answer = admission().handle(Door.MUTATE, "baseline", review(created))
    filled = jsonpatch.apply_patch(copy.deepcopy(created), patch(answer))
    assert at_fault(filled) <= at_fault(created)


@given(obj=workloads)
def test_defaulting_changes_nothing(obj: Object) -> None:
    assert at_fault(api_defaults(obj)) == at_fault(obj)
