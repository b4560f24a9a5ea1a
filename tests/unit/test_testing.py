"""The public test kit: what it lets pass, and what it says if it does not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

import pytest
from pydantic import model_validator

from policies.probe_timing import policy as probe_timing
from policies.require_claims import policy as require_claims
from policies.require_probes import policy as require_probes
from tests.builders import (
    Object,
    container,
    http,
    load_profiles,
    of_kind,
    pod,
    probed,
    profile,
    read,
)
from tests.fixtures import DIRECTORY, PROFILES_DIRECTORY
from webhook import catalog, engine, testing
from webhook.api import (
    NOWHERE,
    Evidence,
    Fill,
    Lookups,
    Missing,
    Params,
    Policy,
    Violation,
    Workload,
)
from webhook.errors import BadFixture, PolicyError
from webhook.testing import (
    Expectation,
    Fixture,
    assert_as_expected,
    assert_clean,
    assert_fills,
    assert_violates,
    fixtures,
    load_fixture,
    load_policy,
)

LIVENESS, READINESS = "/spec/containers/0/livenessProbe", "/spec/containers/0/readinessProbe"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    livenessProbe: {exec: {}}
"""
CHECKS = [policy for policy in catalog.POLICIES.values() if policy.check]
EVERYTHING = load_profiles([PROFILES_DIRECTORY])["everything"]
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None}\n"


def failure(call: Callable[..., None], *arguments: Any, **params: Any) -> list[str]:
    """The lines of what an assertion says."""
    with pytest.raises(AssertionError) as refusal:
        call(*arguments, **params)
    return str(refusal.value).splitlines()


def mistake(call: Callable[..., Any], *arguments: Any, **params: Any) -> str:
    """What is said to a test that asks wrongly."""
    with pytest.raises(BadFixture) as refusal:
        call(*arguments, **params)
    return str(refusal.value)


def checking(*violations: Violation, rules: tuple[str, ...] = ()) -> Policy[Params]:
    """A policy that always finds these."""

    def check(workload: Workload, params: Params, lookups: Lookups) -> Iterator[Violation]:
        yield from violations

    return Policy("found", "finds", Params, rules=rules, check=check)


def filling(*fills: Fill) -> Policy[Params]:
    """A policy that always fills these."""

    def fill(workload: Workload, params: Params, evidence: Evidence) -> Iterator[Fill]:
        yield from fills

    return Policy("filled", "fills", Params, fill=fill)


each_check = pytest.mark.parametrize("policy", CHECKS, ids=lambda policy: policy.id)


def of_everything(policy: Policy[Any]) -> dict[str, Any]:
    """The params by which the policy's fixtures are judged."""
    bound = (one for bindings in EVERYTHING.checks.values() for one in bindings)
    params = next(one.params for one in bound if one.policy == policy.id)
    found: dict[str, Any] = params.model_dump(mode="json", by_alias=True)
    return found


def at(path: str, rule: str = "") -> Violation:
    return Violation(path, "web", "wrong", "change it", rule=rule)


# What passes


