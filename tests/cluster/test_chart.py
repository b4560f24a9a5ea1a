"""The chart on a real API server: what it accepts, what upgrades keep, what an outage blocks."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, NAME, RICH, Json, pod_templates, run_helm, template
from tests.chart.rendering import objects as parsed
from tests.cluster.certificates import Authority
from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import handler, pod, workload
from tests.cluster.processes import wait_for
from tests.cluster.versions import HELM, OLDEST_HELM

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
NOT_BUILT_IN = ("monitoring.coreos.com", "cert-manager.io")
KINDS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
GROUP = "sre:on-call"
PROBES = {"livenessProbe": handler(), "readinessProbe": handler()}
"""Other tests' podworthy may judge these namespaces, too: let it find nothing."""


def values(canary: str, **more: object) -> Json:
    """Of a release whose objects of the cluster disturb no other test."""
    return {
        "fullnameOverride": "frozen",
        "canary": {"namespace": canary, "profile": "frozen"},
        "profiles": [
            {"name": "calm", "failurePolicy": "Ignore"},
            {"name": "frozen", "failurePolicy": "Fail"},
        ],
        "defaultProfile": "calm",
        "documents": {"profilesConfigMap": "own"},
        "breakGlassGroup": GROUP,
        **more,
    }


@pytest.fixture
def release(control_plane: ControlPlane) -> Iterator[None]:
    """Takes away what a release leaves in the cluster."""
    yield
    policies = ("validatingadmissionpolicy", "validatingadmissionpolicybinding")
    kinds = ("clusterrole", "clusterrolebinding", *KINDS, *policies)
    names = ("frozen", "frozen-controller", "frozen-remove", "frozen-canary")
    every = [f"{kind}/{name}" for kind in kinds for name in names]
    control_plane.kubectl("delete", "--ignore-not-found", "--wait=false", *every)


@pytest.mark.parametrize("chosen", [{}, RICH], ids=["default", "rich"])
def test_the_api_server_accepts_every_object(
    control_plane: ControlPlane, new_namespace: Namespaces, chosen: Json
) -> None:
    namespace, canary = new_namespace(RESTRICTED), new_namespace()
    chosen = chosen | {"canary": chosen.get("canary", {}) | {"namespace": canary}}
    rendered = _in(namespace, chosen)
    for hook in (None, "pre-delete", "post-delete"):
        # two hooks make objects of the same name, one after the other
        some = [
            one
            for one in rendered
            if one["metadata"].get("annotations", {}).get("helm.sh/hook") == hook
            and one["apiVersion"].partition("/")[0] not in NOT_BUILT_IN
            and one["kind"] != "Pod"
        ]
        done = _apply(control_plane, some, "--dry-run=server")
        assert len(done.stdout.splitlines()) == len(some)
        # Pod Security would warn of a template's pods
        assert "violate" not in done.stderr
        accounts = [one for one in some if one["kind"] == "ServiceAccount"]
        _apply(control_plane, accounts)
    names = []
    for name, made in pod_templates(rendered):
        one = {"apiVersion": "v1", "kind": "Pod", **made}
        one["metadata"] = {"generateName": "made-", "labels": made["metadata"].get("labels", {})}
        create = ("create", "--dry-run=server", f"--namespace={namespace}", "--filename=-")
        control_plane.kubectl(*create, stdin=json.dumps(one))
        names.append(name)
    assert len(names) == 5  # servers, controller, test, two hooks


