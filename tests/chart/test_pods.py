"""The chart's own pods: what they ask of others, they do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.chart.rendering import RICH, Json, of_kind, pod_templates, render
from webhook import catalog, documents
from webhook.cli import main
from webhook.cli.server import serve

VALUES = pytest.mark.parametrize("values", [None, RICH], ids=["default", "rich"])


def server(values: Json | None) -> Json:
    name = (values or {}).get("fullnameOverride", "podworthy")
    spec: Json = of_kind("Deployment", render(values))[name]["spec"]
    return spec


def controller(values: Json | None) -> Json:
    name = (values or {}).get("fullnameOverride", "podworthy") + "-controller"
    spec: Json = of_kind("Deployment", render(values))[name]["spec"]
    return spec


@VALUES
def test_strict_finds_nothing_and_fills_nothing(values: Json | None, tmp_path: Path) -> None:
    manifest = tmp_path / "rendered.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": render(values)}))
    audit = ["audit", "--profile=strict", "--format=json", "--fail-on=warn", str(manifest)]
    done = CliRunner().invoke(main, audit)
    report = json.loads(done.stdout)
    assert report["findings"] == report["fills"] == report["errors"] == []
    assert done.exit_code == 0
    judged = {one["object"]["kind"] for one in report["objects"]}
    assert judged == {"Deployment", "Job", "Pod"}


@VALUES
def test_no_pod_asks_for_more_than_restricted_allows(values: Json | None) -> None:
    for name, template in pod_templates(render(values)):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] == 65532, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"], name
            assert "requests" in container["resources"], name
        # a Service named podworthy would set PODWORTHY_PORT in every pod of the namespace
        assert spec["enableServiceLinks"] is False, name


@VALUES
def test_only_who_talks_to_the_api_server_has_a_token(values: Json | None) -> None:
    rendered = render(values)
    with_token = {
        name
        for name, template in pod_templates(rendered)
        if template["spec"]["automountServiceAccountToken"]
    }
    fullname = (values or {}).get("fullnameOverride", "podworthy")
    assert with_token == {f"Deployment {fullname}-controller", f"Job {fullname}-remove"}
    for one in rendered:
        if one["kind"] == "ServiceAccount":
            assert one["automountServiceAccountToken"] is False


@VALUES
def test_a_server_is_never_missed_in_a_rollout(values: Json | None) -> None:
    spec = server(values)
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = next(
        float(one.partition("=")[2]) for one in container["args"] if one.startswith("--drain")
    )
    assert pod["terminationGracePeriodSeconds"] >= pause + drain + 10
    keys = [one["topologyKey"] for one in pod["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    (budget,) = of_kind("PodDisruptionBudget", render(values)).values()
    assert budget["spec"]["selector"] == spec["selector"]
    assert budget["spec"]["maxUnavailable"] == 1
    assert controller(values)["strategy"] == {"type": "Recreate"}
    assert controller(values)["replicas"] == 1


def test_on_the_nodes_network_a_rollout_needs_no_node_more_than_servers() -> None:
    """Two of them cannot have one port of one node."""
    spec = server({"server": {"hostNetwork": True}})
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 1}


@VALUES
def test_servers_get_their_key_and_no_other(values: Json | None) -> None:
    volumes = {one["name"]: one for one in server(values)["template"]["spec"]["volumes"]}
    assert [it["key"] for it in volumes["tls"]["secret"]["items"]] == ["tls.crt", "tls.key"]
    for name, template in pod_templates(render(values)):
        for volume in template["spec"].get("volumes", ()):
            keys = {it["key"] for it in volume.get("secret", {}).get("items", ())}
            assert "ca.key" not in keys, name
            assert ("secret" in volume) == bool(keys), name


@VALUES
def test_serve_knows_its_arguments(values: Json | None) -> None:
    (container,) = server(values)["template"]["spec"]["containers"]
    command, *arguments = container["args"]
    assert command == "serve"
    context = serve.make_context("serve", list(arguments))
    assert context.params["port"] == container["ports"][0]["containerPort"]
    mounts = {one["mountPath"] for one in container["volumeMounts"]}
    for path in (*context.params["profiles"], *context.params["exemptions"]):
        assert str(path) in mounts
    assert {str(context.params[one].parent) for one in ("cert", "key")} <= mounts


@VALUES
def test_documents_of_the_values_can_be_loaded(values: Json | None, tmp_path: Path) -> None:
    configmaps = of_kind("ConfigMap", render(values))
    fullname = (values or {}).get("fullnameOverride", "podworthy")
    for what in ("profiles", "exemptions"):
        for name, text in configmaps[f"{fullname}-{what}"]["data"].items():
            (tmp_path / name).write_text(text)
    loaded = documents.load([tmp_path], catalog.POLICIES)
    (entries,) = of_kind("ValidatingWebhookConfiguration", render(values)).values()
    paths = {one["clientConfig"]["service"]["path"] for one in entries["webhooks"]}
    assert paths <= {f"/validate/{name}" for name in loaded.profiles}
    assert len(loaded.exemptions) == len(
        (values or {"documents": {}})["documents"].get("exemptions", ())
    )


@VALUES
def test_whatever_selects_pods_selects_those_of_one_component(values: Json | None) -> None:
    rendered = render(values)
    templates = {
        name: template["metadata"]["labels"]
        for name, template in pod_templates(rendered)
        if name.startswith("Deployment")
    }
    selectors = [
        (f"{one['kind']} {one['metadata']['name']}", labels)
        for one in rendered
        if (labels := _selected(one)) is not None
    ]
    assert {name.split()[0] for name, _ in selectors} >= {
        *("Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service")
    }
    for name, labels in selectors:
        hit = [pod for pod, there in templates.items() if labels.items() <= there.items()]
        assert len(hit) == 1, name


def _selected(one: Json) -> dict[str, str] | None:
    """The labels by which an object selects pods; None if it selects none."""
    spec: Mapping[str, Any] = one.get("spec", {})
    if one["kind"] in ("Service", "ServiceMonitor"):
        selector = spec["selector"]
    else:
        selector = spec.get("podSelector", spec.get("selector"))
    if selector is None:
        return None
    labels: dict[str, str] = selector.get("matchLabels", selector)
    return labels
