"""Small objects and reviews, shaped as an API server sends them.

A test names only what it is about; the rest is the least that Kubernetes would take.
"""

import base64
import copy
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from webhook import catalog, documents, engine, messages, workload
from webhook.admission import Admission, Answer, Snapshot
from webhook.api import NOWHERE, Lookups, Violation
from webhook.engine import Finding
from webhook.profile import Profile, bind
from webhook.provenance import LAST_APPLIED
from webhook.workload import Reading

Object = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden" / "reviews"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

POD_PLACES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Pod": ("v1", ()),
    "StatefulSet": ("apps/v1", ("spec", "template")),
    "Deployment": ("apps/v1", ("spec", "template")),
    "DaemonSet": ("apps/v1", ("spec", "template")),
    "ReplicaSet": ("apps/v1", ("spec", "template")),
    "ReplicationController": ("v1", ("spec", "template")),
    "Job": ("batch/v1", ("spec", "template")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template")),
    "PodTemplate": ("v1", ("template",)),
}
"""Kind to apiVersion and the keys that lead to its pod; written anew, not taken from the code."""


PATIENCE = 20.0
"""Seconds of CPU: no measure of speed. Work that grows with the square of a hostile input would
take minutes for the sizes that the tests use, and nobody may block the only thread of a worker."""


@contextmanager
def patiently() -> Iterator[None]:
    """Fails if its body takes more than `PATIENCE`."""
    start = time.process_time()
    yield
    spent = time.process_time() - start
    assert spent < PATIENCE, f"took {spent:.1f} s of CPU"


# Pods and what carries them


def http(**timings: Any) -> Object:
    """A probe that asks by HTTP."""
    return {"httpGet": {"path": "/healthz", "port": 8080}, **timings}


def command(**timings: Any) -> Object:
    """A probe that runs a command."""
    return {"exec": {"command": ["cat", "/tmp/healthy"]}, **timings}  # noqa: S108


def container(name: str = "web", **fields: Any) -> Object:
    """A container; without further fields it has no probes."""
    return {"name": name, "image": "registry.example/web:1", **fields}


def probed(name: str = "web", **fields: Any) -> Object:
    """A container with a liveness and a readiness probe that name only a handler."""
    return container(name, **({"livenessProbe": http(), "readinessProbe": http()} | fields))


def of_kind(kind: str, *containers: Object, **spec: Any) -> Object:
    """An object of the kind around a pod spec with these containers."""
    api_version, keys = POD_PLACES[kind]
    pod: Object = {"metadata": {}, "spec": {"containers": list(containers), **spec}}
    for key in reversed(keys):
        pod = {key: pod}
    return {"apiVersion": api_version, "kind": kind, **pod, "metadata": {"name": "web"}}


def pod(*containers: Object, **spec: Any) -> Object:
    """A Pod, of one probed container unless others are given."""
    return of_kind("Pod", *(containers or (probed(),)), **spec)


def statefulset(*containers: Object, **spec: Any) -> Object:
    """A StatefulSet, of one probed container unless others are given."""
    return of_kind("StatefulSet", *(containers or (probed(),)), **spec)


def pod_path(kind: str) -> str:
    """JSON Pointer to the pod in an object of the kind."""
    return "".join(f"/{key}" for key in POD_PLACES[kind][1])


def pod_in(obj: Object) -> Object:
    """What the kind's pod path leads to: metadata and spec of the pod."""
    for key in POD_PLACES[obj["kind"]][1]:
        obj = obj[key]
    return obj


def annotated(obj: Object, annotations: Mapping[str, Any]) -> Object:
    """A copy with these annotations on the object itself."""
    obj = copy.deepcopy(obj)
    obj["metadata"].setdefault("annotations", {}).update(annotations)
    return obj


def template_annotated(obj: Object, annotations: Mapping[str, Any]) -> Object:
    """A copy with these annotations on its template."""
    obj = copy.deepcopy(obj)
    pod_in(obj)["metadata"].setdefault("annotations", {}).update(annotations)
    return obj


def api_defaults(obj: Object) -> Object:
    """A copy as the API server's defaulting leaves it, as far as podworthy looks.

    A timing that is 0 counts as absent; an initialDelaySeconds of 0 is dropped on the wire.
    """
    obj = copy.deepcopy(obj)
    spec = pod_in(obj)["spec"]
    spec.setdefault("restartPolicy", "Always")
    for one in [*spec.get("initContainers", ()), *spec["containers"]]:
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            if one.get(name) is not None:
                _default_probe(one[name])
    for volume in spec.get("volumes", ()):
        if set(volume) == {"name"}:
            volume["emptyDir"] = {}
    return obj


def _default_probe(probe: Object) -> None:
    for field, default in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        probe[field] = probe.get(field) or default
    if not probe.get("initialDelaySeconds"):
        probe.pop("initialDelaySeconds", None)
    if probe.get("httpGet"):
        probe["httpGet"] = {"path": "/", "scheme": "HTTP"} | probe["httpGet"]


# Evidence on who wrote which timing


