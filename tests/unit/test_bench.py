"""`make bench` measures what it says: the corpus is as planned, and the table has its rows."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bench import audit, corpus, live, observing, population
from webhook.cli import main

MANY = range(240)


def test_the_corpus_is_the_same_each_time_and_has_the_size_of_real_manifests(
    tmp_path: Path,
) -> None:
    texts = [corpus.manifest(number) for number in MANY]

    assert texts == [corpus.manifest(number) for number in MANY]
    assert 1500 < sum(map(len, texts)) / len(texts) < 1700
    corpus.write(tmp_path, len(MANY))
    files = sorted(tmp_path.iterdir())
    assert len(files) == corpus.FILES
    assert "---\n".join(file.read_text() for file in files) == "---\n".join(texts)


def test_the_corpus_is_clean_but_for_what_is_planned(tmp_path: Path) -> None:
    corpus.write(tmp_path, len(MANY))

    result = CliRunner().invoke(main, ["audit", "--format", "json", str(tmp_path)])

    report = json.loads(result.stdout)
    assert report["summary"]["objects"] == len(MANY)
    assert {o["object"]["kind"] for o in report["objects"]} == {"Deployment", "StatefulSet", "Pod"}
    assert (report["errors"], report["fills"]) == ([], [])
    found = sorted(int(f["object"]["name"].rpartition("-")[2]) for f in report["findings"])
    assert found == [number for number in MANY if corpus.has_finding(number)]
    assert {f["policy"] for f in report["findings"]} == {"require-claims", "require-probes"}


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    audit.main(sizes=(60, 120), runs=1)

    heading, *rows, load, aim = capsys.readouterr().out.splitlines()
    assert heading.split() == ["documents/s", "seconds", "peak", "MiB", "ratio"]
    assert [row[:28].strip() for row in rows] == [
        "PyYAML CSafeLoader",
        "webhook.goyaml",
        "audit 60, best of 1",
        "audit 60, median",
        "audit 120, best of 1",
        "audit 120, median",
    ]
    rates, peaks = [float(row.split()[-4]) for row in rows], [row.split()[-2] for row in rows]
    assert all(rate > 0 for rate in rates)
    assert float(peaks[2]) > 10
    assert peaks[3] == "-"
    assert re.fullmatch(r"\d+ processors, load \d+\.\d before and \d+\.\d after", load)
    assert aim == audit.AIM


def test_what_watching_costs(capsys: pytest.CaptureFixture[str]) -> None:
    observing.main(rounds=1, batch=1)

    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["2", "KB", "allow", "us", "more"]
    assert [row[:32].strip() for row in rows] == [
        "admission alone",
        "counted (as it is served)",
        "counted by prometheus_client",
        "counted and traced",
    ]
    assert all(float(row.split()[-2]) > 0 for row in rows)


@pytest.mark.parametrize("number", MANY)
def test_a_copied_workload_is_of_the_sort_of_its_sample(number: int) -> None:
    """But for names, which are what is replaced."""

    def shape(workload: int) -> str:
        made = population.owner(workload)
        name = f"app-{workload:05}"
        text = json.dumps(made.manifest) if made else ""
        return text.replace(name, "app").replace(population.namespace_of(workload), "team")

    assert shape(number) == shape(population.sample_of(number))
    place, sample = (
        [create.manifest for create in population.namespace(one)]
        for one in (number, population.sample_place(number))
    )
    assert ["labels" in one["metadata"] for one in place] == [
        "labels" in one["metadata"] for one in sample
    ]


def test_objects_are_where_the_api_server_keeps_them() -> None:
    made = [*population.members(7, "StatefulSet", "uid")]
    assert {create.kind: (create.path, create.key) for create in made[:4]} == {
        "Service": (
            "/api/v1/namespaces/team-0000/services",
            "/registry/services/specs/team-0000/app-00007",
        ),
        "PersistentVolumeClaim": (
            "/api/v1/namespaces/team-0000/persistentvolumeclaims",
            "/registry/persistentvolumeclaims/team-0000/data-app-00007-0",
        ),
        "PersistentVolume": (
            "/api/v1/persistentvolumes",
            "/registry/persistentvolumes/pv-data-app-00007-0",
        ),
        "Pod": (
            "/api/v1/namespaces/team-0000/pods",
            "/registry/pods/team-0000/app-00007-0",
        ),
    }


def test_a_fast_audit_that_is_wrong_has_no_figure() -> None:
    summary = {"objects": 21, "fail": 1, "notJudged": {"owned": 242}}
    run = live.Run(1.0, 1.0, 1.0, summary)
    wanted = population.expected(20)
    right = {"objects": wanted.judged, "fail": wanted.fail, "notJudged": {"owned": wanted.owned}}

    live.check(live.Run(1.0, 1.0, 1.0, right), 20)
    with pytest.raises(SystemExit, match="the audit found"):
        live.check(run, 20)
