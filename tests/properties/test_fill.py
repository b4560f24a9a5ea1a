"""What holds of every fill and of every answer, whatever the object and whatever the bytes."""

import copy
import json
from typing import Any

import jsonpatch
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    Object,
    admission,
    annotated,
    api_defaults,
    client_side_applied,
    container,
    load_profiles,
    of_kind,
    owns,
    patch,
    pod_in,
    pod_path,
    profile,
    read,
    review,
    server_side_applied,
)
from webhook import engine, workload
from webhook.admission import Admission, Door
from webhook.api import KINDS, TIMING_DEFAULTS
from webhook.errors import MalformedObject

# Objects as an API server sends them

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
HANDLERS: dict[str, Object] = {
    "exec": {"command": ["true"]},
    "httpGet": {"port": 8080},
    "tcpSocket": {"port": 8080},
    "grpc": {"port": 9090},
}

# 0 is what a client may write for "the default"; the API's own default is where the traps are
timings = st.fixed_dictionaries(
    {},
    optional={
        field: st.sampled_from([default, default, default, 0, 2, 30])
        for field, default in TIMING_DEFAULTS.items()
    },
) | st.fixed_dictionaries(
    {field: st.just(TIMING_DEFAULTS[field]) for field in ("timeoutSeconds", "periodSeconds")}
)
probes = st.builds(
    lambda handler, values: {handler: copy.deepcopy(HANDLERS[handler]), **values},
    st.sampled_from(sorted(HANDLERS)),
    timings,
)
containers = st.fixed_dictionaries({}, optional=dict.fromkeys(PROBES, probes))
sidecars = containers.map(lambda fields: {"restartPolicy": "Always", **fields})


@st.composite
def written_objects(draw: st.DrawFn, kinds: tuple[str, ...] = ("Pod", "StatefulSet")) -> Object:
    """A workload as its author wrote it."""
    mains = draw(st.lists(containers, min_size=1, max_size=2))
    inits = draw(st.lists(sidecars, max_size=1))
    obj = of_kind(
        draw(st.sampled_from(kinds)),
        *(container(f"c{index}", **fields) for index, fields in enumerate(mains)),
        initContainers=[container(f"i{index}", **fields) for index, fields in enumerate(inits)],
    )
    annotations = st.sampled_from([None, {}, {"x": "y"}, {"podworthy.dev/probe-timing": "keep"}])
    if (chosen := draw(annotations)) is not None:
        pod_in(obj)["metadata"]["annotations"] = chosen
    if obj["kind"] == "StatefulSet" and draw(st.booleans()):
        del pod_in(obj)["metadata"]
    return obj


def created(obj: Object) -> Object:
    """By a client that leaves no evidence."""
    fields = dict.fromkeys(PROBES, ("timeoutSeconds", "periodSeconds", "failureThreshold"))
    return owns(api_defaults(obj), "kubectl-create", "Update", fields, container="c0")


def both(obj: Object) -> Object:
    """Applied on the client's side and taken over by the server's."""
    managed = server_side_applied(obj, container="c0")["metadata"]["managedFields"]
    result = client_side_applied(obj)
    result["metadata"]["managedFields"] = managed
    return result


def edited(obj: Object) -> Object:
    """Evidence of another object than this."""
    other = copy.deepcopy(obj)
    for one in pod_in(other)["spec"]["containers"]:
        for probe in PROBES:
            one.pop(probe, None)
    text = json.dumps(other)
    return annotated(api_defaults(obj), {"kubectl.kubernetes.io/last-applied-configuration": text})


CLIENTS = (
    created,
    client_side_applied,
    lambda obj: server_side_applied(obj, container="c0"),
    both,
    edited,
)
objects = st.builds(lambda obj, client: client(obj), written_objects(), st.sampled_from(CLIENTS))

OWN = profile(
    "own",
    policies={
        "probe-timing": {
            "action": "fill",
            "params": {
                "timings": {
                    "startup": {"exec": {"initialDelaySeconds": 7, "timeoutSeconds": 20}},
                    "liveness": {
                        "exec": {"periodSeconds": 2, "failureThreshold": None},
                        "httpGet": {"initialDelaySeconds": 0, "periodSeconds": 30},
                    },
                    "readiness": {"tcpSocket": {"timeoutSeconds": 1, "periodSeconds": 1}},
                }
            },
        }
    },
)
PROFILES = ("baseline", "own")


@pytest.fixture(scope="module")
def door() -> Admission:
    return admission(OWN)


def mutate(door: Admission, obj: Object, name: str) -> list[Object]:
    body = review(obj, field_manager="kubectl-create")
    return patch(door.handle(Door.MUTATE, name, body))


def patched(obj: Object, operations: list[Object]) -> Object:
    result: Object = jsonpatch.apply_patch(copy.deepcopy(obj), operations)
    return result


