"""JSON Schemas for editors: up to date, and of one mind with the loader as far as they can be."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests import schemas
from webhook import catalog, documents, goyaml
from webhook.errors import DocumentError

SCHEMAS = {
    name: json.loads((schemas.DIRECTORY / name).read_text())
    for name in (
        "profile.json",
        "exemption.json",
        "audit-report.json",
        "doctor.json",
        "impact-report.json",
    )
}

PROFILE = """
apiVersion: podworthy.dev/v1alpha1
kind: Profile
metadata: {name: payments}
spec:
  extends: baseline
  maxAction: warn
  onFailure: allow
  policies:
    require-probes:
      action: deny
      kinds: [Pod, StatefulSet]
      params:
        probes: [liveness, readiness]
        sidecars: true
        ignore: [{name: istio-proxy, image: "*/proxyv2"}]
    require-claims:
      action: deny
      onFailure: deny
      rules: {inline-csi: {action: warn}}
      params: {csiDrivers: [csi.spiffe.io], hostPaths: [{prefix: /var/log, readOnly: true}]}
    probe-timing:
      action: fill
      params:
        assumeUnset: pods
        timings: {liveness: {exec: {timeoutSeconds: 5}, httpGet: {failureThreshold: null}}}
"""
EXEMPTION = """
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: ledger}
spec:
  policies: [require-claims]
  workload: {namespace: pay, kind: StatefulSet, name: ledger}
  containers: [proxy]
  reason: moves to claims in Q1
  owner: team-pay
  granted: 2026-11-24
  expires: 2027-03-31
