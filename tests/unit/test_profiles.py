"""Profiles as they are written: what is inherited, what is capped, and every mistake's place."""

import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.builders import load_profiles, profile
from webhook import catalog, goyaml
from webhook.api import KINDS
from webhook.errors import DocumentError
from webhook.profile import Binding, Profile, merge


def document(spec: str, name: str = "payments") -> str:
    """A Profile; line 5 is the first of the spec."""
    head = f"apiVersion: podworthy.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in dedent(spec).strip().splitlines())


def load(directory: Path, *documents: str) -> dict[str, Profile]:
    """The shipped profiles and these, which stand in one file."""
    (directory / "team.yaml").write_text("---\n".join(documents))
    return load_profiles([directory])


def errors(directory: Path, *documents: str) -> list[str]:
    """What is wrong with the file, its directory cut off."""
    with pytest.raises(DocumentError) as refusal:
        load(directory, *documents)
    return [problem.removeprefix(f"{directory}/") for problem in refusal.value.problems]


def bindings(of: Profile, kind: str = "Pod") -> dict[str, Binding]:
    return {one.policy: one for one in (*of.checks[kind], *of.fills[kind])}


def actions(of: Profile, kind: str = "Pod") -> dict[str, str]:
    return {policy: one.action for policy, one in bindings(of, kind).items()}


# The shipped ones


# of baseline, strict and advise; "" where a policy is off
SHIPPED = {
    "require-probes": ("deny", "deny", "warn"),
    "probe-targets": ("deny", "deny", "warn"),
    "probe-sanity": ("warn", "warn", "warn"),
    "probe-bounds": ("", "deny", ""),
    "probe-timing": ("fill", "fill", "suggest"),
    "require-claims": ("deny", "deny", "warn"),
    "claim-exists": ("warn", "warn", "warn"),
    "claim-can-bind": ("warn", "warn", "warn"),
    "claim-backing": ("warn", "deny", "warn"),
    "statefulset-retention": ("audit", "warn", "audit"),
    "statefulset-service": ("warn", "warn", "warn"),
    "deployment-state": ("warn", "warn", "warn"),
    "ephemeral-data": ("", "audit", ""),
}


def test_the_shipped_profiles() -> None:
    shipped = load_profiles()

    assert sorted(shipped) == ["advise", "baseline", "strict"]
    assert set(SHIPPED) == set(catalog.POLICIES)
    for index, name in enumerate(("baseline", "strict", "advise")):
        found: dict[str, str] = {}
        for kind in KINDS:
            found |= actions(shipped[name], kind)
        assert found == {policy: row[index] for policy, row in SHIPPED.items() if row[index]}


@pytest.mark.parametrize("name", ["baseline", "strict"])
def test_a_shipped_profile_has_a_row_for_every_policy_also_for_those_that_are_off(
    name: str,
) -> None:
    text = (catalog.PROFILES_DIRECTORY / f"{name}.yaml").read_bytes()
    (written,) = goyaml.documents(text)
    assert list(written.value["spec"]["policies"]) == list(catalog.POLICIES)


def test_a_policy_about_one_kind_is_bound_to_no_other() -> None:
    strict = load_profiles()["strict"]
    for policy, kind in (
        ("statefulset-retention", "StatefulSet"),
        ("statefulset-service", "StatefulSet"),
        ("deployment-state", "Deployment"),
    ):
        assert [one for one in KINDS if policy in actions(strict, one)] == [kind]


def test_a_lost_claim_is_a_fact_and_denies() -> None:
    found = {
        name: bindings(one)["claim-exists"].action_of("lost")
        for name, one in load_profiles().items()
    }
    assert found == {"advise": "warn", "baseline": "deny", "strict": "deny"}


def test_a_profile_looks_up_if_one_of_its_policies_does() -> None:
    assert load_profiles()["baseline"].looks_up
    assert not profile(policies={"require-probes": {"action": "deny"}}).looks_up
    assert not profile(policies={"claim-backing": {"action": "off"}}).looks_up
    assert profile(policies={"claim-backing": {"action": "audit"}}).looks_up


@pytest.mark.parametrize(
    ("name", "inline_csi", "on_failure"),
    [("advise", "warn", "allow"), ("baseline", "warn", "allow"), ("strict", "deny", "deny")],
)
def test_what_tells_the_shipped_profiles_apart(name: str, inline_csi: str, on_failure: str) -> None:
    found = bindings(load_profiles()[name])
    assert found["require-claims"].action_of("inline-csi") == inline_csi
    assert {one.on_failure for one in found.values()} == {on_failure}