def stripped(obj: Object) -> Object:
    """The object without probe timings and without the one annotation."""
    obj = copy.deepcopy(obj)
    pod = pod_in(obj)
    spec = pod["spec"]
    for one in [*spec.get("initContainers", ()), *spec["containers"]]:
        for probe in PROBES:
            for field in TIMING_DEFAULTS:
                one.get(probe, {}).pop(field, None)
    metadata = pod.setdefault("metadata", {})
    annotations = metadata.setdefault("annotations", {})
    annotations.pop("podworthy.dev/probe-timing", None)
    return obj


@pytest.mark.parametrize("name", PROFILES)
@given(obj=objects)
@settings(max_examples=75, deadline=None)
def test_a_second_run_on_the_patched_object_yields_nothing(
    door: Admission, name: str, obj: Object
) -> None:
    once = api_defaults(patched(obj, mutate(door, obj, name)))
    assert mutate(door, once, name) == []


@pytest.mark.parametrize("name", PROFILES)
@given(obj=objects)
@settings(max_examples=75, deadline=None)
def test_a_patch_changes_probe_timings_and_one_annotation_alone(
    door: Admission, name: str, obj: Object
) -> None:
    operations = mutate(door, obj, name)
    result = patched(obj, operations)
    assert stripped(result) == stripped(obj)
    for one in operations:
        assert one["op"] == "add"
        if not one["path"].startswith(f"{pod_path(obj['kind'])}/metadata"):
            assert type(one["value"]) is int


def timings_of(obj: Object) -> dict[str, int]:
    """Every timing of every probe by its place, as the kubelet takes it."""
    spec = pod_in(obj)["spec"]
    return {
        f"{kind}/{index}/{probe}/{field}": one[probe].get(field, default)
        for kind in ("initContainers", "containers")
        for index, one in enumerate(spec.get(kind, ()))
        for probe in PROBES
        if probe in one
        for field, default in TIMING_DEFAULTS.items()
    }


@given(obj=objects)
@settings(max_examples=75, deadline=None)
def test_a_shipped_fill_only_ever_loosens_and_only_api_defaults(
    door: Admission, obj: Object
) -> None:
    before, after = timings_of(obj), timings_of(patched(obj, mutate(door, obj, "baseline")))
    for place, value in after.items():
        field = place.rpartition("/")[2]
        if value != before[place]:
            assert before[place] == TIMING_DEFAULTS[field]
            assert value > before[place]
            assert field in ("timeoutSeconds", "failureThreshold")


@given(obj=objects)
@settings(max_examples=75, deadline=None)
def test_a_filled_timeout_fits_into_its_period(door: Admission, obj: Object) -> None:
    for name in PROFILES:
        operations = mutate(door, obj, name)
        after = timings_of(patched(obj, operations))
        for one in operations:
            if one["path"].endswith("/timeoutSeconds"):
                place = "/".join(one["path"].split("/")[-4:-1])
                assert after[f"{place}/timeoutSeconds"] <= after[f"{place}/periodSeconds"]


@given(obj=written_objects())
@settings(max_examples=75, deadline=None)
def test_what_its_author_wrote_is_never_changed_where_there_is_proof(
    door: Admission, obj: Object
) -> None:
    operations = mutate(door, client_side_applied(obj), "baseline")
    written = {
        f"{pod_path(obj['kind'])}/spec/{kind}/{index}/{probe}/{field}"
        for kind in ("initContainers", "containers")
        for index, one in enumerate(pod_in(obj)["spec"].get(kind, ()))
        for probe in PROBES
        for field, value in one.get(probe, {}).items()
        # a written 0 asks for the default, or is the default
        if value
    }
    assert not written & {one["path"] for one in operations}


# Anything at all

KEYS = st.sampled_from(
    [
        "metadata", "name", "namespace", "annotations", "managedFields", "deletionTimestamp",
        "spec", "template", "jobTemplate", "restartPolicy", "containers", "initContainers",
        "ephemeralContainers", "volumes", "image", "volumeMounts", "readOnly", "livenessProbe",
        "readinessProbe", "startupProbe", "httpGet", "exec", "grpc", "periodSeconds",
        "timeoutSeconds", "failureThreshold", "initialDelaySeconds", "hostPath", "path", "csi",
        "driver", "emptyDir", "nfs", "operation", "fieldsV1", "manager", "f:spec",
        "kubectl.kubernetes.io/last-applied-configuration", "podworthy.dev/probe-timing",
        "kubernetes.io/config.mirror", 'k:{"name":"web"}', "Always", "keep", "web", "{}", "[",
    ]
)  # fmt: skip
words = KEYS | st.text(max_size=3)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=25,
)


