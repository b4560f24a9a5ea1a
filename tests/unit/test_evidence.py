"""Who chose a timing: the table of evidence, a row at a time.

The author wrote `written`, the API server completed it, and a source may tell the two apart.
"""

import json
from typing import Any

import pytest

from tests.builders import (
    Object,
    annotated,
    api_defaults,
    client_side_applied,
    command,
    container,
    http,
    of_kind,
    owns,
    patiently,
    pod,
    probed,
    read,
    server_side_applied,
    statefulset,
)
from webhook.api import Proof, Standing
from webhook.evidence import CreatedObject, WrittenText
from webhook.provenance import LAST_APPLIED

WRITTEN, UNWRITTEN = Standing.WRITTEN, Standing.UNWRITTEN
UNKNOWN, DOUBTFUL = Standing.UNKNOWN, Standing.DOUBTFUL


def ask(
    obj: Object,
    field: str,
    *,
    probe: str = "liveness",
    name: str = "web",
    field_manager: str | None = None,
) -> Proof:
    """What the object proves about one timing of one container."""
    evidence = evidence_of(obj, field_manager)
    found = next(c for c in read(obj).workload.containers if c.name == name)
    return evidence.of(found, probe, field)


def evidence_of(obj: Object, field_manager: str | None = None) -> CreatedObject:
    reading = read(obj)
    return CreatedObject(reading.workload, reading.metadata, field_manager)


def set_of(liveness: Object, **more: Any) -> Object:
    """A StatefulSet of one container with this liveness probe."""
    return statefulset(container(livenessProbe=liveness, **more))


# Absent at any door


@pytest.mark.parametrize("field", ["timeoutSeconds", "periodSeconds", "failureThreshold"])
def test_what_is_absent_from_the_object_is_unwritten(field: str) -> None:
    assert ask(set_of(http()), field) == Proof(UNWRITTEN, "absent from the object")


def test_an_initial_delay_that_is_absent_proves_nothing_for_a_written_zero_is_absent_too() -> None:
    assert ask(set_of(http()), "initialDelaySeconds") == Proof(UNKNOWN, "no evidence")


def test_what_is_absent_is_unwritten_even_if_the_sources_are_garbage() -> None:
    assert ask(annotated(set_of(http()), {LAST_APPLIED: "{"}), "periodSeconds").standing is (
        UNWRITTEN
    )


# The author's own text


def test_a_file_is_perfect_evidence() -> None:
    obj = pod(container(livenessProbe=http(periodSeconds=10, initialDelaySeconds=0)))
    (web,) = read(obj).workload.containers
    evidence = WrittenText()

    assert evidence.of(web, "liveness", "periodSeconds").standing is WRITTEN
    assert evidence.of(web, "liveness", "initialDelaySeconds").standing is WRITTEN
    assert evidence.of(web, "liveness", "timeoutSeconds").standing is UNWRITTEN
    assert evidence.of(web, "readiness", "timeoutSeconds").standing is UNWRITTEN
    assert evidence.at_creation is False


# Server-side apply


def test_a_server_side_apply_owns_what_was_written() -> None:
    obj = server_side_applied(set_of(http(periodSeconds=10)))
    assert ask(obj, "periodSeconds") == Proof(WRITTEN, "owned by kubectl in managedFields")


def test_a_server_side_apply_owns_nothing_that_was_not() -> None:
    obj = server_side_applied(set_of(http(periodSeconds=10)))
    for field in ("timeoutSeconds", "failureThreshold", "successThreshold", "initialDelaySeconds"):
        assert ask(obj, field) == Proof(UNWRITTEN, "kubectl applied the probe without it")


def test_a_server_side_apply_owns_a_zero_that_the_wire_dropped() -> None:
    obj = server_side_applied(set_of(http(initialDelaySeconds=0)))
    assert ask(obj, "initialDelaySeconds").standing is WRITTEN


@pytest.mark.parametrize("kind", ["Pod", "StatefulSet", "Deployment", "CronJob", "PodTemplate"])
def test_ownership_is_found_where_the_kind_keeps_its_pod(kind: str) -> None:
    obj = server_side_applied(of_kind(kind, probed(livenessProbe=http(periodSeconds=10))))
    assert ask(obj, "periodSeconds").standing is WRITTEN
    assert ask(obj, "timeoutSeconds").standing is UNWRITTEN


