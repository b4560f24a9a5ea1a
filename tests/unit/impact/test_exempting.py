"""The exemptions that make a promotion safe: with them nothing is hurt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import Object, container, pod_in, probed
from tests.exemptions import exemption
from tests.unit.impact.conftest import TERMS, Outcome, analyse, promotion
from tests.unit.impact.test_consequences import (
    BARE,
    CONTROLLERS,
    HOST_PATH,
    foreign_pod,
    pod_of,
    profile,
    revision,
    with_pods,
)
from tests.unit.live.fake import workload
from webhook import catalog, documents, goyaml
from webhook.exemptions import Exemption
from webhook.impact import Baseline

VARIED = "metadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers: [{name: web}]\n"


def written(file: Path) -> list[dict[str, Any]]:
    """The documents in a file; it can be loaded."""
    loaded(file)
    values = [document.value for document in goyaml.documents(file.read_bytes())]
    return [value for value in values if value is not None]


def loaded(file: Path) -> list[Exemption]:
    """What they mean."""
    return list(documents.load((file,), catalog.POLICIES).exemptions)


def baseline(file: Path) -> Baseline:
    return Baseline(file, TERMS, file.read_text() if file.exists() else None)


def exempted(file: Path, *objects: Object, **fields: Any) -> Outcome:
    """Write what is needed, and ask again with it."""
    before = analyse(*objects, of=promotion(**fields), baseline=baseline(file))
    assert before.code == 1, before.stdout
    return analyse(*objects, of=promotion(*loaded(file), **fields))


@pytest.mark.parametrize("kind", [*CONTROLLERS, "Job", "CronJob", "PodTemplate", "Pod"])
def test_with_the_exemptions_nothing_is_hurt(tmp_path: Path, kind: str) -> None:
    made = workload(kind, "web", BARE)
    pod_in(made)["spec"]["volumes"] = [HOST_PATH]
    objects = [made] if kind in ("Pod", "PodTemplate") else with_pods(made)

    after = exempted(tmp_path / "x.yaml", *objects)

    assert (after.code, after.report["summary"]["exempted"]) == (0, 1)
    (document,) = written(tmp_path / "x.yaml")
    assert document["metadata"]["name"] == f"strict-shop-{kind.lower()}-web"
    probes = [] if kind in ("Job", "CronJob") else ["require-probes"]
    assert document["spec"] == {
        "policies": ["require-claims", *probes],
        "workload": {"namespace": "shop", "kind": kind, "name": "web"},
        "reason": "ran before",
        "owner": "team-platform",
        "granted": "2026-11-24",
        "expires": "2027-02-22",
    }


def test_an_exemption_is_for_some_containers_where_that_is_enough(tmp_path: Path) -> None:
    volume = HOST_PATH | {"name": "logs"}
    shipper = probed("shipper", volumeMounts=[{"name": "logs", "mountPath": "/logs"}])
    top = workload("Deployment", "web", probed(), container("agent"), shipper)
    pod_in(top)["spec"]["volumes"] = [volume]

    after = exempted(tmp_path / "x.yaml", *with_pods(top))

    assert after.code == 0
    assert written(tmp_path / "x.yaml")[0]["spec"]["containers"] == ["agent", "shipper"]


def test_what_concerns_no_container_is_excused_with_the_whole_workload(tmp_path: Path) -> None:
    top = workload("Deployment", "web", probed(), container("agent"))
    pod_in(top)["spec"]["volumes"] = [HOST_PATH]

    assert exempted(tmp_path / "x.yaml", *with_pods(top)).code == 0
    assert "containers" not in written(tmp_path / "x.yaml")[0]["spec"]


def test_containers_that_others_inject_are_excused_too(tmp_path: Path) -> None:
    made = with_pods(workload("StatefulSet", "web"), 1)
    made[-1]["spec"] = {"containers": [probed(), container("agent")]}

    assert exempted(tmp_path / "x.yaml", *made).code == 0
    spec = written(tmp_path / "x.yaml")[0]["spec"]
    assert (spec["workload"]["kind"], spec["containers"]) == ("StatefulSet", ["agent"])


def test_old_revisions_are_excused_with_their_deployment(tmp_path: Path) -> None:
    top = workload("Deployment", "web")
    old = revision(top, "old")
    pod_in(old)["spec"] = pod_in(workload("Deployment", "x", BARE))["spec"]

    after = exempted(tmp_path / "x.yaml", top, old, pod_of(old, "web-old-1"))

    assert after.code == 0
    assert [one.kind for one in loaded(tmp_path / "x.yaml")] == ["Deployment"]


def test_a_job_that_somebody_started_by_hand_has_an_exemption_of_its_own(tmp_path: Path) -> None:
    nightly = workload("CronJob", "nightly")
    by_hand = workload("Job", "try-it", BARE, owner=nightly)
    by_hand["metadata"]["ownerReferences"][0]["apiVersion"] = "batch/v1"
    pod_in(by_hand)["spec"]["volumes"] = [HOST_PATH]

    after = exempted(tmp_path / "x.yaml", nightly, by_hand, pod_of(by_hand, "try-it-a"))

    assert after.code == 0
    assert [(one.kind, one.workload) for one in loaded(tmp_path / "x.yaml")] == [("Job", "try-it")]


@pytest.mark.parametrize(
    ("start", "name", "exempt"),
    [
        ("web-", "web-x7k2p", "web-*"),
        ("web", "webx7k2p", "web*"),
        ("web.", "web.x7k2p", "web.*"),
        ("web--", "web--x7k2p", "web-*"),
        ("w" * 60, "w" * 58 + "x7k2p", "w" * 58 + "*"),
        (None, "web-0", "web-0"),
    ],
)
def test_pods_with_generated_names_are_excused_by_what_these_begin_with(
    tmp_path: Path, start: str | None, name: str, exempt: str
) -> None:
    pod = foreign_pod(name, "CloneSet", BARE)
    pod["metadata"] |= {"generateName": start} if start else {}

    assert exempted(tmp_path / "x.yaml", pod).code == 0
    assert [(one.kind, one.workload) for one in loaded(tmp_path / "x.yaml")] == [("Pod", exempt)]


def test_pods_of_one_generated_name_have_one_exemption(tmp_path: Path) -> None:
    pods = [foreign_pod(f"web-{end}", "CloneSet", BARE) for end in ("aaaaa", "bbbbb")]
    for pod in pods:
        pod["metadata"]["generateName"] = "web-"

    assert exempted(tmp_path / "x.yaml", *pods).code == 0
    assert len(loaded(tmp_path / "x.yaml")) == 1


def test_names_are_labels_and_their_own(tmp_path: Path) -> None:
    long = "a" * 61
    tops = [
        workload("Deployment", "a.b", BARE),
        workload("Deployment", "a-b", BARE),
        workload("Deployment", long, BARE),
        workload("Deployment", long + "b", BARE),
        workload("StatefulSet", "1", BARE),
    ]
    taken = exemption(name="strict-shop-statefulset-1", workload="another")
    file = tmp_path / "x.yaml"

    analyse(*tops, of=promotion(taken), baseline=baseline(file))

    names = [one.name for one in loaded(file)]
    assert len({*names, taken.name}) == 6
    assert analyse(*tops, of=promotion(taken, *loaded(file))).code == 0


def test_odd_owners_and_reasons_stay_what_they_are(tmp_path: Path) -> None:
    odd = 'a "b": #c\n---\nkind: Profile \u2028 é'
    file = tmp_path / "x.yaml"
    terms = type(TERMS)(odd, odd, TERMS.granted, TERMS.expires)

    analyse(workload("Pod", "on", BARE), baseline=Baseline(file, terms))

    (one,) = loaded(file)
    assert (one.owner, one.reason, one.workload) == (odd, odd, "on")


def test_a_file_is_added_to_and_what_is_in_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    first = workload("Deployment", "web", BARE)
    analyse(first, baseline=baseline(file))
    before = file.read_text()

    both = [first, workload("Deployment", "shop", BARE)]
    found = analyse(*both, of=promotion(*loaded(file)), baseline=baseline(file))

    assert found.code == 1
    assert file.read_text().startswith(before)
    assert [one.workload for one in loaded(file)] == ["web", "shop"]
    assert "x.yaml: 1 exemption added" in found.stderr

    again = file.read_text()
    found = analyse(*both, of=promotion(*loaded(file)), baseline=baseline(file))
    assert (found.code, file.read_text()) == (0, again)
    assert "no exemption has to be added" in found.stderr


def test_where_nothing_is_needed_the_file_is_there_and_empty(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    assert analyse(workload("Pod", "web"), baseline=baseline(file)).code == 0
    assert loaded(file) == []


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    found = analyse(workload("Pod", "web", BARE), baseline=baseline(tmp_path / "no" / "x.yaml"))
    assert found.code == 3
    assert "no/x.yaml: No such file or directory" in found.stderr


def test_a_policy_that_crashes_is_for_no_exemption(tmp_path: Path) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("boom")

    broken = profile("x", **{"require-probes": {"action": "deny", "onFailure": "deny"}})
    checks = {
        kind: tuple(msgspec.structs.replace(one, check=crash) for one in bindings)
        for kind, bindings in broken.lone_checks.items()
    }
    broken = msgspec.structs.replace(broken, checks=checks, lone_checks=checks)
    file = tmp_path / "x.yaml"

    found = analyse(
        workload("Deployment", "web"),
        of=promotion(to="x", profiles={"x": broken}),
        baseline=baseline(file),
    )

    assert found.code == 3
    (refused,) = found.report["unexemptable"]
    assert refused["workload"]["name"] == "web"
    assert refused["why"] == "policy require-probes fails on it: mend the policy"
    assert ["boom" in one["message"] for one in found.report["errors"]] == [True]
    assert loaded(file) == []


def test_a_manifest_without_a_namespace_cannot_be_excused(
    analyse_text: Callable[..., Outcome], tmp_path: Path
) -> None:
    text = f"apiVersion: apps/v1\nkind: Deployment\n{VARIED}"

    found = analyse_text(text, baseline=baseline(tmp_path / "x.yaml"))

    assert found.code == 1
    why = "it names no namespace: give --namespace"
    assert [one["why"] for one in found.report["unexemptable"]] == [why]
    assert loaded(tmp_path / "x.yaml") == []