def owns(
    obj: Object,
    manager: str,
    operation: str,
    fields: Mapping[str, Iterable[str]],
    *,
    container: str = "web",
    at: str = "2026-11-24T07:01:13Z",
) -> Object:
    """A copy with one more managedFields entry.

    `fields` are the timings that it owns by probe: `{"livenessProbe": ["periodSeconds"]}`.
    """
    keys = (*POD_PLACES[obj["kind"]][1], "spec", "containers")
    owned: Object = {
        f'k:{{"name":"{container}"}}': {
            ".": {},
            "f:name": {},
            **{
                f"f:{probe}": {"f:httpGet": {"f:port": {}}, **{f"f:{t}": {} for t in timings}}
                for probe, timings in fields.items()
            },
        }
    }
    for key in reversed(keys):
        owned = {f"f:{key}": owned}
    obj = copy.deepcopy(obj)
    obj["metadata"].setdefault("managedFields", []).append(
        {
            "manager": manager,
            "operation": operation,
            "apiVersion": obj["apiVersion"],
            "time": at,
            "fieldsType": "FieldsV1",
            "fieldsV1": owned,
        }
    )
    return obj


def server_side_applied(written: Object, *, container: str = "web") -> Object:
    """The object after `kubectl apply --server-side`: an Apply entry owns just what is written."""
    timings = {
        probe: [key for key in one[probe] if key.endswith(("Seconds", "Threshold"))]
        for one in pod_in(written)["spec"]["containers"]
        if one["name"] == container
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        if probe in one
    }
    return owns(api_defaults(written), "kubectl", "Apply", timings, container=container)


def client_side_applied(written: Object) -> Object:
    """The object after `kubectl apply`: the author's text is in an annotation."""
    return annotated(api_defaults(written), {LAST_APPLIED: json.dumps(written)})


# Reviews, and what answers them


def review(
    obj: Object | None,
    operation: str = "CREATE",
    *,
    old: Object | None = None,
    kind: str | None = None,
    api_version: str | None = None,
    field_manager: str | None = None,
    **request: Any,
) -> bytes:
    """An AdmissionReview of one request for the object."""
    shown = obj or old or {}
    group, _, version = (api_version or shown.get("apiVersion", "v1")).rpartition("/")
    options = {"fieldManager": field_manager} if field_manager else {}
    return json.dumps(
        {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
                "kind": {"group": group, "version": version, "kind": kind or shown.get("kind")},
                "name": shown.get("metadata", {}).get("name", ""),
                "namespace": "shop",
                "operation": operation,
                "userInfo": {"username": "ada"},
                "object": obj,
                "oldObject": old,
                "dryRun": False,
                "options": options,
                **request,
            },
        }
    ).encode()


def recorded(name: str) -> bytes:
    """A review recorded from a real API server 1.37."""
    return (GOLDEN / f"{name}.json").read_bytes()


def read(obj: Object) -> Reading:
    """The object as the engine sees it."""
    return workload.read(obj["apiVersion"], obj["kind"], msgspec.json.encode(obj))


def load_profiles(paths: Iterable[Path] = ()) -> dict[str, Profile]:
    """The shipped profiles and those in these files and directories."""
    return dict(documents.load(paths, catalog.POLICIES).profiles)


def profile(name: str = "test", **spec: Any) -> Profile:
    """A profile that extends nothing; policies as in YAML, e.g. `{"require-probes": {...}}`."""
    return bind(name, spec, catalog.POLICIES)


def violations(
    policy: str, obj: Object, lookups: Lookups = NOWHERE, **params: Any
) -> list[Violation]:
    """What a policy finds in the object, with these params over its defaults."""
    bound = profile(policies={policy: {"action": "deny", "params": params}})
    verdict = engine.check(bound, read(obj), lookups)
    assert verdict.crashes == ()
    return [one.violation for one in verdict.findings]


def warnings(policy: str, obj: Object, lookups: Lookups = NOWHERE, **params: Any) -> list[str]:
    """The same as kubectl prints it where the policy warns."""
    found = violations(policy, obj, lookups, **params)
    return messages.warnings([Finding(policy, "warn", one) for one in found], ())


def admission(*profiles: Profile, default: str = "baseline") -> Admission:
    """The shipped profiles and these."""
    known = load_profiles() | {one.name: one for one in profiles}
    return Admission(Snapshot(known, profiles[0].name if profiles else default), lambda: NOON)


def response(answer: Answer) -> Object:
    """The `response` of an answered review."""
    assert answer.status == 200, answer.body
    body: Object = json.loads(answer.body)
    assert (body["apiVersion"], body["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: Object = body["response"]
    return found


def patch(answer: Answer) -> list[Object]:
    """The operations of an answer's patch; none if it has none."""
    found = response(answer)
    assert ("patch" in found) is ("patchType" in found), "the API server refuses one alone"
    if "patch" not in found:
        return []
    assert found["patchType"] == "JSONPatch"
    operations: list[Object] = json.loads(base64.b64decode(found["patch"], validate=True))
    return operations


def set_by(answer: Answer) -> Object:
    """Path to value of every operation of an answer's patch, which may only add."""
    operations = patch(answer)
    assert {one["op"] for one in operations} <= {"add"}
    found = {one["path"]: one["value"] for one in operations}
    assert len(found) == len(operations), "a path is set twice"
    return found
