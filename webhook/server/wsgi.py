"""gunicorn's threaded worker for the Flask application, with the bounds and errors of the other.

gunicorn's parser and ours differ in what they let through, and its error pages are HTML. What it
lets through too much is refused here; what it refuses is answered as everywhere.
"""

import socket
import ssl
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from types import FrameType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from webhook.server import http1, surface
from webhook.server.surface import Response
from webhook.server.tls import PLAIN_HTTP, is_plain_http

if TYPE_CHECKING:
    from webhook.server.application import Application


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """Serves the Flask application on threads."""

    app: "Application"

    def init_process(self) -> None:
        """Set up what this process needs, after the fork; gunicorn's part then calls `run`."""
        self._last_answers: WeakKeyDictionary[TConn, float] = WeakKeyDictionary()
        self.app.counters.connections = lambda: self.nr_conns
        self.app.counters.requests = lambda: (
            self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns)
        )
        super().init_process()

    def run(self) -> None:
        """What a worker does; the socket listens since before this process was forked."""
        self.app.announce(self.age)
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: fail `/readyz`, and leave when the drain is over."""
        leave = super().handle_exit

        def drain() -> None:
            self.app.begin_to_leave()
            time.sleep(self.app.drain)
            leave(sig, frame)

        # not here: the signal may have interrupted the writing of a log
        threading.Thread(target=drain, daemon=True).start()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Once it leaves, close the socket: who comes now is refused and may go elsewhere, instead
        of waiting for the process to end. Whom the kernel has accepted already is served."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                before = -1
                while self.nr_conns > before:  # to accept where nobody waits changes nothing
                    before = self.nr_conns
                    self.accept(listener)
                listener.close()

    def handle_request(self, req: Request, conn: TConn) -> Any:
        """Answer one request, if it is one that we answer; in a thread."""
        _check(req, trusted=self.app.credentials.trusts(conn.sock.getpeercert()))
        now = time.monotonic()
        # the last answer of a connection says so, as in `webhook.server.protocol`
        if now >= self._last_answers.setdefault(conn, now + surface.lifetime()):
            req.force_close()
        if not self.app.routes.ready:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what did not get as far as the application."""
        if isinstance(exc, ssl.SSLError) and is_plain_http(exc):
            _answer_plain_http(client)
            return
        response = _refusal(exc)
        if response is None:
            super().handle_error(req, client, addr, exc)
            return
        client.sendall(http1.render(response, formatdate(usegmt=True).encode(), keep=False))
        self.app.counters.count_answer(response.status)


def _answer_plain_http(client: socket.socket) -> None:
    """By the methods of a plain socket: a TLS one has not shaken hands."""
    socket.socket.sendall(client, PLAIN_HTTP)
    with suppress(OSError):
        # to close it with unread bytes would reset it, and lose the answer
        socket.socket.recv(client, surface.MAX_HEAD, socket.MSG_DONTWAIT)


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response)


def _refusal(error: BaseException) -> Response | None:
    if isinstance(error, _Refused):
        return error.response
    if isinstance(error, errors.LimitRequestLine | errors.LimitRequestHeaders):
        return surface.HEAD_TOO_LARGE
    if isinstance(error, errors.ExpectationFailed):
        return surface.EXPECTATION_FAILED
    return surface.BAD_REQUEST if isinstance(error, errors.ParseException) else None


def _check(request: Request, *, trusted: bool) -> None:
    """Refuse what `webhook.server.protocol` refuses."""
    early = http1.early_answer(
        request.method.encode("ascii"),
        request.uri.encode("ascii"),
        "{}.{}".format(*request.version),
        [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers],
        trusted=trusted,
    )
    if early is not None and early is not surface.CONTINUE:  # gunicorn writes that itself
        raise _Refused(early)