def test_no_host_path_is_shipped() -> None:
    for one in load_profiles().values():
        assert bindings(one)["require-claims"].params.host_paths == ()


def test_a_kind_that_a_policy_does_not_judge_is_left_to_the_others() -> None:
    baseline = load_profiles()["baseline"]
    for kind in ("Job", "CronJob"):
        assert {"require-claims", "probe-timing"} <= set(actions(baseline, kind))
    assert {kind for kind in KINDS if "require-probes" in actions(baseline, kind)} == (
        set(KINDS) - {"Job", "CronJob"}
    )


# Extending


def test_a_policy_named_nowhere_is_off(tmp_path: Path) -> None:
    found = load(tmp_path, document("policies: {require-probes: {action: warn}}"))["payments"]
    assert actions(found) == {"require-probes": "warn"}
    found = load(tmp_path, document("policies: {}"))["payments"]
    assert actions(found) == {}


def test_maps_merge_by_key_and_lists_replace() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 2}
    assert merge(base, {"a": {"y": [3], "z": 4}}) == {"a": {"x": 1, "y": [3], "z": 4}, "b": 2}


def test_a_child_changes_what_it_names_and_inherits_the_rest(tmp_path: Path) -> None:
    spec = """
        extends: strict
        policies:
          require-probes: {action: warn}
          require-claims:
            params: {hostPaths: [{prefix: /var/log, readOnly: true}]}
        """
    found = bindings(load(tmp_path, document(spec))["payments"])

    assert found["require-probes"].action == "warn"
    assert found["require-claims"].action == "deny"
    assert found["require-claims"].action_of("inline-csi") == "deny"
    assert found["require-claims"].on_failure == "deny"
    assert [h.prefix for h in found["require-claims"].params.host_paths] == ["/var/log"]
    assert "csi.spiffe.io" in found["require-claims"].params.csi_drivers


def test_a_list_in_a_child_replaces_the_parents(tmp_path: Path) -> None:
    parent = document(
        "policies: {require-claims: {action: deny, params: {csiDrivers: [a.example, b.example]}}}",
        name="parent",
    )
    child = document(
        "extends: parent\npolicies: {require-claims: {params: {csiDrivers: [c.example]}}}"
    )
    both = load(tmp_path, child, parent)
    assert bindings(both["payments"])["require-claims"].params.csi_drivers == ("c.example",)
    assert bindings(both["parent"])["require-claims"].params.csi_drivers == (
        "a.example",
        "b.example",
    )


def test_a_grandchild_reaches_through(tmp_path: Path) -> None:
    child = document("extends: strict\nonFailure: allow", name="child")
    grandchild = document("extends: child\npolicies: {require-claims: {action: 'off'}}")
    found = load(tmp_path, grandchild, child)["payments"]
    assert actions(found)["require-probes"] == "deny"
    assert bindings(found)["require-probes"].on_failure == "allow"
    # the rule has an action of its own, so the policy still runs for it
    assert bindings(found)["require-claims"].action == "off"
    assert bindings(found)["require-claims"].action_of("inline-csi") == "deny"


def test_a_partial_table_merges_over_the_shipped_one(tmp_path: Path) -> None:
    spec = """
        extends: baseline
        policies:
          probe-timing:
            params: {timings: {liveness: {exec: {timeoutSeconds: 9, failureThreshold: null}}}}
        """
    params = bindings(load(tmp_path, document(spec))["payments"])["probe-timing"].params
    assert params.wanted["liveness", "exec"] == {"timeoutSeconds": 9, "periodSeconds": 10}
    assert params.wanted["liveness", "httpGet"] == {
        "timeoutSeconds": 3,
        "periodSeconds": 10,
        "failureThreshold": 6,
    }
    assert params.wanted["startup", "exec"]["failureThreshold"] == 30


# Ceiling, failure, kinds, rules


def test_a_ceiling_caps_every_deny_rules_and_on_failure_too(tmp_path: Path) -> None:
    found = bindings(load(tmp_path, document("extends: strict\nmaxAction: warn"))["payments"])
    assert found["require-probes"].action == "warn"
    assert found["require-claims"].action_of("inline-csi") == "warn"
    assert found["require-probes"].on_failure == "allow"
    assert found["probe-timing"].action == "fill", "a fill denies nothing"


