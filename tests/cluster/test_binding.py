"""What claim-can-bind says of a claim is what Kubernetes' own volume controller does with it.

Every case has volumes and one claim. All claims of a test are made at once; then one more that can
be bound for certain. When that and all that should be bound are bound, the controller has looked at
the others, too, and they have stayed Pending.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from policies import claim_can_bind
from tests.builders import pod, read
from tests.cluster.claims import (
    ALONE,
    CLASSES,
    DEFAULT_CLASSES,
    HOLD,
    WITH_DEFAULT,
    Case,
    asks,
    holds,
)
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import get
from tests.cluster.processes import wait_for
from tests.fixtures import gathered
from webhook import api

Json = dict[str, Any]

PROVISIONED = "volume.kubernetes.io/storage-provisioner"
"""With this annotation the controller hands a claim to a provisioner; none runs here."""
SENTINEL = "sentinel"
SECONDS = 60
"""Until all is bound; an idle machine needs two."""


def described(kind: str, namespace: str, name: str, spec: Json) -> Json:
    """An object; `spec` also has what belongs in its metadata."""
    keys = ("labels", "annotations", "finalizers")
    metadata = {key: spec[key] for key in keys if key in spec} | {"name": name}
    spec = {key: value for key, value in spec.items() if key not in keys and value is not None}
    if "claimRef" in spec:
        spec["claimRef"] = spec["claimRef"] | {"namespace": namespace}
    if kind == "PersistentVolumeClaim":
        metadata["namespace"] = namespace
    if kind == "StorageClass":
        return {"apiVersion": "storage.k8s.io/v1", "kind": kind, "metadata": metadata, **spec}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


class Storage:
    """What the tests make on a real API server, and what it says of that."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._cluster = control_plane
        self._namespace = namespace

    def make(self, kind: str, objects: Json) -> list[Json]:
        """Creates objects by name and spec, see `described`; as they were sent."""
        items = [described(kind, self._namespace, *one) for one in objects.items()]
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self._cluster.kubectl("create", "--filename=-", stdin=manifest)
        return items

    def items(self, kind: str) -> dict[str, Json]:
        """All of a kind by name, as they are stored."""
        found = get(self._cluster, self._namespace, kind)["items"]
        return {one["metadata"]["name"]: one for one in found}

    def mark_as_being_deleted(self, volume: str) -> None:
        """Deletes a volume that a finalizer holds."""
        self._cluster.kubectl("delete", "--wait=false", f"pv/{volume}")

    def clean(self) -> None:
        """Removes volumes and classes; the claims go with the namespace."""
        for name, one in self.items("pv").items():
            if HOLD in one["metadata"].get("finalizers", ()):
                patch = '{"metadata": {"finalizers": null}}'
                self._cluster.kubectl("patch", f"pv/{name}", "--type=merge", f"--patch={patch}")
        for kind in ("pvc", "pv", "storageclass"):
            everything = ("delete", kind, "--all", "--wait=false")
            self._cluster.kubectl(*everything, f"--namespace={self._namespace}")


@pytest.fixture
def storage(control_plane: ControlPlane, namespace: str) -> Iterator[Storage]:
    made = Storage(control_plane, namespace)
    yield made
    made.clean()


def of_class(name: str | None, spec: Json) -> Json:
    """The spec with this class, unless it has one of its own."""
    return {"storageClassName": name} | spec


def prepare(storage: Storage, cases: list[Case], classes: Json, default: str | None) -> None:
    """Classes and volumes, until the controller has looked at each of them."""
    storage.make("StorageClass", classes)
    volumes = {
        name: of_class(default or case.name, spec)
        for case in cases
        for name, spec in case.volumes.items()
    }
    storage.make("PersistentVolume", volumes | {SENTINEL: of_class(SENTINEL, holds())})
    for name, spec in volumes.items():
        if "finalizers" in spec:
            storage.mark_as_being_deleted(name)
    wait_for(
        lambda: (
            {one["status"]["phase"] for one in storage.items("pv").values()}
            <= {"Available", "Released"}
        ),
        seconds=SECONDS,
        what="volumes that are available",
    )


def bind(storage: Storage, cases: list[Case], claims: Json) -> dict[str, Json]:
    """The claims as the controller left them."""
    storage.make("PersistentVolumeClaim", claims)
    storage.make("PersistentVolumeClaim", {SENTINEL: of_class(SENTINEL, asks())})
    wanted = {case.name for case in cases if case.outcome != "pending"} | {SENTINEL}

    def settled() -> dict[str, Json] | None:
        found = storage.items("pvc")
        done = {name for name, claim in found.items() if outcome(claim) != "pending"}
        return found if done >= wanted else None

    try:
        return wait_for(settled, seconds=SECONDS, what="bound claims") or {}
    except TimeoutError as error:
        error.add_note(str({name: outcome(one) for name, one in storage.items("pvc").items()}))
        raise


def outcome(claim: Json) -> str:
    """What became of a claim, in the words of `Case`."""
    if claim["status"]["phase"] == "Bound":
        return "bound"
    return "provisioned" if PROVISIONED in claim["metadata"].get("annotations", {}) else "pending"


def foresee(case: Case, lookups: api.Lookups, namespace: str) -> tuple[bool, list[str]]:
    """Whether the policy is content with the claim, and the volumes that it may get."""
    source = {"name": "data", "persistentVolumeClaim": {"claimName": case.name}}
    manifest = pod(volumes=[source])
    manifest["metadata"]["namespace"] = namespace
    workload = read(manifest).workload
    violations = list(claim_can_bind.check(workload, api.Params(), lookups))
    (claim,) = api.unbound_claims(workload, lookups)
    volumes = lookups.volumes()
    assert not isinstance(volumes, api.Missing)
    return not violations, [one.name for one in api.choices(claim, lookups, volumes)]


@pytest.mark.parametrize(
    ("cases", "classes", "default"),
    [(ALONE, CLASSES, None), (WITH_DEFAULT, DEFAULT_CLASSES, "a-default")],
    ids=["no default class", "a default class"],
)
def test_claims_are_bound_as_is_foreseen(
    storage: Storage, namespace: str, cases: list[Case], classes: Json, default: str | None
) -> None:
    prepare(storage, cases, classes, default)
    claims = {case.name: of_class(None if default else case.name, case.claim) for case in cases}
    lookups = gathered(
        [
            *(described("PersistentVolumeClaim", namespace, *one) for one in claims.items()),
            *storage.items("pv").values(),
            *storage.items("storageclass").values(),
        ]
    )
    foreseen = {case.name: foresee(case, lookups, namespace) for case in cases}

    found = bind(storage, cases, claims)

    assert {case.name: outcome(found[case.name]) for case in cases} == {
        case.name: case.outcome for case in cases
    }
    assert {case.name for case in cases if not foreseen[case.name][0]} == {
        case.name for case in cases if case.outcome == "pending"
    }
    for case in cases:
        if case.outcome == "bound" and "volumeName" not in case.claim:
            got = found[case.name]["spec"]["volumeName"]
            assert foreseen[case.name][1] == [got] == [case.gets or case.name]
