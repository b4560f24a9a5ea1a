"""The webhooks that the chart registers: who is asked, about what, and what if nobody answers."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, RICH, Json, of_kind, render
from tests.chart.selectors import selects
from tests.cluster.versions import HELM, OLDEST_HELM

LABEL = "podworthy.dev/profile"
NAME_LABEL = "kubernetes.io/metadata.name"
ONLY_DEFAULT: Json = {
    "profiles": [{"name": "strict", "failurePolicy": "Fail"}],
    "defaultProfile": "strict",
    "canary": {"enabled": False},
}
TEMPLATES = {
    "statefulsets": "spec.template",
    "deployments": "spec.template",
    "daemonsets": "spec.template",
    "replicasets": "spec.template",
    "replicationcontrollers": "spec.template",
    "jobs": "spec.template",
    "cronjobs": "spec.jobTemplate.spec.template",
    "podtemplates": "template",
}
"""Where each resource has its pod template."""


def webhooks(kind: str, values: Mapping[str, Any] | None = None) -> list[Json]:
    (configuration,) = of_kind(f"{kind}WebhookConfiguration", render(values)).values()
    entries: list[Json] = configuration["webhooks"]
    return entries


def conditions(entry: Json) -> dict[str, str]:
    return {one["name"]: " ".join(one["expression"].split()) for one in entry["matchConditions"]}


def asked(entry: Json) -> set[tuple[str, str, str]]:
    """Group, resource and operation."""
    return {
        (group, resource, operation)
        for rule in entry["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }


def paths_for(entries: Iterable[Json], resource: str, labels: Mapping[str, str]) -> list[str]:
    """Of the entries that are asked about this resource in a namespace with these labels."""
    return [
        entry["clientConfig"]["service"]["path"]
        for entry in entries
        if any(one == resource for _, one, _ in asked(entry))
        and selects(entry["namespaceSelector"], labels)
    ]


@pytest.mark.parametrize("values", [None, RICH, ONLY_DEFAULT])
def test_pods_are_filled_and_judged_as_designed(values: Json | None) -> None:
    profiles = {it["name"]: it["failurePolicy"] for it in (values or DEFAULTS)["profiles"]}
    filling = {it["name"]: it for it in webhooks("Mutating", values)}
    judging = {it["name"]: it for it in webhooks("Validating", values)}
    assert len(filling) == len(profiles)
    assert len(judging) == 5 * len(profiles)
    for profile, failure_policy in profiles.items():
        fill = filling[f"fill.{profile}.podworthy.dev"]
        assert asked(fill) == {("", "pods", "CREATE"), ("apps", "statefulsets", "CREATE")}
        assert (fill["failurePolicy"], fill["timeoutSeconds"]) == ("Ignore", 2)
        assert fill["reinvocationPolicy"] == "IfNeeded"
        assert set(conditions(fill)) == {"not-a-mirror-pod"}
        pods = judging[f"pods.{profile}.podworthy.dev"]
        critical = judging[f"critical-pods.{profile}.podworthy.dev"]
        assert asked(pods) == asked(critical) == {("", "pods", "CREATE")}
        assert (pods["failurePolicy"], critical["failurePolicy"]) == (failure_policy, "Ignore")
        assert pods["timeoutSeconds"] == critical["timeoutSeconds"] == 3
        for entry in (fill, pods, critical):
            assert "config.mirror" in conditions(entry)["not-a-mirror-pod"]


@pytest.mark.parametrize("values", [None, RICH])
def test_templates_are_judged_when_they_are_new_or_change(values: Json | None) -> None:
    found: dict[str, list[str]] = {resource: [] for resource in TEMPLATES}
    for entry in webhooks("Validating", values):
        if {resource for _, resource, _ in asked(entry)} == {"pods"}:
            continue
        assert (entry["failurePolicy"], entry["timeoutSeconds"]) == ("Ignore", 3)
        written = conditions(entry)
        assert written["not-being-deleted"] == "!has(object.metadata.deletionTimestamp)"
        for _, resource, operation in asked(entry):
            path = TEMPLATES[resource]
            changed = f"request.operation != 'UPDATE' || object.{path} != oldObject.{path}"
            assert written["template-changed"] == changed
            found[resource].append(operation)
    profiles = len((values or DEFAULTS)["profiles"])
    expected = sorted(["CREATE", "UPDATE"] * profiles)
    assert {resource: sorted(it) for resource, it in found.items()} == dict.fromkeys(
        TEMPLATES, expected
    )


@pytest.mark.parametrize("values", [None, RICH, ONLY_DEFAULT])
@pytest.mark.parametrize(
    "label", [None, "", "advise", "baseline", "payments", "strict", "misspelt"]
)
def test_every_namespace_has_exactly_one_profile(values: Json | None, label: str | None) -> None:
    chosen = values or DEFAULTS
    names = [one["name"] for one in chosen["profiles"]]
    labels = {NAME_LABEL: "shop"} | ({} if label is None else {LABEL: label})
    profile = label if label in names else chosen["defaultProfile"]
    judging, filling = webhooks("Validating", values), webhooks("Mutating", values)
    for resource in TEMPLATES:
        assert paths_for(judging, resource, labels) == [f"/validate/{profile}"]
    # its ordinary pods and its critical ones; conditions tell them apart
    assert paths_for(judging, "pods", labels) == [f"/validate/{profile}"] * 2
    for resource in ("pods", "statefulsets"):
        assert paths_for(filling, resource, labels) == [f"/mutate/{profile}"]


@pytest.mark.parametrize("label", [None, "strict", "advise"])
@pytest.mark.parametrize(
    ("values", "namespace"),
    [
        (None, "kube-system"),
        (None, "kube-node-lease"),
        (None, NAMESPACE),
        (RICH, NAMESPACE),
        (RICH, "cilium"),
        (RICH, "openebs"),
    ],
)
def test_an_excluded_namespace_is_nobodys(
    values: Json | None, namespace: str, label: str | None
) -> None:
    labels = {NAME_LABEL: namespace} | ({} if label is None else {LABEL: label})
    for kind in ("Mutating", "Validating"):
        for entry in webhooks(kind, values):
            assert not selects(entry["namespaceSelector"], labels)


def test_the_two_entries_for_pods_share_them_out() -> None:
    by_name = {it["name"]: conditions(it) for it in webhooks("Validating")}
    critical = by_name["critical-pods.advise.podworthy.dev"]["critical"]
    others = by_name["pods.advise.podworthy.dev"]["not-critical"]
    has, _, one_of = critical.partition(" && ")
    assert others == f"!{has} || !({one_of})"


def test_break_glass_is_for_every_verdict_and_no_fill() -> None:
    values = {"breakGlassGroup": "sre:on-call"}
    expression = "!has(request.userInfo.groups) || !('sre:on-call' in request.userInfo.groups)"
    for entry in webhooks("Validating", values):
        assert conditions(entry)["not-break-glass"] == expression
    for entry in webhooks("Mutating", values):
        assert "not-break-glass" not in conditions(entry)


@pytest.mark.parametrize("mode", ["self", "cert-manager"])
def test_annotations_stand_beside_cert_managers(mode: str) -> None:
    values = {"webhookAnnotations": {"own/one": "true"}, "certificates": {"mode": mode}}
    expected = {"own/one": "true"}
    if mode == "cert-manager":
        expected["cert-manager.io/inject-ca-from"] = f"{NAMESPACE}/podworthy-tls"
    for kind in ("Mutating", "Validating"):
        (found,) = of_kind(f"{kind}WebhookConfiguration", render(values)).values()
        assert found["metadata"]["annotations"] == expected
        (plain,) = of_kind(f"{kind}WebhookConfiguration", render()).values()
        assert "annotations" not in plain["metadata"]


@pytest.mark.parametrize("values", [None, RICH])
@pytest.mark.parametrize("version", [HELM, OLDEST_HELM])
def test_all_ask_the_service_and_helm_owns_no_authority(values: Json | None, version: str) -> None:
    rendered = render(values, version=version)
    fullname = (values or {}).get("fullnameOverride", "podworthy")
    for kind in ("Mutating", "Validating"):
        configurations = of_kind(f"{kind}WebhookConfiguration", rendered)
        assert set(configurations) == {fullname}
        for entry in configurations[fullname]["webhooks"]:
            assert set(entry["clientConfig"]) == {"service"}
            service = entry["clientConfig"]["service"]
            assert (service["namespace"], service["name"]) == (NAMESPACE, fullname)
            port = of_kind("Service", rendered)[fullname]["spec"]["ports"][0]
            assert service["port"] == port["port"]
            assert entry["sideEffects"] == "None"
            assert entry["admissionReviewVersions"] == ["v1"]
            assert all(rule["scope"] == "Namespaced" for rule in entry["rules"])


def test_the_authority_of_your_own_certificate_is_yours_to_give() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    values = {"certificates": {"mode": "files", "caBundle": pem}}
    assert all("caBundle" in it["clientConfig"] for it in webhooks("Validating", values))
    values["certificates"] = {"mode": "self", "caBundle": pem}
    assert not any("caBundle" in it["clientConfig"] for it in webhooks("Validating", values))


def test_by_default_nothing_can_be_blocked_where_nobody_asked_for_it() -> None:
    assert DEFAULTS["defaultProfile"] == "advise"
    for entry in webhooks("Validating"):
        if entry["failurePolicy"] == "Fail":
            (choice, _) = entry["namespaceSelector"]["matchExpressions"]
            assert (choice["key"], choice["operator"]) == (LABEL, "In")


DEFAULTS: Json = {
    "profiles": [
        {"name": "advise", "failurePolicy": "Ignore"},
        {"name": "baseline", "failurePolicy": "Fail"},
        {"name": "strict", "failurePolicy": "Fail"},
    ],
    "defaultProfile": "advise",
}
"""What the chart does without values, as its users are told."""
