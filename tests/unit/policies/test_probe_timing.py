"""What is filled into which probe; the table of evidence from its fill's side."""

from collections.abc import Mapping
from typing import Any

import pytest

from policies.probe_timing import policy
from tests.builders import (
    Object,
    admission,
    annotated,
    api_defaults,
    client_side_applied,
    command,
    container,
    http,
    owns,
    pod,
    probed,
    profile,
    read,
    review,
    server_side_applied,
    set_by,
    statefulset,
    template_annotated,
)
from webhook import engine
from webhook.admission import Admission, Door
from webhook.api import KEEP_ANNOTATION
from webhook.evidence import WrittenText
from webhook.testing import assert_fills

WEB = "/spec/containers/0"
TEMPLATE_WEB = f"/spec/template{WEB}"
STAMP = "/spec/template/metadata/annotations/podworthy.dev~1probe-timing"


@pytest.fixture(scope="module")
def shipped() -> Admission:
    return admission()


def own(**params: Any) -> Admission:
    return admission(profile(policies={"probe-timing": {"action": "fill", "params": params}}))


def fill(by: Admission, obj: Object, **request: Any) -> Object:
    """What is set at the mutating door, by path."""
    return set_by(by.handle(Door.MUTATE, None, review(obj, **request)))


def of_probe(filled: Mapping[str, Any], place: str, probe: str = "livenessProbe") -> Object:
    """The timings of one probe among what is filled; nothing else may be."""
    prefix = f"{place}/{probe}/"
    assert all(path.startswith(prefix) for path in filled)
    return {path.removeprefix(prefix): value for path, value in filled.items()}


def with_probe(name: str, probe: Object) -> Object:
    """A container with this one probe."""
    fields: Object = {name: probe}
    return container(**fields)


# The table

TABLE = {
    "startupProbe": {"exec": (5, 30), "httpGet": (3, 30), "tcpSocket": (3, 30), "grpc": (3, 30)},
    "livenessProbe": {"exec": (5, 6), "httpGet": (3, 6), "tcpSocket": (3, 6), "grpc": (3, 6)},
    "readinessProbe": {"exec": (5, 3), "httpGet": (3, 3), "tcpSocket": (3, 3), "grpc": (3, 3)},
}
CELLS = [(probe, handler) for probe in TABLE for handler in TABLE[probe]]


@pytest.mark.parametrize(("probe", "handler"), CELLS)
def test_the_shipped_table(shipped: Admission, probe: str, handler: str) -> None:
    timeout, failures = TABLE[probe][handler]
    obj = api_defaults(pod(with_probe(probe, {handler: {}})))
    # period 10 and readiness' 3 failures are the API defaults: they are right already
    expected = {"timeoutSeconds": timeout} | (
        {"failureThreshold": failures} if failures != 3 else {}
    )
    assert of_probe(fill(shipped, obj), WEB, probe) == expected


@pytest.mark.parametrize(("probe", "handler"), CELLS)
def test_in_a_file_the_whole_row_is_filled(probe: str, handler: str) -> None:
    timeout, failures = TABLE[probe][handler]
    row = {"timeoutSeconds": timeout, "periodSeconds": 10, "failureThreshold": failures}
    expected = {f"{WEB}/{probe}/{field}": value for field, value in row.items()}
    assert_fills(policy, pod(with_probe(probe, {handler: {}})), expected)


def test_the_success_threshold_grace_period_and_delay_are_never_filled(
    shipped: Admission,
) -> None:
    assert not any(
        path.endswith(("successThreshold", "terminationGracePeriodSeconds", "initialDelaySeconds"))
        for path in fill(
            shipped, api_defaults(pod(container(startupProbe=http(), livenessProbe=http())))
        )
    )


# Rows: nothing to fill


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(pod(container()), id="no-probes"),
        pytest.param(pod(container(livenessProbe=None, readinessProbe={})), id="null-and-empty"),
        pytest.param(
            pod(container(livenessProbe={"timeoutSeconds": 1, "periodSeconds": 10})),
            id="no-handler",
        ),
        pytest.param(pod(container(), initContainers=[probed("setup")]), id="plain-init"),
        pytest.param(pod(container(), ephemeralContainers=[probed("debug")]), id="ephemeral"),
    ],
)
def test_there_is_nothing_to_fill(shipped: Admission, obj: Object) -> None:
    assert fill(shipped, api_defaults(obj)) == {}
    assert_fills(policy, obj, {})


