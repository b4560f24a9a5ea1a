"""The Indexed Job that audits the cluster: its shares, its rights, its arguments."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.chart.rendering import Json, of_kind, render
from tests.chart.test_rights import rights
from webhook.audit.live.resources import AROUND, NAMESPACES, WORKLOADS
from webhook.audit.shard import Shard
from webhook.cli import main
from webhook.cli.manifests import audit

LOGS: Json = {"auditJob": {"enabled": True, "shards": 3}}
VOLUME: Json = {
    "auditJob": {
        "enabled": True,
        "shards": 1,
        "volume": {"persistentVolumeClaim": {"claimName": "reports"}},
        "extraArgs": ["--docs-url=https://docs.example/"],
    }
}


def job(values: Json) -> Json:
    spec: Json = of_kind("CronJob", render(values))["podworthy-audit"]["spec"]["jobTemplate"][
        "spec"
    ]
    return spec


def container(values: Json) -> Json:
    (one,) = job(values)["template"]["spec"]["containers"]
    found: Json = one
    return found


def test_nothing_of_it_is_there_unless_asked_for() -> None:
    assert not [one for one in render(None) if one["metadata"]["name"].endswith("-audit")]


@pytest.mark.parametrize("values", [LOGS, VOLUME])
def test_every_pod_has_a_share_and_together_they_have_all(values: Json) -> None:
    spec = job(values)
    assert spec["completionMode"] == "Indexed"
    shares = set()
    for index in range(spec["completions"]):
        # Kubernetes puts the variable in: it is one of the container
        command, *arguments = [
            one.replace("$(JOB_COMPLETION_INDEX)", str(index)) for one in container(values)["args"]
        ]
        assert command == "audit"
        params = audit.make_context("audit", list(arguments)).params
        shares.add(params["shard"])
        assert params["cluster"]
        assert params["fail_on"] == "never"
        ((name, file),) = params["formats"]
        assert (name, file) == (
            "json",
            f"/reports/shard-{index}.json" if values is VOLUME else None,
        )
        mounts = {one["mountPath"] for one in container(values)["volumeMounts"]}
        for path in (*params["profiles"], *params["exemptions"]):
            assert str(path) in mounts
        assert ("/reports" in mounts) == (values is VOLUME)
    assert shares == {Shard(index, spec["completions"]) for index in range(spec["completions"])}


def test_it_may_list_what_it_lists_and_nothing_else() -> None:
    used = {
        (None, one.api_version.rpartition("/")[0], one.plural, None, "list")
        for one in (NAMESPACES, *AROUND, *WORKLOADS)
    }
    assert rights(LOGS, "podworthy-audit") == used


@pytest.mark.parametrize("values", [LOGS, VOLUME])
def test_strict_finds_nothing_in_it(values: Json, tmp_path: Path) -> None:
    manifest = tmp_path / "rendered.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": render(values)}))
    arguments = ["audit", "--profile=strict", "--format=json", "--fail-on=warn", str(manifest)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    assert "CronJob" in {one["object"]["kind"] for one in json.loads(done.stdout)["objects"]}


def test_it_reaches_the_api_server_and_is_reached_by_nobody() -> None:
    policies = of_kind("NetworkPolicy", render(LOGS))
    mine, controllers = (
        policies["podworthy-audit"]["spec"],
        policies["podworthy-controller"]["spec"],
    )
    labels = job(LOGS)["template"]["metadata"]["labels"]
    assert mine["podSelector"]["matchLabels"].items() <= labels.items()
    assert (mine["ingress"], mine["egress"]) == ([], controllers["egress"])
