"""The envelope: what is refused and with which words, how deep is read, what an answer holds."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import Object, patiently, pod, recorded, review
from webhook.depth import MAX_DEPTH, nested_too_deep
from webhook.errors import BadReview
from webhook.review import parse, render

# The envelope


def test_a_compressed_body_is_told_as_such() -> None:
    with pytest.raises(BadReview, match="gzip: Content-Encoding is not supported; send the JSON"):
        parse(gzip.compress(b"{}"))


def test_a_review_of_half_a_million_mappings_is_refused() -> None:
    with pytest.raises(BadReview, match="more than 400000 mappings"):
        parse(b'{"a":[' + b"{}," * 400_000 + b"{}]}")


def test_a_review_tells_who_asks_for_what() -> None:
    request = parse(review(pod(), field_manager="kubectl-create", dryRun=True))

    assert request.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert request.kind.api_version == "v1"
    assert request.kind.kind == "Pod"
    assert request.operation == "CREATE"
    assert request.namespace == "shop"
    assert request.user_info is not None
    assert request.user_info.username == "ada"
    assert request.options is not None
    assert request.options.field_manager == "kubectl-create"
    assert request.dry_run is True
    assert json.loads(bytes(request.object)) == pod()


def test_a_recorded_review_is_read() -> None:
    request = parse(recorded("statefulset-create.client-side-apply"))

    assert request.kind.api_version == "apps/v1"
    assert request.options is not None
    assert request.options.field_manager == "kubectl-client-side-apply"
    assert request.sub_resource is None


def envelope(**changes: Any) -> bytes:
    whole: Object = json.loads(review(pod())) | changes
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def request(**changes: Any) -> bytes:
    inner = json.loads(review(pod()))["request"] | changes
    return envelope(request={key: value for key, value in inner.items() if value is not ...})


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(b"", "not JSON: ", id="empty"),
        pytest.param(b"kind: Pod", "not JSON: ", id="yaml"),
        pytest.param(b'{"kind": "AdmissionReview"', "not JSON: ", id="cut-off"),
        pytest.param(envelope() + b"{}", "not JSON: ", id="trailing"),
        pytest.param(b"\xff" + envelope(), "not JSON: ", id="not-utf-8"),
        pytest.param(b"\xef\xbb\xbf" + envelope(), "not JSON: ", id="byte-order-mark"),
        pytest.param(
            b"[]", "not an AdmissionReview: /: expected a mapping, got a list", id="a-list"
        ),
        pytest.param(b"null", "not an AdmissionReview: /: expected a mapping, got null", id="null"),
        pytest.param(
            envelope(apiVersion="admission.k8s.io/v1beta1"),
            "expected apiVersion admission.k8s.io/v1 and kind AdmissionReview, "
            "got admission.k8s.io/v1beta1 and AdmissionReview",
            id="v1beta1",
        ),
        pytest.param(
            envelope(kind="Pod"),
            "expected apiVersion admission.k8s.io/v1 and kind AdmissionReview, "
            "got admission.k8s.io/v1 and Pod",
            id="other-kind",
        ),
        pytest.param(
            b"{}",
            "expected apiVersion admission.k8s.io/v1 and kind AdmissionReview, got none and none",
            id="nothing",
        ),
        pytest.param(
            envelope(request=...), "an AdmissionReview without a request", id="no-request"
        ),
        pytest.param(
            envelope(request=None), "an AdmissionReview without a request", id="null-request"
        ),
        pytest.param(
            request(uid=...),
            "not an AdmissionReview: /request: uid is missing",
            id="no-uid",
        ),
        pytest.param(request(uid=""), "a request without a uid", id="empty-uid"),
        pytest.param(
            request(uid=7),
            "not an AdmissionReview: /request/uid: expected a string, got an integer",
            id="uid-number",
        ),
        pytest.param(
            request(operation="PATCH"),
            "unknown operation 'PATCH'; one of CREATE, UPDATE, DELETE, CONNECT",
            id="operation",
        ),
        pytest.param(request(object=None), "CREATE without an object", id="create-null"),
        pytest.param(request(object=...), "CREATE without an object", id="create-absent"),
        pytest.param(
            request(operation="UPDATE", object=None), "UPDATE without an object", id="update-null"
        ),
    ],
)
def test_what_is_no_review_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(BadReview) as refusal:
        parse(body)
    if complaint.endswith(": "):
        assert str(refusal.value).startswith(complaint)
    else:
        assert str(refusal.value) == complaint


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_an_operation_that_has_no_object_needs_none(operation: str) -> None:
    assert parse(request(operation=operation, object=None)).operation == operation


def test_a_null_is_seen_through_white_space() -> None:
    body = request(object="HERE").replace(b'"HERE"', b" \n null \t ")
    with pytest.raises(BadReview, match="without an object"):
        parse(body)


def test_fields_that_nobody_knows_yet_are_no_reason_to_refuse() -> None:
    assert parse(request(requestSubResource="x", future={"a": [1]})).uid


# Depth


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("levels", "refused"), [(1, False), (500, False), (501, True), (2000, True), (1_000_000, True)]
)
@pytest.mark.parametrize("one", [b"[]", b"{}"])
def test_five_hundred_levels_are_read(levels: int, refused: bool, one: bytes) -> None:
    opening, closing = (b"[", b"]") if one == b"[]" else (b'{"a":', b"}")
    body = opening * levels + b"0" + closing * levels
    assert nested_too_deep(body) is refused


def test_a_review_that_is_nested_too_deep_is_refused_before_it_is_decoded() -> None:
    # the envelope and `request` are two levels themselves
    assert parse(request(object="HERE").replace(b'"HERE"', nested(498))).uid
    with pytest.raises(BadReview, match=r"^nested too deep: more than 500 levels$"):
        parse(request(object="HERE").replace(b'"HERE"', nested(499)))


@pytest.mark.parametrize("levels", [501, 2000, 1_000_000])
def test_what_never_closes_is_too_deep_as_well(levels: int) -> None:
    assert nested_too_deep(b"[" * levels)


@pytest.mark.parametrize(
    "text",
    ["[" * 2000, "[{" * 1000, '"[' * 1000, "\\" + "[" * 2000, '\\"' + "[" * 2000, "]}" * 1000],
)
def test_brackets_inside_strings_do_not_count(text: str) -> None:
    assert not nested_too_deep(json.dumps({text: [text, {"a": text}]}).encode())


def test_brackets_after_an_escaped_backslash_count() -> None:
    assert nested_too_deep(rb'["a\\",' + b"[" * 501 + b"]" * 501 + b"]")


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert not nested_too_deep(b"[" + b",".join([nested(499)] * 100) + b"]")


def test_a_deep_branch_is_found_beside_a_shallow_one() -> None:
    shallow, deep = nested(150), nested(201)
    body = b"[" * 300 + shallow + b"," + deep + b"]" * 300
    assert nested_too_deep(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param((b"[" * 500 + b"]" * 500) * 16_000, id="many-columns"),
        pytest.param(b'"' + b'\\"' * 400_000 + b"[" * 501, id="string-that-never-ends"),
        pytest.param(b'"' + b"\\" * 800_001 + b"[" * 501, id="backslashes"),
    ],
)
def test_the_depth_of_a_hostile_body_is_found_in_a_moment(body: bytes) -> None:
    with patiently():
        nested_too_deep(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a', max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=json_values, inner=json_values, levels=st.integers(min_value=490, max_value=510))
def test_depth_is_what_a_plain_count_says(value: Any, inner: Any, levels: int) -> None:
    text = json.dumps(inner)
    for level in range(levels):
        text = f"[{json.dumps(value)},{text}]" if level % 9 == 0 else f"[{text}]"
    deepest = max(
        levels + depth(inner), *(levels - level + depth(value) for level in range(0, levels, 9))
    )
    assert nested_too_deep(text.encode()) is (deepest > MAX_DEPTH)


# The answer


def test_an_allowed_answer_holds_nothing_more() -> None:
    assert json.loads(render("u1")) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u1", "allowed": True},
    }


def test_a_denial_is_a_403_with_its_reason() -> None:
    assert json.loads(render("u1", denial="no"))["response"] == {
        "uid": "u1",
        "allowed": False,
        "status": {"message": "no", "reason": "Forbidden", "code": 403},
    }


def test_a_patch_is_base64_of_json_and_integers_stay_integers() -> None:
    operations = [{"op": "add", "path": "/spec/x", "value": 10}]
    found = json.loads(render("u1", patch=operations))["response"]

    assert found["patchType"] == "JSONPatch"
    assert base64.b64decode(found["patch"], validate=True) == (
        b'[{"op":"add","path":"/spec/x","value":10}]'
    )


def test_warnings_and_audit_annotations_are_passed_on() -> None:
    found = json.loads(render("u1", warnings=["a", "b"], audit_annotations={"k": "v"}))["response"]
    assert found == {
        "uid": "u1",
        "allowed": True,
        "warnings": ["a", "b"],
        "auditAnnotations": {"k": "v"},
    }