def test_an_apply_entry_that_does_not_own_the_probe_says_nothing_about_it() -> None:
    applied = owns(api_defaults(set_of(http())), "argocd", "Apply", {"readinessProbe": []})
    assert ask(applied, "timeoutSeconds").standing is UNKNOWN


def test_an_apply_entry_about_another_container_says_nothing() -> None:
    obj = statefulset(container("web", livenessProbe=http()), container("log"))
    applied = owns(api_defaults(obj), "kubectl", "Apply", {"livenessProbe": []}, container="log")
    assert ask(applied, "timeoutSeconds").standing is UNKNOWN


def test_a_sidecar_is_looked_for_among_the_init_containers() -> None:
    mesh = container("mesh", restartPolicy="Always", livenessProbe=http(periodSeconds=10))
    obj = api_defaults(pod(initContainers=[mesh]))
    obj = owns(obj, "kubectl", "Apply", {"livenessProbe": ["periodSeconds"]}, container="mesh")
    spec = obj["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert ask(obj, "periodSeconds", name="mesh").standing is UNKNOWN
    spec["f:initContainers"] = spec.pop("f:containers")
    assert ask(obj, "periodSeconds", name="mesh").standing is WRITTEN


def test_a_field_that_any_other_manager_owns_is_written() -> None:
    obj = server_side_applied(set_of(http()))
    patched = owns(obj, "kubectl-edit", "Update", {"livenessProbe": ["timeoutSeconds"]})
    tuned = owns(obj, "tuner", "Apply", {"livenessProbe": ["timeoutSeconds"]})

    assert ask(tuned, "timeoutSeconds").why == "owned by tuner in managedFields"
    assert ask(patched, "timeoutSeconds", field_manager="kubectl").why == (
        "owned by kubectl-edit in managedFields"
    )
    assert ask(patched, "periodSeconds", field_manager="kubectl").standing is UNWRITTEN


# Update entries

EVERY = {"livenessProbe": ["timeoutSeconds", "periodSeconds", "successThreshold"]}


def test_the_update_entry_of_the_creating_request_proves_nothing() -> None:
    obj = owns(api_defaults(set_of(http())), "kubectl-create", "Update", EVERY)
    assert ask(obj, "periodSeconds", field_manager="kubectl-create").standing is UNKNOWN


def test_without_a_name_in_the_request_the_only_update_entry_is_the_creating_one() -> None:
    obj = owns(api_defaults(pod()), "kube-controller-manager", "Update", EVERY)
    assert ask(obj, "periodSeconds").standing is UNKNOWN


def test_an_update_entry_of_somebody_else_is_proof() -> None:
    obj = owns(api_defaults(set_of(http())), "kubectl-edit", "Update", EVERY)
    obj = owns(obj, "velero", "Update", EVERY)
    assert ask(obj, "periodSeconds", field_manager="velero") == Proof(
        WRITTEN, "owned by kubectl-edit in managedFields"
    )
    assert ask(obj, "periodSeconds", field_manager="someone").standing is WRITTEN


def test_without_a_name_in_the_request_the_youngest_update_entry_is_the_creating_one() -> None:
    obj = api_defaults(set_of(http()))
    old = owns(
        obj, "edit", "Update", {"livenessProbe": ["periodSeconds"]}, at="2020-01-01T00:00:00Z"
    )
    young = {"livenessProbe": ["timeoutSeconds"]}
    both = owns(old, "create", "Update", young, at="2026-01-01T00:00:00Z")
    both["metadata"]["managedFields"].reverse()

    assert ask(both, "periodSeconds").standing is WRITTEN
    assert ask(both, "timeoutSeconds").standing is UNKNOWN


# kubectl's last-applied-configuration


def test_last_applied_tells_what_was_written() -> None:
    obj = client_side_applied(set_of(http(periodSeconds=10)))
    assert ask(obj, "periodSeconds") == Proof(WRITTEN, "written in last-applied")
    assert ask(obj, "timeoutSeconds") == Proof(UNWRITTEN, "absent from the probe in last-applied")
    assert ask(obj, "initialDelaySeconds").standing is UNWRITTEN


def test_last_applied_tells_of_a_zero_that_the_wire_dropped() -> None:
    obj = client_side_applied(set_of(http(initialDelaySeconds=0)))
    assert ask(obj, "initialDelaySeconds").standing is WRITTEN


def test_a_null_in_last_applied_is_absent() -> None:
    obj = client_side_applied(set_of(http(periodSeconds=None)))
    assert ask(obj, "periodSeconds").standing is UNWRITTEN


@pytest.mark.parametrize(
    ("applied", "live"),
    [
        pytest.param(http(), command(), id="http-to-exec"),
        pytest.param(
            {"exec": {"command": ["true"]}}, {"exec": {"command": ["false"]}}, id="command"
        ),
        pytest.param(
            {"exec": {"command": ["a"]}}, {"exec": {"command": ["a", "b"]}}, id="one-more-word"
        ),
        pytest.param({"tcpSocket": {"port": 1}}, {"tcpSocket": {"port": 2}}, id="port"),
        pytest.param({"periodSeconds": 10}, http(periodSeconds=10), id="no-handler"),
    ],
)
def test_last_applied_proves_nothing_unwritten_once_the_handler_is_another(
    applied: Object, live: Object
) -> None:
    obj = annotated(api_defaults(set_of(live)), {LAST_APPLIED: json.dumps(set_of({**applied}))})
    assert ask(obj, "timeoutSeconds") == Proof(UNKNOWN, "no evidence")


def test_the_api_server_only_adds_to_a_handler_which_stays_the_same() -> None:
    headers = [{"name": "X", "value": "y"}]
    get = {"port": "http", "httpHeaders": headers, "host": None}
    obj = client_side_applied(set_of({"httpGet": get}))
    assert ask(obj, "timeoutSeconds").standing is UNWRITTEN


@pytest.mark.parametrize(
    "applied",
    [
        pytest.param({}, id="empty"),
        pytest.param(None, id="null"),
        pytest.param({"spec": None}, id="no-spec"),
        pytest.param({"spec": {"template": {}}}, id="no-template"),
        pytest.param(statefulset(container("other", livenessProbe=http())), id="container"),
        pytest.param(statefulset(container(readinessProbe=http())), id="other-probe"),
        pytest.param(statefulset(container(livenessProbe=None)), id="null-probe"),
        pytest.param(statefulset(container(livenessProbe={})), id="empty-probe"),
    ],
)
def test_a_last_applied_without_the_probe_is_no_evidence(applied: Any) -> None:
    obj = annotated(api_defaults(set_of(http())), {LAST_APPLIED: json.dumps(applied)})
    assert ask(obj, "timeoutSeconds") == Proof(UNKNOWN, "no evidence")


def test_last_applied_of_a_template_says_nothing_on_its_pods() -> None:
    obj = annotated(api_defaults(pod()), {LAST_APPLIED: json.dumps(statefulset())})
    assert ask(obj, "timeoutSeconds").standing is UNKNOWN


# Doubt: left alone, and counted


def doubt(obj: Object, field: str = "timeoutSeconds") -> str:
    """Why nothing is known of the timing, which is counted under its path."""
    evidence = evidence_of(obj)
    proof = evidence.of(read(obj).workload.containers[0], "liveness", field)
    assert proof.standing is DOUBTFUL
    assert evidence.doubts == {f"/spec/template/spec/containers/0/livenessProbe/{field}": proof.why}
    return proof.why


def test_sources_that_disagree_are_doubtful() -> None:
    unowned = server_side_applied(set_of(http()))
    text = json.dumps(set_of(http(timeoutSeconds=1)))
    assert doubt(annotated(unowned, {LAST_APPLIED: text})) == (
        "managedFields and last-applied disagree"
    )
    owned = server_side_applied(set_of(http(timeoutSeconds=1)))
    text = json.dumps(set_of(http()))
    assert doubt(annotated(owned, {LAST_APPLIED: text})) == (
        "managedFields and last-applied disagree"
    )


def test_sources_that_agree_are_not() -> None:
    obj = annotated(
        server_side_applied(set_of(http(periodSeconds=10))),
        {LAST_APPLIED: json.dumps(set_of(http(periodSeconds=10)))},
    )
    assert ask(obj, "periodSeconds").standing is WRITTEN
    assert ask(obj, "timeoutSeconds").standing is UNWRITTEN


@pytest.mark.parametrize(
    ("field", "applied"),
    [
        ("timeoutSeconds", 2),
        ("timeoutSeconds", 0),
        ("timeoutSeconds", "1"),
        ("timeoutSeconds", True),
        ("timeoutSeconds", [1]),
        ("initialDelaySeconds", 5),
    ],
)
def test_another_value_in_last_applied_than_in_the_object_is_doubtful(
    field: str, applied: Any
) -> None:
    text = json.dumps(set_of(http(**{field: applied})))
    obj = annotated(api_defaults(set_of(http())), {LAST_APPLIED: text})
    assert doubt(obj, field) == "last-applied has another value than the object"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut-off"),
        pytest.param("apiVersion: v1", id="yaml"),
        pytest.param("[]", id="a-list"),
        pytest.param('"text"', id="a-string"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"spec": []}', id="spec"),
        pytest.param('{"spec": {"template": 7}}', id="template"),
        pytest.param('{"spec": {"template": {"spec": {"containers": {}}}}}', id="containers"),
        pytest.param('{"spec": {"template": {"spec": {"containers": ["a"]}}}}', id="container"),
        pytest.param(json.dumps(set_of("probe")), id="probe"),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_last_applied_is_doubtful(text: str) -> None:
    obj = annotated(api_defaults(set_of(http())), {LAST_APPLIED: text})
    assert doubt(obj) == "last-applied is malformed"


@pytest.mark.parametrize("value", [7, ["x"], {"a": "b"}, True])
def test_a_last_applied_that_is_no_text_is_doubtful(value: Any) -> None:
    obj = annotated(api_defaults(set_of(http())), {LAST_APPLIED: value})
    assert doubt(obj) == "last-applied is malformed"


def managed(value: Any) -> Object:
    obj = api_defaults(set_of(http()))
    obj["metadata"]["managedFields"] = value
    return obj


def fields(value: Any) -> list[Object]:
    return [{"manager": "kubectl", "operation": "Apply", "fieldsV1": value}]


def owned(containers: Any) -> list[Object]:
    return fields({"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("text", id="text"),
        pytest.param({"a": 1}, id="a-mapping"),
        pytest.param([7], id="entry"),
        pytest.param([{"manager": 7}], id="manager"),
        pytest.param(fields([]), id="fields"),
        pytest.param(fields({"f:spec": 7}), id="spec"),
        pytest.param(fields({"f:spec": {"f:template": []}}), id="template"),
        pytest.param(owned(["web"]), id="containers"),
        pytest.param(owned({"k:{": {}}), id="key"),
        pytest.param(owned({"k:7": {}}), id="key-is-no-mapping"),
        pytest.param(owned({"k:" + "[" * 5000: {}}), id="deep-key"),
        pytest.param(owned({'k:{"name":"web"}': []}), id="container"),
        pytest.param(owned({'k:{"name":"web"}': {"f:livenessProbe": 7}}), id="probe"),
    ],
)
def test_malformed_managed_fields_are_doubtful(value: Any) -> None:
    assert doubt(managed(value)) == "managedFields is malformed"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="none"),
        pytest.param([{}], id="empty-entry"),
        pytest.param(fields(None), id="null-fields"),
        pytest.param(fields({"f:spec": {}}), id="without-template"),
        pytest.param(fields({"f:spec": None}), id="null-spec"),
        pytest.param(owned({".": {}}), id="no-container"),
        pytest.param(owned({"k:{}": {}, 'k:{"name":"web"}': {}}), id="no-probe"),
        pytest.param(owned({'k:{"name":"web"}': None}), id="null-container"),
    ],
)
def test_managed_fields_without_the_probe_are_no_evidence(value: Any) -> None:
    assert ask(managed(value), "timeoutSeconds") == Proof(UNKNOWN, "no evidence")


