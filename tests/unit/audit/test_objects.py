"""What is judged, what is ignored, and what is an error."""

import json
from typing import Any

import pytest

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    readinessProbe: {tcpSocket: {port: 80}}
    livenessProbe: {tcpSocket: {port: 80}}
"""
BAD_POD = POD.replace("    livenessProbe: {tcpSocket: {port: 80}}\n", "")
LIVENESS = "/spec/containers/0/livenessProbe"


def indented(text: str, by: int = 2) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def as_item(text: str) -> str:
    return f"- {indented(text).strip()}\n"


def test_a_pod_without_liveness(audit: Any) -> None:
    outcome = audit(f"# our web shop\n---\n{BAD_POD}")

    assert outcome.code == 1
    assert outcome.report == {
        "apiVersion": "podworthy.dev/v1alpha1",
        "kind": "AuditReport",
        "profile": "baseline",
        "objects": [
            {
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
                "source": {"file": "-", "document": 0, "line": 3},
            }
        ],
        "findings": [
            {
                "policy": "require-probes",
                "rule": None,
                "result": "fail",
                "action": "deny",
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
                "path": LIVENESS,
                "message": "web: no livenessProbe; add httpGet, tcpSocket, grpc or exec",
                "source": {"file": "-", "document": 0, "line": 8},
                "exemption": None,
            }
        ],
        "fills": [
            {
                "policy": "probe-timing",
                "action": "fill",
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
                "path": f"/spec/containers/0/readinessProbe/{field}",
                "value": value,
                "was": None,
                "evidence": "absent from the file",
                "source": {"file": "-", "document": 0, "line": 9},
            }
            for field, value in (
                ("failureThreshold", 3),
                ("periodSeconds", 10),
                ("timeoutSeconds", 3),
            )
        ],
        "errors": [],
        "summary": {
            "objects": 1,
            "ignored": 0,
            "fail": 1,
            "warn": 0,
            "skip": 0,
            "error": 0,
            "fills": 3,
            "errors": 0,
        },
    }


def test_documents_are_counted_from_zero_empty_ones_too(audit: Any) -> None:
    outcome = audit(f"---\n---\n{POD}---\n# nothing\n---\n{POD}")

    assert [entry["source"]["document"] for entry in outcome.report["objects"]] == [1, 3]
    assert outcome.report["summary"]["ignored"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Service\n",
        "apiVersion: v1\nkind: ServiceList\nitems:\n- spec: {}\n",
        "apiVersion: serving.example/v1\nkind: Deployment\nspec: {template: 3}",
        "apiVersion: podworthy.dev/v1alpha1\nkind: Profile\n",
        "apiVersion: podworthy.dev/v1alpha1\nkind: Exemption\n",
        "apiVersion: example.org/v1\nkind: AllowList\nspec: {}",
        "apiVersion: example.org/v1\nkind: AllowList\nitems: {a: 1}",
        "apiVersion: v1\nkind: 3\n",
        "kind: Deployment\n",
        "replicas: 3\n",
        "- op: add\n",
        "just text\n",
        '"a string"',
        "true\n",
    ],
)
def test_other_documents_are_ignored_and_counted(audit: Any, text: str) -> None:
    outcome = audit(text)

    assert outcome.code == 0
    assert outcome.report["summary"] == {
        "objects": 0, "ignored": 1, "fail": 0, "warn": 0, "skip": 0, "error": 0, "fills": 0,
        "errors": 0,
    }  # fmt: skip
    assert "nothing to judge" in outcome.stderr


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("extensions/v1beta1", "Deployment"),
        ("apps/v1beta1", "StatefulSet"),
        ("apps/v1beta2", "ReplicaSet"),
        ("extensions/v1beta1", "DaemonSet"),
    ],
)
def test_legacy_groups_are_judged(audit: Any, api_version: str, kind: str) -> None:
    template = indented("spec:\n  containers: [{name: web}]", 4)
    outcome = audit(f"apiVersion: {api_version}\nkind: {kind}\nspec:\n  template:\n{template}")

    assert outcome.findings("path") == [
        ("/spec/template/spec/containers/0/livenessProbe",),
        ("/spec/template/spec/containers/0/readinessProbe",),
    ]


def test_items_of_a_list(audit: Any) -> None:
    service = "apiVersion: v1\nkind: Service\n"
    outcome = audit(f"apiVersion: v1\nkind: List\nitems:\n{as_item(service)}{as_item(BAD_POD)}")

    assert outcome.report["objects"][0]["source"] == {
        "file": "-", "document": 0, "item": 1, "line": 6,
    }  # fmt: skip
    assert outcome.findings("path") == [(LIVENESS,)]
    assert outcome.report["findings"][0]["source"]["line"] == 11
    assert outcome.report["summary"]["ignored"] == 1


def test_items_of_a_plain_list_say_what_they_are(audit: Any) -> None:
    bare = BAD_POD.removeprefix("apiVersion: v1\n")
    outcome = audit(f"apiVersion: v1\nkind: List\nitems:\n{as_item(bare)}")

    assert (outcome.report["objects"], outcome.report["summary"]["ignored"]) == ([], 1)


def test_items_of_a_typed_list_need_no_kind(audit: Any) -> None:
    bare = BAD_POD.removeprefix("apiVersion: v1\nkind: Pod\n")
    outcome = audit(f"apiVersion: v1\nkind: PodList\nitems:\n{as_item(bare)}")

    assert outcome.report["objects"][0]["object"]["kind"] == "Pod"
    assert outcome.findings("path") == [(LIVENESS,)]


def test_lists_in_lists_are_counted_through(audit: Any) -> None:
    inner = f"apiVersion: v1\nkind: List\nitems:\n{as_item(POD)}{as_item(POD)}"
    outcome = audit(f"apiVersion: v1\nkind: List\nitems:\n{as_item(POD)}{as_item(inner)}")

    assert [entry["source"]["item"] for entry in outcome.report["objects"]] == [0, 1, 2]


def test_what_is_no_list_is_numbered_although_it_has_items(audit: Any) -> None:
    other = {"apiVersion": "example.org/v1", "kind": "Menu", "items": ["a"]}
    odd = {"apiVersion": "v1", "kind": "Pod", "items": [], "spec": {}}
    plain = {"apiVersion": "v1", "kind": "Pod", "spec": {}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [other, odd, plain]}
    outcome = audit(json.dumps(listed))

    assert [entry["source"]["item"] for entry in outcome.report["objects"]] == [1, 2]


def test_deeply_nested_lists_are_no_trouble(audit: Any) -> None:
    level = '{"apiVersion":"v1","kind":"List","items":['
    outcome = audit(level * 240 + BAD_POD_JSON + "]}" * 240)

    assert outcome.findings("path") == [(LIVENESS,)]


BAD_POD_JSON = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {
            "containers": [{"name": "web", "readinessProbe": {"tcpSocket": {"port": 80}}}],
        },
    }
)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            POD.replace("containers:\n", "containers: {}\n  other:\n"),
            5,
            "/spec/containers: expected a list, got a mapping",
        ),
        (
            POD.replace("livenessProbe: {tcpSocket: {port: 80}}", "livenessProbe: 3"),
            8,
            "/spec/containers/0/livenessProbe: expected a mapping, got an integer",
        ),
        (
            POD.replace("port: 80}}", 'port: 80}, periodSeconds: "10"}', 1),
            7,
            "/spec/containers/0/readinessProbe/periodSeconds: expected an integer, got a string",
        ),
        (f"{POD}  volumes:\n  - name: 3\n", 10, "/spec/volumes/0/name: expected a string"),
        ("apiVersion: v1\nkind: List\nitems: {}\n", 3, "/items: expected a list"),
        ("apiVersion: v1\nkind: PodList\nitems: x\n", 3, "/items: expected a list"),
        ("apiVersion: v1\nkind: PodList\nitems:\n- 3\n", 4, "expected a mapping"),
        ("a: 1\n b: 2\n", 2, "not YAML: mapping values are not allowed in this context"),
    ],
)
def test_a_wrong_shape_is_an_error_with_path_and_line(
    audit: Any, text: str, line: int, message: str
) -> None:
    outcome = audit(text, fail_on="never")

    assert outcome.code == 3
    assert outcome.errors() == [(line, message)]
    assert outcome.report["objects"] == outcome.report["findings"] == []


def test_an_error_does_not_hide_the_next_document(audit: Any) -> None:
    outcome = audit(f"a: {{{{ .Values.a }}}}\n---\n{BAD_POD}")

    assert outcome.code == 3
    assert outcome.findings("path") == [(LIVENESS,)]
    assert "helm template" in outcome.report["errors"][0]["message"]


def test_an_empty_list_is_nothing_to_judge(audit: Any) -> None:
    outcome = audit("apiVersion: v1\nkind: List\nitems:\n")

    assert (outcome.code, outcome.report["summary"]["ignored"]) == (0, 0)


def test_nothing_is_asked_of_mirror_pods(audit: Any) -> None:
    mirror = "{name: web, annotations: {kubernetes.io/config.mirror: abc}}"
    outcome = audit(BAD_POD.replace("{name: web, namespace: shop}", mirror))

    assert outcome.code == 0
    assert outcome.report["summary"]["objects"] == 1
    assert outcome.report["findings"] == outcome.report["fills"] == []


def test_a_deletion_timestamp_in_a_file_excuses_nothing(audit: Any) -> None:
    """The API server drops it from what is created (apiserver registry/rest/meta.go)."""
    deleted = "{name: web, deletionTimestamp: 2026-01-01T00:00:00Z}"
    outcome = audit(BAD_POD.replace("{name: web, namespace: shop}", deleted))

    assert outcome.findings("path") == [(LIVENESS,)]


def request(operation: str = "CREATE", **fields: Any) -> dict[str, Any]:
    pod = json.loads(BAD_POD_JSON)
    return {
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "operation": operation,
        "namespace": "shop",
        "object": pod,
        **fields,
    }


def as_review(body: dict[str, Any], version: str = "v1") -> str:
    review = {"apiVersion": f"admission.k8s.io/{version}", "kind": "AdmissionReview"}
    return json.dumps(review | {"request": body}, indent=1)


def test_an_admission_review_is_judged_as_the_webhook_would(audit: Any) -> None:
    outcome = audit(as_review(request()))

    assert outcome.report["objects"][0]["object"]["namespace"] == "shop"
    assert outcome.findings("path") == [(LIVENESS,)]
    assert outcome.report["findings"][0]["source"]["line"] == 21
    # the API server would have set timings by now: nothing is known of who chose them
    assert {fill["evidence"] for fill in outcome.report["fills"]} == {"absent from the object"}


def test_a_bare_admission_request(audit: Any) -> None:
    outcome = audit(json.dumps(request(), indent=1))

    assert outcome.findings("path") == [(LIVENESS,)]
    assert outcome.report["findings"][0]["source"]["line"] == 18


@pytest.mark.parametrize(
    "body",
    [
        request("DELETE", object=None),
        request("UPDATE", oldObject=json.loads(BAD_POD_JSON)),
        request(subResource="status"),
        request(kind={"group": "", "version": "v1", "kind": "Service"}),
    ],
)
def test_reviews_that_the_webhook_lets_through_are_ignored(audit: Any, body: Any) -> None:
    outcome = audit(as_review(body))

    assert (outcome.code, outcome.report["summary"]["ignored"]) == (0, 1)


def test_a_review_fills_what_the_webhook_fills(audit: Any) -> None:
    template = {"spec": {"template": json.loads(BAD_POD_JSON)}}
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    outcome = audit(as_review(request(kind=kind, object=template)))

    assert outcome.report["summary"]["fail"] == 1
    assert outcome.report["fills"] == []


def test_a_malformed_object_in_a_review(audit: Any) -> None:
    outcome = audit(as_review(request(object={"spec": {"containers": 3}})))

    assert outcome.code == 3
    assert outcome.errors() == [(15, "/spec/containers: expected a list, got an integer")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (as_review(request(), "v1beta1"), "expected apiVersion admission.k8s.io/v1"),
        (as_review(request(uid="")), "a request without a uid"),
        ('{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}', "without a request"),
        (as_review(request(object=None)), "CREATE without an object"),
    ],
)
def test_a_review_that_cannot_be_answered_is_an_error(audit: Any, text: str, message: str) -> None:
    outcome = audit(text)

    assert outcome.code == 3
    assert message in outcome.errors()[0][1]
