"""A cluster's worth of objects, as they are in use: workloads, what they made, what stands around.

Pods have about 7 KB, as pods of real clusters have. Of ten workloads seven are Deployments (each
with its ReplicaSet and two old ones), two StatefulSets with a claim and a volume for each pod, and
one a DaemonSet; every hundredth is made by something that only its own controller knows.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

Json = dict[str, Any]

PODS_OF_A_WORKLOAD: Final = 10
WORKLOADS_OF_A_NAMESPACE: Final = 50
_KINDS: Final = ("Deployment",) * 7 + ("StatefulSet",) * 2 + ("DaemonSet",)
_FOREIGN: Final = 100
_BAD: Final = 20
"""Every so manieth workload lacks a readiness probe."""
_OLD: Final = 2
_CLASS: Final = "fast"


_PLACES: Final = {
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Service": ("/api/v1", "services"),
    "Pod": ("/api/v1", "pods"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "PersistentVolume": ("/api/v1", "persistentvolumes"),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"),
    "Namespace": ("/api/v1", "namespaces"),
}
"""Where each kind is posted."""
_IN_ETCD: Final = {"services": "services/specs"}
"""Where it is kept, if that is not what it is called (k8s.io/kubernetes pkg/registry)."""

SAMPLES: Final = (90_000, 90_001, 90_007, 90_009, 90_099)
"""A workload of each sort, far away from those that are counted."""
PLACES: Final = (90_000, 90_050)
"""The first workload of a namespace without and of one with a profile."""
FOREIGN_UID: Final = "5bd1f4a8-7d0f-4a64-9d0e-0123456789ab"
"""Of what makes pods, and nobody knows."""


class Create(msgspec.Struct, frozen=True):
    """An object to be created."""

    kind: str
    namespace: str
    manifest: Json

    @property
    def path(self) -> str:
        """Where to post it."""
        root, plural = _PLACES[self.kind]
        within = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{root}{within}/{plural}"

    @property
    def key(self) -> str:
        """Where the API server keeps it in etcd."""
        plural = _PLACES[self.kind][1]
        name = self.manifest["metadata"]["name"]
        parts = ("/registry", _IN_ETCD.get(plural, plural), self.namespace, name)
        return "/".join(part for part in parts if part)


class Expected(msgspec.Struct, frozen=True):
    """What an audit has to find in so many workloads."""

    judged: object
    owned: object
    fail: object


def namespace_of(number: int) -> str:
    """Of a workload."""
    return f"team-{number // WORKLOADS_OF_A_NAMESPACE:04}"


def is_foreign(number: int) -> bool:
    """Whether nobody knows what makes a workload's pods."""
    return number % _FOREIGN == _FOREIGN - 1


def expected(workloads: int) -> Expected:
    """Of the workloads from 0 on."""
    judged = owned = fail = 0
    for number in range(workloads):
        pods = PODS_OF_A_WORKLOAD
        judged += pods if is_foreign(number) else 1
        owned += 0 if is_foreign(number) else pods
        fail += (pods if is_foreign(number) else 1) if _is_bad(number) else 0
        if _kind(number) == "Deployment" and not is_foreign(number):
            owned += 1 + _OLD
    return Expected(judged, owned, fail)


def once() -> Iterator[Create]:
    """What is there once."""
    yield Create("StorageClass", "", _object("StorageClass", _CLASS, provisioner="csi.example"))


def namespace(number: int) -> Iterator[Create]:
    """The namespace of a workload, and what pods need there; every other names a profile."""
    name = namespace_of(number)
    place = _object("Namespace", name)
    if number // WORKLOADS_OF_A_NAMESPACE % 2:
        place["metadata"]["labels"] = {"podworthy.dev/profile": "strict"}
    yield Create("Namespace", "", place)
    yield Create("ServiceAccount", name, _object("ServiceAccount", "default"))