def mutilated(obj: Object, places: list[int], value: Any) -> Object:
    """The object with the value in some place."""
    obj = copy.deepcopy(obj)
    node: Any = obj
    for depth, place in enumerate(places):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = keys[place % len(keys)]
        if depth == len(places) - 1 or not isinstance(node[key], dict | list):
            node[key] = value
            break
        node = node[key]
    return obj


@st.composite
def odd_objects(draw: st.DrawFn) -> Object:
    """An object of some kind that is wrong in one place, or in all."""
    if draw(st.booleans()):
        return {
            "kind": draw(st.sampled_from(KINDS)),
            **draw(st.dictionaries(words, anything, max_size=4)),
        }
    obj = client_side_applied(draw(written_objects(KINDS)))
    pod_in(obj)["spec"]["volumes"] = [{"name": "a", "hostPath": {"path": "/"}}, {"csi": {}}]
    places = draw(st.lists(st.integers(0, 9), min_size=1, max_size=9))
    return mutilated(obj, places, draw(anything))


def text(value: Any) -> bytes:
    return msgspec.json.encode(value)


STRICT = load_profiles()["strict"]


@pytest.mark.parametrize("kind", KINDS)
@given(value=st.dictionaries(words, anything, max_size=4) | odd_objects())
@settings(max_examples=20, deadline=None)
def test_a_check_gives_a_verdict_or_finds_the_object_malformed(kind: str, value: Object) -> None:
    try:
        reading = workload.read("v1", kind, text(value))
    except MalformedObject:
        return
    assert engine.check(STRICT, reading).crashes == ()


@given(obj=odd_objects(), old=odd_objects(), operation=st.sampled_from(["CREATE", "UPDATE"]))
@settings(max_examples=100, deadline=None)
def test_an_odd_object_is_answered_at_both_doors(
    door: Admission, obj: Object, old: Object, operation: str
) -> None:
    kind = obj["kind"] if obj["kind"] in KINDS else "Pod"
    api_version = of_kind(kind)["apiVersion"]
    body = json.loads(review({}, operation, kind=kind, api_version=api_version))
    body["request"] |= {"object": obj, "oldObject": old, "name": "web"}
    for which in Door:
        answer = door.handle(which, "strict", text(body))
        assert answer.status in (200, 400), answer.body
        found = json.loads(answer.body)
        if answer.status == 200:
            assert found["response"]["uid"] == body["request"]["uid"]
            assert "error" not in found["response"].get("auditAnnotations", {}), "a policy crashed"
        else:
            assert list(found) == ["error"]


envelopes = st.builds(
    lambda request, rest: {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u1", "operation": "CREATE", **request},
        **rest,
    },
    st.dictionaries(
        st.sampled_from(
            ["uid", "kind", "operation", "object", "oldObject", "userInfo", "options", "name"]
        ),
        anything
        | st.just({"group": "", "version": "v1", "kind": "Pod"})
        | st.sampled_from(["CREATE", "UPDATE", "DELETE"]),
        max_size=5,
    ),
    st.dictionaries(st.sampled_from(["request", "kind", "x"]), anything, max_size=1),
)


@pytest.mark.parametrize("which", list(Door))
@given(body=st.binary(max_size=60) | (anything | envelopes).map(text))
@settings(max_examples=100, deadline=None)
def test_anything_at_all_is_answered_in_json(door: Admission, which: Door, body: bytes) -> None:
    for name in (None, "strict", "no-such-profile"):
        answer = door.handle(which, name, body)
        assert answer.status in ((404,) if name == "no-such-profile" else (200, 400))
        found = json.loads(answer.body)
        if answer.status == 200:
            assert found["response"]["uid"] == json.loads(body)["request"]["uid"]
        else:
            assert list(found) == ["error"]


@given(obj=objects, position=st.integers(0, 3000), junk=st.binary(min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_review_with_a_few_odd_bytes_is_answered_in_json(
    door: Admission, obj: Object, position: int, junk: bytes
) -> None:
    body = review(obj)
    position %= len(body)
    body = body[:position] + junk + body[position + len(junk) :]
    for which in Door:
        answer = door.handle(which, None, body)
        assert answer.status in (200, 400)
        assert json.loads(answer.body)


def test_the_objects_of_these_properties_are_worth_it() -> None:
    # a guard on the tests: strategies that never reach a fill or a stamp would prove nothing
    found = {"stamp": 0, "fill": 0, "nothing": 0}
    judge = admission(OWN)

    @given(obj=objects)
    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    def count(obj: Object) -> None:
        operations = mutate(judge, obj, "baseline")
        stamped = any(one["value"] == "keep" for one in operations)
        found["stamp" if stamped else "fill" if operations else "nothing"] += 1

    count()
    assert min(found.values()) > 3, found
    assert read(of_kind("Pod")).workload.containers == ()
