"""SARIF: valid by the schema of OASIS, and with what GitHub asks of it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import msgspec
import pytest

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    EVERY_KIND,
    HEADING,
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
from webhook.api import Policy
from webhook.catalog import POLICIES
from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, ObjectName, Source
from webhook.report.sarif_rules import MAX_DESCRIPTION

SCHEMA = Path(__file__).parents[2] / "golden" / "sarif-schema-2.1.0.json"
VALIDATOR = jsonschema.Draft4Validator(
    json.loads(SCHEMA.read_text()), format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
)


def run_of(*told: Judged | ErrorEntry, heading: Heading = HEADING) -> Any:
    """The one run of a valid log."""
    log = json.loads(written("sarif", *told, heading=heading))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    return run


def result_of(finding: FindingEntry) -> Any:
    (result,) = run_of(judged(finding))["results"]
    return result


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = json.loads(written("sarif", judged(DENIED)))
    log["runs"][0]["results"][0]["level"] = "fatal"

    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(log)


@pytest.mark.parametrize(
    "told",
    [
        [],
        [judged()],
        [UNREAD],
        [judged(*EVERY_KIND, fill("periodSeconds", 10)), UNREAD, judged(DENIED, file="-")],
        [
            judged(
                changed(DENIED, message=ODD, source=at(1, ODD), object=ObjectName("", "", "", ""))
            )
        ],
        [judged(changed(DENIED, source=Source("a.yaml"), path="", policy="unknown"))],
    ],
)
def test_every_log_is_valid(told: list[Judged]) -> None:
    run_of(*told)


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (DENIED, "error"),
        (WARNED, "warning"),
        (IN_GRACE, "warning"),
        (AUDITED, "note"),
        (SKIPPED, "note"),
    ],
)
def test_the_level_of_a_finding(finding: FindingEntry, level: str) -> None:
    assert result_of(finding)["level"] == level


def test_a_result_says_what_where_and_in_which_object() -> None:
    result = result_of(DENIED)

    assert result["message"] == {"text": "web: no livenessProbe; add one (StatefulSet shop/web)"}
    (location,) = result["locations"]
    assert location == {
        "physicalLocation": {
            "artifactLocation": {"uri": "app.yaml"},
            "region": {"startLine": 9},
        },
        "logicalLocations": [
            {
                "name": "web",
                "fullyQualifiedName": "apps/v1/StatefulSet/shop/web",
                "kind": "resource",
            },
            {"fullyQualifiedName": DENIED.path, "kind": "property"},
        ],
    }


def test_only_exempted_results_are_suppressed() -> None:
    assert result_of(SKIPPED)["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "exemption ledger, owner team-pay, expires 2027-03-31",
        }
    ]
    for finding in (DENIED, WARNED, IN_GRACE):
        assert result_of(finding)["suppressions"] == []


def test_results_point_at_their_rule() -> None:
    run = run_of(judged(DENIED, changed(DENIED, policy="require-claims")))

    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [
        r["ruleId"] for r in run["results"]
    ]


def test_a_policy_that_is_not_in_the_catalogue_has_no_index() -> None:
    assert "ruleIndex" not in result_of(changed(DENIED, policy="own"))


def test_every_check_is_a_rule_with_its_documentation() -> None:
    rules = run_of()["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == [p.id for p in POLICIES.values() if p.check]
    for rule in rules:
        policy = POLICIES[rule["id"]]
        assert rule["shortDescription"]["text"] == policy.summary
        assert 0 < len(rule["fullDescription"]["text"]) <= MAX_DESCRIPTION
        assert rule["help"]["text"] == policy.doc.strip()
        assert "### Bad\n\n```yaml\n" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"] == {"level": "error"}
        assert "helpUri" not in rule


def test_no_word_of_the_documentation_is_lost_in_markdown() -> None:
    for rule in run_of()["tool"]["driver"]["rules"]:
        rest = iter(re.findall(r"\w+", rule["help"]["markdown"]))
        assert all(word in rest for word in re.findall(r"\w+", rule["help"]["text"])), rule["id"]


def test_a_policy_without_documentation_is_a_rule_all_the_same() -> None:
    probes = POLICIES["require-probes"]
    bare = Policy(id="own", summary="a summary", params=probes.params, check=probes.check)

    (rule,) = run_of(heading=Heading("mine", {"own": bare}))["tool"]["driver"]["rules"]

    assert rule["help"] == {"text": "a summary", "markdown": "a summary"}
    assert rule["fullDescription"]["text"] == "a summary"


def test_where_documentation_is_published_rules_link_to_it() -> None:
    docs_url = "https://docs.example/podworthy/policies"
    heading = msgspec.structs.replace(HEADING, docs_url=docs_url)

    driver = run_of(heading=heading)["tool"]["driver"]

    assert driver["informationUri"] == docs_url
    assert [rule["helpUri"] for rule in driver["rules"]] == [
        f"{docs_url}/{rule['id']}" for rule in driver["rules"]
    ]


def test_what_went_wrong_is_a_notification_and_no_result() -> None:
    run = run_of(judged(CRASHED), UNREAD)

    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    crash, unread = invocation["toolExecutionNotifications"]
    assert crash["message"]["text"] == (
        "require-probes: StatefulSet shop/web: the policy failed: KeyError: 'x'"
    )
    assert unread["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "gone.yaml"}}


def test_a_run_with_findings_is_successful() -> None:
    (invocation,) = run_of(judged(DENIED))["invocations"]

    assert invocation == {"executionSuccessful": True, "toolExecutionNotifications": []}


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("deploy/web.yaml", "deploy/web.yaml"),
        ("./deploy/../web.yaml", "web.yaml"),
        ("a b:c%25#?é.yaml", "a%20b%3Ac%2525%23%3F%C3%A9.yaml"),
        ("/elsewhere/a b.yaml", "file:///elsewhere/a%20b.yaml"),
        ("-", "-"),
    ],
)
def test_uris(file: str, uri: str) -> None:
    location = result_of(changed(DENIED, source=at(9, file)))["locations"][0]

    artifact = location["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == uri
    assert Path(unquote(artifact["uri"].removeprefix("file://"))).name == Path(file).name
    assert ("description" in artifact) == (file == "-")


def test_uris_are_relative_to_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))

    location = result_of(DENIED)["locations"][0]

    assert location["physicalLocation"]["artifactLocation"]["uri"] == "sub/app.yaml"


def test_what_looks_like_a_link_in_a_name_is_none() -> None:
    text = result_of(changed(DENIED, message="[x](http://evil): bad"))["message"]["text"]

    assert text.startswith("[x\\](http://evil): bad")
