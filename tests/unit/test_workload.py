"""What policies see of an object, and which shapes are refused, with the place."""

import json
from typing import Any

import pytest

from tests.builders import (
    POD_PLACES,
    Object,
    annotated,
    container,
    http,
    of_kind,
    pod,
    pod_in,
    pod_path,
    probed,
    read,
    statefulset,
    template_annotated,
)
from webhook import workload
from webhook.api import KINDS, TIMING_DEFAULTS, Retention, Rollout
from webhook.errors import MalformedObject
from webhook.workload.claims import quantity

# Every kind


def test_the_kinds_are_those_of_the_specification() -> None:
    assert set(POD_PLACES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_carries_its_pod_somewhere(kind: str) -> None:
    obj = of_kind(
        kind,
        probed("web"),
        initContainers=[container("mesh", restartPolicy="Always")],
        volumes=[{"name": "tmp", "emptyDir": {}}],
        restartPolicy="OnFailure",
    )
    seen = read(template_annotated(obj, {"a": "b"})).workload

    spec = f"{pod_path(kind)}/spec"
    assert (seen.kind, seen.api_version, seen.name) == (kind, POD_PLACES[kind][0], "web")
    assert seen.pod_path == pod_path(kind)
    assert seen.restart_policy == "OnFailure"
    assert seen.pod_annotations == {"a": "b"}
    assert [c.path for c in seen.containers] == [f"{spec}/initContainers/0", f"{spec}/containers/0"]
    assert [v.path for v in seen.volumes] == [f"{spec}/volumes/0"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Pod"),
        ("v1", "PodTemplate"),
        ("v1", "ReplicationController"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1beta1", "StatefulSet"),
        ("apps/v1beta2", "DaemonSet"),
        ("extensions/v1beta1", "Deployment"),
        ("extensions/v1beta1", "DaemonSet"),
        ("extensions/v1beta1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("batch/v1beta1", "CronJob"),
        ("batch/v2alpha1", "CronJob"),
    ],
)
def test_legacy_groups_are_kubernetes_own(api_version: str, kind: str) -> None:
    assert workload.is_known(api_version, kind)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Service"),
        ("v1", "StatefulSet"),
        ("apps/v1", "Pod"),
        ("apps.kruise.io/v1beta1", "StatefulSet"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("example.org/v1", "Deployment"),
        ("apps/v1", "statefulset"),
        ("", "Deployment"),
        ("apps/v1", ""),
        ("", "Pod"),
        ("x", "Pod"),
        ("v2", "Pod"),
        ("/v1", "Pod"),
        ("apps", "Pod"),
        ("apps/", "Deployment"),
        ("apps/v]1", "Deployment"),
    ],
)
def test_a_kind_of_another_group_that_shares_a_name_is_not(api_version: str, kind: str) -> None:
    assert not workload.is_known(api_version, kind)


def test_the_namespace_of_the_request_wins() -> None:
    raw = json.dumps({"metadata": {"namespace": "own"}}).encode()
    assert workload.read("v1", "Pod", raw).workload.namespace == "own"
    assert workload.read("v1", "Pod", raw, "asked").workload.namespace == "asked"


# Containers


def test_only_an_init_container_whose_own_policy_is_exactly_always_is_a_sidecar() -> None:
    inits = [
        container("setup"),
        container("mesh", restartPolicy="Always"),
        container("shout", restartPolicy="ALWAYS"),
        container("retry", restartPolicy="OnFailure"),
        container("null", restartPolicy=None),
    ]
    seen = read(pod(container(restartPolicy="Never"), initContainers=inits)).workload

    assert {c.name: c.role for c in seen.containers} == {
        "setup": "init",
        "mesh": "sidecar",
        "shout": "init",
        "retry": "init",
        "null": "init",
        "web": "container",
    }
    assert [c.name for c in seen.may_have_probes()] == ["mesh", "web"]


def test_ephemeral_containers_are_seen_and_may_not_have_probes() -> None:
    debugger = container("debugger", volumeMounts=[{"name": "data", "mountPath": "/d"}])
    seen = read(pod(ephemeralContainers=[debugger])).workload

    assert [(c.path, c.role) for c in seen.containers] == [
        ("/spec/containers/0", "container"),
        ("/spec/ephemeralContainers/0", "ephemeral"),
    ]
    assert [m.name for m in seen.containers[1].mounts] == ["data"]
    assert [c.name for c in seen.may_have_probes()] == ["web"]


@pytest.mark.parametrize("handler", ["exec", "httpGet", "tcpSocket", "grpc"])
def test_a_probe_has_a_handler_that_is_not_null(handler: str) -> None:
    there: Object = {handler: {}}
    missing: Object = {handler: None, "periodSeconds": 5}
    (seen,) = read(pod(container(livenessProbe=there, readinessProbe=missing))).workload.containers

    found = seen.probe("liveness")
    assert found is not None
    assert found.handler == handler
    assert seen.probe("readiness") is None
    assert seen.probe("startup") is None


def test_an_absent_timing_is_not_its_default() -> None:
    (seen,) = read(pod(container(livenessProbe=http(periodSeconds=7)))).workload.containers
    found = seen.probe("liveness")
    assert found is not None
    assert found.timing("periodSeconds") == 7
    assert found.timing("timeoutSeconds") is None
    assert found.timing("initialDelaySeconds") is None


def test_absent_and_zero_are_effectively_the_default() -> None:
    probe = http(periodSeconds=7, timeoutSeconds=0, failureThreshold=None)
    (seen,) = read(pod(container(livenessProbe=probe))).workload.containers
    found = seen.probe("liveness")
    assert found is not None
    assert {field: found.effective(field) for field in TIMING_DEFAULTS} == {
        **TIMING_DEFAULTS,
        "periodSeconds": 7,
    }


@pytest.mark.parametrize(
    "handler",
    [
        {"httpGet": {"port": "http", "host": None, "httpHeaders": [{"name": "Host"}]}},
        {"httpGet": {"port": None}},
        {"tcpSocket": {"port": -1, "host": ""}},
        {"grpc": {"port": 9090, "mode": "TLS"}},
        {"exec": {"port": ["not a port"], "command": "x"}},
    ],
)
def test_a_handler_is_shown_as_it_stands_whatever_else_is_in_it(handler: Object) -> None:
    (seen,) = read(pod(container(livenessProbe=handler))).workload.containers
    found = seen.probe("liveness")
    assert found is not None
    assert {found.handler: found.settings} == handler


def test_restart_policy_is_always_unless_written() -> None:
    assert read(pod()).workload.restart_policy == "Always"
    assert read(pod(restartPolicy=None)).workload.restart_policy == "Always"
    assert read(pod(restartPolicy="Never")).workload.restart_policy == "Never"


# Volumes


def test_a_volume_shows_every_source_that_is_not_null_known_or_not() -> None:
    volumes: list[Object] = [
        {"name": "a", "hostPath": None, "nfs": {"server": "s", "path": "/"}},
        {"name": "b"},
        {"name": "c", "quantumDisk": {"qubits": 3}},
        {"name": "d", "spooky": "a string"},
    ]
    seen = read(pod(volumes=volumes)).workload.volumes
    assert [(v.name, dict(v.sources)) for v in seen] == [
        ("a", {"nfs": {"server": "s", "path": "/"}}),
        ("b", {}),
        ("c", {"quantumDisk": {"qubits": 3}}),
        ("d", {"spooky": "a string"}),
    ]


def test_what_has_no_name_is_called_by_its_place() -> None:
    obj = pod({"image": "x"}, volumes=[{"hostPath": {"path": "/"}}])
    seen = read(obj).workload
    assert seen.containers[0].label == "containers/0"
    assert seen.volumes[0].label == "volumes/0"


# Null is absent, everywhere


def nulled(value: Any, keep: int) -> Any:
    """A copy without anything below `keep` levels of maps: null stands there."""
    if not isinstance(value, dict):
        return value
    return {k: nulled(v, keep - 1) if keep else None for k, v in value.items()}


@pytest.mark.parametrize("levels", range(7))
@pytest.mark.parametrize("kind", KINDS)
def test_null_in_place_of_anything_is_as_if_it_were_absent(kind: str, levels: int) -> None:
    seen = workload.read(
        "apps/v1", kind, json.dumps(nulled(of_kind(kind, probed()), levels)).encode()
    )
    spec_is_there = levels > len(POD_PLACES[kind][1]) + 1
    assert len(seen.workload.containers) == (1 if spec_is_there else 0)
    assert seen.workload.volumes == ()


def test_null_fields_of_a_container_and_of_a_probe_are_absent() -> None:
    timings = dict.fromkeys(("periodSeconds", "timeoutSeconds", "initialDelaySeconds"))
    empty = container(
        livenessProbe=http(**timings), readinessProbe=None, volumeMounts=None, restartPolicy=None
    )
    obj = pod(empty, initContainers=None, ephemeralContainers=None, volumes=None)
    (seen,) = read(annotated(obj, {})).workload.containers
    assert seen.readiness is None
    assert seen.mounts == ()
    assert seen.liveness is not None
    assert seen.liveness.period_seconds is None


# Wrong shapes


@pytest.mark.parametrize(
    ("change", "pointer", "problem"),
    [
        ({"containers": {}}, "/containers", "expected a list, got a mapping"),
        ({"containers": "web"}, "/containers", "expected a list, got a string"),
        ({"containers": ["web"]}, "/containers/0", "expected a mapping, got a string"),
        ({"initContainers": [[]]}, "/initContainers/0", "expected a mapping, got a list"),
        (
            {"containers": [container(), container(livenessProbe="x")]},
            "/containers/1/livenessProbe",
            "expected a mapping, got a string",
        ),
        (
            {"containers": [container(livenessProbe={"httpGet": []})]},
            "/containers/0/livenessProbe/httpGet",
            "expected a mapping, got a list",
        ),
        (
            {"containers": [container(readinessProbe=http(periodSeconds="10"))]},
            "/containers/0/readinessProbe/periodSeconds",
            "expected an integer, got a string",
        ),
        (
            {"containers": [container(startupProbe=http(timeoutSeconds=1.5))]},
            "/containers/0/startupProbe/timeoutSeconds",
            "expected an integer, got a number that is no 64-bit integer",
        ),
        (
            {"containers": [container(startupProbe=http(failureThreshold=True))]},
            "/containers/0/startupProbe/failureThreshold",
            "expected an integer, got a boolean",
        ),
        ({"containers": [{"name": 1}]}, "/containers/0/name", "expected a string, got an integer"),
        (
            {"containers": [container(image=["a"])]},
            "/containers/0/image",
            "expected a string, got a list",
        ),
        (
            {"containers": [container(volumeMounts=[{"readOnly": "yes"}])]},
            "/containers/0/volumeMounts/0/readOnly",
            "expected a boolean, got a string",
        ),
        ({"restartPolicy": {}}, "/restartPolicy", "expected a string, got a mapping"),
        ({"volumes": {}}, "/volumes", "expected a list, got a mapping"),
        ({"volumes": [7]}, "/volumes/0", "expected a mapping, got an integer"),
        ({"volumes": [{"name": 7}]}, "/volumes/0/name", "expected a string"),
        ({"volumes": [{"hostPath": "/srv"}]}, "/volumes/0/hostPath", "expected a mapping"),
        ({"volumes": [{}, {"csi": []}]}, "/volumes/1/csi", "expected a mapping"),
        ({"volumes": [{"emptyDir": False}]}, "/volumes/0/emptyDir", "expected a mapping"),
        ({"volumes": [{"csi": {"driver": 3}}]}, "/volumes/0/csi/driver", "expected a string"),
        ({"volumes": [{"hostPath": {"path": 3}}]}, "/volumes/0/hostPath/path", "expected a string"),
        (
            {"containers": [container(livenessProbe=http(periodSeconds=99_999_999_999))]},
            "/containers/0/livenessProbe/periodSeconds",
            "expected an integer <= 2147483647",
        ),
        (
            {"containers": [container(livenessProbe={"httpGet": {"port": True}})]},
            "/containers/0/livenessProbe/httpGet/port",
            "expected an integer or a string, got a boolean",
        ),
        (
            {"initContainers": [container(startupProbe={"tcpSocket": {"port": ["http"]}})]},
            "/initContainers/0/startupProbe/tcpSocket/port",
            "expected an integer or a string, got a list",
        ),
        (
            {"containers": [container(readinessProbe={"grpc": {"port": "grpc"}})]},
            "/containers/0/readinessProbe/grpc/port",
            "expected an integer, got a string",
        ),
        (
            {"containers": [container(readinessProbe={"httpGet": {"port": 2**31}})]},
            "/containers/0/readinessProbe/httpGet/port",
            "expected an integer <= 2147483647",
        ),
        (
            {"containers": [container(readinessProbe={"tcpSocket": {"port": 80, "host": 1}})]},
            "/containers/0/readinessProbe/tcpSocket/host",
            "expected a string, got an integer",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Pod", "StatefulSet", "CronJob", "PodTemplate"])
def test_a_wrong_shape_is_told_with_its_place(
    kind: str, change: Object, pointer: str, problem: str
) -> None:
    obj = of_kind(kind, probed())
    pod_in(obj)["spec"].update(change)
    with pytest.raises(MalformedObject) as refusal:
        read(obj)
    assert refusal.value.pointer == f"{pod_path(kind)}/spec{pointer}"
    assert refusal.value.problem == problem
    assert str(refusal.value) == f"{pod_path(kind)}/spec{pointer}: {problem}"


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (["a", "pod"], "/: expected a mapping, got a list"),
        ("a pod", "/: expected a mapping, got a string"),
        ({"metadata": "x"}, "/metadata: expected a mapping, got a string"),
        ({"metadata": {"name": 5}}, "/metadata/name: expected a string, got an integer"),
        (
            {"metadata": {"annotations": ["x"]}},
            "/metadata/annotations: expected a mapping, got a list",
        ),
        ({"spec": []}, "/spec: expected a mapping, got a list"),
    ],
)
def test_a_wrong_shape_above_the_spec_is_told_too(obj: Any, message: str) -> None:
    with pytest.raises(MalformedObject) as refusal:
        workload.read("v1", "Pod", json.dumps(obj).encode())
    assert str(refusal.value) == message


def test_managed_fields_of_any_shape_are_left_alone_until_they_are_needed() -> None:
    obj = pod()
    obj["metadata"]["managedFields"] = "garbage"
    assert read(obj).workload.name == "web"


# Of what nothing is asked


def test_a_mirror_pod_is_asked_nothing() -> None:
    mirror = {"kubernetes.io/config.mirror": "0123abc"}
    assert read(pod()).is_asked
    assert not read(annotated(pod(), mirror)).is_asked
    assert read(annotated(statefulset(), mirror)).is_asked, "only a Pod can be a mirror"
    assert read(template_annotated(statefulset(), mirror)).is_asked


@pytest.mark.parametrize("field", ["containers", "initContainers", "volumes"])
def test_more_items_than_a_kubelet_runs_are_refused(field: str) -> None:
    read(pod(**{field: [{}] * 1000}))
    with pytest.raises(MalformedObject, match=f"/spec/{field}: more than 1000 items"):
        read(pod(**{field: [{}] * 1001}))


def test_a_volume_of_very_many_sources_is_refused() -> None:
    volumes: list[Object] = [{"name": "a"} | {f"x{n}": {} for n in range(5)} for _ in range(501)]
    with pytest.raises(MalformedObject, match="/spec/volumes: more than 3000 members in all"):
        read(pod(volumes=volumes))


# Whether an update changed the template


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Pod"])
def test_only_the_template_counts_as_a_change(kind: str) -> None:
    def same(new: Object, old: Object) -> bool:
        return workload.same_template(kind, json.dumps(new).encode(), json.dumps(old).encode())

    obj = of_kind(kind, probed())
    assert same(annotated(obj, {"a": "b"}), obj)
    assert same({**obj, "status": {"replicas": 3}}, obj)
    assert not same(template_annotated(obj, {"a": "b"}), obj)
    assert not same(of_kind(kind, probed(image="registry.example/web:2")), obj)
    assert not same(obj, {})
    assert not same(obj, {"spec": [], "template": 3})


# What only some kinds have


def test_a_statefulset_shows_its_service_its_claims_and_what_becomes_of_them() -> None:
    found = read(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db"},
            "spec": {
                "serviceName": "db",
                "replicas": 3,
                "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "storageClassName": "",
                            "resources": {"requests": {"storage": "1Gi"}},
                        },
                    }
                ],
            },
        }
    ).workload
    assert (found.service_name, found.replicas) == ("db", 3)
    assert found.retention == Retention(when_deleted="Retain", when_scaled="Delete")
    (template,) = found.claim_templates
    assert (template.path, template.name) == ("/spec/volumeClaimTemplates/0", "data")
    assert template.spec.storage_class == ""
    assert template.spec.request == 1024**3


