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
from tests.fixtures import PROFILES_DIRECTORY, Fixture, fixtures, gathered
from webhook import catalog, engine, workload
from webhook.audit import Court, run
from webhook.exemptions import Exemptions
from webhook.report.reports import Format

EVERYTHING = load_profiles([PROFILES_DIRECTORY])["everything"]
COURT = Court(EVERYTHING, Exemptions(), NOON.date())
CASES = fixtures()
LONE = {one for one, policy in catalog.POLICIES.items() if policy.looks_up != "only"}
"""Policies that admission asks, too."""
FILES = [f"--filename={case.path}" for case in CASES]

_ERROR = re.compile(r'^Error from server.*?error when creating "(?P<file>[^"]+)": ', re.MULTILINE)
_REASON = re.compile(r"^.*?\((?P<parent>/\S*)\).* \[(?P<policy>[\w-]+)\]$", re.MULTILINE)


def at_the_parent(findings: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Policy and the pointer that a denial shows: that of the container or volume."""
    return sorted((policy, pointer.rpartition("/")[0]) for policy, pointer in findings)


@pytest.fixture(scope="module")
def file_findings() -> dict[str, set[tuple[str, str]]]:
    """What `podworthy audit` finds in each file by itself."""
    found = {}
    for case in CASES:
        report = io.StringIO()
        exit_code = run([str(case.path)], COURT, [Format("json")], stdout=report)
        findings = json.loads(report.getvalue())["findings"]
        assert exit_code == (1 if findings else 0)
        found[str(case.path)] = {(finding["policy"], finding["path"]) for finding in findings}
    return found


def test_every_fixture_is_denied_or_let_in_as_its_file_is(
    webhook: ControlPlane,
    new_namespace: Namespaces,
    file_findings: dict[str, set[tuple[str, str]]],
) -> None:
    """But for what only somebody finds who can look around, which the webhook cannot."""
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
    assert denied == {
        file: at_the_parent(alone)
        for file, findings in file_findings.items()
        if (alone := {one for one in findings if one[0] in LONE})
    }
    assert {case.id for case in CASES if str(case.path) in denied} == {
        case.id for case in CASES if case.kind == "bad" and case.policy in LONE
    }


def test_defaulting_changes_no_finding(control_plane: ControlPlane) -> None:
    """In kube-system, where no webhook is asked, the API server shows what it would store."""
    create = ("create", "--dry-run=server", "--namespace=kube-system", "--output=json", *FILES)
    stored = objects(control_plane.kubectl(*create).stdout)

    wrong = []
    for case in CASES:
        documents = [lived(written, next(stored)) for written in case.documents]
        found = findings(case, documents)
        if found != case.expected:
            wrong.append((case.id, found, case.expected))
    assert wrong == []
    assert next(stored, None) is None


def lived(written: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """A new object, with what nobody can write into one: what the file says of its later life."""
    assert (stored["kind"], stored["metadata"]["name"]) == (
        written["kind"],
        written["metadata"]["name"],
    )
    later = {"deletionTimestamp": written["metadata"].get("deletionTimestamp")}
    status = stored.get("status", {}) | written.get("status", {})
    return stored | {"metadata": stored["metadata"] | later, "status": status}


def findings(case: Fixture, documents: list[dict[str, Any]]) -> set[tuple[str, str]]:
    (manifest,) = (one for one in documents if one["kind"] == case.manifest["kind"])
    raw = msgspec.json.encode(manifest)
    reading = workload.read(manifest["apiVersion"], manifest["kind"], raw)
    verdict = engine.check(EVERYTHING, reading, gathered(documents))
    return {(finding.policy, finding.violation.path) for finding in verdict.findings}


def objects(text: str) -> Iterator[dict[str, Any]]:
    """kubectl prints one JSON object after the other."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        found, end = decoder.raw_decode(text, position)
        yield found
        position = end + len(text[end:]) - len(text[end:].lstrip())
