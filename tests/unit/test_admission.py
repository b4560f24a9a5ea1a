"""From the bytes of a review to those of its answer: every kind of HTTP answer."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.builders import (
    NOON,
    Object,
    admission,
    annotated,
    api_defaults,
    client_side_applied,
    container,
    http,
    load_profiles,
    of_kind,
    owns,
    patch,
    pod,
    probed,
    profile,
    recorded,
    response,
    review,
    server_side_applied,
    set_by,
    statefulset,
    template_annotated,
)
from webhook import catalog, messages
from webhook.admission import Admission, Answer, Door, Snapshot
from webhook.api import KINDS, Evidence, Fill, Lookups, Params, Violation, Workload
from webhook.profile import Profile

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
ALLOWED = {"uid": UID, "allowed": True}
BOTH = pytest.mark.parametrize("door", list(Door))
BARE = pod(container(), volumes=[{"name": "data", "hostPath": {"path": "/srv"}}])


@pytest.fixture(scope="module")
def shipped() -> Admission:
    return admission()


def validate(shipped: Admission, body: bytes, name: str | None = None) -> Object:
    return response(shipped.handle(Door.VALIDATE, name, body))


def error(answer: Answer) -> str:
    body = json.loads(answer.body)
    assert list(body) == ["error"]
    return str(body["error"])


# 200: fills only at /mutate, checks only at /validate


def test_a_violation_is_denied(shipped: Admission) -> None:
    assert validate(shipped, review(BARE)) == {
        "uid": UID,
        "allowed": False,
        "status": {
            "code": 403,
            "reason": "Forbidden",
            "message": "podworthy/baseline: 3 violations\n"
            "web: no livenessProbe (/spec/containers/0); "
            "add httpGet, tcpSocket, grpc or exec [require-probes]\n"
            "web: no readinessProbe (/spec/containers/0); "
            "add httpGet, tcpSocket, grpc or exec [require-probes]\n"
            "data: hostPath (/spec/volumes/0) is tied to a node; "
            "use a persistentVolumeClaim [require-claims]",
        },
        "auditAnnotations": {
            "require-probes": "deny /spec/containers/0/livenessProbe; "
            "deny /spec/containers/0/readinessProbe",
            "require-claims": "deny /spec/volumes/0/hostPath",
        },
    }


def test_a_good_workload_is_allowed_and_nothing_is_said(shipped: Admission) -> None:
    answer = shipped.handle(Door.VALIDATE, None, review(api_defaults(pod())))
    assert response(answer) == ALLOWED
    assert answer.record is None


def test_nothing_is_denied_at_mutate_and_nothing_filled_at_validate(shipped: Admission) -> None:
    assert response(shipped.handle(Door.MUTATE, None, review(BARE))) == ALLOWED
    assert validate(shipped, review(server_side_applied(statefulset()))) == ALLOWED


def test_what_only_warns_is_allowed(shipped: Admission) -> None:
    assert validate(shipped, review(BARE), "advise") == {
        "uid": UID,
        "allowed": True,
        "warnings": [
            "web: no livenessProbe (/spec/containers/0); "
            "add httpGet, tcpSocket, grpc or exec [require-probes]",
            "web: no readinessProbe (/spec/containers/0); "
            "add httpGet, tcpSocket, grpc or exec [require-probes]",
            "data: hostPath (/spec/volumes/0) is tied to a node; "
            "use a persistentVolumeClaim [require-claims]",
        ],
        "auditAnnotations": {
            "require-probes": "warn /spec/containers/0/livenessProbe; "
            "warn /spec/containers/0/readinessProbe",
            "require-claims": "warn /spec/volumes/0/hostPath",
        },
    }


def test_a_denial_ends_with_where_to_read_more_if_that_is_set(shipped: Admission) -> None:
    url = "https://docs.example/policies"
    linking = Admission(shipped.snapshot, lambda: NOON, url)
    plain, more = (validate(one, review(BARE))["status"] for one in (shipped, linking))
    assert more["message"] == (
        f"{plain['message']}\nread more: {url}/require-probes\nread more: {url}/require-claims"
    )


def test_there_are_no_warnings_beside_a_denial(shipped: Admission) -> None:
    inline = [{"name": "s", "csi": {"driver": "nfs.csi.k8s.io"}}]
    obj = pod(container(), volumes=inline)
    found = validate(shipped, review(obj))
    assert found["allowed"] is False
    assert "warnings" not in found
    assert "inline" not in found["status"]["message"], "a warning is no reason to deny"
    assert found["auditAnnotations"]["require-claims"] == "warn /spec/volumes/0/csi"


def test_what_is_only_audited_is_in_the_audit_log_alone() -> None:
    auditing = admission(profile(policies={"require-probes": {"action": "audit"}}))
    assert validate(auditing, review(pod(probed(livenessProbe=None)))) == {
        "uid": UID,
        "allowed": True,
        "auditAnnotations": {"require-probes": "audit /spec/containers/0/livenessProbe"},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_judged_at_create(shipped: Admission, kind: str) -> None:
    obj = of_kind(kind, probed(), volumes=[{"name": "data", "nfs": {}}])
    assert validate(shipped, review(obj))["allowed"] is False
    assert validate(shipped, review(of_kind(kind, probed()))) == ALLOWED


def test_a_legacy_group_is_judged_too(shipped: Admission) -> None:
    obj = of_kind("Deployment", container())
    for api_version in ("extensions/v1beta1", "apps/v1beta1"):
        found = validate(shipped, review(obj, api_version=api_version))
        assert found["allowed"] is False


# 200, allowed, nothing else

STATEFULSET = of_kind("StatefulSet", container())

NOT_JUDGED = {
    "delete": review(None, "DELETE", old=BARE),
    "connect": review({"kind": "PodExecOptions", "apiVersion": "v1"}, "CONNECT", kind="Pod"),
    "ephemeralcontainers": review(BARE, "UPDATE", old=pod(), subResource="ephemeralcontainers"),
    "resize": review(BARE, "UPDATE", old=pod(), subResource="resize"),
    "status": review(STATEFULSET, "UPDATE", old=statefulset(), subResource="status"),
    "binding": review(BARE, subResource="binding"),
    "pod-update": review(BARE, "UPDATE", old=pod()),
    "unchanged-template": review(
        annotated(STATEFULSET, {"note": "scaled"}), "UPDATE", old=STATEFULSET
    ),
    "unchanged-cronjob": review(
        of_kind("CronJob", container(), volumes=[{"nfs": {}}]),
        "UPDATE",
        old=of_kind("CronJob", container(), volumes=[{"nfs": {}}]),
    ),
    "mirror-pod": review(annotated(BARE, {"kubernetes.io/config.mirror": "0123abc"})),
    "being-deleted": review(
        {**STATEFULSET, "metadata": {"deletionTimestamp": "2026-11-24T07:01:13Z"}},
        "UPDATE",
        old=statefulset(),
    ),
    "service": review({"apiVersion": "v1", "kind": "Service", "spec": "odd"}),
    "other-group": review({**STATEFULSET, "apiVersion": "apps.kruise.io/v1beta1"}),
    "scale": review({"apiVersion": "autoscaling/v1", "kind": "Scale"}, "UPDATE"),
}


@BOTH
@pytest.mark.parametrize("case", NOT_JUDGED)
def test_what_is_let_through_without_judgement(shipped: Admission, door: Door, case: str) -> None:
    answer = shipped.handle(door, "strict", NOT_JUDGED[case])
    assert response(answer) == ALLOWED
    assert answer.record is None


def test_a_delete_may_show_anything(shipped: Admission) -> None:
    body = review(None, "DELETE", old={"spec": "odd"}, kind="Pod", api_version="v1")
    assert validate(shipped, body) == ALLOWED


# Updates


def test_a_changed_template_is_judged_as_new(shipped: Admission) -> None:
    new = of_kind("StatefulSet", container(image="registry.example/web:2"))
    found = validate(shipped, review(new, "UPDATE", old=STATEFULSET))
    assert found["allowed"] is False
    assert found["status"]["message"].startswith("podworthy/baseline: 2 violations\n")


def test_a_template_that_was_made_good_is_allowed(shipped: Admission) -> None:
    assert validate(shipped, review(statefulset(), "UPDATE", old=STATEFULSET)) == ALLOWED


def test_a_change_of_the_templates_annotations_is_a_change(shipped: Admission) -> None:
    new = template_annotated(STATEFULSET, {"restartedAt": "now"})
    assert validate(shipped, review(new, "UPDATE", old=STATEFULSET))["allowed"] is False


def test_an_update_that_shows_no_old_object_is_judged(shipped: Admission) -> None:
    assert validate(shipped, review(STATEFULSET, "UPDATE"))["allowed"] is False


def test_an_update_is_never_filled_for_that_would_be_a_rollout(shipped: Admission) -> None:
    new = server_side_applied(statefulset(probed(image="registry.example/web:2")))
    body = review(new, "UPDATE", old=server_side_applied(statefulset()))
    assert response(shipped.handle(Door.MUTATE, None, body)) == ALLOWED


# 400


@BOTH
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON: "),
        (b"{}", "expected apiVersion admission.k8s.io/v1 and kind AdmissionReview"),
        (b"[" * 1_000_000, "nested too deep: more than 500 levels"),
        (review(None, "CREATE", kind="Pod"), "CREATE without an object"),
        (review(None, "UPDATE", old=pod()), "UPDATE without an object"),
        (review(pod(), uid=""), "a request without a uid"),
        (
            review(pod(container(livenessProbe=http(periodSeconds="10")))),
            "malformed object: /spec/containers/0/livenessProbe/periodSeconds: "
            "expected an integer, got a string",
        ),
        (
            review(statefulset(volumes=[{"hostPath": "/srv"}])),
            "malformed object: /spec/template/spec/volumes/0/hostPath: expected a mapping",
        ),
        (
            review({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": {}}}),
            "malformed object: /spec/containers: expected a list, got a mapping",
        ),
        (
            review(STATEFULSET, "UPDATE", old={"spec": {"x": 0}}).replace(b'"x": 0', b'"x": 1e400'),
            "malformed object: /: Number out of range",
        ),
        (review(pod(), "\x1b[2J" * 1000), "unknown operation '"),
        (
            review(pod()).replace(b"admission.k8s.io/v1", b"\\u001b[2J" * 1000),
            "expected apiVersion admission.k8s.io/v1 and kind AdmissionReview, got ?[2J?[2J",
        ),
    ],
)
def test_what_cannot_be_answered_is_a_400(
    shipped: Admission, door: Door, body: bytes, message: str
) -> None:
    answer = shipped.handle(door, None, body)
    assert answer.status == 400
    assert error(answer).startswith(message)
    assert error(answer).isprintable()
    assert len(error(answer)) <= messages.MAX_COMPLAINT


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(review(pod(), uid="HERE"), id="uid"),
        pytest.param(review(pod(), name="HERE"), id="name-in-the-request"),
        pytest.param(review({**pod(), "metadata": {"name": "HERE"}}, name="web"), id="name"),
        pytest.param(review(annotated(pod(), {"a": "HERE"})), id="annotation"),
        pytest.param(review(pod(container("HERE"))), id="container"),
        pytest.param(review(pod(volumes=[{"name": "a", "HERE": {}}])), id="volume-source"),
    ],
)
def test_text_that_is_no_utf_8_is_no_json(shipped: Admission, door: Door, body: bytes) -> None:
    answer = shipped.handle(door, None, body.replace(b"HERE", b"\xff"))
    assert answer.status == 400
    assert error(answer)


def test_an_old_object_that_is_no_utf_8_is_no_json_either(shipped: Admission) -> None:
    body = review(STATEFULSET, "UPDATE", old=annotated(STATEFULSET, {"old": "mark"}))
    answer = shipped.handle(Door.VALIDATE, None, body.replace(b"mark", b"\xff"))
    assert answer.status == 400


# 404


@BOTH
def test_an_unknown_profile_is_a_404_and_failure_policy_decides(
    shipped: Admission, door: Door
) -> None:
    answer = shipped.handle(door, "baselin", review(pod()))
    assert answer.status == 404
    assert error(answer) == (
        "no profile 'baselin' (did you mean 'baseline'?); there are advise, baseline, strict"
    )


def test_the_path_names_the_profile_and_without_one_it_is_the_default(shipped: Admission) -> None:
    for name, told in ((None, "baseline"), ("baseline", "baseline"), ("strict", "strict")):
        message = validate(shipped, review(BARE), name)["status"]["message"]
        assert message.startswith(f"podworthy/{told}: ")
    assert validate(admission(default="advise"), review(BARE))["allowed"] is True


def test_a_default_that_does_not_exist_is_a_404_too() -> None:
    lost = Admission(Snapshot({}, "baseline"), lambda: pytest.fail("no record"))
    assert lost.handle(Door.VALIDATE, None, review(pod())).status == 404


# Suggestions


def test_a_suggestion_is_one_warning_a_container_and_no_patch(shipped: Admission) -> None:
    obj = server_side_applied(
        statefulset(container(livenessProbe=http(periodSeconds=7)), container("log"))
    )
    answer = shipped.handle(Door.MUTATE, "advise", review(obj))
    assert response(answer) == {
        "uid": UID,
        "allowed": True,
        "warnings": [
            "web: would set livenessProbe timeoutSeconds 3 "
            "(/spec/template/spec/containers/0) [probe-timing]"
        ],
        "auditAnnotations": {
            "probe-timing": "suggest /spec/template/spec/containers/0/livenessProbe/timeoutSeconds"
            "=3 (kubectl applied the probe without it)"
        },
    }


def test_each_container_has_its_own_suggestion(shipped: Admission) -> None:
    obj = api_defaults(pod(probed("one"), probed("two")))
    found = response(shipped.handle(Door.MUTATE, "advise", review(obj)))
    assert found["warnings"] == [
        "one: would set 3 probe timings (/spec/containers/0) [probe-timing]",
        "two: would set 3 probe timings (/spec/containers/1) [probe-timing]",
    ]


# A policy that crashes is our failure, not the author's


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_workload: Workload, _params: Params, _lookups: Lookups) -> Iterator[Violation]:
        raise ZeroDivisionError("division\nby zero")

    def fill(_workload: Workload, _params: Params, _evidence: Evidence) -> Iterator[Fill]:
        raise ZeroDivisionError("division\nby zero")

    broken = dict(catalog.POLICIES)
    broken["require-claims"] = replace(broken["require-claims"], check=check)
    broken["probe-timing"] = replace(broken["probe-timing"], fill=fill)
    monkeypatch.setattr(catalog, "POLICIES", broken)


def test_a_policy_that_exits_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_workload: Workload, _params: Params, _lookups: Lookups) -> Iterator[Violation]:
        raise SystemExit("enough")

    broken = dict(catalog.POLICIES)
    broken["require-claims"] = replace(broken["require-claims"], check=check)
    monkeypatch.setattr(catalog, "POLICIES", broken)

    answer = admission(with_failure("deny")).handle(Door.VALIDATE, None, review(pod()))

    assert "SystemExit; see" in response(answer)["status"]["message"]


def with_failure(on_failure: str) -> Profile:
    policies = {
        "require-probes": {"action": "warn"},
        "require-claims": {"action": "warn"},
        "probe-timing": {"action": "fill"},
    }
    return profile(onFailure=on_failure, policies=policies)


@pytest.mark.usefixtures("crashing")
def test_a_crash_with_on_failure_deny_is_denied(caplog: pytest.LogCaptureFixture) -> None:
    answer = admission(with_failure("deny")).handle(Door.VALIDATE, None, review(pod()))
    assert response(answer) == {
        "uid": UID,
        "allowed": False,
        "status": {
            "code": 403,
            "reason": "Forbidden",
            "message": "podworthy/test: 1 policy failed\n"
            "require-claims could not judge this: ZeroDivisionError; "
            "see podworthy's log",
        },
        "auditAnnotations": {"error": "require-claims: ZeroDivisionError, see podworthy's log"},
    }
    assert "policy require-claims crashed" in caplog.text
    assert "ZeroDivisionError: division\nby zero" in caplog.text


@pytest.mark.usefixtures("crashing")
def test_a_crash_with_on_failure_allow_is_allowed_and_told() -> None:
    answer = admission(with_failure("allow")).handle(Door.VALIDATE, None, review(pod()))
    found = response(answer)
    assert found["allowed"] is True
    assert found["warnings"] == [
        "require-claims could not judge this: ZeroDivisionError; see podworthy's log"
    ]
    assert answer.record is not None
    (crash,) = json.loads(msgspec.json.encode(answer.record))["crashes"]
    assert crash["policy"] == "require-claims"
    assert crash["place"].startswith(f"{__file__}:")


@pytest.mark.usefixtures("crashing")
def test_a_crash_costs_the_other_policies_nothing() -> None:
    answer = admission(with_failure("allow")).handle(Door.VALIDATE, None, review(BARE))
    assert len(response(answer)["warnings"]) == 3


@pytest.mark.usefixtures("crashing")
@pytest.mark.parametrize("on_failure", ["deny", "allow"])
def test_a_fill_that_crashes_fills_nothing_and_never_denies(on_failure: str) -> None:
    answer = admission(with_failure(on_failure)).handle(Door.MUTATE, None, review(pod()))
    found = response(answer)
    assert found["allowed"] is True
    assert "patch" not in found
    assert found["auditAnnotations"] == {
        "error": "probe-timing: ZeroDivisionError, see podworthy's log"
    }


# The record, which becomes a line of the decision log


def test_a_denial_is_recorded(shipped: Admission) -> None:
    obj = {**BARE, "metadata": {"generateName": "web-"}}
    answer = shipped.handle(Door.VALIDATE, "strict", review(obj, name="", dryRun=True))
    record = json.loads(msgspec.json.encode(answer.record))

    assert {key: record[key] for key in record if key != "findings"} == {
        "time": "2026-11-24T12:00:00.000+00:00",
        "uid": UID,
        "door": "validate",
        "profile": "strict",
        "operation": "CREATE",
        "dryRun": True,
        "kind": "Pod",
        "namespace": "shop",
        "name": None,
        "generateName": "web-",
        "owner": None,
        "user": "ada",
        "decision": "denied",
        "findingsOmitted": 0,
        "crashes": [],
    }
    assert record["findings"][2] == {
        "policy": "require-claims",
        "rule": None,
        "action": "deny",
        "path": "/spec/volumes/0/hostPath",
        "message": "data: hostPath is tied to a node; use a persistentVolumeClaim",
        "exemption": None,
    }


def test_a_fill_is_recorded_with_its_evidence(shipped: Admission) -> None:
    obj = server_side_applied(statefulset(container(livenessProbe=http(periodSeconds=7))))
    record = shipped.handle(Door.MUTATE, None, review(obj)).record
    assert record is not None
    assert record["decision"] == "filled"
    assert record["fills"] == [
        {
            "policy": "probe-timing",
            "action": "fill",
            "path": "/spec/template/spec/containers/0/livenessProbe/timeoutSeconds",
            "value": 3,
            "was": 1,
            "evidence": "kubectl applied the probe without it",
        }
    ]


def test_what_is_left_in_doubt_is_recorded_and_annotated(shipped: Admission) -> None:
    obj = annotated(
        api_defaults(statefulset(container(livenessProbe=http(periodSeconds=7)))),
        {"kubectl.kubernetes.io/last-applied-configuration": "{"},
    )
    answer = shipped.handle(Door.MUTATE, None, review(obj))
    assert patch(answer) == []
    assert answer.record is not None
    path = "/spec/template/spec/containers/0/livenessProbe/timeoutSeconds"
    assert answer.record["doubts"][path] == "last-applied is malformed"
    assert (
        f"left {path} (last-applied is malformed)"
        in response(answer)["auditAnnotations"]["doubtful"]
    )


def test_a_dry_run_is_answered_alike(shipped: Admission) -> None:
    for door in Door:
        wet = shipped.handle(door, None, review(BARE))
        dry = shipped.handle(door, None, review(BARE, dryRun=True))
        assert dry.body == wet.body


# Break-glass: nobody asks at /validate, so /mutate tells what was passed by


SRE = "podworthy:break-glass"
MEMBER = {"username": "ada", "groups": ["system:authenticated", SRE]}


@pytest.fixture(scope="module")
def watchful() -> Admission:
    return Admission(Snapshot(load_profiles(), "baseline"), lambda: NOON, break_glass_group=SRE)


@pytest.mark.parametrize("obj", [BARE, pod(probed()), statefulset(container()), of_kind("Job")])
def test_what_the_break_glass_group_gets_past_is_recorded(
    shipped: Admission, watchful: Admission, obj: Object
) -> None:
    body = review(obj, userInfo=MEMBER)
    answer = watchful.handle(Door.MUTATE, "strict", body)
    asked = shipped.handle(Door.VALIDATE, "strict", body)

    assert answer.body == shipped.handle(Door.MUTATE, "strict", body).body
    assert answer.record is not None
    told = asked.record or {"decision": "allowed", "findings": [], "findingsOmitted": 0}
    assert answer.record["breakGlass"] == told["decision"]
    assert answer.record["findings"] == told["findings"]
    assert answer.record["findingsOmitted"] == told["findingsOmitted"]
    assert answer.record["decision"] in ("allowed", "filled")


@pytest.mark.parametrize(
    "user",
    [
        None,
        {"username": "ada"},
        {"username": "ada", "groups": None},
        {"username": "ada", "groups": []},
        {"username": SRE, "groups": ["a", f"{SRE}s", f"x{SRE}", f'"{SRE}"']},
    ],
)
def test_who_is_not_in_the_group_breaks_no_glass(watchful: Admission, user: Object | None) -> None:
    record = watchful.handle(Door.MUTATE, "strict", review(BARE, userInfo=user)).record
    assert record is None or "breakGlass" not in record


def test_without_a_group_nobody_breaks_glass(shipped: Admission) -> None:
    record = shipped.handle(Door.MUTATE, "strict", review(BARE, userInfo=MEMBER)).record
    assert record is None or "breakGlass" not in record


def test_what_nobody_would_have_asked_about_breaks_no_glass(watchful: Admission) -> None:
    mirror = annotated(BARE, {"kubernetes.io/config.mirror": "x"})
    assert watchful.handle(Door.MUTATE, "strict", review(mirror, userInfo=MEMBER)).record is None


def test_at_validate_the_group_is_judged_like_everybody(watchful: Admission) -> None:
    answer = watchful.handle(Door.VALIDATE, "strict", review(BARE, userInfo=MEMBER))
    assert not response(answer)["allowed"]
    assert answer.break_glass is None


@pytest.mark.usefixtures("crashing")
def test_a_check_that_crashes_for_the_group_changes_no_answer() -> None:
    snapshot = Snapshot({"test": with_failure("deny")}, "test")
    watchful = Admission(snapshot, lambda: NOON, break_glass_group=SRE)
    body = review(BARE, userInfo=MEMBER)
    answer = watchful.handle(Door.MUTATE, None, body)
    assert answer.body == Admission(snapshot, lambda: NOON).handle(Door.MUTATE, None, body).body
    assert answer.record is not None
    assert answer.record["breakGlass"] == "denied"
    assert [crash["policy"] for crash in answer.record["crashes"]] == [
        "probe-timing",
        "require-claims",
    ]


@BOTH
def test_no_audit_annotation_key_holds_a_slash(shipped: Admission, door: Door) -> None:
    obj = annotated(
        api_defaults(pod(container(livenessProbe=http()), volumes=[{"name": "a", "nfs/x": {}}])),
        {"kubectl.kubernetes.io/last-applied-configuration": "{"},
    )
    annotations = response(shipped.handle(door, None, review(obj)))["auditAnnotations"]
    assert annotations
    assert not any("/" in key for key in annotations)


# The patch


def test_a_stamp_makes_the_maps_it_needs_and_keeps_those_there_are(shipped: Admission) -> None:
    written = statefulset(container(livenessProbe=http(periodSeconds=10, timeoutSeconds=1)))
    written["spec"]["template"]["metadata"] = {"labels": {"a/b": "c"}}
    annotations = "/spec/template/metadata/annotations"
    stamp = {"op": "add", "path": f"{annotations}/podworthy.dev~1probe-timing", "value": "keep"}

    bare = server_side_applied(written)
    assert patch(shipped.handle(Door.MUTATE, None, review(bare))) == [
        {"op": "add", "path": annotations, "value": {}},
        stamp,
    ]
    other = template_annotated(bare, {"x": "y"})
    assert patch(shipped.handle(Door.MUTATE, None, review(other))) == [stamp]
    del bare["spec"]["template"]["metadata"]
    assert patch(shipped.handle(Door.MUTATE, None, review(bare))) == [
        {"op": "add", "path": "/spec/template/metadata", "value": {}},
        {"op": "add", "path": annotations, "value": {}},
        stamp,
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("Pod", "StatefulSet")])
def test_no_other_kind_is_filled(shipped: Admission, kind: str) -> None:
    obj = server_side_applied(of_kind(kind, probed()))
    assert response(shipped.handle(Door.MUTATE, None, review(obj))) == ALLOWED


# What a real API server 1.37 sent

WEB = "/spec/template/spec/containers/0"
FROM_EVIDENCE = {
    # livenessProbe has periodSeconds 10 written, readinessProbe only a handler
    f"{WEB}/livenessProbe/timeoutSeconds": 3,
    f"{WEB}/readinessProbe/timeoutSeconds": 3,
}
RECORDED: dict[str, dict[str, Any]] = {
    "statefulset-create.client-side-apply": FROM_EVIDENCE,
    "statefulset-create.server-side-apply": FROM_EVIDENCE,
    "statefulset-create.helm4-install": FROM_EVIDENCE,
    "statefulset-create.helm4-client-side": {},
    "statefulset-create.kubectl-create": {},
    "pod-create.by-statefulset-controller": {
        "/spec/containers/0/livenessProbe/timeoutSeconds": 3,
        "/spec/containers/0/livenessProbe/failureThreshold": 6,
        "/spec/containers/0/readinessProbe/timeoutSeconds": 3,
    },
}


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_reviews_at_mutate(shipped: Admission, name: str) -> None:
    answer = shipped.handle(Door.MUTATE, None, recorded(name))
    assert set_by(answer) == RECORDED[name]
    assert response(answer)["uid"] == json.loads(recorded(name))["request"]["uid"]


@pytest.mark.parametrize("name", [*RECORDED, "pod-create.by-statefulset-controller.validating"])
def test_the_recorded_reviews_at_validate(shipped: Admission, name: str) -> None:
    for which in ("advise", "baseline", "strict"):
        answer = shipped.handle(Door.VALIDATE, which, recorded(name))
        assert response(answer) == {
            "uid": json.loads(recorded(name))["request"]["uid"],
            "allowed": True,
        }


def test_who_created_an_object_is_taken_from_the_request(shipped: Admission) -> None:
    every = ["timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    obj = api_defaults(pod(container(livenessProbe=http())))
    obj = owns(obj, "velero", "Update", {"livenessProbe": every})

    own = shipped.handle(Door.MUTATE, None, review(obj, field_manager="velero"))
    assert len(set_by(own)) == 2
    other = shipped.handle(Door.MUTATE, None, review(obj, field_manager="kubectl-create"))
    assert set_by(other) == {}


def test_client_side_apply_counts_at_the_door(shipped: Admission) -> None:
    obj = client_side_applied(statefulset(container(livenessProbe=http(timeoutSeconds=1))))
    assert set_by(shipped.handle(Door.MUTATE, None, review(obj))) == {
        "/spec/template/spec/containers/0/livenessProbe/failureThreshold": 6
    }
