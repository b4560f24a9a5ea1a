"""Two audits beside each other: what is new, what is fixed, what was there before."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.builders import NOON, Object, container, load_profiles, of_kind, probed
from tests.exemptions import exemption
from tests.unit.test_cli import podworthy
from webhook.audit import Court, run
from webhook.exemptions import Exemption, Exemptions
from webhook.report import baseline
from webhook.report.reports import Format

SCHEMA = Draft202012Validator(json.loads((schemas.DIRECTORY / "audit-report.json").read_text()))
Compare = Callable[..., Any]


def named(name: str, *containers: Object, kind: str = "Deployment", **spec: Any) -> Object:
    obj = of_kind(kind, *containers, **spec)
    obj["metadata"]["name"] = name
    return obj


BAD = named("web", container())
GOOD = named("web", probed())
HOST_PATH = {"name": "data", "hostPath": {"path": "/srv"}}


@pytest.fixture
def audit(tmp_path: Path) -> Compare:
    """Audits objects by file name, beside the report of other ones."""

    def call(
        now: dict[str, list[Object]],
        before: dict[str, list[Object]] | None = None,
        fail_on: str = "new",
        exempted: tuple[list[Exemption], list[Exemption]] = ([], []),
        format_name: str = "json",
    ) -> Any:
        earlier = None
        if before is not None:
            _, report = one(before, exempted[0], "json", None, "never")
            (tmp_path / "before.json").write_text(report)
            earlier, _ = baseline.load(str(tmp_path / "before.json"), "baseline")
        code, report = one(now, exempted[1], format_name, earlier, fail_on)
        if format_name == "json":
            SCHEMA.validate(json.loads(report))
        return code, json.loads(report) if format_name in ("json", "sarif") else report

    def one(
        files: dict[str, list[Object]],
        exemptions: list[Exemption],
        format_name: str,
        earlier: baseline.Baseline | None,
        fail_on: str,
    ) -> tuple[int, str]:
        paths = [tmp_path / name for name in files]
        for path, objects in zip(paths, files.values(), strict=True):
            path.write_text("\n---\n".join(json.dumps(obj) for obj in objects))
        court = Court(load_profiles()["baseline"], Exemptions(exemptions), NOON.date())
        stdout = io.StringIO()
        formats = [Format(format_name)]
        names = [str(path) for path in paths]
        code = run(
            names, court, formats, fail_on, namespace="shop", baseline=earlier, stdout=stdout
        )
        return code, stdout.getvalue()

    return call


def counts(report: Any) -> tuple[int, int, int]:
    """New, fixed, unchanged."""
    summary = report["summary"]
    assert summary["fixed"] == len(report["fixed"])
    states = [finding.get("baselineState") for finding in report["findings"]]
    assert (states.count("new"), states.count("unchanged")) == (
        summary["new"],
        summary["unchanged"],
    )
    return summary["new"], summary["fixed"], summary["unchanged"]


def test_old_debts_do_not_fail_and_new_ones_do(audit: Compare) -> None:
    code, report = audit({"a.yaml": [BAD]}, {"a.yaml": [BAD]})
    assert (code, counts(report)) == (0, (0, 0, 2))
    code, report = audit({"a.yaml": [BAD, named("new", container())]}, {"a.yaml": [BAD]})
    assert (code, counts(report)) == (1, (2, 0, 2))
    assert {f["object"]["name"] for f in report["findings"] if f["baselineState"] == "new"} == {
        "new"
    }


def test_what_is_gone_is_fixed(audit: Compare) -> None:
    code, report = audit({"a.yaml": [GOOD]}, {"a.yaml": [BAD]})
    assert (code, counts(report)) == (0, (0, 2, 0))
    assert report["fixed"][0]["path"] == "/spec/template/spec/containers/0/livenessProbe"
    assert "baselineState" not in report["fixed"][0]


def test_a_finding_survives_another_line_file_index_and_api_version(audit: Compare) -> None:
    moved = named("web", probed("first"), container())
    moved["apiVersion"] = "apps/v1beta2"
    assert counts(
        audit({"b.yaml": [GOOD | {"kind": "ConfigMap"}, moved]}, {"a.yaml": [BAD]})[1]
    ) == (
        0,
        0,
        2,
    )


def test_another_container_of_the_same_object_is_new(audit: Compare) -> None:
    both = named("web", container(), container("other"))
    assert counts(audit({"a.yaml": [both]}, {"a.yaml": [BAD]})[1]) == (2, 0, 2)


def test_equal_findings_are_counted(audit: Compare) -> None:
    """Overlays have the same object in several files; that of the same file is the known one."""
    code, report = audit(
        {"0.yaml": [BAD], "a.yaml": [BAD], "b.yaml": [BAD]}, {"a.yaml": [BAD], "b.yaml": [BAD]}
    )
    assert (code, counts(report)) == (1, (2, 0, 4))
    new = {f["source"]["file"][-6:] for f in report["findings"] if f["baselineState"] == "new"}
    assert new == {"0.yaml"}
    assert counts(audit({"a.yaml": [BAD]}, {"a.yaml": [BAD, BAD]})[1]) == (0, 2, 2)


def test_a_warning_that_denies_by_now_is_new_and_not_the_other_way_round(audit: Compare) -> None:
    denied = named("web", probed(), volumes=[HOST_PATH])
    inline = named("web", probed(), volumes=[{"name": "data", "csi": {"driver": "unlisted"}}])
    assert counts(audit({"a": [inline]}, {"a": [inline]})[1]) == (0, 0, 1)
    # other places, so other findings
    assert counts(audit({"a": [denied]}, {"a": [inline]})[1]) == (1, 1, 0)


def test_what_was_exempted_was_no_debt(audit: Compare) -> None:
    excused = exemption(kind="Deployment")
    code, report = audit({"a": [BAD]}, {"a": [BAD]}, exempted=([excused], []))
    assert (code, counts(report)) == (1, (2, 0, 0))
    code, report = audit({"a": [BAD]}, {"a": [BAD]}, exempted=([], [excused]))
    assert (code, counts(report)) == (0, (0, 2, 0))


def test_a_finding_matches_itself_whatever_the_order(audit: Compare) -> None:
    """For many objects, shuffled over other files, everything is known."""
    names = ["web", "db", "web", "cache", "queue"]
    objects = [
        named(name, container(), probed("side"), container("two"), kind=kind)
        for name in names
        for kind in ("Deployment", "StatefulSet")
    ]
    before = {"a": objects[:5], "b": objects[5:]}
    mixed = [*objects[::-2], *objects[-2::-2]]
    new, fixed, unchanged = counts(audit({"c": mixed[:3], "d": mixed[3:]}, before)[1])
    assert (new, fixed, unchanged) == (0, 0, 4 * len(objects))


def test_text_and_annotations_tell_what_is_new_alone(audit: Compare) -> None:
    now, before = {"a": [BAD, named("new", container())]}, {"a": [BAD, named("old", container())]}
    _, text = audit(now, before, format_name="text")
    assert "Deployment shop/new" in text
    assert "Deployment shop/web" not in text
    assert "beside the baseline 2 new, 2 fixed, 2 unchanged" in text
    _, commands = audit(now, before, format_name="github")
    assert ("shop/new" in commands, "shop/web" in commands) == (True, False)


def test_sarif_has_the_state_of_each_result(audit: Compare) -> None:
    now = {"a": [BAD, named("new", container())]}
    _, sarif = audit(now, {"a": [BAD]}, format_name="sarif")
    states = [result["baselineState"] for result in sarif["runs"][0]["results"]]
    assert sorted(states) == ["new", "new", "unchanged", "unchanged"]
    schema = Path(__file__).parents[2] / "golden" / "sarif-schema-2.1.0.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(sarif)


# The command line

SEED = str(Path(__file__).parents[3] / "examples" / "seed")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    podworthy("audit", SEED, "--format", f"json={path}")
    return path


def test_fail_on_new_needs_a_baseline(report: Path) -> None:
    assert podworthy("audit", SEED, "--fail-on", "new").exit_code == 2
    assert podworthy("audit", SEED, "--fail-on", "new", "--baseline", str(report)).exit_code == 0
    assert podworthy("audit", SEED, "--baseline", str(report)).exit_code == 1


def _with(report: Path, **changes: Any) -> str:
    report.write_text(json.dumps(json.loads(report.read_text()) | changes))
    return str(report)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"profile": "strict"}, "a report of profile strict; audit by --profile strict"),
        ({"shard": "0/2"}, "the report of one shard; `podworthy merge` them all first"),
        ({"summary": {"partial": True}}, "an audit that was interrupted"),
        ({"kind": "ReplayReport"}, "expected podworthy.dev/v1alpha1 AuditReport, got"),
        ({"findings": [{"policy": 1}]}, "/findings/0/policy: expected a string, got an integer"),
    ],
)
def test_a_report_that_cannot_be_compared_is_refused(
    changes: dict[str, Any], told: str, report: Path
) -> None:
    result = podworthy("audit", SEED, "--baseline", _with(report, **changes))
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_a_missing_or_broken_report_is_refused(tmp_path: Path, report: Path) -> None:
    result = podworthy("audit", SEED, "--baseline", str(tmp_path / "none.json"))
    assert (result.exit_code, "No such file or directory" in result.stderr) == (2, True)
    report.write_bytes(report.read_bytes()[:-50])
    result = podworthy("audit", SEED, "--baseline", str(report))
    assert (result.exit_code, "not JSON, or not all of it" in result.stderr) == (2, True)


def test_a_baseline_with_errors_is_used_with_a_word_of_warning(report: Path) -> None:
    path = _with(report, summary={"errors": 2})
    result = podworthy("audit", SEED, "--baseline", path, "--fail-on", "new")
    assert result.exit_code == 0
    assert "not everything was judged then (2 errors)" in result.stderr
