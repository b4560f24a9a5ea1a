"""Recorded requests, judged again."""

import copy
import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import (
    GOLDEN,
    NOON,
    Object,
    admission,
    container,
    load_profiles,
    of_kind,
    pod,
    probed,
    profile,
    response,
    review,
)
from tests.exemptions import exemption
from tests.fixtures import PROFILES_DIRECTORY, fixtures
from tests.unit.replay.conftest import Replay, event
from webhook.admission import Admission, Door, Snapshot
from webhook.api import Violation
from webhook.profile import Profile

EXAMPLES = Path(__file__).parents[3] / "examples" / "reviews"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
BAD, GOOD = pod(container()), pod(probed())


def named(obj: Object, name: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "name": name}}


def owned_pod(name: str = "web-5d9f-abcde") -> Object:
    obj = pod(container())
    obj["metadata"] = {
        "name": name,
        "generateName": "web-5d9f-",
        "labels": {"pod-template-hash": "5d9f"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9f", "controller": True}
        ],
    }
    return obj


@pytest.mark.parametrize("name", ["baseline", "strict", "advise", "everything"])
def test_a_replay_answers_as_the_webhook_did(name: str, replay: Replay) -> None:
    """One engine, many doors: for every recorded and every written object that the tests have."""
    profiles = load_profiles([PROFILES_DIRECTORY])
    webhook = Admission(Snapshot(profiles, name), lambda: NOON)
    bodies = [path.read_bytes() for path in (*GOLDEN.iterdir(), *EXAMPLES.iterdir())]
    bodies += [review(one.manifest, uid=f"fixture-{n}") for n, one in enumerate(fixtures())]
    for body in bodies:
        answer = response(webhook.handle(Door.VALIDATE, None, body))
        found = replay(body, profile=profiles[name])
        assert bool(found.report["denials"]) is not answer["allowed"]
        if not answer["allowed"]:
            message = found.report["denials"][0]["message"]
            assert message.split(": ")[0] in answer["status"]["message"]
    assert len(bodies) > 100


def test_denials_are_counted_by_owner_and_user(replay: Replay) -> None:
    found = replay(
        event(owned_pod("web-5d9f-a"), user=CONTROLLER),
        event(owned_pod("web-5d9f-b"), user=CONTROLLER, code=403),
        event(named(BAD, "db"), user="eve"),
        event(named(GOOD, "fine")),
    )
    assert found.denials("namespace", "owner", "user", "requests", "refusedThen") == [
        ("shop", {"kind": "Deployment", "name": "web"}, CONTROLLER, 2, 1),
        ("shop", {"kind": "Pod", "name": "db"}, "eve", 1, 0),
    ]
    assert found.report["denials"][0]["policies"] == {"require-probes": 2}
    assert found.report["denials"][0]["source"]["line"] == 1
    assert found.report["policies"] == [
        {"policy": "require-probes", "denied": 3, "warned": 0, "recorded": 0, "exempted": 0}
        | {"crashed": 0}
    ]
    assert found.report["namespaces"] == [
        {"namespace": "shop", "judged": 4, "denied": 3, "warned": 0}
    ]
    assert [(user["user"], user["denied"]) for user in found.report["users"]] == [
        ("ada", 0),
        ("eve", 1),
        (CONTROLLER, 2),
    ]
    assert found.report["summary"]["first"] == "2026-11-20T10:00:00Z"
    assert found.code == 1


def test_an_owner_that_its_controller_did_not_send_is_not_believed(replay: Replay) -> None:
    """But pods with a generated name are one group, written as an exemption would name them."""
    found = replay(event(owned_pod("web-5d9f-a")), event(owned_pod("web-5d9f-b")))
    assert found.denials("owner", "requests") == [({"kind": "Pod", "name": "web-5d9f-*"}, 2)]


def test_an_impersonated_user_is_who_asks(replay: Replay) -> None:
    found = replay(event(BAD, impersonatedUser={"username": "bob"}))
    assert found.denials("user") == [("bob",)]


def test_exemptions_count_as_of_today(replay: Replay) -> None:
    excused = exemption(granted=NOON.date())
    found = replay(event(BAD), exemptions=[excused])
    assert (found.report["policies"][0]["exempted"], found.code) == (1, 0)
    # in force when the request was made, on 20 November
    ended = exemption(expires=date(2026, 11, 21))
    assert replay(event(BAD), exemptions=[ended]).code == 1


def test_a_warning_is_counted_and_fails_if_asked_to(replay: Replay) -> None:
    advise = profile(policies={"require-probes": {"action": "warn"}})
    found = replay(event(BAD), profile=advise)
    assert (found.report["summary"]["warned"], found.code) == (1, 0)
    assert replay(event(BAD), profile=advise, fail_on="warn").code == 1
    assert replay(event(BAD), fail_on="never").code == 0