def test_a_manifest_is_text_or_a_file_or_objects(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    obj = pod(container(livenessProbe=http()))
    for manifest in (POD, file, obj, [obj], "# nothing\n---\n" + POD):
        assert_violates(require_probes, manifest, READINESS)
        assert_clean(require_probes, manifest, probes=["liveness"])


def test_paths_are_expected_in_any_order() -> None:
    assert_violates(require_probes, pod(container()), LIVENESS, READINESS)
    assert_violates(require_probes, pod(container()), READINESS, LIVENESS)


def test_a_rule_is_compared_if_it_is_named() -> None:
    inline = pod(volumes=[{"name": "a", "csi": {}}])
    assert_violates(require_claims, inline, "/spec/volumes/0/csi rule=inline-csi")
    assert_violates(require_claims, inline, "/spec/volumes/0/csi")
    failure(assert_violates, require_claims, inline, "/spec/volumes/0/csi rule=other")


def test_other_objects_are_looked_up() -> None:
    uses = pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "date"}}
    claim |= {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": 1}}}}
    claim_exists = catalog.POLICIES["claim-exists"]
    path = "/spec/volumes/0/persistentVolumeClaim/claimName"
    assert_violates(claim_exists, [claim, uses], path)
    assert_clean(claim_exists, [claim, uses], lookups=NOWHERE)
    assert_clean(claim_exists, uses)


def test_an_object_that_nobody_can_look_up_is_a_mistake_in_the_fixture() -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
    assert mistake(assert_clean, require_probes, f"{POD}---\n{config}") == (
        "Pod web: no policy can look up the ConfigMap beside it"
    )
    claim = config.replace("ConfigMap", "PersistentVolumeClaim") + "spec: {accessModes: all}\n"
    assert mistake(assert_clean, require_probes, f"{POD}---\n{claim}") == (
        "Pod web: the PersistentVolumeClaim beside it: /spec/accessModes: expected a list, got a "
        "string"
    )


def looking(looks_up: Literal["never", "also", "only"]) -> Policy[Params]:
    """A policy that finds the Service of the workload's name, and that it is unknown."""

    def check(workload: Workload, params: Params, lookups: Lookups) -> Iterator[Violation]:
        found = lookups.service(workload.namespace, workload.name or "")
        if found is Missing.UNKNOWN:
            yield at("/metadata/name")
        elif not isinstance(found, Missing):
            yield at("/spec")

    return Policy("looks", "looks", Params, check=check, looks_up=looks_up)


def test_lookups_may_be_given() -> None:
    both = f"{SERVICE}---\n{POD}"
    assert_violates(looking("also"), both, "/spec")
    assert_violates(looking("also"), both, "/metadata/name", lookups=NOWHERE)
    assert_clean(looking("also"), f"{SERVICE.replace('web', 'db')}---\n{POD}")


def test_a_policy_that_looks_up_must_say_so() -> None:
    assert failure(assert_clean, looking("never"), POD) == [
        'looks asks lookups.service: say looks_up="also" or "only" in its api.Policy, '
        "or nothing is gathered for it"
    ]


def test_a_policy_that_only_looks_up_says_nothing_of_the_unknown() -> None:
    assert failure(assert_violates, looking("only"), f"{SERVICE}---\n{POD}", "/spec") == [
        "looks tells of Pod web what it cannot know:",
        '  /metadata/name: say looks_up="also", or nothing',
    ]


def test_fills_are_compared_with_their_values() -> None:
    obj = pod(container(readinessProbe=http(periodSeconds=2)))
    assert_fills(probe_timing, obj, {f"{READINESS}/timeoutSeconds": 2})
    assert_fills(probe_timing, pod(container()), {})
    assert_fills(
        probe_timing,
        pod(container(readinessProbe=http(periodSeconds=9))),
        {f"{READINESS}/timeoutSeconds": 7},
        timings={"readiness": {"httpGet": {"timeoutSeconds": 7}}},
    )


def test_an_annotation_is_filled_with_its_parents() -> None:
    path = "/spec/template/metadata/annotations/example.com~1a"

    def fill(workload: Workload, params: Params, evidence: Evidence) -> Iterator[Fill]:
        if "example.com/a" not in workload.pod_annotations:
            yield Fill(path, "web", "b", None, "absent")

    policy = Policy("annotates", "annotates", Params, fill=fill)
    assert_fills(policy, of_kind("Deployment", probed()), {path: "b"})
    bare: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {}}}
    assert_fills(policy, bare, {path: "b"})
    del bare["spec"]["template"]
    told = failure(assert_fills, policy, bare, {path: "b"})
    assert told[1].startswith(f"  {path}: /spec/template is not there; ")


@each_check
def test_the_kit_finds_what_the_engine_finds(policy: Policy[Any]) -> None:
    params = of_everything(policy)
    one = profile(policies={policy.id: {"action": "deny", "params": params}})
    for fixture in fixtures(DIRECTORY / policy.id):
        verdict = engine.check(one, fixture.case.reading, fixture.case.around())
        found = [finding.violation.path for finding in verdict.findings]
        if found:
            assert_violates(policy, fixture.path, *found, **params)
        else:
            assert_clean(policy, fixture.path, **params)


# What is said if something else is found