def test_a_sidecar_is_filled(shipped: Admission) -> None:
    mesh = container("mesh", restartPolicy="Always", readinessProbe=http())
    obj = api_defaults(pod(container(), initContainers=[mesh]))
    found = fill(shipped, obj)
    assert of_probe(found, "/spec/initContainers/0", "readinessProbe") == {"timeoutSeconds": 3}


KEEP = {KEEP_ANNOTATION: "keep"}


def test_keep_on_a_pod_leaves_its_timings(shipped: Admission) -> None:
    obj = api_defaults(pod())
    assert fill(shipped, obj)
    assert fill(shipped, annotated(obj, KEEP)) == {}
    assert_fills(policy, annotated(pod(), KEEP), {})


def test_keep_on_the_template_or_on_the_object_leaves_them_too(shipped: Admission) -> None:
    obj = server_side_applied(statefulset())
    assert fill(shipped, obj)
    assert fill(shipped, template_annotated(obj, KEEP)) == {}
    assert fill(shipped, annotated(obj, KEEP)) == {}


@pytest.mark.parametrize("value", ["Keep", "", "true", "fill", None])
def test_only_keep_is_keep(shipped: Admission, value: Any) -> None:
    assert fill(shipped, annotated(api_defaults(pod()), {KEEP_ANNOTATION: value}))


# Rows: a pod without evidence


def test_a_pods_probe_with_every_timing_at_the_default_counts_as_unset(shipped: Admission) -> None:
    every = ["timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    obj = api_defaults(
        pod(container(livenessProbe=http(), readinessProbe=command(periodSeconds=7)))
    )
    obj = owns(obj, "kube-controller-manager", "Update", {"livenessProbe": every})
    assert fill(shipped, obj) == {
        f"{WEB}/livenessProbe/timeoutSeconds": 3,
        f"{WEB}/livenessProbe/failureThreshold": 6,
    }


@pytest.mark.parametrize(
    "chosen",
    [
        {"timeoutSeconds": 2},
        {"periodSeconds": 20},
        {"failureThreshold": 2},
        {"initialDelaySeconds": 1},
        {"successThreshold": 2},
    ],
)
def test_who_chose_one_timing_has_thought_of_the_others(shipped: Admission, chosen: Object) -> None:
    assert fill(shipped, api_defaults(pod(container(readinessProbe=command(**chosen))))) == {}
    assert fill(shipped, api_defaults(pod(container(livenessProbe=command(**chosen))))) == {}


def test_assume_unset_never_needs_proof() -> None:
    never = own(assumeUnset="never")
    assert fill(never, api_defaults(pod())) == {}
    proven = fill(never, server_side_applied(pod(container(livenessProbe=http()))))
    assert of_probe(proven, WEB) == {"timeoutSeconds": 3, "failureThreshold": 6}


def test_a_template_without_evidence_is_left_for_its_pods_are_filled(shipped: Admission) -> None:
    assert fill(shipped, api_defaults(statefulset())) == {}


def test_a_file_assumes_nothing() -> None:
    written = http(timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    assert_fills(policy, pod(container(livenessProbe=written)), {})


# Rows: proof


@pytest.mark.parametrize("applied", [server_side_applied, client_side_applied])
@pytest.mark.parametrize("make", [pod, statefulset])
def test_what_is_proven_unwritten_is_filled(shipped: Admission, applied: Any, make: Any) -> None:
    obj = applied(make(container(livenessProbe=http(initialDelaySeconds=5))))
    place = WEB if make is pod else TEMPLATE_WEB
    assert of_probe(fill(shipped, obj), place) == {"timeoutSeconds": 3, "failureThreshold": 6}


@pytest.mark.parametrize("applied", [server_side_applied, client_side_applied])
@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ({"timeoutSeconds": 1}, {"failureThreshold": 6}),
        ({"timeoutSeconds": 2}, {"failureThreshold": 6}),
        ({"failureThreshold": 3}, {"timeoutSeconds": 3}),
        ({"failureThreshold": 1}, {"timeoutSeconds": 3}),
        # the budget is one decision: who wrote the period wrote the failures
        ({"periodSeconds": 10}, {"timeoutSeconds": 3}),
        ({"periodSeconds": 30}, {"timeoutSeconds": 3}),
        ({"periodSeconds": 2}, {"timeoutSeconds": 2}),
        ({"periodSeconds": 3}, {"timeoutSeconds": 3}),
        ({"periodSeconds": 1}, {}),
        ({"successThreshold": 1}, {"timeoutSeconds": 3, "failureThreshold": 6}),
        ({"initialDelaySeconds": 0}, {"timeoutSeconds": 3, "failureThreshold": 6}),
        ({"initialDelaySeconds": 9}, {"timeoutSeconds": 3, "failureThreshold": 6}),
        ({"timeoutSeconds": 2, "periodSeconds": 5, "failureThreshold": 1}, {}),
    ],
)
def test_what_is_written_is_left_whatever_its_value(
    shipped: Admission, applied: Any, written: Object, filled: Object
) -> None:
    obj = applied(statefulset(container(livenessProbe=http(**written))))
    assert of_probe(fill(shipped, obj), TEMPLATE_WEB) == filled