def test_a_ceiling_raises_nothing() -> None:
    capped = profile(maxAction="warn", policies={"require-probes": {"action": "audit"}})
    assert actions(capped) == {"require-probes": "audit"}
    assert actions(profile(maxAction="deny", policies={"require-probes": {"action": "warn"}})) == {
        "require-probes": "warn"
    }


def test_a_ceiling_is_inherited_and_can_be_lifted(tmp_path: Path) -> None:
    under = document("extends: advise\npolicies: {require-probes: {action: deny}}", name="under")
    lifted = document("extends: advise\nmaxAction: deny", name="lifted")
    both = load(tmp_path, under, lifted)
    assert actions(both["under"])["require-probes"] == "warn"
    assert actions(both["lifted"])["require-probes"] == "deny"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "allow"),
        ({"onFailure": "deny"}, "deny"),
        ({"onFailure": "deny", "maxAction": "warn"}, "allow"),
        ({"onFailure": "deny", "maxAction": "deny"}, "deny"),
    ],
)
def test_on_failure_of_a_profile(spec: dict[str, Any], expected: str) -> None:
    found = profile(**spec, policies={"require-probes": {"action": "deny"}})
    assert bindings(found)["require-probes"].on_failure == expected


def test_a_policy_may_override_on_failure() -> None:
    policies = {
        "require-probes": {"action": "deny", "onFailure": "deny"},
        "require-claims": {"action": "deny"},
    }
    found = bindings(profile(onFailure="allow", policies=policies))
    assert found["require-probes"].on_failure == "deny"
    assert found["require-claims"].on_failure == "allow"


def test_kinds_narrow_what_is_judged(tmp_path: Path) -> None:
    spec = "policies: {require-probes: {action: deny, kinds: [Pod, StatefulSet]}}"
    found = load(tmp_path, document(spec))["payments"]
    assert {kind for kind in KINDS if actions(found, kind)} == {"Pod", "StatefulSet"}


