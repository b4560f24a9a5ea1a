"""Objects on the wire to what policies see of them."""

from typing import Any

import msgspec
import pytest

from tests.builders import Object, pod, read
from webhook import lookups
from webhook.api import Claim, ClaimSpec, PersistentVolume, Requirement, Service, StorageClass
from webhook.errors import MalformedObject


def seen(kind: str, metadata: Object | None = None, **fields: Any) -> lookups.Object:
    """What is read of an object of the kind."""
    obj = {"kind": kind, "metadata": {"name": "data"} | (metadata or {}), **fields}
    return lookups.read(kind, msgspec.json.encode(obj))


def claim(metadata: Object | None = None, status: Object | None = None, **spec: Any) -> Any:
    spec = {"accessModes": ["ReadWriteOnce"]} | spec
    return seen("PersistentVolumeClaim", metadata, spec=spec, status=status)


def volume(metadata: Object | None = None, status: Object | None = None, **spec: Any) -> Any:
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}} | spec
    return seen("PersistentVolume", metadata, spec=spec, status=status)


@pytest.mark.parametrize(
    ("api_version", "kind", "known"),
    [
        ("v1", "PersistentVolumeClaim", True),
        ("v1", "PersistentVolume", True),
        ("v1", "Service", True),
        ("storage.k8s.io/v1", "StorageClass", True),
        ("storage.k8s.io/v1beta1", "StorageClass", True),
        ("serving.knative.dev/v1", "Service", False),
        ("v1", "StorageClass", False),
        ("v1", "Pod", False),
    ],
)
def test_which_objects_may_be_asked_about(api_version: str, kind: str, known: bool) -> None:
    assert lookups.is_known(api_version, kind) is known


def test_a_claim() -> None:
    assert claim(
        {"namespace": "shop"},
        {"phase": "Pending"},
        storageClassName="fast",
        resources={"requests": {"storage": "2Gi"}},
        volumeMode="Block",
        volumeName="pv-1",
        volumeAttributesClassName="gold",
        selector={
            "matchLabels": {"tier": "db"},
            "matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a", "b"]}],
        },
    ) == Claim(
        namespace="shop",
        name="data",
        spec=ClaimSpec(
            storage_class="fast",
            access_modes=("ReadWriteOnce",),
            request=2 * 2**30,
            volume_mode="Block",
            volume_name="pv-1",
            selector=(Requirement("tier", "In", ("db",)), Requirement("zone", "NotIn", ("a", "b"))),
            attributes_class="gold",
        ),
        phase="Pending",
        is_being_deleted=False,
    )


def test_a_claim_in_a_manifest_says_little() -> None:
    found = claim()
    assert (found.namespace, found.phase, found.is_being_deleted) == (None, None, False)
    assert found.spec == ClaimSpec(None, ("ReadWriteOnce",), 0, "Filesystem", None, ())
    assert claim(storageClassName="").spec.storage_class == "", "which is not the same"


def test_what_is_being_deleted_has_a_time_of_it() -> None:
    deleted = {"deletionTimestamp": "2026-11-24T12:00:00Z"}
    assert claim(deleted).is_being_deleted
    assert volume(deleted).is_being_deleted
    assert not claim({"deletionTimestamp": None}).is_being_deleted


def test_a_volume() -> None:
    assert volume(
        {"labels": {"tier": "db"}, "namespace": "nonsense"},
        {"phase": "Bound"},
        storageClassName="fast",
        volumeMode="Block",
        claimRef={"namespace": "shop", "name": "data", "uid": "1"},
        hostPath={"path": "/srv"},
        nfs=None,
        nodeAffinity={"required": {"nodeSelectorTerms": []}},
        mountOptions=["ro"],
    ) == PersistentVolume(
        name="data",
        capacity=2**30,
        storage_class="fast",
        volume_mode="Block",
        access_modes=("ReadWriteOnce",),
        labels={"tier": "db"},
        claim_ref=("shop", "data"),
        phase="Bound",
        sources={"hostPath": {"path": "/srv"}},
        has_node_affinity=True,
        is_being_deleted=False,
    )


def test_a_volume_in_a_manifest_says_little() -> None:
    found = volume()
    assert (found.storage_class, found.volume_mode, found.claim_ref) == ("", "Filesystem", None)
    assert (found.phase, found.sources, found.has_node_affinity) == (None, {}, False)


