"""The kubelet's own API, of which the API server asks for logs."""

import http.server
import re
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.cluster.certificates import Authority
from tests.cluster.kubelet.logs import Log, Options
from tests.cluster.programs import HOST, KUBELET_CLIENT

_LOGS: Final = re.compile(r"/containerLogs/([^/]+)/([^/]+)/([^/]+)")


class NoLogError(Exception):
    """Why there is none; for the user."""


Find = Callable[[str, str, str, bool], Log]
"""By namespace, pod, container, and whether it is the previous one's. NoLogError."""


class Server:
    """Listens from `start` to `stop`, and believes one client."""

    def __init__(self, find: Find, clients: Path, directory: Path) -> None:
        """`clients` is the authority of clients' certificates. API servers believe any certificate
        of a kubelet, unless `--kubelet-certificate-authority` says otherwise."""
        pair = Authority("podworthy test node CA").issue("node", ips=[HOST])
        certificate, key = directory / "kubelet.crt", directory / "kubelet.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(clients))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(certificate, key)
        self._http = _Http(find, context)
        self._thread = threading.Thread(target=self._http.serve_forever, name="kubelet's API")

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the answers under way, of which those that follow a log end now."""
        self._http.is_stopped = True
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for them

    def __init__(self, find: Find, context: ssl.SSLContext) -> None:
        super().__init__((HOST, 0), _Handler)
        self.find = find
        self.is_stopped = False
        # the handshake is for the handler's thread
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or showed no good certificate, is its own affair."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Http
    connection: ssl.SSLSocket
    timeout = 10  # seconds that a client may be silent

    def do_GET(self) -> None:
        """What is asked for, until the connection's end."""
        url = urlsplit(self.path)
        found = _LOGS.fullmatch(url.path)
        if _name(self.connection) != KUBELET_CLIENT:
            self._refuse(HTTPStatus.FORBIDDEN, "only the API server may ask")
        elif not found:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, f"this small node cannot {url.path}")
        else:
            try:
                options = Options.read(dict(parse_qsl(url.query)))
                log = self.server.find(found[1], found[2], found[3], options.previous)
            except (NoLogError, ValueError) as error:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            else:
                self._send(log, options)

    do_POST = do_GET  # exec and port-forward

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, log: Log, options: Options) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        for part in log.read(options, lambda: self.server.is_stopped):
            self.wfile.write(part)


def _name(connection: ssl.SSLSocket) -> str:
    """The client's common name."""
    certificate: dict[str, Any] = dict(connection.getpeercert() or {})
    parts = [dict(part) for part in certificate.get("subject", ())]
    return "".join(part.get("commonName", "") for part in parts)
