"""Real servers for tests: `podworthy serve` as a process on a free loopback port."""

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from webhook.server import surface
from webhook.server.worker import GRACE

PATIENCE = 20.0
"""Seconds that a test waits for anything at most."""


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[bytes]
    url: str
    port: int
    certificate: Path
    """What its clients trust."""
    _output: Path

    @property
    def stdout(self) -> str:
        """What it has written so far: the decision log."""
        return (self._output / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """Its messages so far."""
        return (self._output / "stderr").read_text()

    @property
    def worker(self) -> int:
        """The process that answers: the only child of gunicorn's master. ValueError: it has not
        got exactly one."""
        (child,) = children(self.process.pid)
        return child

    def connect(self, client: Path | None = None) -> ssl.SSLSocket:
        """A new TLS connection that trusts this server alone; `client` is a PEM file with the
        certificate and key that it shows."""
        context = ssl.create_default_context(cafile=self.certificate)
        if client is not None:
            context.load_cert_chain(client)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return context.wrap_socket(plain, server_hostname="localhost")

    def ask(
        self, method: str, path: str, body: bytes = b"", client: Path | None = None
    ) -> tuple[int, str, bytes]:
        """Status, Content-Type and body of one request on a connection of its own."""
        with self.connect(client) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            return read_answer(connection, method)


def read_answer(connection: socket.socket, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, Content-Type and body of the next answer on a connection."""
    with closing(http.client.HTTPResponse(connection, method=method)) as response:
        response.begin()
        return response.status, response.headers["Content-Type"], response.read()


def children(pid: int) -> list[int]:
    """The processes that a process has begun and not yet seen to end."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


RELOAD_PERIOD = 0.02
"""Seconds between looks at the files: nobody wants to wait for them in a test."""

_PROGRAM = """
from webhook.cli import main
from webhook.server import reload, surface, worker
reload.PERIOD = {period}
surface.LIFETIME = {lifetime}
worker.GRACE = {grace}
main()
"""


def serve_command(lifetime: float = surface.LIFETIME, grace: float = GRACE) -> list[str]:
    """The beginning of a command line that serves, and reloads soon; `lifetime` is that of
    connections, `grace` what clients of the last moment have, both in seconds."""
    program = _PROGRAM.format(period=RELOAD_PERIOD, lifetime=lifetime, grace=grace)
    return [sys.executable, "-c", program, "serve"]


@contextmanager
def serving(
    *arguments: str,
    authority: Path | None = None,
    lifetime: float = surface.LIFETIME,
    grace: float = GRACE,
    stdout: int | None = None,
) -> Iterator[Served]:
    """`podworthy serve --dev --port 0 ARGUMENTS`, ready; stopped at the end if it still runs.

    With an `authority`, a PEM file that clients trust, it brings no certificate of its own: the
    arguments must name one. For `lifetime` and `grace` see `serve_command`. `stdout` is a
    descriptor that gets the decision log, in place of a file.
    """
    how = ["--host", "127.0.0.1"] if authority else ["--dev"]
    command = [*serve_command(lifetime, grace), *how, "--port", "0", *arguments]
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory)
        with (output / "stdout").open("wb") as out, (output / "stderr").open("wb") as err:
            process = subprocess.Popen(
                command, stdout=stdout or out, stderr=err, env=_environment()
            )
        try:
            yield _ready(process, output, authority)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PODWORTHY_")}


def _ready(process: subprocess.Popen[bytes], output: Path, authority: Path | None) -> Served:
    log = output / "stderr"
    eventually(lambda: "Ready: " in log.read_text() or process.poll() is not None)
    text = log.read_text()
    ready = re.search(r"^Ready: (https://127\.0\.0\.1:(\d+)) \(Ctrl-C stops\)$", text, re.M)
    assert ready is not None, text
    if authority is None:
        certificate = re.search(r"^Certificate: (.+)$", text, re.M)
        assert certificate is not None, text
        authority = Path(certificate[1])
    return Served(process, ready[1], int(ready[2]), authority, output)
