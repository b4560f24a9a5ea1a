"""Any review gets an answer that the API server takes, and soon; and a wrong answer is noticed."""

import base64
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.builders import container, http, pod, review
from tests.fuzz import corpus, oracle, run
from tests.fuzz.mutations import MIB, Mutator
from webhook.server.surface import Response, Surface

BODY = review(pod(container(livenessProbe=http())))
UID = json.loads(BODY)["request"]["uid"]
DENIED = {"allowed": False, "status": {"code": 403, "reason": "Forbidden", "message": "no"}}


def test_mutated_reviews(fuzzed: tuple[int, str]) -> None:
    status, words = fuzzed
    print(words)
    assert status == 0, words
    counted = re.search(r"(\d+) reviews, (\d+) behaviours", words)
    assert counted is not None, words
    assert int(counted[1]) > 100
    assert int(counted[2]) > 20


def test_a_seed_makes_the_same_reviews() -> None:
    reviews = corpus.reviews()
    one, other = (Mutator(Random(5), reviews) for _ in range(2))  # noqa: S311 no secret
    first = [one.mutate(reviews[number]) for number in range(50)]
    assert first == [other.mutate(reviews[number]) for number in range(50)]
    assert len(set(first) - set(reviews)) > 40
    assert MIB / 2 < len(one.enlarge(reviews[0])) < 4 * MIB


def answer(**response: Any) -> Response:
    body = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": UID, "allowed": True, **response},
    }
    return Response(200, json.dumps(body).encode())


def patched(*operations: Any) -> dict[str, str]:
    return {
        "patch": base64.b64encode(json.dumps(operations).encode()).decode(),
        "patchType": "JSONPatch",
    }


PATH = "/spec/containers/0/livenessProbe/periodSeconds"


def test_answers_that_are_right() -> None:
    assert oracle.check("validate", BODY, answer()) is None
    assert oracle.check("validate", BODY, answer(**DENIED)) is None
    assert oracle.check("validate", b"", Response(400, b'{"error":"not JSON"}')) is None
    filled = oracle.check(
        "mutate", BODY, answer(**patched({"op": "add", "path": PATH, "value": 5}))
    )
    assert filled["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] == 5


@pytest.mark.parametrize(
    ("door", "response"),
    [
        ("validate", Response(500, b'{"error":"podworthy failed"}')),
        ("validate", Response(400, b'{"error":""}')),
        ("validate", Response(400, b'{"error":"\\u001b"}')),
        ("validate", answer(uid="another")),
        ("validate", answer(allowed="yes")),
        ("validate", answer(status={"code": 200})),
        ("validate", answer(allowed=False)),
        ("validate", answer(**DENIED, warnings=["no"])),
        ("validate", answer(more=1)),
        ("validate", answer(warnings=[])),
        ("validate", answer(warnings=["a\nb"])),
        ("validate", answer(warnings=["a" * 121])),
        ("validate", answer(auditAnnotations={"a/b": "c"})),
        ("validate", answer(auditAnnotations={"a": 1})),
        ("validate", answer(**patched({"op": "add", "path": PATH, "value": 5}))),
        ("mutate", answer(**DENIED)),
        ("mutate", answer(patch="", patchType="JSONPatch")),
        ("mutate", answer(**patched({"op": "add", "path": PATH}) | {"patchType": "x"})),
        ("mutate", answer(**patched({"op": "add", "path": "/spec/x/y", "value": 5}))),
        ("mutate", answer(**patched({"op": "remove", "path": PATH}))),
    ],
)  # fmt: skip
def test_answers_that_are_wrong(door: str, response: Response) -> None:
    with pytest.raises((oracle.Odd, ValueError)):
        oracle.check(door, BODY, response)


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"x", BODY.replace(b'"web"', b"NaN"), b"\xff"])
def test_an_answer_to_what_is_no_json_is_wrong(body: bytes) -> None:
    with pytest.raises(oracle.Odd):
        oracle.check("validate", body, answer())


def test_a_crash_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Surface, "respond", lambda *_: 1 / 0)
    report = run.fuzz(0.2, 1, tmp_path)
    assert [one.kind for one in report.failures] == ["raised"]
    assert report.failures[0].body.exists()


def test_slowness_is_found(tmp_path: Path) -> None:
    report = run.fuzz(0.2, 1, tmp_path, cpu_seconds=1e-9)
    assert [one.kind for one in report.failures] == ["slow"]
