"""Every fixture through the engine: nothing less, and nothing more, is found than it expects."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonpatch
import msgspec
import pytest

from tests.builders import Object, load_profiles, read
from tests.fixtures import DIRECTORY, PROFILES_DIRECTORY, Fixture, fixtures, gathered, manifest
from webhook import catalog, engine, patch
from webhook.api import KINDS, NOWHERE, Lookups
from webhook.evidence import WrittenText
from webhook.messages import MAX_WARNING

FIXTURES = fixtures()
CHECKS = [policy_id for policy_id, policy in catalog.POLICIES.items() if policy.check]
JOINED = [one for one in CHECKS if catalog.POLICIES[one].looks_up == "only"]
LONE = [one for one in CHECKS if one not in JOINED]
PROFILES = load_profiles([PROFILES_DIRECTORY])

each = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.id)


@each
def test_what_is_found_is_what_is_expected(fixture: Fixture) -> None:
    reading, lookups = read(fixture.manifest), gathered(fixture.documents)
    verdict = engine.check(PROFILES["everything"], reading, lookups)
    assert verdict.crashes == ()
    # of every policy: those that a fixture is not about must be clean on it
    found = {(one.policy, one.violation.path) for one in verdict.findings}
    assert found == fixture.expected
    assert len(verdict.findings) == len(fixture.expected)
    assert {one.action for one in verdict.findings} <= {"deny"}
    assert {
        one.violation.path: one.violation.rule for one in verdict.findings if one.violation.rule
    } == fixture.rules


@each
def test_a_message_is_short(fixture: Fixture) -> None:
    verdict = engine.check(
        PROFILES["everything"], read(fixture.manifest), gathered(fixture.documents)
    )
    for one in verdict.findings:
        # all that the nearest volume lacks, in parentheses, may make it longer
        assert len(re.sub(r" \(.*\)", "", one.violation.message)) <= MAX_WARNING


@each
def test_a_finding_is_beside_something_that_is_there(fixture: Fixture) -> None:
    for _, pointer in fixture.expected:
        parent: Any = fixture.manifest
        for token in pointer.split("/")[1:-1]:
            parent = parent[int(token) if isinstance(parent, list) else token]
        assert isinstance(parent, dict)


@pytest.mark.parametrize("policy", LONE)
@pytest.mark.parametrize("which", ["good", "bad"])
def test_a_check_of_workloads_alone_has_fixtures_of_every_kind(policy: str, which: str) -> None:
    kinds = {f.manifest["kind"] for f in FIXTURES if (f.policy, f.kind) == (policy, which)}
    known = catalog.POLICIES[policy].kinds
    # good ones show what is not asked, too; a policy about one kind has nothing to say of others
    assert kinds >= set(KINDS if which == "good" and len(known) > 1 else known)


@pytest.mark.parametrize("policy", JOINED)
def test_a_check_that_looks_up_has_fixtures_with_templates_and_of_every_rule(policy: str) -> None:
    """What it looks for is what differs; from where in a kind, workloads tell it alike."""
    of = {w: [f for f in FIXTURES if (f.policy, f.kind) == (policy, w)] for w in ("good", "bad")}
    for which in of.values():
        assert any(f.manifest["kind"] != "Pod" for f in which)
    assert {rule for f in of["bad"] for rule in f.rules.values()} == set(
        catalog.POLICIES[policy].rules
    )


@each
def test_a_check_that_does_not_look_up_needs_nothing_around(fixture: Fixture) -> None:
    if catalog.POLICIES[fixture.policy].looks_up == "never":
        assert fixture.documents == [fixture.manifest]


class Asked:
    """Lookups that note the policy that asks them: it must say that it does."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        assert catalog.POLICIES[self._policy].looks_up != "never", f"{self._policy} asks for {name}"
        return getattr(NOWHERE, name)