"""


def is_valid(text: str) -> bool:
    """Whether every document of the text fits the schema of its kind."""
    for document in goyaml.documents(text.encode()):
        assert document.problem is None
        schema = SCHEMAS["exemption.json" if "Exemption" in text else "profile.json"]
        if not Draft202012Validator(schema, format_checker=FormatChecker()).is_valid(
            document.value
        ):
            return False
    return True


def is_loaded(text: str, directory: Path) -> bool:
    """Whether the loader takes the text."""
    file = directory / "document.yaml"
    file.write_text(text)
    try:
        documents.load([file], catalog.POLICIES)
    except DocumentError:
        return False
    return True


@pytest.mark.parametrize("name", schemas.schemas())
def test_the_files_are_up_to_date(name: str) -> None:
    written = (schemas.DIRECTORY / name).read_text()
    assert written == schemas.schemas()[name], "run: make docs"


def test_there_are_no_other_files() -> None:
    assert {path.name for path in schemas.DIRECTORY.iterdir()} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_they_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    for pointer in references(SCHEMAS[name]):
        assert pointer.removeprefix("#/$defs/") in SCHEMAS[name]["$defs"]


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


# What editors complete


def of_policy(name: str) -> dict[str, Any]:
    """What the schema says of the settings of one policy."""
    policies = SCHEMAS["profile.json"]["$defs"]["ProfileSpec"]["properties"]["policies"]
    found: dict[str, Any] = policies["properties"][name]["properties"]
    return found


@pytest.mark.parametrize("policy", catalog.POLICIES.values(), ids=lambda policy: policy.id)
def test_every_param_of_every_policy_has_words(policy: Any) -> None:
    reference = of_policy(policy.id)["params"]["$ref"].rpartition("/")[2]
    params = SCHEMAS["profile.json"]["$defs"][reference]["properties"]
    assert list(params) == [field.alias for field in policy.params.model_fields.values()]
    for name, param in params.items():
        assert param.get("description"), f"{policy.id}: no line for {name} below Params"


def test_a_param_has_the_words_of_the_docstring() -> None:
    reference = of_policy("require-claims")["params"]["$ref"].rpartition("/")[2]
    assert SCHEMAS["profile.json"]["$defs"][reference]["properties"]["csiDrivers"] == {
        "items": {"type": "string"},
        "type": "array",
        "default": [
            "secrets-store.csi.k8s.io",
            "csi.cert-manager.io",
            "csi.spiffe.io",
            "spiffe.csi.cert-manager.io",
        ],
        "description": "inline `csi` drivers that hand out secrets or identities, not storage. "
        "Others are violations of the rule inline-csi.",
    }


# The same documents are sound


@pytest.mark.parametrize(
    "text",
    [
        PROFILE,
        EXEMPTION,
        PROFILE.replace("action: deny", "action: off", 1),
        PROFILE.replace("action: deny", "action: 'off'", 1),
        PROFILE.replace("action: warn", "action: off"),
        PROFILE.replace("  extends: baseline\n", ""),
        PROFILE.replace("warn\n", "null\n", 1),
        EXEMPTION.replace("StatefulSet", "Pod").replace("ledger}\n  c", "ledger-*}\n  c"),
        EXEMPTION.replace("  containers: [proxy]\n", ""),
    ],
)
def test_what_the_loader_takes_the_schema_takes(text: str, tmp_path: Path) -> None:
    assert is_loaded(text, tmp_path)
    assert is_valid(text)


@pytest.mark.parametrize("path", sorted(catalog.PROFILES_DIRECTORY.glob("*.yaml")))
def test_the_shipped_profiles_fit(path: Path) -> None:
    assert is_valid(path.read_text())


def test_an_own_policy_fits() -> None:
    own = "    team-labels: {action: deny, params: {labels: [team]}, rules: {x: {action: off}}}\n"
    assert is_valid(PROFILE + own)
    assert not is_valid(PROFILE + own.replace("action: deny", "action: dney"))
    assert not is_valid(PROFILE + own.replace("team-labels", "teamLabels"))


# The same mistakes are refused


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (PROFILE, "extends:", "extend:"),
        (PROFILE, "maxAction: warn", "maxAction: fill"),
        (PROFILE, "onFailure: allow", "onFailure: maybe"),
        (PROFILE, "action: deny", "action: dney"),
        (PROFILE, "action: deny", "action: fill"),
        (PROFILE, "action: fill", "action: deny"),
        (PROFILE, "action: warn", "action: null"),
        (PROFILE, "action: deny", "action: null"),
        (PROFILE, "action: deny", "acton: deny"),
        (PROFILE, "[Pod, StatefulSet]", "[Pod, Statefulset]"),
        (PROFILE, "[Pod, StatefulSet]", "[CronJob]"),
        (PROFILE, "[Pod, StatefulSet]", "[]"),
        (PROFILE, "inline-csi", "inline-cs"),
        (PROFILE, "readOnly", "readonly"),
        (PROFILE, "prefix: /var/log", "prefix: var/log"),
        (PROFILE, "hostPaths", "host_paths"),
        (PROFILE, "sidecars: true", "sidecars: 'yes'"),
        (PROFILE, "[liveness, readiness]", "liveness"),
        (PROFILE, "[liveness, readiness]", "[livenessProbe]"),
        (PROFILE, "timeoutSeconds: 5", "timeoutSeconds: 0"),
        (PROFILE, "timeoutSeconds: 5", "timeoutSeconds: '5'"),
        (PROFILE, "httpGet", "http"),
        (PROFILE, "assumeUnset: pods", "assumeUnset: always"),
        (PROFILE, "name: payments", "name: Payments"),
        (PROFILE, "v1alpha1", "v1"),
        (EXEMPTION, "[require-claims]", "['*']"),
        (EXEMPTION, "[require-claims]", "[]"),
        (EXEMPTION, "StatefulSet", "Statefulset"),
        (EXEMPTION, "name: ledger}\n  c", "name: ledger*}\n  c"),
        (EXEMPTION, "name: ledger}\n  c", "name: '*'}\n  c"),
        (EXEMPTION, "  owner: team-pay\n", ""),
        (EXEMPTION, "owner: team-pay", "owner: ' '"),
        (EXEMPTION, "2027-03-31", "next year"),
        (EXEMPTION, "2027-03-31", "2027-02-31"),
        (EXEMPTION, "[proxy]", "[]"),
        (EXEMPTION, "containers:", "container:"),
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(
    text: str, old: str, new: str, tmp_path: Path
) -> None:
    assert old in text
    wrong = text.replace(old, new, 1)
    assert not is_valid(wrong)
    assert not is_loaded(wrong, tmp_path)


# Patterns are JavaScript's too


@pytest.mark.parametrize("name", ["profile.json", "exemption.json"])
def test_patterns_mean_the_same_in_javascript(name: str) -> None:
    """ECMA-262 has no \\A, \\Z, named groups by (?P, inline flags or possessive quantifiers."""
    found = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', (schemas.DIRECTORY / name).read_text())
    assert found
    for text in found:
        assert not re.search(r"\\[AZzGh]|\(\?|[*+?}]\+", json.loads(text)), text