@pytest.mark.parametrize("chosen", [{}, RICH], ids=["default", "rich"])
def test_what_is_applied_is_no_difference_afterwards(
    control_plane: ControlPlane, new_namespace: Namespaces, chosen: Json
) -> None:
    """Else those who apply on the server's side, as Flux does, would see drift for ever."""
    namespace = new_namespace()
    some = [
        one
        for one in _in(namespace, chosen)
        if one["metadata"].get("namespace") == namespace
        and "helm.sh/hook" not in one["metadata"].get("annotations", {})
        and one["apiVersion"].partition("/")[0] not in NOT_BUILT_IN
    ]
    assert {"Deployment", "NetworkPolicy", "Role", "Service"} <= {one["kind"] for one in some}
    _apply(control_plane, some)
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": some})
    diff = ("diff", "--server-side", "--force-conflicts", "--filename=-")
    done = control_plane.kubectl(*diff, stdin=manifest, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_restricted_is_enforced_there(
    control_plane: ControlPlane, new_namespace: Namespaces
) -> None:
    """Else the test above would show nothing."""
    namespace = new_namespace(RESTRICTED)
    create = ("create", "--dry-run=server", f"--namespace={namespace}", "--filename=-")
    refused = control_plane.kubectl(*create, stdin=json.dumps(pod("web")), check=False)
    assert "violates PodSecurity" in refused.stderr


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("version", [HELM, OLDEST_HELM])
def test_upgrades_keep_what_the_controller_has_written(
    control_plane: ControlPlane, new_namespace: Namespaces, version: str
) -> None:
    namespace, canary = new_namespace(), "frozen-bird-" + version.replace(".", "-")
    helm = (NAME, str(CHART), f"--namespace={namespace}", "--values=-", "--no-hooks")

    def run(verb: str, profile: str) -> None:
        profiles = [*values(canary)["profiles"], {"name": profile, "failurePolicy": "Ignore"}]
        stdin = json.dumps(values(canary, profiles=profiles))
        run_helm(verb, *helm, version=version, stdin=stdin, kubeconfig=control_plane.kubeconfig)

    run("install", "old")
    bundle = b64encode(Authority("one").certificate).decode()
    for kind in KINDS:
        entries = _bundles(control_plane, kind)
        assert set(entries.values()) == {None}
        _trust(control_plane, kind, entries, bundle)
    run("upgrade", "new")
    for kind in KINDS:
        entries = _bundles(control_plane, kind)
        # new entries wait for the controller; those of which it owns a part can be removed
        assert {name for name, there in entries.items() if there is None} == {
            name for name in entries if ".new." in name
        }
        assert {it.split(".")[1] for it in entries} == {"calm", "frozen", "new"}
        assert set(entries.values()) == {bundle, None}
    control_plane.kubectl("delete", "--wait=false", "namespace", canary)


@pytest.mark.usefixtures("release")
def test_while_no_server_answers(control_plane: ControlPlane, new_namespace: Namespaces) -> None:
    """Who is blocked by Fail, and who is not; nothing listens at the Service."""
    namespace, canary = new_namespace(), new_namespace()
    _apply(control_plane, [it for it in _in(namespace, values(canary)) if _is_registered(it)])
    frozen = new_namespace({"podworthy.dev/profile": "frozen"})
    calm = new_namespace()

    def create(where: str, manifest: Json, *groups: str) -> str:
        """What is said against it; nothing if it was created."""
        command = ("create", "--dry-run=server", f"--namespace={where}", "--filename=-")
        done = control_plane.kubectl(
            *command,
            stdin=json.dumps(manifest),
            check=False,
            as_user="somebody",
            as_group=["system:masters", *groups],
        )
        return done.stderr if done.returncode else ""

    def is_blocked() -> bool:
        return "pods.frozen.podworthy.dev" in create(frozen, pod("web", **PROBES))

    wait_for(is_blocked, seconds=30, what="registration")
    assert "failed calling webhook" in create(frozen, pod("web", **PROBES))
    assert create(calm, pod("web", **PROBES)) == ""
    # the way out
    assert create(frozen, pod("web", **PROBES), GROUP) == ""
    # what the cluster cannot do without
    critical = pod("web", **PROBES)
    critical["spec"]["priorityClassName"] = "system-cluster-critical"
    assert create(frozen, critical) == ""
    # authors' templates
    assert create(frozen, workload("StatefulSet", "web", **PROBES)) == ""
    # what a kubelet tells
    mirror = pod("web", annotations={"kubernetes.io/config.mirror": "x"}, **PROBES)
    mirror["spec"]["nodeName"] = "node"
    assert create(frozen, mirror) == ""


@pytest.mark.usefixtures("release")
def test_the_canarys_namespace_takes_nothing_but_dry_runs(
    control_plane: ControlPlane, new_namespace: Namespaces
) -> None:
    namespace, canary = new_namespace(), new_namespace()
    chosen = values(canary)
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    _apply(control_plane, [it for it in _in(namespace, chosen) if it["kind"] in kinds])
    create = ("create", f"--namespace={canary}", "--filename=-")

    def refusal() -> str:
        bird = pod("bird", **PROBES) | {"metadata": {"generateName": "bird-"}}
        return control_plane.kubectl(*create, stdin=json.dumps(bird), check=False).stderr

    def is_refused() -> bool:
        return "only dry runs create pods in this namespace" in refusal()

    wait_for(is_refused, seconds=30, what="policy")
    control_plane.kubectl(*create, "--dry-run=server", stdin=json.dumps(pod("bird", **PROBES)))


@pytest.mark.usefixtures("release")
def test_a_token_of_the_controller_changes_no_registration_but_its_authorities(
    control_plane: ControlPlane, new_namespace: Namespaces
) -> None:
    """Nor does it make Secrets of others' accounts. RBAC alone would let it."""
    namespace, canary = new_namespace(), new_namespace()
    kinds = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    policies = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    rendered = [it for it in _in(namespace, values(canary)) if "helm.sh/hook" not in str(it)]
    _apply(control_plane, [it for it in rendered if _is_registered(it)])
    _apply(control_plane, [it for it in rendered if it["kind"] in (*kinds, *policies)])
    account = f"system:serviceaccount:{namespace}:frozen-controller"

    def refusal(*command: str, manifest: Json | None = None) -> str:
        stdin = json.dumps(manifest) if manifest else None
        done = control_plane.kubectl(*command, stdin=stdin, check=False, as_user=account)
        assert (done.returncode == 0) == (not _policy(done.stderr)), done.stderr
        return _policy(done.stderr)

    def patch(kind: str, change: Json) -> str:
        command = ("patch", kind, "frozen", "--type=strategic", "--patch", json.dumps(change))
        return refusal(*command, "--dry-run=server")

    def is_guarded() -> bool:
        return all(patch(kind, {"metadata": {"labels": {"x": "y"}}}) for kind in KINDS)

    wait_for(is_guarded, seconds=30, what="policy")
    bundle = b64encode(Authority("one").certificate).decode()
    for kind in KINDS:
        (entry, *_) = _bundles(control_plane, kind)
        assert patch(kind, _entry(entry, clientConfig={"caBundle": bundle})) == ""
        for change in (
            _entry(entry, clientConfig={"service": {"name": "another"}}),
            _entry(entry, rules=[]),
            _entry(entry, timeoutSeconds=30),
            _entry(entry, namespaceSelector={"matchLabels": {"x": "y"}}),
            _entry(entry, objectSelector={"matchLabels": {"x": "y"}}),
            _entry(entry, matchConditions=[{"name": "never", "expression": "false"}]),
            _entry(entry, **{"$patch": "delete"}),
            {"metadata": {"annotations": {"x": "y"}}},
            {"metadata": {"finalizers": ["x.example/y"]}},
        ):
            assert patch(kind, change) == "webhook configurations", change
    create = ("create", f"--namespace={namespace}", "--dry-run=server", "--filename=-")
    for name, type_, refused in (
        ("frozen-tls", "kubernetes.io/tls", ""),
        ("frozen-tls", "Opaque", "Secrets"),
        ("another", "kubernetes.io/tls", "Secrets"),
    ):
        content = {"tls.crt": "", "tls.key": ""}
        secret = {"apiVersion": "v1", "kind": "Secret", "type": type_, "stringData": content}
        secret["metadata"] = {"name": name}
        assert refusal(*create, manifest=secret) == refused


def _entry(name: str, **change: object) -> Json:
    return {"webhooks": [{"name": name, **change}]}


def _policy(told: str) -> str:
    """What the chart's policy says that it is about, if it was the one to refuse."""
    found = re.search(r"denied request: of (Secrets|webhook configurations), the contr", told)
    return found[1] if found else ""


@pytest.mark.usefixtures("release")
def test_the_hooks_remove_what_they_are_for(
    control_plane: ControlPlane, new_namespace: Namespaces, tmp_path: Path
) -> None:
    namespace, canary = new_namespace(), new_namespace()
    rendered = _in(namespace, values(canary))
    _apply(control_plane, [it for it in rendered if _is_registered(it)])
    secret = ("create", "secret", "generic", "frozen-tls", f"--namespace={namespace}")
    control_plane.kubectl(*secret)
    for hook in ("pre-delete", "post-delete"):
        (tmp_path / hook).mkdir()
        found = [
            it
            for it in rendered
            if it["metadata"].get("annotations", {}).get("helm.sh/hook") == hook
        ]
        (job,) = [it for it in found if it["kind"] == "Job"]
        _apply(control_plane, [it for it in found if it is not job])
        for told in ("200", "404"):  # twice: what is gone is fine
            done = _run_job(control_plane, job, namespace, tmp_path / hook)
            assert done.returncode == 0, done.stdout + done.stderr
            assert {line.split()[0] for line in done.stdout.splitlines()} == {told}
    for kind in KINDS:
        assert not control_plane.kubectl("get", "--ignore-not-found", kind, "frozen").stdout


def _run_job(
    control_plane: ControlPlane, job: Json, namespace: str, account: Path
) -> subprocess.CompletedProcess[str]:
    """Its container's command, by this Python, with a token of its ServiceAccount."""
    spec = job["spec"]["template"]["spec"]
    create = ("create", "token", spec["serviceAccountName"], f"--namespace={namespace}")
    (account / "token").write_text(control_plane.kubectl(*create).stdout.strip())
    (account / "ca.crt").write_bytes((control_plane.directory / "ca.crt").read_bytes())
    host, _, port = control_plane.server.removeprefix("https://").rpartition(":")
    (container,) = spec["containers"]
    assert container["command"][0] == "/app/bin/python"
    environment = {
        "ACCOUNT": str(account),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
    }
    return subprocess.run(
        [sys.executable, *container["command"][1:], *container["args"]],
        capture_output=True,
        text=True,
        env={"PATH": os.defpath} | environment,
        check=False,
    )


def _in(namespace: str, chosen: Json) -> tuple[Json, ...]:
    """Rendered for this namespace."""
    text = template(chosen).replace("podworthy-system", namespace)
    return parsed(text)


def _is_registered(one: Json) -> bool:
    return one["kind"].lower() in KINDS


def _apply(
    control_plane: ControlPlane, some: Sequence[Json], *options: str
) -> subprocess.CompletedProcess[str]:
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": some})
    apply = ("apply", "--server-side", "--force-conflicts", "--filename=-", *options)
    return control_plane.kubectl(*apply, stdin=manifest)


def _bundles(control_plane: ControlPlane, kind: str) -> dict[str, str | None]:
    """By the name of the entry."""
    found = json.loads(control_plane.kubectl("get", kind, "frozen", "--output=json").stdout)
    return {one["name"]: one["clientConfig"].get("caBundle") for one in found["webhooks"]}


def _trust(control_plane: ControlPlane, kind: str, names: Iterable[str], bundle: str) -> None:
    """As the controller does: by a strategic merge patch, as an Update."""
    webhooks = [{"name": name, "clientConfig": {"caBundle": bundle}} for name in names]
    patch = ("patch", kind, "frozen", "--type=strategic", "--patch")
    control_plane.kubectl(*patch, json.dumps({"webhooks": webhooks}))