# Mistakes, each with its place


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            "policies:\n  require-probe: {action: deny}",
            "team.yaml:6: unknown policy 'require-probe' (did you mean 'require-probes'?); "
            "policies of your own: --policies-dir DIR",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    kinds: []",
            "team.yaml:8: 'kinds' must not be empty; to switch a policy off, use action: off",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params: {probes: []}",
            "team.yaml:8: 'probes' must not be empty; to switch a policy off, use action: off",
        ),
        (
            "policies:\n  xyzzy: {action: deny}",
            "team.yaml:6: unknown policy 'xyzzy'; policies of your own: --policies-dir DIR",
        ),
        (
            "extend: baseline",
            "team.yaml:5: unknown key 'extend' (did you mean 'extends'?)",
        ),
        (
            "policies:\n  require-probes:\n    acton: deny",
            "team.yaml:7: unknown key 'acton' (did you mean 'action'?)",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params:\n      prob: [liveness]",
            "team.yaml:9: unknown key 'prob' (did you mean 'probes'?)",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params:\n"
            "      ignore:\n      - name: a\n        image: b\n        imag: c",
            "team.yaml:12: unknown key 'imag' (did you mean 'image'?)",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params:\n"
            "      ignore:\n      - name: a",
            "team.yaml:10: 'image' is missing in 'ignore[0]'",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n"
            "    params: {hostPaths: [{prefix: /var/log, readonly: true}]}",
            "team.yaml:8: unknown key 'readonly' (did you mean 'readOnly'?)",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n    params: {host_paths: []}",
            "team.yaml:8: unknown key 'host_paths' (did you mean 'hostPaths'?)",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n    rules:\n"
            "      inline-cs: {action: warn}",
            "team.yaml:9: unknown rule 'inline-cs' of require-claims (did you mean 'inline-csi'?); "
            "it has inline-csi",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n"
            "    rules:\n      lost: {action: warn}",
            "team.yaml:9: unknown rule 'lost' of require-probes; it has none",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    kinds: [Pod, Statefulset]",
            "team.yaml:8: unknown kind 'Statefulset' (did you mean 'StatefulSet'?)",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    kinds: [CronJob]",
            "team.yaml:8: require-probes does not judge 'CronJob'",
        ),
        (
            "policies:\n  require-probes:\n    action: fill",
            "team.yaml:7: require-probes cannot 'fill'; it can deny, warn, audit, off",
        ),
        (
            "policies:\n  probe-timing:\n    action: deny",
            "team.yaml:7: probe-timing cannot 'deny'; it can fill, suggest, off",
        ),
        (
            "policies:\n  require-probes:\n    kinds: [Pod]",
            "team.yaml:6: require-probes has no action, here or in a profile that this one extends",
        ),
        (
            "extends: baselin",
            "team.yaml:5: extends unknown profile 'baselin' (did you mean 'baseline'?); "
            "there are advise, baseline, payments, strict",
        ),
        (
            "extends: payments",
            "team.yaml:5: profiles extend in a circle: payments -> payments",
        ),
        (
            "policies:\n  probe-timing:\n    action: fill\n    params:\n      timings:\n"
            "        liveness:\n          http: {timeoutSeconds: 3}",
            "team.yaml:11: unknown key 'http' (did you mean 'httpGet'?)",
        ),
        (
            "policies:\n  probe-timing:\n    action: fill\n    params:\n      timings:\n"
            "        liveness:\n          exec: {timeoutSecond: 3}",
            "team.yaml:11: unknown key 'timeoutSecond' (did you mean 'timeoutSeconds'?)",
        ),
        (
            "policies:\n  probe-timing:\n    action: fill\n    params:\n      timings:\n"
            "        liveness:\n          exec:\n            timeoutSeconds: 0",
            "team.yaml:12: 'timeoutSeconds' must be at least 1",
        ),
        (
            "policies:\n  probe-timing:\n    action: fill\n    params:\n      timings:\n"
            "        liveness:\n          exec:\n            timeoutSeconds: '3'",
            "team.yaml:12: 'timeoutSeconds' must be an integer",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params:\n      sidecars: 'yes'",
            "team.yaml:9: 'sidecars' must be true or false",
        ),
        (
            "policies:\n  require-probes:\n    action: deny\n    params:\n      probes: liveness",
            "team.yaml:9: 'probes' must be a list",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n    params:\n      csiDrivers: [7]",
            "team.yaml:9: 'csiDrivers[0]' must be a string",
        ),
        (
            "policies:\n  probe-bounds:\n    action: deny\n    params:\n      bounds:\n"
            "        liveness:\n          periodSeconds: {min: 9, max: 5}",
            "team.yaml:11: 'periodSeconds': min 9 is above max 5",
        ),
        (
            "policies:\n  probe-bounds:\n    action: deny\n    params:\n      bounds:\n"
            "        every:\n          successThreshold: {min: 2}",
            "team.yaml:11: unknown key 'successThreshold' (did you mean 'failureThreshold'?)",
        ),
        (
            "policies:\n  probe-bounds:\n    action: deny\n    params:\n      bounds:\n"
            "        readiness:\n          timeoutSeconds: {min: -1}",
            "team.yaml:11: 'min' must be at least 0",
        ),
        (
            "policies:\n  ephemeral-data:\n    action: warn\n"
            "    params: {dataDirectories: [/srv, data]}",
            "team.yaml:8: 'dataDirectories[1]' must be an absolute path, not 'data'",
        ),
        ("policies: []", "team.yaml:5: 'policies' must be a mapping"),
        (
            "policies:\n  require-probes: deny",
            "team.yaml:6: 'require-probes' must be a mapping; write {action: deny}",
        ),
        (
            "policies:\n  require-probes: off",
            "team.yaml:6: 'require-probes' must be a mapping; write {action: off}",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n    rules: {inline-csi: warn}",
            "team.yaml:8: 'inline-csi' must be a mapping; write {action: warn}",
        ),
        (
            "policies:\n  require-claims:\n    action: deny\n"
            "    rules: {inline-csi: {action: Warn}}",
            "team.yaml:8: 'action' must be 'deny', 'warn', 'audit' or 'off', not 'Warn' "
            "(did you mean 'warn'?)",
        ),
        ("policies:\n  require-probes:", "team.yaml:6: 'require-probes' must be a mapping"),
        (
            "policies:\n  require-claims:\n    action: deny\n"
            "    params: {hostPaths: [{prefix: var/log}]}",
            "team.yaml:8: 'prefix' must be an absolute path, not 'var/log'",
        ),
        (
            "maxAction: fill",
            "team.yaml:5: 'maxAction' must be 'deny', 'warn' or 'audit', not 'fill'",
        ),
        (
            "policies:\n  require-probes:\n    action: dney",
            "team.yaml:7: require-probes cannot 'dney' (did you mean 'deny'?); "
            "it can deny, warn, audit, off",
        ),
        (
            "policies:\n  probe-timing:\n    action: FILL",
            "team.yaml:7: probe-timing cannot 'FILL' (did you mean 'fill'?); "
            "it can fill, suggest, off",
        ),
        ("policies:\n  probe-timing:\n    action: 5", "team.yaml:7: 'action' must be a string"),
        (
            "onFailure: maybe",
            "team.yaml:5: 'onFailure' must be 'deny' or 'allow', not 'maybe'",
        ),
        (
            "policies: {}\npolicies: {}",
            "team.yaml:6: key 'policies' is repeated",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, spec: str, problem: str) -> None:
    assert errors(tmp_path, document(spec)) == [problem]