def test_the_old_annotation_says_the_class_before_the_spec() -> None:
    old = {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}
    assert claim(old, storageClassName="new").spec.storage_class == "old"
    assert volume(old, storageClassName="new").storage_class == "old"
    source = {"volumeClaimTemplate": {"metadata": old, "spec": {"storageClassName": "new"}}}
    workload = read(pod(volumes=[{"name": "tmp", "ephemeral": source}])).workload
    assert workload.claim_templates[0].spec.storage_class == "old"


@pytest.mark.parametrize("key", ["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"])
def test_a_default_class(key: str) -> None:
    found = seen(
        "StorageClass",
        {"annotations": {f"{key}/is-default-class": "true"}, "creationTimestamp": "2026-01-01"},
        provisioner="csi.example",
        volumeBindingMode="WaitForFirstConsumer",
    )
    assert found == StorageClass(
        "data", "csi.example", "WaitForFirstConsumer", is_default=True, created="2026-01-01"
    )


def test_a_class_waits_for_nobody_and_is_no_default_unless_it_says_so() -> None:
    found = seen(
        "StorageClass",
        {"annotations": {"storageclass.kubernetes.io/is-default-class": "false"}},
        provisioner="csi.example",
    )
    assert found == StorageClass("data", "csi.example", "Immediate", is_default=False)


@pytest.mark.parametrize(
    ("spec", "service"),
    [
        ({"clusterIP": "None"}, Service(None, "data", is_headless=True, selector={})),
        (
            {"ports": [{"port": 80}], "selector": {"app": "web", "no": None}},
            Service(None, "data", is_headless=False, selector={"app": "web", "no": ""}),
        ),
        (
            {"type": "ExternalName", "externalName": "db.example"},
            Service(None, "data", is_headless=False, selector={}),
        ),
    ],
)
def test_a_service(spec: Object, service: Service) -> None:
    assert seen("Service", spec=spec) == service


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("PersistentVolumeClaim", {"spec": {"resources": {"requests": {"storage": "9Gi"}}}}),
        ("PersistentVolume", {"spec": {"accessModes": ["ReadWriteOnce"]}}),
        ("PersistentVolume", {"spec": {"capacity": {"storage": "9Gi"}}}),
        ("StorageClass", {"reclaimPolicy": "Retain"}),
        ("Service", {"spec": {"selector": {"app": "web"}}}),
        ("Service", {"metadata": None}),
    ],
)
def test_what_kubernetes_would_refuse_as_incomplete_is_a_fragment(
    kind: str, fields: Object
) -> None:
    found = seen(kind, **({"metadata": {"namespace": "shop"}} | fields))
    assert isinstance(found, lookups.Fragment)
    assert found.kind == kind


def test_only_what_has_namespaces_is_in_one() -> None:
    in_shop = {"namespace": "shop"}
    assert seen("Service", in_shop) == lookups.Fragment("Service", "shop", "data")
    assert seen("StorageClass", in_shop) == lookups.Fragment("StorageClass", None, "data")


@pytest.mark.parametrize(
    ("kind", "fields", "pointer"),
    [
        ("PersistentVolumeClaim", {"spec": {"accessModes": "ReadWriteOnce"}}, "/spec/accessModes"),
        (
            "PersistentVolumeClaim",
            {"spec": {"resources": {"requests": {"storage": ["10G"]}}}},
            "/spec/resources/requests/storage",
        ),
        (
            "PersistentVolumeClaim",
            {"spec": {"selector": {"matchExpressions": [{"key": 1}]}}},
            "/spec/selector/matchExpressions/0/key",
        ),
        ("PersistentVolume", {"spec": []}, "/spec"),
        ("PersistentVolume", {"spec": {"capacity": {"storage": "x"}}}, "/spec/capacity/storage"),
        ("PersistentVolume", {"spec": {"hostPath": "/srv"}}, "/spec/hostPath"),
        ("PersistentVolume", {"spec": {"claimRef": "data"}}, "/spec/claimRef"),
        ("StorageClass", {"provisioner": 7}, "/provisioner"),
        (
            "PersistentVolumeClaim",
            {"spec": {"selector": {"matchLabels": {"a/b": 1}}}},
            "/spec/selector/matchLabels/a~1b",
        ),
        ("Service", {"spec": {"selector": {"app": 1}}}, "/spec/selector/app"),
        ("Service", {"spec": {"clusterIP": []}}, "/spec/clusterIP"),
    ],
)
def test_a_wrong_shape_is_told_with_its_place(kind: str, fields: Object, pointer: str) -> None:
    with pytest.raises(MalformedObject) as refusal:
        seen(kind, **fields)
    assert refusal.value.pointer == pointer
