"""The reports of all shards are the report of the whole, byte for byte."""

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests import schemas
from tests.bench import corpus
from tests.builders import NOON, Object, container, load_profiles, of_kind, probed
from tests.unit.test_cli import podworthy
from webhook.audit import Court, merge, run
from webhook.audit.shard import Shard
from webhook.errors import ReportError
from webhook.exemptions import Exemptions
from webhook.report.reports import Format

STRICT = Court(load_profiles()["strict"], Exemptions(), NOON.date())
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"storageClassName": "none"},
}
NO_OBJECTS = ("", "# nothing\n", "a: [\n", "{{ template }}\n", "kind: Service\napiVersion: v1\n")


@st.composite
def objects(draw: st.DrawFn) -> Object:
    kind = draw(st.sampled_from(["Pod", "Deployment", "StatefulSet", "CronJob"]))
    containers = draw(
        st.lists(
            st.sampled_from([container("a"), probed("b"), {"name": 7}]), min_size=1, max_size=2
        )
    )
    obj = of_kind(kind, *containers)
    obj["metadata"] = {
        "name": draw(st.sampled_from(["web", "db", "cache", "queue", "api", "cron"])),
        "namespace": draw(st.sampled_from(["shop", "pay", "infra"])),
    }
    return obj


DOCUMENTS = st.one_of(
    st.sampled_from(NO_OBJECTS),
    objects().map(json.dumps),
    st.just(json.dumps(CLAIM)),
    st.lists(objects(), max_size=4).map(
        lambda items: json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    ),
)
FILES = st.lists(st.lists(DOCUMENTS, max_size=4), max_size=4)


SCHEMA = Draft202012Validator(json.loads((schemas.DIRECTORY / "audit-report.json").read_text()))


