"""What the controller answers over plain HTTP: `/livez`, `/readyz`, `/metrics`."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Final
from urllib.parse import parse_qs, urlsplit

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from webhook.controller.metrics import Metrics
from webhook.controller.status import CHECKS, Status
from webhook.errors import CannotServe

ALIVE: Final = 300.0
"""Seconds without a turn after which the loop does not turn any more: the longest pause, and every
request of one turn waiting for its time to be over."""
TEXT: Final = "text/plain; charset=utf-8"

Page = tuple[int, str, bytes]
"""Status, content type, body."""


class Pages:
    """The answers."""

    def __init__(self, status: Status, metrics: Metrics, monotonic: Callable[[], float]) -> None:
        self._status = status
        self._metrics = metrics
        self._monotonic = monotonic
        self._began = monotonic()

    def respond(self, target: str) -> Page:
        """To a GET of a request target."""
        parts = urlsplit(target)
        if parts.path == "/metrics":
            return 200, CONTENT_TYPE_PLAIN_0_0_4, self._metrics.page()
        if parts.path == "/livez":
            return self._livez()
        if parts.path == "/readyz":
            return self._readyz("verbose" in parse_qs(parts.query, keep_blank_values=True))
        return 404, TEXT, b"there are /livez, /readyz[?verbose] and /metrics\n"

    def _livez(self) -> Page:
        turned = self._status.turned
        silent = self._monotonic() - (self._began if turned is None else turned)
        if silent > ALIVE:
            return 503, TEXT, f"the loop has not turned for {silent:.0f} s\n".encode()
        return 200, TEXT, b"ok"

    def _readyz(self, verbose: bool) -> Page:
        code = 200 if self._status.ready else 503
        if not verbose:
            return code, TEXT, b"ok" if self._status.ready else b"see /readyz?verbose\n"
        lines = [*self._checks(), f"readyz check {'passed' if code == 200 else 'failed'}"]
        return code, TEXT, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")

    def _checks(self) -> Iterator[str]:
        """In the words of kube-apiserver's."""
        problems, canary = self._status.problems, self._status.canary
        if self._status.turned is None:
            yield "[-]controller failed: it has not looked at the cluster yet"
            return
        for check in CHECKS[:-1]:
            problem = problems.get(check)
            yield f"[-]{check} failed: {problem}" if problem else f"[+]{check} ok"
        if canary is not None:
            yield "[+]canary ok" if canary.enforcing else f"[-]canary failed: {canary.detail}"
        audits = self._status.audits
        if audits is not None and (audits.run or audits.problem):
            yield f"[-]audit failed: {audits.problem}" if audits.problem else "[+]audit ok"


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def listen(host: str, port: int, pages: Pages) -> ThreadingHTTPServer:
    """A server that answers from now on, in threads of its own. Raises `CannotServe`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds that a silent client may keep a thread

        def do_GET(self) -> None:
            code, content_type, body = pages.respond(self.path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: probes come every few seconds."""

    class Server(_Server):
        address_family = AF_INET6 if ":" in host else _Server.address_family

    try:
        server = Server((host, port), Handler)
    except OSError as error:
        raise CannotServe(f"cannot listen on {host}:{port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    return server
