"""The gunicorn worker: one loop, one TLS context, every connection in it.

gunicorn keeps the process: it holds the socket, passes signals on, and replaces a worker that ends
or whose heartbeat stops. (gunicorn.workers.base names what a worker has to do.)
"""

import asyncio
import faulthandler
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import uvloop
from gunicorn.workers import base

from webhook.server.protocol import Connection
from webhook.server.service import Service

if TYPE_CHECKING:
    from webhook.server.application import Application

MAX_CONNECTIONS: Final = 2048
"""Open connections, of about 80 KiB each. An API server keeps 25 idle ones and opens as many more
as it has requests, of which it lets in 600 at a time."""
MAX_DESCRIPTORS: Final = 2 * MAX_CONNECTIONS
"""Connections that have not shaken hands are known to the event loop alone. It closes those for
which there is no descriptor, so that these bound them."""
HANDSHAKE_TIMEOUT: Final = 5.0
"""Seconds for a TLS handshake; the API server's own limit is 10."""
CLOSE_TIMEOUT: Final = 2.0
"""Seconds a client has to take the last bytes and to agree to the end of TLS."""
GRACE: Final = 1.0
"""Seconds that clients of the last moment have for their handshake and their request."""
POLL: Final = 0.01
"""Seconds between looks at who is still there, when this process leaves."""
TICK: Final = 0.5
"""Seconds between looks at the connections' deadlines, and the longest between heartbeats."""
CPU_LIMIT: Final = 2.0
"""Seconds of processor time without an answer or a turn of the loop, after which the kernel ends
this process: something spins. The slowest review takes less than one. See docs/adr/0018."""
SWITCH_INTERVAL: Final = 0.0005
"""Seconds for which a thread that loads documents may keep the loop waiting, each time that has
looked for events. Python's own five milliseconds are the time of fifty requests."""


class Worker(base.Worker):  # type: ignore[misc] # gunicorn ships no types
    """Serves `app.routes` until it is told to leave."""

    app: "Application"

    def init_process(self) -> None:
        """Set up what this process needs, after the fork; gunicorn's part then calls `run`."""
        # what is loaded by now stays: to look through it for garbage would stop every answer
        gc.freeze()
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._next_beat = 0.0
        self._service = Service(
            self.app.routes,
            self.app.decisions.write,
            self.app.credentials.trusts,
            _limit_descriptors() // 2,  # the other half is for handshakes
            self.app.counters.count_answer,
            answered=self._beat,
        )
        self.app.counters.connections = lambda: len(self._service.connections)
        self.app.counters.dropped = lambda: self._service.dropped
        self.app.counters.requests = self._service.requests_under_way
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._leave = asyncio.Event()
        self._leave_now = asyncio.Event()
        super().init_process()

    def load_wsgi(self) -> None:
        """Nothing to load: the routes are there."""

    def init_signals(self) -> None:
        """SIGTERM drains; SIGINT and SIGQUIT do not."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)
        self._loop.add_signal_handler(signal.SIGTERM, self._leave.set)
        self._loop.add_signal_handler(signal.SIGINT, self._leave_now.set)
        self._loop.add_signal_handler(signal.SIGQUIT, self._leave_now.set)
        self._loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)
        # the kernel ends a worker that spins by SIGPROF, gunicorn one that waits by SIGABRT: show
        # where it hung, and write no core, which would take its time and hold the private key
        faulthandler.enable()
        faulthandler.register(signal.SIGPROF, chain=True)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def run(self) -> None:
        """What a worker does; returns when the process may exit."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._tick()
        (listener,) = self.sockets
        server = await self._loop.create_server(
            self._connection, sock=listener.sock, backlog=self.cfg.backlog, **self._tls()
        )
        self.app.announce(self.age)
        await self._first(self._leave.wait(), self._leave_now.wait())
        if not self._leave_now.is_set():
            await self._drain()
        self.app.routes.ready = False
        await self._close(server, listener.sock)

    def _connection(self) -> Connection:
        return self.app.connection(self._service)

    def _tls(self) -> dict[str, Any]:
        return {
            "ssl": self.app.credentials.context,
            "ssl_handshake_timeout": HANDSHAKE_TIMEOUT,
            "ssl_shutdown_timeout": CLOSE_TIMEOUT,
        }

    async def _drain(self) -> None:
        """Go on answering while the news spreads that this pod leaves.

        New connections are taken, too: for a while, other nodes still route to it.
        """
        self.app.begin_to_leave()
        await self._first(self._leave_now.wait(), timeout=self.app.drain)

    async def _close(self, server: asyncio.Server, listener: socket.socket) -> None:
        """Take no more connections, and give those that have just come their last answer."""
        # uvloop counts connections from their first moment, before they have shaken hands
        counted = asyncio.ensure_future(server.wait_closed())
        await asyncio.sleep(0)  # for it to begin: it would not wait for a server that is closed
        # connections that the kernel still holds for us would be reset
        late = tuple(_accepted(listener))
        server.close()
        gone = asyncio.ensure_future(self._gone(counted, late))
        await self._first(self._leave_now.wait(), asyncio.shield(gone), timeout=GRACE)
        for connection in tuple(self._service.connections):
            connection.retire()
        await self._first(self._leave_now.wait(), asyncio.shield(gone), timeout=CLOSE_TIMEOUT)
        gone.cancel()

    async def _gone(self, counted: Awaitable[None], late: Iterable[socket.socket]) -> None:
        """Return when every connection has ended, also those that uvloop does not count."""
        handshakes = [
            self._loop.connect_accepted_socket(self._connection, one, **self._tls()) for one in late
        ]
        await asyncio.gather(*handshakes, return_exceptions=True)
        await counted
        while self._service.connections:
            await asyncio.sleep(POLL)

    @staticmethod
    async def _first(*events: Awaitable[object], timeout: float | None = None) -> None:
        waits = [asyncio.ensure_future(event) for event in events]
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _tick(self) -> None:
        self._loop.call_later(TICK, self._tick)
        self._beat()
        if os.getppid() != self.ppid:
            # the master is gone: nobody is left to replace or to stop this worker
            self._leave_now.set()
        self._service.tick(self._loop.time())

    def _beat(self) -> None:
        """Tell kernel and gunicorn that this worker lives; often called, so not always told.

        One turn of the loop may hold many reviews, each as slow as one can be: every answer is a
        sign of life. The loop's own clock stands still meanwhile.
        """
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + TICK / 2
            self.notify()
            signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait at a socket that does not block; none if there is no room."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


def _limit_descriptors() -> int:
    """Allow as many as wanted, or as this process may have; usual is far less or far more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(MAX_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit
