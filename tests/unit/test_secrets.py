"""What is secret on an object stays there: no value gets into the log, metrics or messages."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    POD_PLACES,
    Object,
    admission,
    of_kind,
    owns,
    pod_in,
    profile,
    review,
    template_annotated,
)
from webhook import catalog
from webhook.admission import Door
from webhook.api import Evidence, Fill, Lookups, Params, Violation, Workload
from webhook.profile import Profile
from webhook.provenance import LAST_APPLIED
from webhook.server.counters import Counted, Counters

SECRET = "s3cr3t-"  # noqa: S105 every value that must not be seen begins so


def loud() -> Profile:
    """A profile with everything on that finds something here."""
    names = ("require-probes", "probe-targets", "probe-sanity", "require-claims")
    denied = {name: {"action": "deny"} for name in names}
    return profile("loud", policies={**denied, "probe-timing": {"action": "fill"}})


def secret(what: str) -> str:
    return SECRET + what


def full_of_secrets(kind: str) -> Object:
    """One of everything that may hold a secret, and something to find in nearly all of it."""
    headers = [{"name": "Authorization", "value": secret("header")}]
    handler = {"port": "nowhere", "httpHeaders": headers, "path": "/" + secret("query")}
    containers: list[Object] = [
        {
            "name": "web",
            "image": "registry.example/web:1",
            "command": [secret("command")],
            "args": [f"--password={secret('args')}"],
            "env": [{"name": "PASSWORD", "value": secret("env")}],
            "livenessProbe": {"httpGet": handler, "periodSeconds": 1, "timeoutSeconds": 9},
            "readinessProbe": {"exec": {"command": ["sh", "-c", secret("exec")]}},
            "lifecycle": {"preStop": {"exec": {"command": [secret("hook")]}}},
            "volumeMounts": [{"name": "share", "mountPath": "/x", "subPathExpr": secret("sub")}],
        },
        {"name": "bare", "env": [{"name": "TOKEN", "value": secret("env")}]},
    ]
    volumes = [
        {"name": "share", "csi": {"driver": "x", "volumeAttributes": {"key": secret("csi")}}},
        {"name": "flex", "flexVolume": {"driver": "x", "options": {"key": secret("flex")}}},
        {"name": "ceph", "cephfs": {"monitors": [secret("monitor")], "user": secret("user")}},
        {"name": "blob", "azureFile": {"secretName": secret("azure"), "shareName": "x"}},
        {"name": "iscsi", "iscsi": {"iqn": "x", "initiatorName": secret("iscsi")}},
        {"name": "new", "unheardOf": {"password": secret("unknown")}},
        {"name": "host", "hostPath": {"path": "/" + secret("path")}},
    ]
    obj = of_kind(kind, *containers, volumes=volumes)
    obj = template_annotated(obj, {"vault.example/token": secret("annotation")})
    applied = {"vault.example/token": secret("annotation"), LAST_APPLIED: json.dumps(obj)}
    obj["metadata"].setdefault("annotations", {}).update(applied)
    return owns(obj, "kubectl", "Update", {"livenessProbe": ["periodSeconds"]})


def told(handler: Counted, door: Door, name: str, body: bytes) -> str:
    """All that anybody gets to know of a review."""
    answer = handler.handle(door, name, body)
    return (answer.body + msgspec.json.encode(answer.record)).decode()


def counted(counters: Counters) -> str:
    """All that metrics are made of."""
    return repr([counters.validate, counters.mutate, counters.results, counters.fills])


@pytest.mark.parametrize("name", ["loud", "advise", "baseline", "strict"])
@pytest.mark.parametrize("kind", POD_PLACES)
def test_no_secret_leaves_an_object(kind: str, name: str) -> None:
    counters = Counters()
    handler = Counted(admission(loud()), counters)
    obj = full_of_secrets(kind)
    torn = json.loads(json.dumps(obj))
    torn["metadata"]["annotations"][LAST_APPLIED] = '{"x": ' + secret("torn")
    for one in obj, torn:
        for door in Door:
            assert SECRET not in told(handler, door, name, review(one))
    assert SECRET not in counted(counters)
    if name == "loud":
        assert sum(counters.results.values()) > 10
    if name != "advise" and kind in ("Pod", "StatefulSet"):
        assert counters.fills


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5).map(secret),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "options", "items"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(["env", "envFrom", "args", "command", "lifecycle", "resources"]),
    st.sampled_from(["csi", "flexVolume", "nfs", "cephfs", "rbd", "somethingNew"]),
    st.dictionaries(st.sampled_from(["volumeAttributes", "options", "secretRef"]), VALUES),
    VALUES,
)
def test_whatever_shape_it_has(field: str, source: str, options: Object, value: Any) -> None:
    obj = full_of_secrets("StatefulSet")
    spec = pod_in(obj)["spec"]
    spec["containers"][0][field] = value
    spec["volumes"][0] = {"name": "share", source: options}
    counters = Counters()
    handler = Counted(admission(loud()), counters)
    for door in Door:
        assert SECRET not in told(handler, door, "loud", review(obj))
    assert SECRET not in counted(counters)


@pytest.mark.parametrize("on_failure", ["deny", "allow"])
def test_what_a_crashed_policy_quotes_is_not_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, on_failure: str
) -> None:
    def check(workload: Workload, _params: Params, _lookups: Lookups) -> Iterator[Violation]:
        raise ValueError(f"cannot read {workload.volumes[0].sources}")

    def fill(workload: Workload, _params: Params, _evidence: Evidence) -> Iterator[Fill]:
        raise ValueError(f"cannot read {workload.volumes[0].sources}")

    broken = {
        "require-claims": replace(catalog.POLICIES["require-claims"], check=check),
        "probe-timing": replace(catalog.POLICIES["probe-timing"], fill=fill),
    }
    monkeypatch.setattr(catalog, "POLICIES", {**catalog.POLICIES, **broken})
    policies = {"require-claims": {"action": "deny"}, "probe-timing": {"action": "fill"}}
    failing = profile("failing", onFailure=on_failure, policies=policies)
    counters = Counters()
    handler = Counted(admission(failing), counters)
    for door, policy in (Door.VALIDATE, "require-claims"), (Door.MUTATE, "probe-timing"):
        answer = handler.handle(door, "failing", review(full_of_secrets("Pod")))
        assert answer.record is not None
        (crash,) = answer.record["crashes"]
        assert (crash["policy"], crash["error"]) == (policy, "ValueError")
        assert SECRET not in answer.body.decode() + repr(answer.record) + counted(counters)
        assert f"{policy} could not judge this: ValueError; see podworthy's log" in (
            answer.body.decode()
        )
    # whoever mends the policy has it
    assert SECRET in caplog.text
