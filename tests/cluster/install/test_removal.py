"""Installed, used and removed again, by Helm and without it: nothing stays behind.

Its own cluster, and a controller that has the patience of real ones.
"""

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
    request.getfixturevalue("service_ports")
    with ControlPlane(request.param) as plane:
        allow_user(plane)
        yield plane


@pytest.fixture
def empty(control_plane: ControlPlane) -> Iterator[Installation]:
    """A node, and nothing installed, which must be so afterwards, too."""
    with node(control_plane, prelude="") as installation:
        before = objects(control_plane)
        yield installation
        installation.until(lambda: _gone(control_plane, before), "end of everything", pause=1)
    control_plane.kubectl("delete", "namespace", "--ignore-not-found", NAMESPACE)


def objects(plane: ControlPlane) -> set[str]:
    """Everything in the cluster that can be listed, but for events: kind, namespace and name."""
    groups = plane.ask("GET", "/apis").body["groups"]
    versions = ["/api/v1", *(f"/apis/{it['preferredVersion']['groupVersion']}" for it in groups)]
    return {
        _name(resource["kind"], it["metadata"])
        for version in versions
        for resource in plane.ask("GET", version).body["resources"]
        if "list" in resource["verbs"] and resource["kind"] != "Event"
        for it in plane.ask("GET", f"{version}/{resource['name']}").body["items"]
    }


def _name(kind: str, metadata: Json) -> str:
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{kind} {place}{metadata['name']}"


def _gone(plane: ControlPlane, before: set[str]) -> bool:
    """Everything but what Kubernetes and `--create-namespace` have made.

    Pods are not waited for, but killed: how they leave is seen where they are replaced.
    """
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    plane.ask("DELETE", pods, {"gracePeriodSeconds": 0})
    if plane.ask("GET", pods).body["items"]:
        return False
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
