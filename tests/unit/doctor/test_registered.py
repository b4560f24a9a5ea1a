"""What selectors select, what the table says, and what is infrastructure."""

from typing import Any

import pytest

from tests.unit.doctor.world import NAMES, configurations
from webhook.doctor.infrastructure import purpose
from webhook.doctor.registered import entries, in_force, selects
from webhook.doctor.table import TABLE, is_same

Json = dict[str, Any]


def expression(operator: str, *values: str) -> Json:
    return {"matchExpressions": [{"key": "a", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, ["", "1", "2"]),
        ({"matchLabels": {"a": "1"}}, ["1"]),
        (expression("In", "1"), ["1"]),
        (expression("NotIn", "1"), ["", "2"]),
        (expression("Exists"), ["1", "2"]),
        (expression("DoesNotExist"), [""]),
        ({"matchLabels": {"a": "1"}, **expression("NotIn", "1")}, []),
    ],
)
def test_selectors_select_as_the_api_server_does(selector: Json, selected: list[str]) -> None:
    there = [value for value in ("", "1", "2") if selects(selector, {"a": value} if value else {})]
    assert there == selected


@pytest.mark.parametrize(
    ("labels", "profile"),
    [
        ({}, "advise"),
        ({"podworthy.dev/profile": "strict"}, "strict"),
        ({"podworthy.dev/profile": "strickt"}, "advise"),
        ({"kubernetes.io/metadata.name": "kube-system"}, None),
    ],
)
def test_which_profile_is_in_force(labels: dict[str, str], profile: str | None) -> None:
    made = configurations()["ValidatingWebhookConfiguration"]
    found = in_force(tuple(entries([made], made["kind"], NAMES)), labels)
    assert (found.profile if found else None) == profile


def test_the_table_is_what_the_chart_registers() -> None:
    """That nothing is missing or more shows where all is well; here, that nothing is less."""
    seen = {}
    for kind, one in configurations().items():
        for entry in entries([one], kind, NAMES):
            seen[entry.role] = entry
    assert set(seen) == set(TABLE)
    for role, row in TABLE.items():
        webhook = seen[role].webhook
        there = {one["name"]: one["expression"] for one in webhook["matchConditions"]}
        assert there.keys() == row.conditions.keys()
        assert webhook["timeoutSeconds"] == row.timeout
        for name, text in there.items():
            assert is_same(text, row.conditions[name])


def test_an_expression_is_compared_but_for_spaces_and_the_group() -> None:
    wanted = "!('GROUP' in groups) || x"
    assert is_same("!( 'sre:on-call' in groups )\n  || x", wanted)
    assert not is_same("!('a' in groups) || y", wanted)
    assert not is_same("!('a' in groups || 'b' in groups) || x", wanted)


def spec(image: str = "web", path: str | None = None, **more: object) -> Json:
    volumes = [{"name": "x", "hostPath": {"path": path}}] if path else []
    return {"containers": [{"name": "x", "image": image}], "volumes": volumes, **more}


@pytest.mark.parametrize(
    ("kind", "labels", "pod", "found"),
    [
        ("Deployment", {}, spec(), None),
        ("Deployment", {"k8s-app": "kube-dns"}, spec(), "DNS"),
        ("Deployment", {}, spec("registry:5000/coredns/coredns:1.14@sha256:00"), "DNS"),
        ("DaemonSet", {}, spec(path="/opt/cni/bin/"), "network"),
        ("DaemonSet", {}, spec(path="/etc/cni/net.d"), "network"),
        ("DaemonSet", {}, spec(path="/var/lib/kubelet/plugins/x.example"), "storage"),
        ("DaemonSet", {}, spec(path="/var/lib/kubelet/plugins_registry"), "storage"),
        ("DaemonSet", {}, spec(path="/var/lib/kubelet/pluginsomething"), None),
        ("Deployment", {}, spec("registry.example/sig-storage/csi-provisioner:v6"), "storage"),
        ("Deployment", {}, spec("rancher/local-path-provisioner:v0.0.31"), "storage"),
        ("DaemonSet", {}, spec(hostNetwork=True), None),
        (
            "DaemonSet",
            {},
            spec(hostNetwork=True, priorityClassName="system-node-critical"),
            "node agent",
        ),
    ],
)
def test_infrastructure_is_known_by_its_marks(
    kind: str, labels: dict[str, str], pod: Json, found: str | None
) -> None:
    assert purpose(kind, {"labels": labels}, pod) == found
