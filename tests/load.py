"""Clients that ask a server for verdicts, one after the other and without a pause."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from tests.builders import container, pod, review
from tests.serving import PATIENCE, Served

BODY = review(pod(container()))
UID = json.loads(BODY)["request"]["uid"]


class Socket(ssl.SSLSocket):
    """One that is closed if its peer has reset the connection before TLS begins.

    CPython asks for the peer's name first, and if there is none any more it may raise without
    closing what it has just made (`SSLSocket._create` in 3.11).
    """

    def getpeername(self) -> Any:
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise ConnectionResetError from None


class Client:
    """One thread, on one connection at a time."""

    def __init__(self, served: Served, *, keep: bool) -> None:
        """With `keep`, a connection is used until the server says that it is the last answer's;
        else for one request."""
        self._keep = keep
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        context = ssl.create_default_context(cafile=served.certificate)
        context.sslsocket_class = Socket
        self._connection = http.client.HTTPSConnection(
            "localhost", served.port, timeout=PATIENCE, context=context
        )
        self.answers = 0
        self.connections = 0
        self.failures: list[str] = []
        """Requests that were not answered by a verdict, each with its reason."""
        self.turned_away: str | None = None
        """Why it got no connection, which is its end."""
        self.shown: set[str] = set()
        """Fingerprints of the server's certificates."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after the request that is under way."""
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set() and self._is_connected():
            try:
                self._ask()
            except Exception as error:
                self.failures.append(repr(error))
                self._connection.close()
        self._connection.close()

    def _is_connected(self) -> bool:
        try:
            # http.client closes what the server said it would, and nothing else
            if self._connection.sock is None:
                self._connect()
        except OSError as error:
            self.turned_away = repr(error)
        return self.turned_away is None

    def _ask(self) -> None:
        self._connection.request("POST", "/validate", BODY)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body)["response"]["uid"] != UID:
            self.failures.append(f"{answer.status} {body!r}")
        self.answers += 1
        if not self._keep:
            self._connection.close()

    def _connect(self) -> None:
        self._connection.connect()
        assert isinstance(self._connection.sock, ssl.SSLSocket)
        self.connections += 1
        self.shown.add(fingerprint(self._connection.sock))


def fingerprint(connection: ssl.SSLSocket) -> str:
    """Of the certificate that a server has shown."""
    certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    return sha256(certificate).hexdigest()


@contextmanager
def load(served: Served, *, kept: int = 1, new: int = 1) -> Iterator[list[Client]]:
    """Clients that ask until the end of the block: on kept connections, and on new ones."""
    clients = [Client(served, keep=True) for _ in range(kept)]
    clients += [Client(served, keep=False) for _ in range(new)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.stop()


def losses(clients: list[Client]) -> list[str]:
    """Everything that went wrong."""
    turned_away = [client.turned_away for client in clients if client.turned_away]
    return [*turned_away, *(failure for client in clients for failure in client.failures)]
