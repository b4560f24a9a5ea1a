"""The platform's own bounds, on effective values."""

from typing import Any

import pytest
from pydantic import ValidationError

from policies.probe_bounds import Bound, Params
from tests.builders import (
    Object,
    api_defaults,
    command,
    container,
    http,
    of_kind,
    pod,
    pod_path,
    violations,
    warnings,
)
from webhook.api import KINDS, PROBES, TIMING_DEFAULTS

WEB = "/spec/containers/0"


def found(obj: Object, **bounds: Any) -> list[str]:
    """Paths below the first container."""
    return [one.path.removeprefix(WEB) for one in violations("probe-bounds", obj, bounds=bounds)]


def liveness(**timings: Any) -> Object:
    return pod(container(livenessProbe=http(**timings)))


def test_no_bounds_are_shipped() -> None:
    odd = dict.fromkeys(TIMING_DEFAULTS, 2**31 - 1)
    assert violations("probe-bounds", liveness(**odd)) == []
    assert violations("probe-bounds", liveness(**dict.fromkeys(TIMING_DEFAULTS, -1))) == []


@pytest.mark.parametrize(
    ("bound", "period", "is_within"),
    [
        ({"min": 5}, 4, False),
        ({"min": 5}, 5, True),
        ({"max": 60}, 60, True),
        ({"max": 60}, 61, False),
        ({"min": 5, "max": 60}, 4, False),
        ({"min": 5, "max": 60}, 30, True),
        ({"min": 5, "max": 60}, 61, False),
        ({"min": 7, "max": 7}, 7, True),
        ({}, 1, True),
    ],
)
def test_both_ends_are_within(bound: Object, period: int, is_within: bool) -> None:
    expected = [] if is_within else ["/livenessProbe/periodSeconds"]
    assert found(liveness(periodSeconds=period), liveness={"periodSeconds": bound}) == expected


@pytest.mark.parametrize("written", [None, 0])
@pytest.mark.parametrize("field", [f for f in TIMING_DEFAULTS if f != "successThreshold"])
def test_what_is_absent_or_0_counts_as_the_default(field: str, written: int | None) -> None:
    default = TIMING_DEFAULTS[field]
    obj = liveness(**{field: written})
    assert found(obj, liveness={field: {"min": default, "max": default}}) == []
    assert found(obj, liveness={field: {"min": default + 1}}) == [f"/livenessProbe/{field}"]


def test_an_absent_initial_delay_is_0_and_not_missing() -> None:
    assert found(liveness(), liveness={"initialDelaySeconds": {"max": 30}}) == []
    assert found(liveness(), liveness={"initialDelaySeconds": {"min": 0}}) == []


def test_defaulting_changes_nothing() -> None:
    bounds = {"timeoutSeconds": {"min": 2}, "initialDelaySeconds": {"min": 1}}
    obj = liveness(periodSeconds=3)
    assert found(obj, every=bounds) == found(api_defaults(obj), every=bounds)
    assert len(found(obj, every=bounds)) == 2


@pytest.mark.parametrize("probe", PROBES)
def test_every_is_for_every_probe_and_its_own_entry_wins(probe: str) -> None:
    fields: Object = {f"{probe}Probe": command(periodSeconds=5, failureThreshold=9)}
    obj = pod(container(**fields))
    every = {"periodSeconds": {"min": 10}, "failureThreshold": {"max": 8}}
    both = [f"/{probe}Probe/periodSeconds", f"/{probe}Probe/failureThreshold"]

    assert found(obj, every=every) == both
    others = {name: {"periodSeconds": {"min": 1}} for name in PROBES if name != probe}
    assert found(obj, every=every, **others) == both
    assert found(obj, every=every, **{probe: {"periodSeconds": {"min": 5}}}) == both[1:]
    assert found(obj, every=every, **{probe: {"periodSeconds": {}}}) == both[1:]
    assert found(obj, every=every, **{probe: {"periodSeconds": None}}) == both


def test_only_readiness_has_a_bound_of_successes() -> None:
    readiness = {"successThreshold": {"max": 2}}
    obj = pod(container(readinessProbe=http(successThreshold=3)))
    assert found(obj, readiness=readiness) == ["/readinessProbe/successThreshold"]
    for probe in ("every", "startup", "liveness"):
        with pytest.raises(ValidationError, match="Extra inputs"):
            Params.model_validate({"bounds": {probe: readiness}})


def test_a_probe_that_is_missing_has_no_timings() -> None:
    obj = pod(container(readinessProbe={"periodSeconds": 1}, livenessProbe=None))
    assert found(obj, every={"periodSeconds": {"min": 5}}) == []


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind_and_of_sidecars(kind: str) -> None:
    fast: Object = {"startupProbe": http(periodSeconds=1)}
    mesh = container("mesh", restartPolicy="Always", **fast)
    obj = of_kind(kind, container(**fast), initContainers=[mesh])
    assert found(obj, every={"periodSeconds": {"min": 5}}) == [
        f"{pod_path(kind)}/spec/{where}/0/startupProbe/periodSeconds".removeprefix(WEB)
        for where in ("initContainers", "containers")
    ]


@pytest.mark.parametrize(
    "bound", [{"min": 2, "max": 1}, {"min": -1}, {"max": 1.5}, {"max": "9"}, {"least": 1}]
)
def test_a_bound_that_nothing_is_within_is_refused(bound: Object) -> None:
    with pytest.raises(ValidationError):
        Bound.model_validate(bound)


def test_the_message_says_what_is_allowed_and_what_is_only_the_default() -> None:
    bounds = {"periodSeconds": {"min": 2, "max": 60}, "timeoutSeconds": {"min": 2}}
    obj = pod(container(livenessProbe=http(periodSeconds=1)), container("x", livenessProbe=http()))
    slow = pod(container(livenessProbe=http(periodSeconds=61, timeoutSeconds=9)))
    assert [one.message for one in violations("probe-bounds", obj, bounds={"every": bounds})] == [
        "web: timeoutSeconds 1 by default is below 2; use at least 2",
        "web: periodSeconds 1 is below 2; use at least 2",
        "x: timeoutSeconds 1 by default is below 2; use at least 2",
    ]
    assert [one.message for one in violations("probe-bounds", slow, bounds={"every": bounds})] == [
        "web: periodSeconds 61 is above 60; use at most 60"
    ]


def test_a_warning_keeps_the_fix() -> None:
    obj = of_kind("Deployment", container(readinessProbe=http(failureThreshold=99)))
    bounds = {"readiness": {"failureThreshold": {"max": 10}}}
    assert warnings("probe-bounds", obj, bounds=bounds) == [
        "web: failureThreshold 99 (/spec/template/spec/containers/0/readinessProbe) "
        "is above 10; use at most 10 [probe-bounds]"
    ]
