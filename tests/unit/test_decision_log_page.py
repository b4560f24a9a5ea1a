"""docs/decision-log.md says of each field what real records have, and nothing else."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    NOON,
    annotated,
    api_defaults,
    container,
    http,
    load_profiles,
    pod,
    review,
    server_side_applied,
    statefulset,
)
from tests.markdown import DOCS
from webhook import catalog
from webhook.admission import Admission, Door, Snapshot
from webhook.exemptions import Exemption, Exemptions
from webhook.provenance import LAST_APPLIED
from webhook.server.counters import Counted, Counters
from webhook.server.decisions import MAX_LINE, DecisionLog

PAGE = DOCS / "decision-log.md"
EXEMPTION = Exemption(
    name="ledger",
    policies=frozenset({"require-claims", "probe-timing"}),
    namespace="shop",
    kind="StatefulSet",
    workload="web",
    containers=frozenset(),
    reason="moves to claims in Q1",
    owner="team-pay",
    granted=NOON.date(),
    expires=NOON.date() + timedelta(days=1),
    place="x:1",
)
HOST = {"name": "data", "hostPath": {"path": "/x"}}
WRITTEN = statefulset(container(livenessProbe=http(periodSeconds=7)), volumes=[HOST])


def _crash(*_: object) -> Iterator[Any]:
    raise ValueError("unlucky")
    yield


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Real lines of every sort, as somebody reads them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        broken = replace(catalog.POLICIES["probe-targets"], check=_crash)
        monkeypatch.setattr(catalog, "POLICIES", {**catalog.POLICIES, "probe-targets": broken})
        snapshot = Snapshot(load_profiles(), "strict", Exemptions([EXEMPTION]))
    handler = Counted(
        Admission(snapshot, lambda: NOON, log_allowed=1.0, break_glass_group="sre"), Counters()
    )
    owned = pod(container())
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": True}
    owned["metadata"]["ownerReferences"] = [reference]
    torn = annotated(api_defaults(WRITTEN), {LAST_APPLIED: "{"})
    asked = [
        (Door.VALIDATE, review(server_side_applied(WRITTEN))),
        (Door.VALIDATE, review(owned)),
        (Door.MUTATE, review(server_side_applied(WRITTEN), namespace="other")),
        (Door.MUTATE, review(server_side_applied(WRITTEN))),
        (Door.MUTATE, review(torn, namespace="other")),
        (Door.VALIDATE, review(pod(), "DELETE")),
        (Door.MUTATE, review(owned, userInfo={"username": "ada", "groups": ["sre"]})),
    ]
    reader, writer = os.pipe()
    log = DecisionLog(writer)
    for door, body in asked:
        record = handler.handle(door, None, body).record
        assert record is not None
        log.write(record)
    log.write({"findings": ["x" * MAX_LINE]})
    log._untold = 1
    log.close(timeout=5.0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        return [json.loads(line) for line in stream]


def _nested(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            for key, inner in one.items():
                yield key
                yield from _nested(inner)


def test_each_field_is_documented_and_each_documented_one_exists(
    lines: list[dict[str, Any]],
) -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| (`[^|]+`) \| (.+) \|$", text, re.M)
    documented = {name for names, _ in rows for name in re.findall(r"`(\w+)`", names)}
    assert documented == {key for line in lines for key in line}


def test_what_is_in_a_field_is_documented(lines: list[dict[str, Any]]) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.M))
    for field in ("findings", "fills", "crashes", "owner"):
        found = {key for line in lines for key in _nested(line.get(field))}
        assert found, field
        told = rows[field] if field != "crashes" else PAGE.read_text()
        assert found <= set(re.findall(r"`(\w+)`", told)), field


def test_every_value_of_a_decision_is_documented(lines: list[dict[str, Any]]) -> None:
    decisions = {line["decision"] for line in lines if "decision" in line}
    assert decisions == {"allowed", "denied", "filled"}
    row = re.search(r"^\| `decision` \| (.+) \|$", PAGE.read_text(), re.M)
    assert row is not None
    assert set(re.findall(r"`(\w+)`", row[1])) == decisions


def test_an_exemption_is_named(lines: list[dict[str, Any]]) -> None:
    used = [f["exemption"] for line in lines for f in line.get("findings", ()) if f["exemption"]]
    assert used[0] == {"name": "ledger", "owner": "team-pay", "expires": "2026-11-25"}
    assert ["ledger"] in [line.get("exemptions") for line in lines]
    assert any(line.get("owner") == {"kind": "ReplicaSet", "name": "web-1"} for line in lines)
