"""Workloads are judged together with what stands around them in the same inputs."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import profile, statefulset
from webhook import goyaml
from webhook.api import Claim
from webhook.audit.gather import gather
from webhook.audit.sources import Inputs, Text, Unread

SEED = Path(__file__).parents[3] / "examples" / "seed"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: []
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: dta}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""
MISSING = [("claim-exists", "/spec/volumes/0/persistentVolumeClaim/claimName")]


def write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def test_the_seed_is_judged_rightly(audit: Any) -> None:
    outcome = audit("", str(SEED / "mongodb.yaml"))

    assert outcome.findings("policy", "result", "path") == [
        ("claim-backing", "warn", "/spec/volumes/0/persistentVolumeClaim/claimName"),
        ("require-probes", "fail", "/spec/containers/0/livenessProbe"),
        ("require-probes", "fail", "/spec/containers/0/readinessProbe"),
    ]
    assert outcome.report["summary"]["ignored"] == 2, "the claim and the volume"
    (backing,) = (one for one in outcome.report["findings"] if one["policy"] == "claim-backing")
    assert "hostPath volume 'mongodb-pv'" in backing["message"]


def test_the_seeds_hostpath_is_denied_by_strict(audit: Any) -> None:
    outcome = audit("", str(SEED / "mongodb.yaml"), profile="strict")

    assert ("claim-backing", "deny") in outcome.findings("policy", "action")


@pytest.mark.parametrize("order", [["a.yaml", "b.yaml"], ["b.yaml", "a.yaml"], ["."]])
def test_files_are_judged_together_in_whichever_order(audit: Any, order: list[str]) -> None:
    write({"a.yaml": POD, "b.yaml": CLAIM})

    assert audit("", *order).findings("policy", "path") == MISSING


def test_standard_input_and_pipes_are_read_once_and_judged_whole(audit: Any) -> None:
    assert audit(f"{POD}---\n{CLAIM}").findings("policy", "path") == MISSING

    reading, writing = os.pipe()
    os.write(writing, POD.encode())
    os.close(writing)
    assert audit(CLAIM, f"/dev/fd/{reading}", "-").findings("policy", "path") == MISSING
    os.close(reading)


def test_items_of_lists_count(audit: Any) -> None:
    spec = CLAIM.partition("metadata")[2].replace("\n", "\n  ")
    typed = f"apiVersion: v1\nkind: PersistentVolumeClaimList\nitems:\n- metadata{spec}\n"
    plain = CLAIM.replace("\n", "\n  ")
    mixed = f"apiVersion: v1\nkind: List\nitems:\n- {plain}\n"
    for text in (typed, mixed):
        outcome = audit(f"{POD}---\n{text}")
        assert outcome.findings("policy", "path") == MISSING
        assert outcome.report["summary"]["ignored"] == 1


def test_json_counts(audit: Any) -> None:
    claim = (
        '{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},'
        ' "spec": {"accessModes": ["ReadWriteOnce"]}}'
    )
    write({"pod.yaml": POD, "claim.json": claim})

    assert audit("", ".").findings("policy", "path") == MISSING


def test_without_any_claim_nothing_is_said_of_one(audit: Any) -> None:
    assert audit(POD).findings() == []


def test_the_namespace_of_objects_that_name_none_is_that_of_claims_too(audit: Any) -> None:
    in_shop = CLAIM.replace("{name: data}", "{name: data, namespace: shop}")
    other = CLAIM.replace("{name: data}", "{name: other, namespace: elsewhere}")
    fitting = POD.replace("dta", "data")

    assert audit(f"{POD}---\n{in_shop}").findings() == [], "unknown"
    for claim, workload in (
        (in_shop, POD),
        (CLAIM, POD.replace("{name", "{namespace: shop, name")),
    ):
        assert (
            audit(f"{workload}---\n{claim}", namespace="shop").findings("policy", "path") == MISSING
        )
    assert audit(f"{fitting}---\n{CLAIM}---\n{other}", namespace="shop").findings() == []


def test_a_review_is_judged_as_in_the_webhook_which_cannot_look_around(audit: Any) -> None:
    review = """\
apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request:
  uid: "1"
  operation: CREATE
  kind: {group: "", version: v1, kind: Pod}
  object:
    """ + POD.replace("\n", "\n    ")
    outcome = audit(f"{review}\n---\n{CLAIM}")

    assert outcome.report["summary"]["objects"] == 1
    assert outcome.findings() == []


def test_a_claim_of_a_wrong_shape_is_noted_once_and_nothing_is_said_of_it(audit: Any) -> None:
    """It is not judged, so it is no error; it is there, so it is not absent."""
    other = CLAIM.replace("name: data", "name: other")
    broken = CLAIM.replace("[ReadWriteOnce]", "ReadWriteOnce")
    outcome = audit(f"{POD.replace('dta', 'data')}---\n{broken}---\n{other}")

    assert outcome.code == 0
    assert outcome.errors() == []
    assert outcome.findings("policy", "message") == []
    assert outcome.stderr == (
        "podworthy: -:14: /spec/accessModes: expected a list, got a string; "
        "nothing is said of what refers to this PersistentVolumeClaim\n"
    )


def test_a_variable_in_place_of_a_size_is_no_error(audit: Any) -> None:
    """As before `envsubst` or Flux's postBuild: the rest of the workload can be judged."""
    template = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "${SIZE}"}},
        },
    }
    obj = statefulset()
    obj["spec"]["volumeClaimTemplates"] = [template]
    assert audit(json.dumps(obj)).code == 0


def test_what_cannot_be_read_is_told_once(audit: Any) -> None:
    outcome = audit(f"{CLAIM}---\nkind: Service\na: [\n")

    assert outcome.code == 3
    assert len(outcome.errors()) == 1


def test_only_documents_that_mention_a_kind_are_read_in_the_first_pass(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[bytes] = []

    def documents(data: bytes) -> Iterator[goyaml.Document]:
        read.append(data)
        return goyaml.documents(data)

    monkeypatch.setattr("webhook.audit.gather.documents", documents)
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n"
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "both.yaml").write_text(f"{account}---\n{CLAIM}")

    found = gather(Inputs([str(tmp_path)], io.BytesIO()))

    assert read == [f"---\n{CLAIM}".encode()]
    assert isinstance(found.claim(None, "data"), Claim)


def test_without_a_policy_that_looks_up_there_is_no_first_pass(
    audit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[None] = []
    texts = Inputs.texts

    def counted(inputs: Inputs) -> Iterator[Text | Unread]:
        passes.append(None)
        return texts(inputs)

    monkeypatch.setattr(Inputs, "texts", counted)
    alone = profile(policies={"require-claims": {"action": "deny"}})
    assert audit(f"{POD}---\n{CLAIM}", profile=alone).findings() == []
    assert len(passes) == 1
    assert audit(f"{POD}---\n{CLAIM}").findings("policy", "path") == MISSING
    assert len(passes) == 3