def audited(paths: list[str], shard: Shard | None = None) -> tuple[int, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = run(paths, STRICT, [Format("json")], shard=shard, stdout=stdout, stderr=stderr)
    SCHEMA.validate(json.loads(stdout.getvalue()))
    return code, stdout.getvalue()


def merged(paths: list[str], count: int, directory: Path) -> tuple[int, str]:
    files = []
    for index in range(count):
        files.append(str(directory / f"shard-{index}.report"))
        Path(files[-1]).write_text(audited(paths, Shard(index, count))[1])
    stdout, stderr = io.StringIO(), io.StringIO()
    # in whichever order
    code = merge.run(merge.load(files[::-1]), stdout=stdout, stderr=stderr)
    return code, stdout.getvalue()


@settings(max_examples=30, deadline=None)
@given(FILES, st.integers(1, 4))
def test_the_merge_of_all_shards_equals_the_whole(files: list[list[str]], count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for number, texts in enumerate(files):
            (directory / f"{number}.yaml").write_text("\n---\n".join(texts))
        # one of them twice, and one that is not there
        paths = [str(directory), str(directory / "0.yaml"), str(directory / "missing.yaml")]
        assert merged(paths, count, directory) == audited(paths)


def test_it_does_so_where_several_processes_judge_parts_of_files(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    corpus.write(tmp_path / "many", 150)
    texts = [path.read_text() for path in sorted((tmp_path / "many").rglob("*.yaml"))]
    (tmp_path / "one.yaml").write_text("\n---\n".join(texts))
    paths = [str(tmp_path / "many"), str(tmp_path / "one.yaml")]
    whole = audited(paths)
    assert json.loads(whole[1])["summary"]["fail"] > 10
    assert merged(paths, 3, tmp_path) == whole


def test_each_shard_judges_its_share_alone(tmp_path: Path) -> None:
    corpus.write(tmp_path, 200)
    names = []
    for index in range(4):
        report = json.loads(audited([str(tmp_path)], Shard(index, 4))[1])
        assert report["shard"] == f"{index}/4"
        names.append({json.dumps(one["object"]) for one in report["objects"]})
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))


# Of a cluster


def report(shard: str, **fields: Any) -> Object:
    """The report of one shard, as `audit --cluster` writes it."""
    base = {
        "apiVersion": "podworthy.dev/v1alpha1",
        "kind": "AuditReport",
        "profile": "baseline",
        "cluster": "prod",
        "shard": shard,
        "objects": [],
        "findings": [],
        "fills": [],
        "errors": [],
        "summary": {"partial": False, "notJudged": {"owned": 2, "mirror": 0}},
    }
    return base | fields


def entry(resource: str, kind: str, namespace: str, name: str) -> Object:
    return {
        "object": {"apiVersion": "v1", "kind": kind, "namespace": namespace, "name": name},
        "source": {"file": None, "resource": resource},
        "profile": "baseline",
    }


def written(tmp_path: Path, *reports: Object) -> list[str]:
    paths = []
    for number, one in enumerate(reports):
        paths.append(str(tmp_path / f"{number}.json"))
        Path(paths[-1]).write_text(json.dumps(one))
    return paths


def test_objects_of_a_cluster_come_in_the_order_of_its_lists(tmp_path: Path) -> None:
    refused = {"source": {"file": None, "resource": "services"}, "message": "403"}
    pods = [entry("pods", "Pod", "a", "x"), entry("pods", "Pod", "b", "x")]
    sets = [entry("statefulsets.apps", "StatefulSet", "z", "z")]
    paths = written(
        tmp_path,
        report("0/2", objects=[pods[1]], errors=[refused]),
        report("1/2", objects=[*sets, pods[0]], errors=[refused], summary={"partial": True}),
    )
    stdout = io.StringIO()
    code = merge.run(merge.load(paths), stdout=stdout)
    found = json.loads(stdout.getvalue())
    assert found["objects"] == [*sets, *pods]
    assert found["errors"] == [refused]
    assert (found["cluster"], found["summary"]["partial"]) == ("prod", True)
    assert found["summary"]["notJudged"] == {"owned": 2, "mirror": 0}
    assert "shard" not in found
    assert code == 3


# What cannot be merged


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([report("0/2")], "the report of shard 1/2 is missing"),
        ([report("0/2"), report("0/2")], "shard 0/2 is there twice: "),
        ([report("0/2"), report("1/3")], "shards in all 3, not 2"),
        ([report("0/2"), report("1/2", profile="strict")], "profile strict, not baseline"),
        ([report("0/2"), report("1/2", cluster="test")], "cluster test, not prod"),
        ([report("2/2")], "there is no shard 2/2"),
    ],
)
def test_what_is_not_every_shard_of_one_audit_is_refused(
    reports: list[Object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=told):
        merge.load(written(tmp_path, *reports))


def test_a_whole_report_is_no_shard(tmp_path: Path) -> None:
    whole = report("0/1")
    del whole["shard"]
    with pytest.raises(ReportError, match=r"0\.json: the report of a whole audit"):
        merge.load(written(tmp_path, whole))


# The command line

SEED = str(Path(__file__).parents[3] / "examples" / "seed")


def test_the_commands_fit_together(tmp_path: Path) -> None:
    shards = []
    for index in range(2):
        shards.append(str(tmp_path / f"shard-{index}.json"))
        podworthy("audit", SEED, f"--shard={index}/2", "--format", f"json={shards[-1]}")
    whole = podworthy("audit", SEED, "--format", "json")
    result = podworthy("merge", *shards)
    assert (result.exit_code, result.stdout) == (whole.exit_code, whole.stdout)
    assert podworthy("merge", *shards, "--fail-on", "never").exit_code == 0
    text = podworthy("merge", *shards, "--format", "text").stdout
    assert text.splitlines()[-2:] == podworthy("audit", SEED).stdout.splitlines()[-2:]
    (tmp_path / "whole.json").write_text(whole.stdout)
    beside = ("--baseline", str(tmp_path / "whole.json"), "--fail-on", "new")
    assert podworthy("merge", *shards, *beside).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["audit", SEED, "--shard", "2/2"], 2, "there is no shard 2/2: give I/N"),
        (["audit", SEED, "--shard", "0/2", "--baseline", "x.json"], 2, "give --baseline to"),
        (["merge"], 2, "Missing argument"),
        (["merge", "missing.json"], 3, "missing.json: No such file or directory"),
        (["merge", SEED + "/mongodb.yaml"], 3, "mongodb.yaml: not JSON, or not all of it"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], code: int, told: str) -> None:
    result = podworthy(*arguments)
    assert result.exit_code == code
    assert told in result.stderr