def test_params_that_do_not_fit_together_with_inherited_ones_are_told(tmp_path: Path) -> None:
    def bounds(period: str) -> str:
        return f"policies: {{probe-bounds: {{action: deny, params: {{bounds: {period}}}}}}}"

    parent = bounds("{liveness: {periodSeconds: {max: 5}}}")
    child = "extends: payments\n" + bounds("{liveness: {periodSeconds: {min: 9}}}")
    assert errors(tmp_path, document(parent), document(child, "tills")) == [
        "team.yaml:12: 'periodSeconds': min 9 is above max 5, together with what is inherited"
    ]


def test_off_needs_no_quotes(tmp_path: Path) -> None:
    # which YAML 1.1 would read as false
    spec = """
        policies:
          require-probes: {action: off}
          require-claims: {action: warn}
        """
    found = actions(load(tmp_path, document(spec))["payments"])
    assert found.keys().isdisjoint({"require-probes", "probe-timing"})
    assert "require-claims" in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: Profile", "team.yaml:1: 'apiVersion' is missing"),
        (
            document("policies: {}").replace("v1alpha1", "v1"),
            "team.yaml:1: 'apiVersion' must be 'podworthy.dev/v1alpha1', not 'podworthy.dev/v1'",
        ),
        (
            document("policies: {}").replace("kind: Profile", "kind: Profil"),
            "team.yaml:2: 'kind' must be 'Profile' or 'Exemption', not 'Profil' "
            "(did you mean 'Profile'?)",
        ),
        (
            document("policies: {}", name="Payments"),
            "team.yaml:3: 'name' must be lower case letters, digits and -, at most 63, with a "
            "letter or a digit at each end, not 'Payments'",
        ),
        (
            document("policies: {}").replace("{name: payments}", "{name: payments, labels: {}}"),
            "team.yaml:3: unknown key 'labels'",
        ),
        (document("policies: {}").partition("spec:")[0], "team.yaml:1: 'spec' is missing"),
        ("- a\n- b\n", "team.yaml:1: the document must be a mapping"),
    ],
)
def test_what_is_no_profile_is_told(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in errors(tmp_path, text)


def test_text_that_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = errors(tmp_path, document("policies: {require-probes: {action: deny}"))
    assert problem.startswith("team.yaml:")


def test_a_taken_name_is_an_error(tmp_path: Path) -> None:
    assert errors(tmp_path, document("policies: {}"), document("policies: {}")) == [
        f"team.yaml:9: profile 'payments' is taken by {tmp_path}/team.yaml:3"
    ]


def test_the_name_of_a_shipped_profile_is_taken(tmp_path: Path) -> None:
    assert errors(tmp_path, document("policies: {}", name="baseline")) == [
        "team.yaml:3: profile 'baseline' is shipped: choose another name, and extend it"
    ]


def test_every_mistake_of_every_document_is_told_at_once(tmp_path: Path) -> None:
    one = document("policies:\n  require-probe: {action: deny}", name="one")
    two = document("extend: one", name="two")
    assert errors(tmp_path, one, two) == [
        "team.yaml:6: unknown policy 'require-probe' (did you mean 'require-probes'?); "
        "policies of your own: --policies-dir DIR",
        "team.yaml:12: unknown key 'extend' (did you mean 'extends'?)",
    ]


def test_a_circle_of_two_is_told(tmp_path: Path) -> None:
    one, two = document("extends: two", name="one"), document("extends: one", name="two")
    assert errors(tmp_path, one, two) == [
        "team.yaml:11: profiles extend in a circle: one -> two -> one",
        "team.yaml:5: profiles extend in a circle: two -> one -> two",
    ]


def test_empty_documents_and_other_files_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not yaml: [")
    (tmp_path / "deeper.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "payments" in load(tmp_path, "", document("policies: {}"), "# a comment\n")


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refusal:
        load_profiles([tmp_path / "nowhere"])
    assert str(refusal.value) == (
        f"{tmp_path}/nowhere: No such file or directory; "
        "give a directory or a file with Profiles and Exemptions"
    )
