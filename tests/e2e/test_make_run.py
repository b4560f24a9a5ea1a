"""`make run` as a newcomer meets it, in a terminal."""

import os
import pty
import select
import socket
import subprocess
import time
from pathlib import Path

from tests.cluster.processes import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds
CTRL_C = b"\x03"
# `make test` runs these tests, and its settings are not for the `make run` of a newcomer
ENVIRONMENT = {name: value for name, value in os.environ.items() if "MAKE" not in name}


class Terminal:
    """A program in a pseudo-terminal of its own, where Ctrl-C goes to the foreground group."""

    def __init__(self, *command: str) -> None:
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execvpe(command[0], command, ENVIRONMENT)  # noqa: S606
        self.text = ""

    def read_until(self, wanted: str) -> None:
        end = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < end, self.text
            readable, _, _ = select.select([self._screen], [], [], 1)
            if readable:
                self.text += os.read(self._screen, 4096).decode(errors="replace")

    def press(self, key: bytes) -> None:
        os.write(self._screen, key)

    def exit_code(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        os.close(self._screen)
        return os.waitstatus_to_exitcode(status)


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
