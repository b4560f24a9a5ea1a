"""Workflow commands, read as GitHub's runner reads them."""

import re
from pathlib import Path

import pytest

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    EVERY_KIND,
    IN_GRACE,
    ODD,
    SKIPPED,
    UNREAD,
    WARNED,
    at,
    changed,
    fill,
    judged,
    written,
)
from webhook.messages import printable
from webhook.report.entries import FindingEntry, Judged, ObjectName, Source

_COMMAND = re.compile(r"::(?P<name>\w+) (?P<properties>.*?)::(?P<data>.*)")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Name, properties and data of each line that is a command."""
    found = [_COMMAND.fullmatch(line) for line in text.splitlines()[:-1]]
    return [
        (
            one["name"],
            {
                key: _unescape(value)
                for key, value in (pair.split("=", 1) for pair in one["properties"].split(","))
            },
            _unescape(one["data"]),
        )
        for one in found
        if one
    ]


def _unescape(text: str) -> str:
    for token, escaped in (
        ("\r", "%0D"),
        ("\n", "%0A"),
        (":", "%3A"),
        (",", "%2C"),
        ("%", "%25"),
    ):
        text = text.replace(escaped, token)
    return text


def test_a_command_for_each_finding_and_the_counts_last() -> None:
    assert written("github", judged(DENIED, fill("periodSeconds", 10))) == (
        "::error file=app.yaml,line=9,title=require-probes%3A StatefulSet shop/web::"
        "web: no livenessProbe; add one (/spec/template/spec/containers/0/livenessProbe)\n"
        "1 object judged by baseline: 1 violation, 1 field to fill\n"
    )


def test_what_is_recorded_is_no_warning() -> None:
    assert written("github", judged(AUDITED, WARNED)).splitlines()[-1] == (
        "1 object judged by baseline: 1 warning, 1 recorded"
    )


@pytest.mark.parametrize(
    ("finding", "names"),
    [
        (DENIED, ["error"]),
        (CRASHED, ["error"]),
        (WARNED, ["warning"]),
        (IN_GRACE, ["warning"]),
        (AUDITED, ["notice"]),
        (SKIPPED, []),
    ],
)
def test_the_command_of_a_finding(finding: FindingEntry, names: list[str]) -> None:
    assert [name for name, _, _ in commands(written("github", judged(finding)))] == names


def test_input_that_could_not_be_judged_is_an_error_in_its_file() -> None:
    assert commands(written("github", UNREAD)) == [
        (
            "error",
            {"file": "gone.yaml", "title": "podworthy cannot judge this"},
            "No such file or directory",
        )
    ]


def test_names_cannot_end_a_property_or_begin_a_command() -> None:
    odd = changed(
        DENIED,
        message=ODD,
        object=ObjectName("v1", "Pod", ODD, ODD),
        source=at(3, "a,b: 100%25.yaml"),
    )

    ((name, properties, data),) = commands(written("github", judged(odd)))

    assert name == "error"
    assert properties == {
        "file": "a,b: 100%25.yaml",
        "line": "3",
        "title": printable(f"require-probes: Pod {ODD}/{ODD}"),
    }
    assert data == printable(f"{ODD} ({DENIED.path})")


def test_standard_input_is_no_file() -> None:
    piped = judged(changed(DENIED, source=at(9, "-")), file="-")

    ((_, properties, _),) = commands(written("github", piped))

    assert properties == {"title": "require-probes: StatefulSet shop/web"}


def test_files_are_named_from_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deploy").mkdir()
    monkeypatch.chdir(tmp_path / "deploy")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    files = ["web.yaml", "../base/./web.yaml", str(tmp_path / "x.yaml"), "/elsewhere/x.yaml"]

    told = [judged(changed(DENIED, source=at(9, file))) for file in files]

    assert [p["file"] for _, p, _ in commands(written("github", *told))] == [
        "deploy/web.yaml",
        "base/web.yaml",
        "x.yaml",
        "/elsewhere/x.yaml",
    ]


@pytest.mark.parametrize("told", [[], [judged()], [UNREAD], [judged(*EVERY_KIND)]])
def test_every_line_but_the_last_is_a_command(told: list[Judged]) -> None:
    text = written("github", *told)

    assert len(commands(text)) == len(text.splitlines()) - 1
    assert not text.splitlines()[-1].startswith("::")


def test_a_finding_without_a_line() -> None:
    nowhere = judged(changed(DENIED, source=Source("app.yaml")))

    assert "file=app.yaml,title=" in written("github", nowhere)
