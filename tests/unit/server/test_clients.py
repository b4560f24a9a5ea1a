"""Both servers with `--client-ca`: verdicts for the API server alone, everything else for all."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.certificates import Authority, Pair
from tests.load import BODY
from tests.serving import Served, eventually, serving
from webhook.server import surface

AUTHORITY = Authority("clients")
API_SERVER = AUTHORITY.issue("kube-apiserver")
LOST = (ssl.SSLError, ConnectionResetError)
"""What a client meets whose certificate is not accepted: gunicorn's threads send TLS's alert,
uvloop just closes."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the authority's certificate, and files of clients."""
    directory = tmp_path_factory.mktemp("clients")
    (directory / "ca.crt").write_bytes(AUTHORITY.certificate)
    write(directory / "api-server.pem", API_SERVER)
    write(directory / "kubelet.pem", AUTHORITY.issue("kubelet"))
    write(directory / "stranger.pem", Authority("clients").issue("kube-apiserver"))
    return directory


def write(path: Path, pair: Pair) -> None:
    path.write_bytes(pair.certificate + pair.key)


@pytest.fixture(scope="module", params=[[], ["--wsgi"]], ids=["ours", "flask"])
def served(directory: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    arguments = [f"--client-ca={directory}/ca.crt", "--client-name=kube-apiserver"]
    with serving(*arguments, *request.param) as served:
        yield served


def test_the_api_server_gets_its_verdict(served: Served, directory: Path) -> None:
    status, _, body = served.ask("POST", "/validate", BODY, directory / "api-server.pem")
    assert status == 200
    assert json.loads(body)["response"]["allowed"] is False


@pytest.mark.parametrize("client", [None, "kubelet.pem"], ids=["no certificate", "another name"])
@pytest.mark.parametrize("path", ["/validate", "/mutate/strict?timeout=3s"])
def test_others_get_none(served: Served, directory: Path, client: str | None, path: str) -> None:
    answer = served.ask("POST", path, BODY, directory / client if client else None)
    assert answer == (403, surface.JSON, surface.UNKNOWN_CLIENT.body)
    status = json.loads(answer[2])
    assert status["error"] == status["message"]


def test_a_certificate_of_another_authority_ends_the_handshake(
    served: Served, directory: Path
) -> None:
    with pytest.raises(LOST):
        served.ask("GET", "/livez", client=directory / "stranger.pem")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/policies/", 200),
        ("GET", "/validate", 405),
        ("POST", "/livez", 405),
        ("POST", "/nowhere", 404),
    ],
)
def test_everything_else_is_for_everybody(
    served: Served, method: str, path: str, status: int
) -> None:
    assert served.ask(method, path)[0] == status


@pytest.mark.parametrize("arguments", [[], ["--wsgi"]], ids=["ours", "flask"])
def test_another_authority_counts_at_the_next_handshake(
    arguments: list[str], directory: Path, tmp_path: Path
) -> None:
    """A client that is connected goes on until its connection ends."""
    file = tmp_path / "ca.crt"
    file.write_bytes(AUTHORITY.certificate)
    client = directory / "api-server.pem"
    with serving(f"--client-ca={file}", *arguments) as served:
        assert served.ask("POST", "/validate", BODY, client)[0] == 200
        file.write_bytes(Authority("another").certificate)

        def is_refused() -> bool:
            try:
                return served.ask("POST", "/validate", BODY, client)[0] != 200
            except LOST:
                return True

        eventually(is_refused)
        assert served.ask("GET", "/readyz")[0] == 200
        file.write_bytes(b"")
        eventually(lambda: b"[-]certificate" in served.ask("GET", "/readyz?verbose")[2])
        assert is_refused()