LIMIT = 256 * 1024


def test_a_last_applied_larger_than_the_limit_is_not_read() -> None:
    written = set_of(http())
    written["metadata"]["labels"] = {"filler": ""}
    room = LIMIT - len(json.dumps(written))

    written["metadata"]["labels"]["filler"] = "x" * room
    assert ask(client_side_applied(written), "timeoutSeconds").standing is UNWRITTEN
    written["metadata"]["labels"]["filler"] += "x"
    assert doubt(client_side_applied(written)) == "last-applied is larger than 256 KiB"


def test_the_limit_of_last_applied_is_in_bytes() -> None:
    written = set_of(http())
    written["metadata"]["labels"] = {"filler": "€" * 100_000}
    obj = annotated(api_defaults(written), {LAST_APPLIED: json.dumps(written, ensure_ascii=False)})
    assert doubt(obj) == "last-applied is larger than 256 KiB"


def test_managed_fields_larger_than_the_limit_are_not_read() -> None:
    obj = server_side_applied(set_of(http()))
    entry = obj["metadata"]["managedFields"][0]
    entry["manager"] = "x" * LIMIT
    assert doubt(obj) == "managedFields is larger than 256 KiB"


def test_a_source_that_cannot_be_read_spoils_the_other() -> None:
    obj = annotated(server_side_applied(set_of(http())), {LAST_APPLIED: "{"})
    assert doubt(obj) == "last-applied is malformed"


