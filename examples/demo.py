"""`make run`: start the webhook on this machine and send the examples through both of its doors.

The AdmissionReviews in examples/reviews were recorded from a real API server while the manifests
beside them were applied with kubectl, so that nothing but podworthy is needed here.
"""

import argparse
import base64
import json
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from examples.terminal import own_the_terminal
from webhook.server.tls import development_certificate

EXAMPLES = Path(__file__).parent
REVIEWS = ("liveness-exec", "liveness-http", "goproxy", "mongodb", "web")

# what a denial says between the finding and its policy: too wide for a table
_WHERE_AND_HOW = re.compile(r" \(/.*(?=\[)")

NEXT = """
Each review was asked twice: /validate gave the verdict, /mutate the timings that nobody chose. The
pods lack a readiness probe and are denied; the StatefulSet is let in with its timings filled.
Try next, in another terminal:

  curl --cacert {cert} --data @{review} {url}/validate | python3 -m json.tool
  .venv/bin/podworthy audit examples/seed examples/web.yaml  # the files, and their claims
  .venv/bin/podworthy explain probe-timing                   # why these timings
  make sandbox                                               # a real API server for kubectl
"""


def main() -> int:
    """Show the table, then stay up until Ctrl-C."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8443)
    port = parser.parse_args().port
    own_the_terminal()
    with tempfile.TemporaryDirectory(prefix="podworthy-") as directory:
        cert, key = development_certificate(Path(directory))
        server = Server(port, cert, key)
        try:
            if server.wait_until_ready():
                show(f"https://127.0.0.1:{port}", cert)
            else:
                print("Another port: make run PORT=9443", file=sys.stderr)
            return server.process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached the server, too, which may be leaving by now; SIGTERM reached only us
            server.process.terminate()
            ended_by = -server.process.wait()
            return 0 if ended_by in (0, signal.SIGTERM) else 1
        finally:
            server.process.terminate()
            server.process.wait()


def show(url: str, cert: Path) -> None:
    """The table, and what to try next."""
    client = Client(url, cert)
    print_table(["object", "verdict", "finding", "timings filled"], rows(client))
    review = EXAMPLES.joinpath("reviews", "mongodb.json").relative_to(Path.cwd())
    print(NEXT.format(cert=cert, review=review, url=url))
    print(f"Ready: {url} (Ctrl-C stops)", flush=True)


class Server:
    """The webhook, as anyone would start it; its decision log is not shown here."""

    def __init__(self, port: int, cert: Path, key: Path) -> None:
        command = [sys.executable, "-m", "webhook", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--cert", str(cert), "--key", str(key), "--drain", "0"]
        self.process = subprocess.Popen(  # noqa: S603 our own interpreter
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._ready = threading.Event()
        self._relay = threading.Thread(target=self._relay_messages, daemon=True)
        self._relay.start()

    def wait_until_ready(self) -> bool:
        """True once it answers; False if it ended instead, having said why."""
        while self._relay.is_alive() and not self._ready.wait(0.05):
            pass
        return self._ready.is_set()

    def _relay_messages(self) -> None:
        for line in self.process.stderr or ():
            # ours comes after the table, where it is seen
            if line.startswith("Ready: "):
                self._ready.set()
            else:
                print(line, end="", file=sys.stderr)


class Client:
    """Speaks to the webhook as the API server does: HTTPS, its certificate checked."""

    def __init__(self, url: str, cert: Path) -> None:
        self._url = url
        self._context = ssl.create_default_context(cafile=cert)

    def review(self, door: str, name: str) -> dict[str, Any]:
        """The response of a door to a recorded review."""
        body = EXAMPLES.joinpath("reviews", f"{name}.json").read_bytes()
        response: dict[str, Any] = json.loads(self._send(f"/{door}", body))["response"]
        return response

    def _send(self, path: str, body: bytes) -> bytes:
        request = urllib.request.Request(self._url + path, data=body)  # noqa: S310 https only
        with urllib.request.urlopen(request, context=self._context, timeout=5) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content


def rows(client: Client) -> Iterator[list[list[str]]]:
    """A row for each example; a cell may have several lines."""
    for name in REVIEWS:
        verdict = client.review("validate", name)
        filled = client.review("mutate", name)
        findings = ["none"]
        if not verdict["allowed"]:
            lines = verdict["status"]["message"].splitlines()[1:]
            findings = [_WHERE_AND_HOW.sub(" ", line) for line in lines]
        recorded = json.loads(EXAMPLES.joinpath("reviews", f"{name}.json").read_text())
        patch = json.loads(base64.b64decode(filled.get("patch", "W10=")))
        yield [
            [f"{recorded['request']['kind']['kind']} {name}"],
            ["allowed" if verdict["allowed"] else "denied"],
            findings,
            [timing(operation) for operation in patch] or ["none"],
        ]


def timing(operation: dict[str, Any]) -> str:
    """`liveness timeoutSeconds 3` for the operation that sets it."""
    probe, field = operation["path"].split("/")[-2:]
    return f"{probe.removesuffix('Probe')} {field} {operation['value']}"


def print_table(head: Sequence[str], table: Iterator[list[list[str]]]) -> None:
    """Columns as wide as their widest line."""
    body = list(table)
    cells = [[[title] for title in head], *body]
    widths = [max(len(line) for row in cells for line in row[i]) for i in range(len(head))]
    for number, row in enumerate(cells):
        for index in range(max(map(len, row))):
            lines = (cell[index] if index < len(cell) else "" for cell in row)
            print("  ".join(f"{line:<{w}}" for line, w in zip(lines, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


if __name__ == "__main__":
    sys.exit(main())