def test_a_timeout_is_never_longer_than_the_period(shipped: Admission) -> None:
    obj = server_side_applied(statefulset(container(livenessProbe=command(periodSeconds=4))))
    assert of_probe(fill(shipped, obj), TEMPLATE_WEB) == {"timeoutSeconds": 4}
    written = pod(container(livenessProbe=command(periodSeconds=4)))
    assert_fills(policy, written, {f"{WEB}/livenessProbe/timeoutSeconds": 4})


def test_what_is_in_doubt_is_left(shipped: Admission) -> None:
    obj = annotated(api_defaults(pod()), {"kubectl.kubernetes.io/last-applied-configuration": "{"})
    assert fill(shipped, obj) == {}


# The stamp


@pytest.mark.parametrize("applied", [server_side_applied, client_side_applied])
@pytest.mark.parametrize(
    ("probe", "written", "stamped"),
    [
        # nothing is filled, so that nothing tells its pods that this was chosen
        ("livenessProbe", {"timeoutSeconds": 1, "periodSeconds": 10}, True),
        ("readinessProbe", {"timeoutSeconds": 1}, True),
        ("livenessProbe", {"timeoutSeconds": 1, "failureThreshold": 3}, True),
        (
            "livenessProbe",
            {"timeoutSeconds": 1, "periodSeconds": 10, "initialDelaySeconds": 0},
            True,
        ),
        # a fill, another value or a delay tells them
        ("livenessProbe", {"timeoutSeconds": 1}, False),
        ("livenessProbe", {"periodSeconds": 10}, False),
        ("livenessProbe", {"initialDelaySeconds": 0}, False),
        ("readinessProbe", {"timeoutSeconds": 2}, False),
        ("readinessProbe", {"timeoutSeconds": 1, "initialDelaySeconds": 1}, False),
        ("livenessProbe", {"timeoutSeconds": 1, "periodSeconds": 20}, False),
        # nobody chose anything
        ("livenessProbe", {}, False),
    ],
)
def test_a_written_default_that_its_pods_cannot_show_stamps_the_template(
    shipped: Admission, applied: Any, probe: str, written: Object, stamped: bool
) -> None:
    obj = applied(statefulset(with_probe(probe, http(**written))))
    assert (fill(shipped, obj).get(STAMP) == "keep") is stamped


def test_the_other_probes_of_a_stamped_template_are_filled(shipped: Admission) -> None:
    strict = http(timeoutSeconds=1, periodSeconds=10)
    obj = server_side_applied(statefulset(container(livenessProbe=strict, readinessProbe=http())))
    obj["spec"]["template"]["metadata"] = {"annotations": {"x": "y"}}
    assert fill(shipped, obj) == {f"{TEMPLATE_WEB}/readinessProbe/timeoutSeconds": 3, STAMP: "keep"}


def test_an_annotation_with_another_value_is_not_overwritten(shipped: Admission) -> None:
    strict = http(timeoutSeconds=1, periodSeconds=10)
    obj = server_side_applied(statefulset(container(livenessProbe=strict)))
    obj["spec"]["template"]["metadata"] = {"annotations": {KEEP_ANNOTATION: "never"}}
    assert fill(shipped, obj) == {}


def test_without_proof_nothing_is_stamped(shipped: Admission) -> None:
    assert fill(shipped, api_defaults(statefulset(container(livenessProbe=http())))) == {}


def test_a_pod_is_never_stamped(shipped: Admission) -> None:
    strict = http(timeoutSeconds=1, periodSeconds=10)
    assert fill(shipped, server_side_applied(pod(container(livenessProbe=strict)))) == {}


