"""An API server that shows a client certificate, configured as docs/client-certificates.md says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.certificates import Authority, Pair
from tests.cluster.conftest import VERSIONS
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Json, handler, pod, send
from tests.cluster.processes import free_port, wait_for
from tests.cluster.server import webhook_server
from tests.markdown import DOCS, blocks
from tests.serving import serve_command

PODS = 50
NAME = "kube-apiserver"


@dataclass
class Cluster:
    """A control plane of its own, and the webhook that believes it."""

    control_plane: ControlPlane
    directory: Path
    """With `ca.crt`, which the webhook reads, `client.crt` and `client.key`, which the API server
    does."""
    authority: Authority
    """Whose clients the webhook believes."""

    def has(self, pair: Pair) -> None:
        """Give the API server this certificate."""
        (self.directory / "client.crt").write_bytes(pair.certificate)
        (self.directory / "client.key").write_bytes(pair.key)

    def believes(self, authority: Authority) -> None:
        """Let the webhook believe the clients of another authority."""
        (self.directory / "ca.crt").write_bytes(authority.certificate)

    def create(self) -> str:
        """Dry-run creates of many pods; what kubectl says on stderr."""
        good = {"livenessProbe": handler(), "readinessProbe": handler()}
        pods: list[Json] = [pod(f"web-{number}", **good) for number in range(PODS)]
        manifest = {"apiVersion": "v1", "kind": "List", "items": pods}
        how = ("create", "--dry-run=server")
        return send(self.control_plane, "default", manifest, *how, check=False)


@pytest.fixture(scope="module", params=VERSIONS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Every answer of the webhook is the last of its connection."""
    authority = Authority("podworthy test clients CA")
    directory = tmp_path_factory.mktemp("client")
    port = free_port()
    configuration = write_configuration(directory, port)

    def command(host: str, port: int, certificate: Path, key: Path) -> list[str | Path]:
        address = [f"--host={host}", f"--port={port}", "--drain=0"]
        clients = [f"--client-ca={directory}/ca.crt", f"--client-name={NAME}"]
        return [*serve_command(0), *address, *clients, "--cert", certificate, "--key", key]

    arguments = [f"--admission-control-config-file={configuration}"]
    control_plane = ControlPlane(request.param, apiserver=arguments)
    cluster = Cluster(control_plane, directory, authority)
    cluster.has(authority.issue(NAME))
    cluster.believes(authority)
    with control_plane, webhook_server(control_plane, command=command, port=port):
        yield cluster


def write_configuration(directory: Path, port: int) -> Path:
    """The files that the page shows, in another place and for another port."""
    for block in blocks(DOCS / "client-certificates.md"):
        if block.file:
            text = block.text.replace("/etc/kubernetes/podworthy", str(directory))
            name = "podworthy.podworthy-system.svc"
            (directory / block.file).write_text(text.replace(f"{name}\n", f"{name}:{port}\n"))
    return directory / "admission.yaml"


def test_it_gets_verdicts_and_loses_none_when_connections_end(cluster: Cluster) -> None:
    assert cluster.create() == ""


def test_with_another_name_it_gets_none_and_says_why(cluster: Cluster) -> None:
    cluster.has(cluster.authority.issue("kubelet"))
    told = "failed to call webhook: only for the API server: "
    wait_for(lambda: told in cluster.create(), seconds=30, what="refusal of the name")
    cluster.has(cluster.authority.issue(NAME))
    wait_for(lambda: cluster.create() == "", seconds=30, what="verdict for the API server")


def test_of_another_authority_it_gets_none(cluster: Cluster) -> None:
    cluster.believes(Authority("another"))
    refused = "failed calling webhook"
    wait_for(lambda: refused in cluster.create(), seconds=30, what="refusal of the certificate")
    cluster.believes(cluster.authority)
    wait_for(lambda: cluster.create() == "", seconds=30, what="verdict for the API server")
