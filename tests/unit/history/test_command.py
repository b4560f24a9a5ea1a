"""`podworthy history`: what it keeps, prints and refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from webhook.cli import main

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: batch}
spec: {restartPolicy: Never, containers: [{name: batch, image: batch}]}
"""
DENIED = {
    "time": "2026-11-24T16:11:09.412+00:00",
    "uid": "u1",
    "profile": "strict",
    "kind": "Pod",
    "namespace": "shop",
    "name": None,
    "generateName": "web-",
    "owner": {"kind": "ReplicaSet", "name": "web-1"},
    "user": "ann",
    "decision": "denied",
    "dryRun": False,
    "findings": [
        {"policy": "require-probes", "action": "deny", "exemption": None},
        {"policy": "require-probes", "action": "deny", "exemption": None},
        {"policy": "require-claims", "action": "deny", "exemption": {"name": "x"}},
        {"policy": "ephemeral-data", "action": "audit", "exemption": None},
    ],
}


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'history.db'}"


def history(database: str, *arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["history", "--database", database, *arguments], input=stdin)


def lines(*some: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in some)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    manifest, report = tmp_path / "pods.yaml", tmp_path / "report.json"
    manifest.write_text(POD)
    done = CliRunner().invoke(main, ["audit", "--format", f"json={report}", str(manifest)])
    assert done.exit_code == 1, done.output
    return report


def test_a_report_becomes_a_line_of_the_table(database: str, report: Path) -> None:
    done = history(database, "--add", str(report))
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["day", "objects", "pass", "fail", "warn", "skip", "denied", "mostly"]
    assert line.split()[1:] == ["2", "50%", "2", "0", "0", "0"]
    assert done.exit_code == 0


def test_the_report_of_one_shard_is_no_audit(database: str, report: Path) -> None:
    report.write_text(report.read_text().replace('"objects"', '"shard": "0/2",\n "objects"', 1))

    done = history(database, "--add", str(report))

    assert done.exit_code == 2
    assert f"{report}: the report of shard 0/2 alone" in done.stderr
    assert "podworthy merge" in done.stderr
    assert "nothing is kept" in history(database).stderr


def test_denials_of_a_log_are_counted_and_others_lines_passed_over(database: str) -> None:
    dry = DENIED | {"uid": "u2", "dryRun": True}
    allowed = DENIED | {"uid": "u3", "decision": "allowed"}
    log = b"INFO started\n" + lines(DENIED, dry, allowed, {"lost": 3}, DENIED) + b'{"time": "20'
    done = history(database, "--add", "-", "--format", "json", "--days", "400", stdin=log)
    assert "standard input:7: cannot be read" in done.stderr
    (day,) = json.loads(done.stdout)["days"]
    assert day == {
        "day": "2026-11-24",
        "run": None,
        "denials": 1,
        "policies": {"require-probes": 1},
        "namespaces": {"shop": 1},
    }


def test_with_nothing_kept_it_says_how_to_keep_something(database: str) -> None:
    done = history(database)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "--add keeps a report or a log" in done.stderr


def test_what_it_refuses(database: str, tmp_path: Path) -> None:
    broken = tmp_path / "report.json"
    broken.write_text('{"apiVersion": "podworthy.dev/v1alpha1", "kind": "AuditReport", "profile"')
    for arguments, told in (
        (["--add", str(broken)], f"{broken}: no AuditReport"),
        (["--add", str(tmp_path / "missing")], "missing: No such file"),
        (["--days", "0"], "0 is not in the range"),
    ):
        done = history(database, *arguments)
        assert done.exit_code == 2
        assert told in done.stderr
    (tmp_path / "text").write_text("not a database, but text that is longer than a header" * 9)
    done = history(f"sqlite:///{tmp_path / 'text'}")
    assert (done.exit_code, "file is not a database" in done.stderr) == (2, True)
