"""The API server's client: who asks, what goes over the wire, what is made of the answer."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.certificates import webhook_certificate
from webhook.cluster import Request, client, connect
from webhook.cluster.client import STRATEGIC_MERGE, ApiServer
from webhook.errors import ClusterError

Asked = list[tuple[str, str, dict[str, str], bytes]]


@contextmanager
def api_server(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, Asked]]:
    """One that answers everything alike; its URL, and what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(status)
            for name, value in headers.items():
                for one in value.split(";"):
                    self.send_header(name, one)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return "Tue, 24 Nov 2026 12:00:00 GMT"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def client_of(directory: Path, url: str, **user: str) -> ApiServer:
    """As a kubeconfig tells."""
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config

    path = directory / "kubeconfig"
    context = {"cluster": "a", "user": "a"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": url}}],
        "users": [{"name": "a", "user": user}],
        "contexts": [{"name": "a", "context": context}],
        "current-context": "a",
    }
    path.write_text(json.dumps(config))
    configuration = Configuration()
    load_kube_config(str(path), client_configuration=configuration)
    return ApiServer(configuration)


def test_a_request_and_its_answer(tmp_path: Path) -> None:
    with api_server(200, b'{"kind": "Secret"}', Warning='299 - "a";299 - "b"') as (url, asked):
        api = client_of(tmp_path, url, token="secret")  # noqa: S106
        patch = Request("PATCH", "/api/v1/x", {"a": 1}, STRATEGIC_MERGE, {"fieldManager": "m n"})
        answer = api.ask(patch)
    assert answer.ok
    assert answer.body == {"kind": "Secret"}
    assert answer.warnings == ('299 - "a"', '299 - "b"')
    assert answer.date == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    ((method, path, headers, body),) = asked
    assert (method, path, body) == ("PATCH", "/api/v1/x?fieldManager=m+n", b'{"a":1}')
    assert headers["Content-Type"] == STRATEGIC_MERGE
    assert headers["Authorization"] == "Bearer secret"
    assert headers["User-Agent"].startswith("podworthy/")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'"x"'])
def test_a_refusal_is_an_answer_whatever_it_holds(tmp_path: Path, body: bytes) -> None:
    with api_server(503, body) as (url, _):
        answer = client_of(tmp_path, url).ask(Request("GET", "/x"))
    assert (answer.status, answer.ok, dict(answer.body)) == (503, False, {})
    assert answer.problem == "HTTP 503"


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with api_server(302, b"", Location="http://127.0.0.1:1/") as (url, asked):
        assert client_of(tmp_path, url).ask(Request("GET", "/x")).status == 302
    assert len(asked) == 1


@contextmanager
def half_dead(*pieces: bytes, then_waits: bool = False) -> Iterator[str]:
    """Its URL; it sends these pieces in answer to anything, and closes or says nothing more."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.recv(4096)
                    for piece in pieces:
                        connection.sendall(piece)
                        if len(pieces) > 9 and ends.wait(0.02):
                            return
                    if then_waits:
                        ends.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ends.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (SIZED,),
        (SIZED, b'{"items": []}'),
        (CHUNKED,),
        (CHUNKED, b"10\r\n{"),
        (CHUNKED, b"2\r\n{}\r\n"),
        (b"none of HTTP\r\n\r\n",),
    ],
)
def test_half_an_answer_is_none_and_may_pass(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    with half_dead(*pieces) as url, pytest.raises(ClusterError, match="no answer from") as raised:
        client_of(tmp_path, url).fetch(Request("GET", "/x"))
    assert raised.value.may_pass


@pytest.mark.parametrize("pieces", [(), (SIZED,), (CHUNKED, b"2\r\n{}\r\n")])
def test_a_silent_server_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(client, "READ_TIMEOUT", 0.1)
    with (
        half_dead(*pieces, then_waits=True) as url,
        pytest.raises(ClusterError, match="no answer from") as raised,
    ):
        client_of(tmp_path, url).fetch(Request("GET", "/x"))
    assert raised.value.may_pass


def test_nor_is_one_that_drips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its bytes comes in time."""
    monkeypatch.setattr(client, "REPLY_TIMEOUT", 0.1)
    drops = [b"1\r\nx\r\n"] * 10_000
    with (
        half_dead(CHUNKED, *drops) as url,
        pytest.raises(ClusterError, match="the reply was not complete after 0 s") as raised,
    ):
        client_of(tmp_path, url).fetch(Request("GET", "/x"))
    assert raised.value.may_pass


def test_what_is_accepted_is_what_is_asked_for(tmp_path: Path) -> None:
    with api_server(429, b"[]", **{"Retry-After": "3"}) as (url, asked):
        reply = client_of(tmp_path, url).fetch(Request("GET", "/x", accept="a/b"))
    assert (reply.status, reply.data, reply.headers["retry-after"]) == (429, b"[]", "3")
    assert asked[0][2]["Accept"] == "a/b"


def test_a_certificate_that_nobody_believes_does_not_pass(tmp_path: Path) -> None:
    pems = webhook_certificate("localhost", "127.0.0.1")
    pair = tmp_path / "pair.pem"
    pair.write_bytes(pems.certificate_pem + pems.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with suppress(OSError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        api = client_of(tmp_path, f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ClusterError, match="certificate") as raised:
            api.fetch(Request("GET", "/x"))
        thread.join()
    assert not raised.value.may_pass


def test_a_context_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client_of(tmp_path, "http://127.0.0.1:1")
    config = json.loads((tmp_path / "kubeconfig").read_text())
    config["clusters"].append({"name": "b", "cluster": {"server": "http://127.0.0.1:2"}})
    config["contexts"].append({"name": "other", "context": {"cluster": "b", "user": "a"}})
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    assert (connect().name, connect("other").name) == ("a", "other")
    with pytest.raises(ClusterError) as raised:
        connect("othr")
    assert str(raised.value) == (
        "the kubeconfig has no context 'othr' (did you mean 'other'?); there are a, other"
    )


def test_nobody_there(tmp_path: Path) -> None:
    with api_server(200, b"{}") as (url, _):
        api = client_of(tmp_path, url)
    with pytest.raises(ClusterError, match="no answer from http://127"):
        api.ask(Request("GET", "/x"))