def sample_place(number: int) -> int:
    """Which of `PLACES` has a namespace like that of a workload."""
    return PLACES[number // WORKLOADS_OF_A_NAMESPACE % 2]


def sample_of(number: int) -> int:
    """Which of `SAMPLES` is like a workload."""
    sorts = {"DaemonSet": 90_009, "StatefulSet": 90_007}
    if is_foreign(number):
        return 90_099
    return sorts.get(_kind(number), 90_000 if _is_bad(number) else 90_001)


def owner(number: int) -> Create | None:
    """The workload itself; None if nobody knows its kind."""
    if is_foreign(number):
        return None
    kind, name = _kind(number), f"app-{number:05}"
    spec: Json = {"selector": {"matchLabels": _labels(number)}, "template": _template(number)}
    if kind != "DaemonSet":
        spec["replicas"] = PODS_OF_A_WORKLOAD
    if kind == "StatefulSet":
        spec["serviceName"] = name
        claim = {"metadata": {"name": "data"}, "spec": _claim_spec()}
        spec["volumeClaimTemplates"] = [claim]
    return Create(kind, namespace_of(number), _object(kind, name, number, spec=spec))


def replica_sets(number: int, uid: str) -> Iterator[Create]:
    """Of a Deployment with this uid: the present one first, then its history."""
    for generation in range(1 + _OLD):
        labels = _labels(number) | {"pod-template-hash": f"{generation:05}"}
        template = _template(number)
        template["metadata"]["labels"] = labels
        name = f"app-{number:05}-{generation:05}"
        made = _object(
            "ReplicaSet",
            name,
            number,
            spec={
                "replicas": 0 if generation else PODS_OF_A_WORKLOAD,
                "selector": {"matchLabels": labels},
                "template": template,
            },
        )
        made["metadata"]["ownerReferences"] = [_reference("apps/v1", "Deployment", number, uid)]
        yield Create("ReplicaSet", namespace_of(number), made)


def members(number: int, kind: str, uid: str) -> Iterator[Create]:
    """What belongs to a workload: its Service, and its pods, made by an object with this uid."""
    place = namespace_of(number)
    service = {"clusterIP": "None", "selector": _labels(number)}
    yield Create("Service", place, _object("Service", f"app-{number:05}", number, spec=service))
    for ordinal in range(PODS_OF_A_WORKLOAD):
        name = f"app-{number:05}-{ordinal}"
        template = _template(number)
        pod = _object("Pod", name, number, spec=template["spec"] | {"nodeName": f"node-{ordinal}"})
        pod["metadata"]["annotations"] = template["metadata"]["annotations"]
        group = "rollouts.example/v1" if kind == "Rollout" else "apps/v1"
        pod["metadata"]["ownerReferences"] = [_reference(group, kind, number, uid)]
        if kind == "StatefulSet":
            claim = f"data-{name}"
            volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
            pod["spec"]["volumes"] = [volume]
            spec = _claim_spec() | {"volumeName": f"pv-{claim}"}
            made = _object("PersistentVolumeClaim", claim, number, spec=spec)
            yield Create("PersistentVolumeClaim", place, made)
            yield Create("PersistentVolume", "", _volume(place, claim))
        yield Create("Pod", place, pod)


def _kind(number: int) -> str:
    return _KINDS[number % len(_KINDS)]


def _is_bad(number: int) -> bool:
    return number % _BAD == 0


def _labels(number: int) -> dict[str, str]:
    return {"app.kubernetes.io/name": f"app-{number:05}", "team": namespace_of(number)}


def _object(kind: str, name: str, number: int | None = None, **rest: Any) -> Json:
    group = _PLACES[kind][0].removeprefix("/apis/").removeprefix("/api/")
    metadata: Json = {"name": name}
    if number is not None:
        metadata["labels"] = _labels(number)
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **rest}


def _reference(api_version: str, kind: str, number: int, uid: str) -> Json:
    name = f"app-{number:05}"
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _template(number: int) -> Json:
    probe = {"httpGet": {"port": 8080, "path": "/healthz"}, "timeoutSeconds": 3}
    container: Json = {
        "name": "app",
        "image": f"registry.example/team/app-{number:05}:1.0",
        "env": [{"name": f"SETTING_{n}", "value": f"value-{n}" * 4} for n in range(25)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "livenessProbe": probe | {"failureThreshold": 6},
        "readinessProbe": probe,
    }
    if _is_bad(number):
        del container["readinessProbe"]
    sidecar = container | {"name": "proxy", "readinessProbe": probe}
    return {
        "metadata": {
            "labels": _labels(number),
            "annotations": {"checksum/config": "0123456789abcdef" * 4},
        },
        "spec": {"containers": [container, sidecar]},
    }


def _claim_spec() -> Json:
    return {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": _CLASS,
        "resources": {"requests": {"storage": "10Gi"}},
    }


def _volume(place: str, claim: str) -> Json:
    return _object(
        "PersistentVolume",
        f"pv-{claim}",
        spec={
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": _CLASS,
            "claimRef": {"namespace": place, "name": claim},
            "csi": {
                "driver": "csi.example",
                "volumeHandle": f"vol-{claim}",
                "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": claim},
            },
        },
    )
