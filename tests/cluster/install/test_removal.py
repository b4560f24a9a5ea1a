"""Installed, used and removed again, by Helm and without it: nothing stays behind.

Its own cluster, and a controller that has the patience of real ones.
"""

import json
from collections.abc import Iterator

import pytest

from tests.chart.rendering import NAMESPACE
from tests.cluster.conftest import VERSIONS, Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.install.installation import (
    BAD,
    GOOD,
    LABEL,
    MANIFEST,
    Installation,
    allow_user,
    node,
)
from tests.cluster.manifests import Json

MADE_BY_KUBERNETES = {
    f"ServiceAccount {NAMESPACE}/default",
    f"ConfigMap {NAMESPACE}/kube-root-ca.crt",
}
"""In every namespace."""


@pytest.fixture(scope="module", params=VERSIONS)
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """One from which everything can be taken away."""
    with ControlPlane(request.param) as plane:
        allow_user(plane)
        yield plane


@pytest.fixture
def empty(control_plane: ControlPlane) -> Iterator[Installation]:
    """A node, and nothing installed, which must be so afterwards, too."""
    with node(control_plane, prelude="") as installation:
        before = objects(control_plane)
        yield installation
        installation.until(lambda: _gone(control_plane, before), "end of everything", pause=2)
    control_plane.kubectl("delete", "namespace", "--ignore-not-found", NAMESPACE)


def objects(plane: ControlPlane) -> set[str]:
    """Everything in the cluster that can be listed, but for events: kind, namespace and name."""
    resources = plane.kubectl("api-resources", "--verbs=list", "--output=name").stdout.split()
    listed = ",".join(it for it in resources if it.partition(".")[0] != "events")
    command = ("get", listed, "--all-namespaces", "--ignore-not-found", "--output=json")
    found = json.loads(plane.kubectl(*command).stdout)["items"]
    return {_name(it["kind"], it["metadata"]) for it in found}


def _name(kind: str, metadata: Json) -> str:
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{kind} {place}{metadata['name']}"


def _gone(plane: ControlPlane, before: set[str]) -> bool:
    """Everything but what Kubernetes and `--create-namespace` have made."""
    return objects(plane) - before <= MADE_BY_KUBERNETES | {f"Namespace {NAMESPACE}"}


def _enforces(installation: Installation, namespace: str) -> bool:
    """Whether it denies what it should, and lets in the rest."""
    denied = installation.judged(namespace, BAD)
    return denied[:1] == ["podworthy/strict: 3 violations"] and not installation.judged(
        namespace, GOOD
    )


def test_helm_takes_away_all_that_it_brought(
    empty: Installation, new_namespace: Namespaces
) -> None:
    """The namespace is the user's, as `--create-namespace` says, and stays."""
    namespace = new_namespace({LABEL: "strict"})
    empty.helm("install", "--create-namespace", "--wait")
    empty.until(lambda: _enforces(empty, namespace), "enforcement")
    empty.helm("uninstall", "--wait")
    assert empty.judged(namespace, BAD) == []


def test_plain_manifests_install_the_same(empty: Installation, new_namespace: Namespaces) -> None:
    namespace = new_namespace({LABEL: "strict"})
    empty.plane.kubectl("apply", "--server-side", f"--filename={MANIFEST}")
    empty.wait_until_in_order()
    empty.until(lambda: _enforces(empty, namespace), "enforcement")
    # again, as an upgrade does: no caBundle is lost
    empty.plane.kubectl("apply", "--server-side", f"--filename={MANIFEST}")
    assert _enforces(empty, namespace)
    empty.plane.kubectl("delete", "--wait=false", f"--filename={MANIFEST}")
