"""The API server's client: who asks, what goes over the wire, what is made of the answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from webhook.cluster import Client, Request
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


def client_of(directory: Path, url: str, **user: str) -> Client:
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
        client = client_of(tmp_path, url, token="secret")  # noqa: S106
        patch = Request("PATCH", "/api/v1/x", {"a": 1}, STRATEGIC_MERGE, {"fieldManager": "m n"})
        answer = client.ask(patch)
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


def test_nobody_there(tmp_path: Path) -> None:
    with api_server(200, b"{}") as (url, _):
        client = client_of(tmp_path, url)
    with pytest.raises(ClusterError, match="no answer from http://127"):
        client.ask(Request("GET", "/x"))
