"""`podworthy controller` from the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.serving import PATIENCE, eventually
from webhook.cli import main

NAMED = ["--configuration", "podworthy-strict"]


def podworthy(*arguments: str, **variables: str | None) -> Result:
    return CliRunner().invoke(main, ["controller", *arguments], env=variables)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing option '--configuration'"),
        ([*NAMED, "--certificates", "vault"], "'vault' is not one of"),
        (NAMED, "give --namespace"),
        ([*NAMED, "-n", "a/b"], "'a/b' cannot be a namespace"),
        ([*NAMED, "-n", "a", "--secret", "../x"], "'../x' cannot be a name"),
        (["--configuration", "a?b", "-n", "a"], "'a?b' cannot be a name"),
        ([*NAMED, "-n", "a", "--service", "a.b"], "'a.b' cannot be"),
        ([*NAMED, "-n", "a", "--cluster-domain", "a..b"], "'a..b' cannot be"),
        ([*NAMED, "-n", "a", "--port", "70000"], "70000"),
    ],
)
def test_what_it_refuses(arguments: list[str], told: str) -> None:
    result = podworthy(*arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_without_an_api_server_it_tells_what_to_set(tmp_path: Path) -> None:
    for variables, told in (
        ({"KUBECONFIG": str(tmp_path / "missing")}, "set KUBECONFIG to a kubeconfig"),
        ({"KUBERNETES_SERVICE_HOST": "127.0.0.1"}, "mount the service account's token"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "webhook", "controller", *NAMED, "-n", "a", "--port=0"],
            env={**_environment(), **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.startswith("podworthy: no API server to ask: ")
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_it_waits_for_an_api_server_that_is_gone_and_leaves_at_once(tmp_path: Path) -> None:
    cluster = {"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    log = tmp_path / "log"
    command = [sys.executable, "-m", "webhook", "controller", *NAMED, "--host=127.0.0.1"]
    # what the kubelet sets for a Service named podworthy
    links = {"PODWORTHY_SERVICE_HOST": "10.0.0.1", "PODWORTHY_SERVICE_PORT": "443"}
    settings = {"PODWORTHY_NAMESPACE": "podworthy-system", "PODWORTHY_PORT": "0"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stderr=output,
            env={**_environment(), **links, **settings, "KUBECONFIG": str(path)},
        )
    try:
        eventually(lambda: "ERROR api-server: no answer from" in log.read_text())
        url = re.search(r"^Ready: (http://\S+) \(Ctrl-C stops\)$", log.read_text(), re.M)
        assert url
        with urllib.request.urlopen(f"{url[1]}/livez", timeout=PATIENCE) as answer:  # noqa: S310
            assert answer.read() == b"ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


def _environment() -> dict[str, str]:
    hidden = ("PODWORTHY_", "KUBE")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
