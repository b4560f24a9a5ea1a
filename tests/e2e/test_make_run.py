"""`make run` as a newcomer meets it, in a terminal."""

import re
import socket
import subprocess
import sys

import pytest

from tests.cluster.processes import free_port
from tests.terminal import CTRL_C, ENVIRONMENT, PATIENCE, ROOT, Terminal


def test_it_shows_the_table_and_ctrl_c_ends_it_well() -> None:
    port = free_port()
    terminal = Terminal("make", "run", f"PORT={port}")
    terminal.read_until(f"Ready: https://127.0.0.1:{port} (Ctrl-C stops)")
    terminal.press(CTRL_C)

    assert terminal.exit_code() == 0
    cells = [line.split("  ") for line in terminal.text.splitlines()]
    rows = [[cell.strip() for cell in row if cell] for row in cells]
    no_readiness = "no readinessProbe [require-probes]"
    assert rows[0] == ["object", "verdict", "finding", "timings filled"]
    assert rows[2:10] == [
        ["Pod liveness-exec", "denied", f"liveness: {no_readiness}", "liveness timeoutSeconds 5"],
        ["Pod liveness-http", "denied", f"liveness: {no_readiness}", "liveness timeoutSeconds 3"],
        ["Pod goproxy", "denied", f"goproxy: {no_readiness}", "liveness timeoutSeconds 3"],
        ["Pod mongodb", "denied", "mongodb: no livenessProbe [require-probes]", "none"],
        [f"mongodb: {no_readiness}"],
        ["StatefulSet web", "allowed", "none", "liveness timeoutSeconds 3"],
        ["liveness failureThreshold 6"],
        ["readiness timeoutSeconds 3"],
    ]


@pytest.mark.parametrize("goal", [[], ["help"]])
def test_make_alone_tells_every_verb(goal: list[str]) -> None:
    done = subprocess.run(
        ["make", *goal],  # noqa: S607 the make that the README names
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(re.findall(r"^  make ([\w-]+) +(.+)$", done.stdout, re.M))
    (verbs,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert [*told] == verbs.split()
    assert len(done.stdout.splitlines()) == len(told)


def test_sigterm_ends_it_as_ctrl_c_does() -> None:
    """A supervisor tells only the process that it started."""
    port = free_port()
    demo = subprocess.Popen(
        [sys.executable, "-m", "examples.demo", f"--port={port}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout
        assert any(line.startswith("Ready: ") for line in demo.stdout)
        demo.terminate()
        assert demo.wait(PATIENCE) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is still there"
    finally:
        demo.kill()
        demo.communicate()


def test_a_taken_port_is_an_error_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["make", "run", f"PORT={port}"],  # noqa: S607 the make that the README names
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}: the port is taken" in done.stderr
    assert "make run PORT=" in done.stderr
