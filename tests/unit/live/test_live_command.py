"""`podworthy audit --cluster` as somebody types it."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from tests.builders import container
from tests.terminal import CTRL_C, Terminal
from tests.unit.live.fake import FakeApi, workload
from webhook.cli import main
from webhook.cluster import Request
from webhook.history import History, Run, Tally

Start = Callable[..., Path]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Serves an API by HTTP; returns a kubeconfig. What is `hung` is never answered."""
    ends = threading.Event()
    servers: list[ThreadingHTTPServer] = []

    def serve(api: FakeApi, hung: str = "/none") -> Path:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path.endswith(hung):
                    ends.wait()
                    return
                query = dict(parse_qsl(url.query))
                accept = self.headers["Accept"]
                reply = api.fetch(Request("GET", url.path, query=query, accept=accept))
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.data)))
                self.end_headers()
                self.wfile.write(reply.data)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.05]).start()
        path = tmp_path / "kubeconfig"
        url = f"http://127.0.0.1:{server.server_port}"
        config = {
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "prod", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "prod",
        }
        path.write_text(json.dumps(config))
        return path

    yield serve
    ends.set()
    for server in servers:
        server.shutdown()
        server.server_close()


SCRIPT = """
import os, sys
for name in ("CI", "NO_COLOR"):
    os.environ.pop(name, None)
os.environ |= {"TERM": "xterm", "KUBECONFIG": sys.argv.pop(1)}
from webhook.audit import progress
progress.QUIET = progress._EVERY = 0
from webhook.cli import main
main()
"""


def test_ctrl_c_at_a_terminal_leaves_a_report_of_what_is_known(
    start: Start, tmp_path: Path
) -> None:
    """The API server is half-dead: it takes the request for pods, and says nothing."""
    bare = [workload("Deployment", f"web-{n}", container()) for n in range(3)]
    kubeconfig = start(FakeApi(*bare), "/pods")
    report = tmp_path / "report.json"
    command = ("audit", "--cluster", "--format", "text", "--format", f"json={report}")
    terminal = Terminal(sys.executable, "-c", SCRIPT, str(kubeconfig), *command)
    terminal.read_until("Deployment shop/web-2")
    terminal.read_until("3 objects judged")
    terminal.press(CTRL_C)

    terminal.read_until("partial, interrupted: 3 objects of prod judged")
    assert terminal.exit_code() == 3
    assert "deployments.apps: 2 read, " in terminal.text
    assert "Traceback" not in terminal.text
    found = json.loads(report.read_text())
    assert found["summary"]["partial"] is True
    assert (found["summary"]["objects"], found["summary"]["fail"]) == (3, 6)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "name files or directories, - for standard input, or --cluster"),
        (["--cluster", "app.yaml"], "PATHs are judged without --cluster"),
        (["--context", "a", "app.yaml"], "--context is about a cluster: add --cluster"),
        (["-l", "a=b", "app.yaml"], "--selector is about a cluster: add --cluster"),
        (["--exclude-namespace", "a", "app.yaml"], "--exclude-namespace is about a cluster: add"),
        (["--cluster", "--show-fill"], "--show-fill prints diffs of files"),
        (["--cluster", "--context", ""], "an empty --context; is a variable unset?"),
        (["--cluster", "-n", "A B"], "cannot be a namespace"),
    ],
)
def test_flags_that_make_no_sense_together(arguments: list[str], hint: str) -> None:
    result = CliRunner().invoke(main, ["audit", *arguments])

    assert result.exit_code == 2
    assert hint in " ".join(result.stderr.split())


def test_what_was_before_is_drawn_on_the_page(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import kube_config

    kubeconfig = str(start(FakeApi(workload("Deployment", "web", container()))))
    # the environment is read when the module is imported
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", kubeconfig)
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    url = f"sqlite:///{tmp_path / 'history.db'}"
    with History(url) as history:
        history.add_run(Run(datetime.now(UTC), "strict", Tally(objects=160, failing=40)))

    result = CliRunner().invoke(main, ["audit", "--cluster", "--format", "html", "--database", url])

    assert result.exit_code == 1, result.output
    assert "75% of 160 on " in result.stdout


def test_a_cluster_that_nobody_knows_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    result = CliRunner().invoke(main, ["audit", "--cluster"])

    assert result.exit_code == 2
    assert "set KUBECONFIG to a kubeconfig" in result.stderr


def test_an_unknown_profile_is_wrong_usage_before_anybody_is_asked() -> None:
    result = CliRunner().invoke(main, ["audit", "--cluster", "--profile", "strcit"])

    assert result.exit_code == 2
    assert "did you mean 'strict'" in result.stderr