@pytest.mark.parametrize("policy", CHECKS)
def test_a_policy_that_looks_up_says_so(policy: str) -> None:
    params = catalog.POLICIES[policy].params()
    check = catalog.POLICIES[policy].check
    assert check
    for fixture in FIXTURES:
        found = list(check(read(fixture.manifest).workload, params, cast("Lookups", Asked(policy))))
        assert not (policy in JOINED and found), "the unknown is no finding"


@each
def test_nothing_is_found_where_nobody_can_look_around(fixture: Fixture) -> None:
    looked_up = fixture.policy in JOINED
    verdict = engine.check(PROFILES["everything"], read(fixture.manifest))
    found = {(one.policy, one.violation.path) for one in verdict.findings}
    assert found == (set() if looked_up else fixture.expected)


def test_there_are_no_fixtures_of_unknown_policies() -> None:
    assert {path.name for path in DIRECTORY.iterdir() if path.is_dir()} - {"__pycache__"} == set(
        catalog.POLICIES
    )


def test_there_are_no_stray_files() -> None:
    known = {fixture.path for fixture in FIXTURES} | {*DIRECTORY.glob("probe-timing/*.yaml")}
    files = {path for path in DIRECTORY.rglob("*") if path.is_file()}
    assert {path for path in files - known if path.suffix not in (".py", ".pyc")} == set()


# Every bad one differs from a good one by one thing


def differences(one: Any, other: Any, pointer: str = "") -> Iterator[str]:
    """Pointers of what is in one of the two only, or not alike."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{pointer}/{key}")
            else:
                yield f"{pointer}/{key}"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{pointer}/{index}")
    elif one != other:
        yield pointer


def is_one_thing(pointers: list[str]) -> bool:
    """One key was added, removed or set; or one was put in the place of another."""
    parents = {pointer.rpartition("/")[0] for pointer in pointers}
    return len(pointers) == 1 or (len(pointers) == 2 and len(parents) == 1)


def by_name(fixture: Fixture) -> Object:
    """Its documents, none of which may have the name of another."""
    found = {f"{one['kind']} {one['metadata']['name']}": one for one in fixture.documents}
    assert len(found) == len(fixture.documents)
    return found


@pytest.mark.parametrize(
    "fixture", [f for f in FIXTURES if f.kind == "bad"], ids=lambda fixture: fixture.id
)
def test_a_bad_one_differs_from_a_good_one_by_one_thing(fixture: Fixture) -> None:
    good = [f for f in FIXTURES if (f.policy, f.kind) == (fixture.policy, "good")]
    assert any(is_one_thing(list(differences(by_name(fixture), by_name(f)))) for f in good)


# Fills: <case>.in.yaml becomes <case>.out.yaml

CASES = sorted((DIRECTORY / "probe-timing").glob("*.in.yaml"))


def filled(obj: Object) -> Object:
    """The object with what profile baseline fills into its file."""
    reading = read(obj)
    proposal = engine.fill(PROFILES["baseline"], reading, WrittenText())
    assert proposal.crashes == ()
    operations = list(patch.operations(reading, [one.fill for one in proposal.fillings]))
    result: Object = jsonpatch.apply_patch(copy.deepcopy(obj), operations)
    return result


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(".in.yaml"))
def test_what_is_filled_into_a_file(path: Path) -> None:
    out = manifest(path.with_name(path.name.replace(".in.", ".out.")))
    assert filled(manifest(path)) == out
    assert filled(out) == out, "nothing is left to fill"


def test_every_case_has_both_of_its_files() -> None:
    names = {path.name for path in (DIRECTORY / "probe-timing").iterdir()}
    stems = {path.name.removesuffix(".in.yaml") for path in CASES}
    assert stems
    assert names == {f"{stem}.{side}.yaml" for stem in stems for side in ("in", "out")}


def test_a_manifest_is_json_for_the_api_server() -> None:
    for fixture in FIXTURES:
        assert msgspec.json.decode(msgspec.json.encode(fixture.documents)) == fixture.documents
