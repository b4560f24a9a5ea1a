"""Who may do what: the controller what it uses, the hooks what they remove, the servers nothing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, RICH, Json, render
from webhook.controller.access import Extent, rules
from webhook.controller.certificates import Service
from webhook.controller.reading import Mode, Subject

SELF: Json = {}
CERT_MANAGER: Json = {"certificates": {"mode": "cert-manager"}}
FILES: Json = {"certificates": {"mode": "files"}}
AUDITS: Json = {"audit": {"intervalSeconds": 3600, "reports": True, "history": {"enabled": True}}}
NO_CANARY: Json = {"canary": {"enabled": False}}

REGISTRATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
GROUP = "admissionregistration.k8s.io"

Right = tuple[str | None, str, str, str | None, str]
"""Namespace or None for the cluster, API group, resource, name or None for any, verb."""


def rights(values: Mapping[str, Any], account: str) -> set[Right]:
    """What the bindings give a ServiceAccount."""
    rendered = render(values)
    return set(_rights(rendered, account))


def _rights(rendered: Iterable[Json], account: str) -> Iterator[Right]:
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    for binding in rendered:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        if subject not in binding["subjects"]:
            continue
        namespace = binding["metadata"].get("namespace")
        (role,) = [
            one
            for one in rendered
            if one["kind"] == binding["roleRef"]["kind"]
            and one["metadata"]["name"] == binding["roleRef"]["name"]
            and one["metadata"].get("namespace") == namespace
        ]
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames", [None]):
                        for verb in rule["verbs"]:
                            yield namespace, group, resource, name, verb


def looks(verbs: Iterable[str]) -> set[Right]:
    """At the Secret and both registrations, by name."""
    return {
        right
        for verb in verbs
        for right in (
            (NAMESPACE, "", "secrets", "podworthy-tls", verb),
            *((None, GROUP, resource, "podworthy", verb) for resource in REGISTRATIONS),
        )
    }


MAKES: set[Right] = {(NAMESPACE, "", "secrets", None, "create")}
SINGS: set[Right] = {
    ("podworthy-canary", "", "pods", None, "create"),
    ("podworthy-canary", "events.k8s.io", "events", None, "create"),
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (SELF, looks(["get", "patch"]) | MAKES | SINGS),
        (CERT_MANAGER, looks(["get"]) | SINGS),
        (FILES, looks(["get"]) | SINGS),
        (NO_CANARY, looks(["get", "patch"]) | MAKES),
    ],
    ids=["self", "cert-manager", "files", "no canary"],
)
def test_the_controller_may_do_exactly_this(values: Json, expected: set[Right]) -> None:
    assert rights(values, "podworthy-controller") == expected


@pytest.mark.parametrize("values", [SELF, CERT_MANAGER, FILES])
def test_the_servers_may_do_nothing(values: Json) -> None:
    assert rights(values, "podworthy") == set()


@pytest.mark.parametrize(
    ("values", "secrets"),
    [
        (SELF, ["podworthy-tls"]),
        (CERT_MANAGER, ["podworthy-tls", "podworthy-ca"]),
        (FILES, []),
    ],
    ids=["self", "cert-manager", "files"],
)
def test_the_hooks_of_an_uninstallation_may_delete_what_they_delete(
    values: Json, secrets: list[str]
) -> None:
    registrations: set[Right] = {
        (None, GROUP, resource, "podworthy", "delete") for resource in REGISTRATIONS
    }
    expected = {(NAMESPACE, "", "secrets", name, "delete") for name in secrets}
    # both hooks have an account of this name, one after the other
    assert rights(values, "podworthy-remove") == registrations | expected
    paths = {
        path
        for one in render(values)
        if one["kind"] == "Job"
        for path in one["spec"]["template"]["spec"]["containers"][0]["args"][1:]
    }
    assert paths == {
        f"/apis/{group}/v1/{resource}/{name}"
        if namespace is None
        else f"/api/v1/namespaces/{namespace}/{resource}/{name}"
        for namespace, group, resource, name, _ in registrations | expected
    }


@pytest.mark.parametrize("values", [SELF, CERT_MANAGER, FILES, NO_CANARY, RICH])
def test_no_role_has_a_wildcard_and_none_is_for_others(values: Json) -> None:
    rendered = render(values)
    for one in rendered:
        for rule in one.get("rules", ()):
            assert "*" not in str(rule)
            assert "nonResourceURLs" not in rule
        for subject in one.get("subjects", ()):
            assert subject["kind"] == "ServiceAccount"
            assert subject["namespace"] == NAMESPACE


@pytest.mark.parametrize(
    ("values", "mode", "canary"),
    [
        (SELF, "self", "podworthy-canary"),
        (CERT_MANAGER, "cert-manager", "podworthy-canary"),
        (FILES, "files", "podworthy-canary"),
        (NO_CANARY, "self", None),
        (AUDITS, "self", "podworthy-canary"),
    ],
)
def test_what_is_granted_is_what_is_used(values: Json, mode: Mode, canary: str | None) -> None:
    service = Service(NAMESPACE, "podworthy", "cluster.local")
    subject = Subject(mode, service, "podworthy-tls", ("podworthy",))
    used = {
        (rule.namespace, rule.group, rule.resource, name, verb)
        for rule in rules(
            subject, canary, Extent(reports=True, history=True) if values is AUDITS else None
        )
        for name in rule.names or (None,)
        for verb in rule.verbs
    }
    assert rights(values, "podworthy-controller") == used