def test_a_file_is_never_stamped() -> None:
    strict = http(timeoutSeconds=1, periodSeconds=10, failureThreshold=3)
    assert_fills(policy, statefulset(container(livenessProbe=strict)), {})


def test_the_pods_of_a_stamped_statefulset_are_left(shipped: Admission) -> None:
    obj = annotated(api_defaults(pod()), KEEP)
    assert fill(shipped, obj) == {}


# A profile's own table


def test_a_partial_table_lies_over_the_shipped_one() -> None:
    slow = own(timings={"liveness": {"httpGet": {"timeoutSeconds": 8}}})
    obj = api_defaults(pod(container(livenessProbe=http(), startupProbe=command())))
    assert fill(slow, obj) == {
        f"{WEB}/startupProbe/timeoutSeconds": 5,
        f"{WEB}/startupProbe/failureThreshold": 30,
        f"{WEB}/livenessProbe/timeoutSeconds": 8,
        f"{WEB}/livenessProbe/failureThreshold": 6,
    }


def test_null_in_a_table_leaves_a_timing_alone() -> None:
    one = own(timings={"liveness": {"httpGet": {"failureThreshold": None}}})
    found = fill(one, api_defaults(pod(container(livenessProbe=http()))))
    assert of_probe(found, WEB) == {"timeoutSeconds": 3}


def test_a_tables_period_bounds_its_timeout() -> None:
    table = {"periodSeconds": 5, "timeoutSeconds": 9}
    one = own(timings={"liveness": {"httpGet": table}})
    found = fill(one, api_defaults(pod(container(livenessProbe=http()))))
    assert of_probe(found, WEB) == {
        "periodSeconds": 5,
        "timeoutSeconds": 5,
        "failureThreshold": 6,
    }


DELAYED = {"liveness": {"httpGet": {"initialDelaySeconds": 15}}}


def test_a_table_may_set_a_delay() -> None:
    found = fill(own(timings=DELAYED), api_defaults(pod(container(livenessProbe=http()))))
    assert of_probe(found, WEB) == {
        "initialDelaySeconds": 15,
        "timeoutSeconds": 3,
        "failureThreshold": 6,
    }


@pytest.mark.parametrize("applied", [server_side_applied, client_side_applied])
@pytest.mark.parametrize(("written", "set_to"), [({}, 15), ({"initialDelaySeconds": 0}, None)])
def test_a_written_delay_of_zero_is_left(applied: Any, written: Object, set_to: Any) -> None:
    obj = applied(statefulset(container(livenessProbe=http(**written))))
    found = of_probe(fill(own(timings=DELAYED), obj), TEMPLATE_WEB)
    assert found.get("initialDelaySeconds") == set_to


def test_an_absent_delay_proves_nothing_by_itself() -> None:
    # somebody chose the period; whether a delay of 0 was chosen too, nothing tells
    obj = api_defaults(pod(container(livenessProbe=http(periodSeconds=20))))
    assert fill(own(timings=DELAYED), obj) == {}
    assert fill(own(timings=DELAYED), api_defaults(statefulset())) == {}


def test_a_delay_of_zero_is_what_is_there_already() -> None:
    zero = {"liveness": {"httpGet": {"initialDelaySeconds": 0}}}
    obj = api_defaults(pod(container(livenessProbe=http())))
    assert "initialDelaySeconds" not in of_probe(fill(own(timings=zero), obj), WEB)


def test_a_delay_in_a_file_is_filled_only_where_it_is_absent() -> None:
    timings = {"timeoutSeconds": 3, "periodSeconds": 10, "failureThreshold": 6}
    row = {f"{WEB}/livenessProbe/{field}": value for field, value in timings.items()}
    delay = {f"{WEB}/livenessProbe/initialDelaySeconds": 15}
    absent, zero = pod(container(livenessProbe=http())), http(initialDelaySeconds=0)
    assert_fills(policy, absent, row | delay, timings=DELAYED)
    assert_fills(policy, pod(container(livenessProbe=zero)), row, timings=DELAYED)


def test_a_fill_tells_what_stood_there_and_why() -> None:
    one = profile(policies={"probe-timing": {"action": "fill"}})
    written = pod(container(livenessProbe=http(periodSeconds=2)))
    (filling,) = engine.fill(one, read(written), WrittenText()).fillings
    assert (filling.fill.subject, filling.fill.value, filling.fill.was, filling.fill.why) == (
        "web",
        2,
        None,
        "absent from the file",
    )