def test_what_is_found_too_much_is_told_with_its_line_and_message(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    message = "web: no readinessProbe; add httpGet, tcpSocket, grpc or exec"
    assert failure(assert_clean, require_probes, file) == [
        f"require-probes finds something in Pod web in {file}:",
        f"  unexpected   {READINESS} ({file}:7)",
        f"               {message}",
    ]
    assert failure(assert_clean, require_probes, pod(probed(readinessProbe=None))) == [
        "require-probes finds something in Pod web:",
        f"  unexpected   {READINESS}",
        f"               {message}",
    ]


def test_what_is_missing_is_told_with_what_is_near_it() -> None:
    wrong = "/spec/containers/1/readinessProbe"
    told = failure(assert_violates, require_probes, POD, wrong)
    assert told[:4] == [
        "require-probes finds something else in Pod web than expected:",
        f"  missing      {wrong}",
        f"               near it: {READINESS}",
        f"  unexpected   {READINESS} (line:7)",
    ]


def test_a_kind_that_is_not_judged_is_told() -> None:
    told = failure(assert_violates, require_probes, of_kind("Job", container()), LIVENESS)
    assert told[-1] == "  require-probes does not judge kind Job"


def test_a_mirror_pod_is_told() -> None:
    obj = pod(container())
    obj["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123abc"}
    told = failure(assert_violates, require_probes, obj, LIVENESS, READINESS)
    assert told[-1] == "  nothing is asked of a mirror pod"


def test_two_findings_at_one_place_are_two() -> None:
    twice = checking(at(LIVENESS), at(LIVENESS))
    assert_violates(twice, POD, LIVENESS, LIVENESS)
    assert len(failure(assert_violates, twice, POD, LIVENESS)) == 3


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/spec/containers/1/name", "/spec/containers/1 is not there"),
        ("/spec/volumes/0", "/spec/volumes is not there"),
        ("/spec/containers/0/name/x", ""),
        ("/spec/containers/web/name", "/spec/containers/web is not there"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: str, problem: str) -> None:
    policy = checking(at(path))
    told = failure(assert_violates, policy, POD, path)
    assert told[0] == "found finds something in Pod web where nothing is:"
    assert problem in told[1]


def test_a_rule_that_the_policy_does_not_name_is_told() -> None:
    told = failure(assert_violates, checking(at(LIVENESS, "new")), POD, LIVENESS)
    assert told[1] == f"  {LIVENESS}: name 'new' in the policy's rules"
    assert_violates(checking(at(LIVENESS, "new"), rules=("new",)), POD, f"{LIVENESS} rule=new")


def test_every_difference_of_fills_is_told() -> None:
    period, timeout = f"{LIVENESS}/periodSeconds", f"{LIVENESS}/timeoutSeconds"
    policy = filling(
        Fill(period, "web", 9, None, "absent"), Fill(timeout, "web", 3, 2, "a default")
    )
    obj = pod(container(livenessProbe=http(timeoutSeconds=1)))
    expected = {timeout: 4, f"{LIVENESS}/failureThreshold": 6}
    assert failure(assert_fills, policy, obj, expected) == [
        "filled fills something else in Pod web than expected:",
        f"  unexpected   {period} = 9",
        "               web: absent",
        f"  other value  {timeout} = 3, expected 4",
        f"  wrong was    {timeout} is 1, not 2",
        f"  missing      {LIVENESS}/failureThreshold = 6",
    ]


def test_fills_that_never_end_are_told() -> None:
    path = f"{LIVENESS}/periodSeconds"
    told = failure(assert_fills, filling(Fill(path, "web", 9, None, "x")), POD, {path: 9})
    assert told == [
        "filled still fills something in Pod web once its fills are set:",
        f"  still set    {path} = 9",
    ]


def test_a_fill_below_something_absent_is_told() -> None:
    path = f"{READINESS}/periodSeconds"
    told = failure(assert_fills, filling(Fill(path, "web", 9, None, "x")), POD, {path: 9})
    assert told[0] == "filled fills something in Pod web where nothing is:"


def test_an_error_of_the_policy_is_raised_as_it_is() -> None:
    def check(workload: Workload, params: Params, lookups: Lookups) -> Iterator[Violation]:
        raise KeyError("mine")
        yield

    with pytest.raises(KeyError, match="mine"):
        assert_clean(Policy("breaks", "breaks", Params, check=check), POD)


# What is said to a test that asks wrongly


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (Path("/nowhere/pod.yaml"), "/nowhere/pod.yaml: No such file or directory"),
        ("tests/pod.yaml", "manifest:1: an object must be a mapping; for a file, give a Path"),
        ("a: [", "manifest:1: "),
        ("a: 1\na: 2", "manifest:2: key 'a' is repeated"),
        ("", "manifest: no pod and no workload in it"),
        (SERVICE, "manifest: no pod and no workload in it, only Service"),
        ("a: 1", "manifest: no pod and no workload in it, only one without kind"),
        (f"{POD}---\n{POD}", "manifest: only one workload can be judged at once, not Pod, Pod"),
        (
            POD.replace("name: web\n    live", "image: 7\n    live"),
            "manifest:7: /spec/containers/0/image: ",
        ),
        ({"apiVersion": "v1", "kind": {1, 2}}, "manifest: no pod and no workload in it"),
        ({"apiVersion": "v1", "kind": object()}, "manifest: Encoding objects of type object"),
        ([3], "manifest: an object must be a mapping"),
    ],
)
def test_a_manifest_that_cannot_be_judged_is_told(manifest: Any, problem: str) -> None:
    assert mistake(assert_clean, require_probes, manifest).startswith(problem)