def test_a_deployment_shows_how_it_replaces_its_pods() -> None:
    rolling = {"rollingUpdate": {"maxSurge": 0}}
    for strategy, rollout in (
        (None, Rollout("RollingUpdate", "25%")),
        (rolling, Rollout("RollingUpdate", 0)),
        ({"type": "Recreate"}, Rollout("Recreate")),
    ):
        found = read(
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"strategy": strategy}}
        ).workload
        assert found.rollout == rollout
        assert found.replicas == 1


def test_the_claim_of_an_ephemeral_volume_is_made_for_each_pod() -> None:
    source = {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "2G"}}}}}
    (template,) = read(pod(volumes=[{"name": "tmp", "ephemeral": source}])).workload.claim_templates
    assert template.path == "/spec/volumes/0/ephemeral/volumeClaimTemplate"
    assert (template.name, template.spec.request) == ("tmp", 2 * 10**9)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", 1),
        (7, 7),
        ("1.5Ki", 1536),
        ("100m", 1),
        ("2e3", 2000),
        ("1Ei", 2**60),
        (".5k", 500),
        ("2.", 2),
        ("9" * 2_000_000 + "Ei", 2**63 - 1),
        ("-" + "9" * 2_000_000, 1 - 2**63),
        ("1" + "0" * 99 + "e-99", 1),
        ("0." + "0" * 2_000_000 + "n", 0),
        (None, 0),
    ],
)
def test_a_quantity_is_counted_in_whole_units(written: Any, read: int) -> None:
    assert quantity(written, "/x") == read


@pytest.mark.parametrize("written", ["", "10 Gi", "1gi", "Gi", True, "1e999", "0x10", "\u0663Gi"])
def test_what_is_no_quantity_names_its_place(written: Any) -> None:
    with pytest.raises(MalformedObject, match=r"/x: .* is not a quantity"):
        quantity(written, "/x")


def test_a_long_row_of_digits_is_refused_at_once_and_not_repeated_whole() -> None:
    # it took a minute for every 30,000 digits
    with pytest.raises(MalformedObject) as error:
        quantity("9" * 1_000_000 + "x", "/x")
    assert len(str(error.value)) < 200