# What a log leaves out


def test_the_stored_object_is_judged_rather_than_the_sent_one(replay: Replay) -> None:
    """Other webhooks may have mended, or broken, what was sent."""
    assert replay(event(GOOD, sent=BAD)).report["denials"] == []
    assert len(replay(event(BAD, sent=GOOD)).report["denials"]) == 1


def test_level_request_has_what_was_sent(replay: Replay) -> None:
    found = replay(event(BAD, level="Request"))
    assert (found.code, len(found.report["denials"])) == (1, 1)


@pytest.mark.parametrize(
    "record",
    [
        event(BAD, level="Metadata"),
        event(of_kind("Deployment", container()), "patch", code=200, level="Request"),
    ],
    ids=["Metadata", "a patch at Request"],
)
def test_an_admitted_object_that_the_level_leaves_out_makes_the_answer_incomplete(
    record: Object, replay: Replay
) -> None:
    found = replay(record, fail_on="never")
    assert found.not_judged == {"withoutObject": 1}
    assert found.code == 3


def test_server_side_apply_creates_by_a_patch(replay: Replay) -> None:
    assert len(replay(event(BAD, "patch", code=201)).report["denials"]) == 1
    refused = replay(event(BAD, "patch", code=403, sent={"spec": {}}))
    assert refused.not_judged in ({"notAsked": 1}, {"refusedWithoutObject": 1})
    assert refused.code == 0


def test_an_update_is_judged_if_the_log_shows_that_the_template_changed(replay: Replay) -> None:
    first = of_kind("Deployment", probed())
    scaled = copy.deepcopy(first)
    scaled["spec"]["replicas"] = 7
    changed = of_kind("Deployment", container())
    found = replay(
        event(first, "update", code=200),
        event(scaled, "patch", code=200),
        event(changed, "patch", code=200),
        event(changed, "update", code=200),
    )
    assert found.not_judged == {"withoutOldObject": 1, "notAsked": 2}
    assert found.denials("owner", "requests") == [({"kind": "Deployment", "name": "web"}, 1)]
    assert found.code == 1


def test_a_refused_update_is_no_new_template(replay: Replay) -> None:
    good, bad = of_kind("Deployment", probed()), of_kind("Deployment", container())
    found = replay(event(good), event(bad, "update", code=403), event(bad, "update", code=403))
    assert found.denials("requests", "refusedThen") == [(2, 2)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (event(BAD, "get", code=200), "notAsked"),
        (event(BAD, "delete", code=200), "notAsked"),
        (event(BAD, "update", code=200), "notAsked"),
        (event(BAD, resource="configmaps"), "notAsked"),
        (event(BAD, group="example.com"), "notAsked"),
        (event(BAD, stage="RequestReceived"), "otherStage"),
        (event(BAD, stage="Panic", code=500), "otherStage"),
        (event(BAD, code=422), "invalid"),
        (event(BAD, requestURI="/api/v1/pods?dryRun=All"), "dryRun"),
        (event(None, level="Metadata", code=403, resource="pods"), "refusedWithoutObject"),
        (
            event({**BAD, "metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}),
            "notAsked",
        ),
        (json.loads(review(BAD, "DELETE")), "notAsked"),
        (json.loads(review(BAD, dryRun=True)), "dryRun"),
    ],
)
def test_what_no_webhook_is_asked_is_counted(record: Object, reason: str, replay: Replay) -> None:
    found = replay(record)
    assert found.not_judged == {reason: 1}
    assert (found.report["summary"]["judged"], found.code) == (0, 0)


def test_subresources_are_not_asked_about(replay: Replay) -> None:
    record = event(BAD)
    record["objectRef"]["subresource"] = "binding"
    assert replay(record).not_judged == {"notAsked": 1}


def test_excluded_namespaces_are_not_asked_about(replay: Replay) -> None:
    system, own = event(BAD), event(BAD)
    system["objectRef"]["namespace"] = "kube-system"
    own["objectRef"]["namespace"] = "mesh"
    assert len(replay(system, own).report["denials"]) == 1
    assert replay(system, own, excluded=["mesh"]).not_judged == {"excludedNamespace": 2}


def test_a_request_counts_once(replay: Replay) -> None:
    """A log may be given twice, rotated and whole, and the API server tries a webhook again."""
    record = event(BAD)
    found = replay(record, record, review(BAD), review(BAD))
    assert found.not_judged == {"repeated": 2}
    assert found.report["summary"]["denied"] == 2


def test_a_list_of_events_is_its_items(replay: Replay) -> None:
    items = [event(BAD), event(GOOD)]
    for item in items:
        del item["kind"], item["apiVersion"]
    batch = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}
    assert replay(json.dumps(batch, indent=2)).report["summary"]["judged"] == 2


