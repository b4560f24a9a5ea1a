"""A manifest gets the same verdict in a file as on its way into a cluster.

The API server fills in its defaults, decodes and encodes again before a webhook sees the object;
none of that may change what is found.
"""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.builders import NOON, load_profiles
from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.fixtures import PROFILES_DIRECTORY, Fixture, fixtures
from webhook import engine, workload
from webhook.audit import Court, run
from webhook.exemptions import Exemptions
from webhook.report.reports import Format

EVERYTHING = load_profiles([PROFILES_DIRECTORY])["everything"]
COURT = Court(EVERYTHING, Exemptions(), NOON.date())
CASES = fixtures()
FILES = [f"--filename={case.path}" for case in CASES]

_ERROR = re.compile(r'^Error from server.*?error when creating "(?P<file>[^"]+)": ', re.MULTILINE)
_REASON = re.compile(r"^.*?\((?P<parent>/\S*)\).* \[(?P<policy>[\w-]+)\]$", re.MULTILINE)


def at_the_parent(findings: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Policy and the pointer that a denial shows: that of the container or volume."""
    return sorted((policy, pointer.rpartition("/")[0]) for policy, pointer in findings)


@pytest.fixture(scope="module")
def file_findings() -> dict[str, set[tuple[str, str]]]:
    """What `podworthy audit` finds, by file."""
    report = io.StringIO()
    paths = [str(case.path) for case in CASES]
    exit_code = run(paths, COURT, [Format("json")], stdout=report)
    assert exit_code == 1
    found: dict[str, set[tuple[str, str]]] = {}
    for finding in json.loads(report.getvalue())["findings"]:
        found.setdefault(finding["source"]["file"], set()).add((finding["policy"], finding["path"]))
    return found


def test_every_fixture_is_denied_or_let_in_as_its_file_is(
    webhook: ControlPlane,
    new_namespace: Namespaces,
    file_findings: dict[str, set[tuple[str, str]]],
) -> None:
    namespace = new_namespace({"podworthy.dev/profile": "everything"})

    create = ("create", "--dry-run=server", f"--namespace={namespace}", *FILES)
    stderr = webhook.kubectl(*create, check=False).stderr

    errors = list(_ERROR.finditer(stderr))
    ends = [error.start() for error in errors[1:]] + [len(stderr)]
    denied = {
        error["file"]: sorted(
            (reason["policy"], reason["parent"])
            for reason in _REASON.finditer(stderr, error.end(), end)
        )
        for error, end in zip(errors, ends, strict=True)
    }
    assert denied == {file: at_the_parent(findings) for file, findings in file_findings.items()}
    assert {case.id for case in CASES if str(case.path) in denied} == {
        case.id for case in CASES if case.kind == "bad"
    }


def test_defaulting_changes_no_finding(control_plane: ControlPlane) -> None:
    """In kube-system, where no webhook is asked, the API server shows what it would store."""
    create = ("create", "--dry-run=server", "--namespace=kube-system", "--output=json", *FILES)
    stored = list(objects(control_plane.kubectl(*create).stdout))

    assert len(stored) == len(CASES)
    wrong = [
        (case.id, found, case.expected)
        for case, manifest in zip(CASES, stored, strict=True)
        if (found := findings(case, manifest)) != case.expected
    ]
    assert wrong == []


def findings(case: Fixture, manifest: dict[str, Any]) -> set[tuple[str, str]]:
    assert manifest["kind"] == case.manifest["kind"]
    raw = msgspec.json.encode(manifest)
    reading = workload.read(manifest["apiVersion"], manifest["kind"], raw)
    verdict = engine.check(EVERYTHING, reading)
    return {(finding.policy, finding.violation.path) for finding in verdict.findings}


def objects(text: str) -> Iterator[dict[str, Any]]:
    """kubectl prints one JSON object after the other."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        found, end = decoder.raw_decode(text, position)
        yield found
        position = end + len(text[end:]) - len(text[end:].lstrip())