def test_wrong_params_are_told() -> None:
    assert mistake(assert_clean, require_probes, POD, probs=["liveness"], sidecars=1) == (
        "params of require-probes: 'sidecars' must be true or false; "
        "unknown key 'probs' (did you mean 'probes'?)"
    )


def test_params_that_contradict_the_defaults_are_told() -> None:
    class Bounds(Params):
        low: int = 1
        high: int = 5

        @model_validator(mode="after")
        def check_order(self) -> Self:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    def check(workload: Workload, params: Bounds, lookups: Lookups) -> Iterator[Violation]:
        yield from ()

    policy = Policy("bounded", "bounded", Bounds, check=check)
    assert "low is above high" in mistake(assert_clean, policy, POD, low=9)
    assert_clean(policy, POD, low=9, high=9)


def test_the_wrong_assertion_is_told() -> None:
    assert "use assert_clean" in mistake(assert_violates, require_probes, POD)
    assert "use assert_fills" in mistake(assert_clean, probe_timing, POD)
    assert "use assert_clean or" in mistake(assert_fills, require_probes, POD, {})
    assert "not 'containers'" in mistake(assert_violates, require_probes, POD, "containers")


# Fixtures


def write(path: Path, text: str = POD) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def test_a_fixture_says_what_is_expected(tmp_path: Path) -> None:
    comments = f"# expect: {READINESS}\n#expect:/spec/x rule=y\n# expected nothing here\n"
    fixture = load_fixture(write(tmp_path / "pod.yaml", comments + POD))
    assert fixture.expected == (Expectation(READINESS), Expectation("/spec/x", "y"))
    assert fixture.case.value["kind"] == "Pod"


def test_fixtures_are_found_below_a_directory_by_name(tmp_path: Path) -> None:
    write(tmp_path / "good" / "pod.yaml")
    write(tmp_path / "bad" / "deep" / "pod.yml")
    write(tmp_path / "notes.txt")
    assert [str(one) for one in fixtures(tmp_path)] == ["bad/deep/pod", "good/pod"]


@each_check
def test_the_fixtures_of_the_shipped_policies_are_as_expected(policy: Policy[Any]) -> None:
    found = fixtures(DIRECTORY / policy.id)
    assert {fixture.path.parent.name for fixture in found} == {"good", "bad"}
    for fixture in found:
        assert_as_expected(policy, fixture, **of_everything(policy))


def test_a_fixture_that_is_not_as_expected_fails(tmp_path: Path) -> None:
    fixture: Fixture = load_fixture(write(tmp_path / "pod.yaml"))
    assert failure(assert_as_expected, require_probes, fixture)
    assert_as_expected(require_probes, fixture, probes=["liveness"])


def test_a_directory_without_fixtures_is_told(tmp_path: Path) -> None:
    assert mistake(fixtures, tmp_path) == f"{tmp_path}: no fixtures in it"


def test_good_expects_nothing_and_bad_something(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad" / "pod.yaml")
    assert mistake(load_fixture, bad).endswith(
        "is bad, and expects nothing; write # expect: PATH into it"
    )
    good = write(tmp_path / "good" / "pod.yaml", f"# expect: {READINESS}\n{POD}")
    assert mistake(load_fixture, good) == f"{good}: is good, and expects {READINESS}"


def test_a_comment_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path / "pod.yaml", "\n# expect: spec.containers\n" + POD)
    assert mistake(load_fixture, file).startswith(f"{file}:2: expected: a path such as /spec/")


def test_a_policy_is_loaded_as_on_the_command_line(tmp_path: Path) -> None:
    file = write(tmp_path / "own_one.py", "x = 1\n")
    with pytest.raises(PolicyError, match="no policy in it"):
        load_policy(file)


# The surface


def test_every_public_name_is_there_and_documented() -> None:
    for name in testing.__all__:
        value = getattr(testing, name)
        assert name == "Manifest" or value.__doc__, name


def test_the_kit_needs_no_pytest() -> None:
    program = "import sys, webhook.testing; print([m for m in sys.modules if 'pytest' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_builders_object_is_left_as_it_is() -> None:
    obj: Object = pod(container(livenessProbe=http()))
    before = read(obj)
    assert_fills(
        probe_timing,
        obj,
        {
            f"{LIVENESS}/timeoutSeconds": 3,
            f"{LIVENESS}/periodSeconds": 10,
            f"{LIVENESS}/failureThreshold": 6,
        },
    )
    assert read(obj) == before