# Reviews and decisions


def test_a_bare_request_is_judged_and_an_answer_beside_it_is_read(replay: Replay) -> None:
    recorded = json.loads(review(BAD))
    found = replay(recorded["request"])
    assert found.report["errors"] == []
    assert found.denials("refusedThen") == [(0,)]
    recorded["response"] = {"uid": "1", "allowed": False}
    assert replay(recorded).denials("refusedThen") == [(1,)]


def test_decisions_tell_who_was_denied_and_no_more(replay: Replay) -> None:
    records: list[Any] = []
    for number in range(2):
        body = review(BAD, uid=f"decided-{number}")
        records.append(admission().handle(Door.VALIDATE, None, body).record)
    records.append(records[0])
    records.append({"lost": 3})
    records.append(records[1] | {"uid": "long", "truncated": True, "findings": []})
    found = replay(*records)
    assert found.report["denials"] == []
    assert [
        (one["owner"], one["user"], one["requests"], one["policies"])
        for one in found.report["decisions"]
    ] == [({"kind": "Pod", "name": "web"}, "ada", 3, {"?": 1, "require-probes": 2})]
    summary = found.report["summary"]
    assert (summary["decisions"], summary["decisionsDenied"], summary["decisionsLost"]) == (3, 3, 3)
    assert found.not_judged == {"repeated": 1}
    assert found.code == 0


def test_a_crash_makes_the_answer_incomplete(replay: Replay, profiles: dict[str, Profile]) -> None:
    def crash(*_: Any) -> Iterator[Violation]:
        raise RuntimeError

    [binding, *_] = profiles["baseline"].lone_checks["Pod"]
    crashing = msgspec.structs.replace(
        profiles["baseline"], lone_checks={"Pod": (msgspec.structs.replace(binding, check=crash),)}
    )
    found = replay(event(BAD), profile=crashing)
    assert (found.report["summary"]["crashed"], found.code) == (1, 3)


# Files


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no json", "not JSON: 'no json'"),
        ('{"kind": "Pod", "apiVersion": "v1"}', "neither an AdmissionReview nor an audit event"),
        ('{"kind": "Event", "apiVersion": "audit.k8s.io/v1beta1"}', "only audit.k8s.io/v1 is read"),
        (
            '{"kind": "Event", "apiVersion": "audit.k8s.io/v1", "verb": 1}',
            "/verb: expected a string, got an integer",
        ),
        ('{"kind": "Event", "apiVersion": "v1"}', "neither an AdmissionReview nor an audit event"),
        ('{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}', "without a request"),
        (json.dumps(event(pod({"name": 1}))), "malformed object: /spec/containers/0/name"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line_and_ends_nothing(
    text: str, problem: str, replay: Replay
) -> None:
    found = replay(event(GOOD), text, event(BAD))
    [error] = found.report["errors"]
    assert error["source"]["line"] == 2
    assert problem in error["message"]
    assert found.report["summary"]["judged"] == 2
    assert found.code == 3


def test_directories_and_compressed_logs(replay: Replay, tmp_path: Path) -> None:
    directory = tmp_path / "audit"
    directory.mkdir()
    changed = json.dumps(event(of_kind("Deployment", container()), "update", code=200))
    created = json.dumps(event(of_kind("Deployment", probed())))
    (directory / "audit.log").write_text(changed)
    with gzip.open(directory / "audit-2026-11-23T07-00-00.000.log.gz", "wt") as packed:
        packed.write(created)
    (directory / "notes.txt").write_text("not read")
    (directory / ".hidden.log").write_text("not read")
    found = replay(paths=[directory])
    assert (found.report["errors"], found.report["summary"]["judged"]) == ([], 2)
    assert found.report["summary"]["denied"] == 1


def test_a_compressed_log_that_ends_early_is_read_so_far(replay: Replay, tmp_path: Path) -> None:
    packed = gzip.compress(f"{json.dumps(event(BAD))}\n".encode() * 200)
    log = tmp_path / "audit.log.gz"
    log.write_bytes(packed[:-20])
    found = replay(paths=[log])
    assert "cannot be read on" in found.report["errors"][0]["message"]
    assert found.code == 3


def test_a_path_that_cannot_be_opened_is_an_error(replay: Replay, tmp_path: Path) -> None:
    found = replay(paths=[tmp_path / "none.log"])
    assert [one["message"] for one in found.report["errors"]] == ["No such file or directory"]
    assert found.code == 3