def test_only_what_was_asked_and_is_doubtful_is_counted() -> None:
    obj = annotated(api_defaults(set_of(http())), {LAST_APPLIED: "{"})
    evidence = evidence_of(obj)
    assert evidence.doubts == {}
    assert evidence.at_creation is True


# Any author can send many containers and a large source


def many(how: str) -> Object:
    names = [f"c{index}" for index in range(1000)]
    obj = api_defaults(pod(*(container(name, livenessProbe=http()) for name in names)))
    if how == "malformed":
        return annotated(obj, {LAST_APPLIED: "[" + "0," * 100_000})
    if how == "client-side":
        return client_side_applied(pod(*(container(n, livenessProbe=http()) for n in names)))
    obj = owns(obj, "kubectl", "Apply", {"livenessProbe": []}, container="c0")
    containers = obj["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]
    (probe,) = containers.values()
    containers |= {f'k:{{"name":"{name}"}}': probe for name in names}
    return obj


@pytest.mark.parametrize("how", ["malformed", "client-side", "server-side"])
def test_a_source_is_read_once_however_many_containers_there_are(how: str) -> None:
    obj = many(how)
    reading, evidence = read(obj), evidence_of(obj)
    with patiently():
        for one in reading.workload.containers:
            for field in ("timeoutSeconds", "periodSeconds", "failureThreshold"):
                evidence.of(one, "liveness", field)


def test_many_managers_of_one_field_are_read_once() -> None:
    names = [f"c{index}" for index in range(1000)]
    obj = api_defaults(pod(*(container(name, livenessProbe=http()) for name in names)))
    owned: Object = {"f:spec": {"f:containers": {'k:{"name":"c0"}': {"f:livenessProbe": {}}}}}
    obj["metadata"]["managedFields"] = [{"operation": "Apply", "fieldsV1": owned}] * 2500
    reading, evidence = read(obj), evidence_of(obj)
    with patiently():
        for one in reading.workload.containers:
            for field in ("timeoutSeconds", "periodSeconds", "failureThreshold"):
                evidence.of(one, "liveness", field)


def test_two_containers_of_one_name_are_doubtful() -> None:
    """The API server refuses them, but only after its mutating webhooks."""
    twins = pod(container("web", livenessProbe=http()), container("web", livenessProbe=http()))
    obj = client_side_applied(twins)
    reading, evidence = read(obj), evidence_of(obj)
    assert [
        evidence.of(one, "liveness", "timeoutSeconds") for one in reading.workload.containers
    ] == [Proof(Standing.DOUBTFUL, "two containers have this name")] * 2
