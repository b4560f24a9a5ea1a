"""A finding keeps its fingerprint when its surroundings change."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON, load_profiles
from tests.unit.report.samples import DENIED, at, changed, judged, written
from webhook.audit import Court, run
from webhook.exemptions import Exemptions
from webhook.report.entries import FindingEntry, Judged, ObjectName
from webhook.report.reports import Format

WEB_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: proxy
    livenessProbe: {tcpSocket: {port: 80}}
  - name: app
  volumes:
  - {name: data, hostPath: {path: /srv}}
  - {name: more, nfs: {server: x, path: /}}
"""
REORDERED = """\
# a comment
---
kind: Service
apiVersion: v1
---
spec:
  volumes:
  - {name: logs, emptyDir: {}}
  - {name: more, nfs: {server: x, path: /}}
  - {name: data, hostPath: {path: /srv}}
  containers:
  - name: new
    livenessProbe: {tcpSocket: {port: 80}}
    readinessProbe: {tcpSocket: {port: 80}}

  - name: app

  - name: proxy
    livenessProbe: {tcpSocket: {port: 80}}
metadata: {name: web}
kind: Pod
apiVersion: v1
"""


def audited(*paths: str) -> dict[str, str]:
    """Fingerprint by file and message."""
    stdout = io.StringIO()
    court = Court(load_profiles()["strict"], Exemptions(), NOON.date())
    run(paths, court, [Format("sarif")], stdout=stdout, stderr=io.StringIO())
    return {
        f"{_file(result)} {result['message']['text']}": result["partialFingerprints"][
            "podworthy/v1"
        ]
        for result in json.loads(stdout.getvalue())["runs"][0]["results"]
    }


def _file(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def fingerprints(*told: Judged) -> list[str]:
    (run_,) = json.loads(written("sarif", *told))["runs"]
    return [result["partialFingerprints"]["podworthy/v1"] for result in run_["results"]]


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_lines_and_order_do_not_matter() -> None:
    Path("web.yaml").write_text(WEB_POD)
    before = audited("web.yaml")
    Path("web.yaml").write_text(REORDERED)

    assert audited("web.yaml") == before
    assert len(set(before.values())) == len(before) == 5


def test_other_findings_do_not_matter() -> None:
    Path("web.yaml").write_text(WEB_POD)
    before = audited("web.yaml")
    Path("web.yaml").write_text(WEB_POD.replace("  - {name: data, hostPath: {path: /srv}}\n", ""))
    after = audited("web.yaml")

    assert len(after) == 4
    assert before | after == before


def test_other_files_and_their_order_do_not_matter() -> None:
    for file in ("a.yaml", "b.yaml", "c.yaml"):
        Path(file).write_text(WEB_POD)
    before = audited("a.yaml", "b.yaml", "c.yaml")

    assert audited("c.yaml", "b.yaml", "a.yaml") == before
    assert before | audited("b.yaml") == before
    assert len(set(before.values())) == 15


def test_how_a_file_is_named_does_not_matter(tmp_path: Path) -> None:
    Path("web.yaml").write_text(WEB_POD)

    assert audited("web.yaml") == audited("./web.yaml") == audited(str(tmp_path / "web.yaml"))


def test_equal_findings_are_numbered_within_their_file() -> None:
    told = [judged(changed(DENIED, source=at(line))) for line in (9, 30, 51)]
    elsewhere = judged(changed(DENIED, source=at(9, "other.yaml")))

    first, second, third = fingerprints(*told)

    assert [one.rpartition(":")[2] for one in (first, second, third)] == ["1", "2", "3"]
    assert len({one.rpartition(":")[0] for one in (first, second, third)}) == 1
    assert fingerprints(elsewhere, *told)[1:] == [first, second, third]


@pytest.mark.parametrize(
    "other",
    [
        changed(DENIED, policy="probe-sanity"),
        changed(DENIED, rule="lost"),
        changed(DENIED, path=DENIED.path.replace("liveness", "readiness")),
        changed(DENIED, path=DENIED.path.replace("containers", "initContainers")),
        changed(DENIED, message="db: no livenessProbe; add one"),
        changed(DENIED, object=ObjectName("apps/v1", "StatefulSet", "pay", "web")),
        changed(DENIED, object=ObjectName("apps/v1", "StatefulSet", "shop", None)),
        changed(DENIED, object=ObjectName("apps/v1", "Deployment", "shop", "web")),
        changed(DENIED, source=at(9, "other.yaml")),
    ],
)
def test_another_finding_has_another_fingerprint(other: FindingEntry) -> None:
    one, two = fingerprints(judged(DENIED, other))

    assert one.rpartition(":")[0] != two.rpartition(":")[0]


def test_the_wording_of_a_fix_and_the_action_do_not_matter() -> None:
    said_otherwise = changed(
        DENIED, message="web: lacks livenessProbe; give one", result="warn", action="warn"
    )

    assert fingerprints(judged(DENIED)) == fingerprints(judged(said_otherwise))
