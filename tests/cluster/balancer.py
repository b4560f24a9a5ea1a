"""A balancer of TCP connections, as kube-proxy is one for a Service.

It chooses a backend for each new connection, in turn, and carries the bytes of an established one
to the end, whatever becomes of the backend. It learns late of backends that come and go.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, cast

LAG: Final = 0.4
"""Seconds until the news of a backend has arrived: to the endpoint controller, from there to each
node's kube-proxy, and into its rules. A second or more in a large cluster."""
GOODBYE: Final = 64
"""Bytes of which a client sends fewer to close a TLS connection, and more to ask for anything."""


@dataclass(frozen=True)
class Loss:
    """A connection that ended while its client waited, for its handshake or for an answer."""

    backend: int
    """Its port."""
    since: float
    """When the client began to wait, and when the connection ended: seconds of the monotonic
    clock."""
    until: float


class Balancer:
    """Runs in a thread of its own from `start` to `stop`."""

    def __init__(self) -> None:
        self.connections: Counter[int] = Counter()
        """How many each backend got, by port."""
        self.losses: list[Loss] = []
        self.halves: set[_Half] = set()
        """Of connections that are open."""
        self._backends: list[int] = []
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self, host: str, port: int) -> None:
        """Listen there. OSError: somebody else does."""
        self._thread.start()
        listening = self._loop.create_server(lambda: _Client(self), host, port, backlog=1024)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()

    def stop(self) -> None:
        """Reset what is still open."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        while self.halves:
            for half in tuple(self.halves):
                half.transport.abort()
            await asyncio.sleep(0)

    def __enter__(self) -> "Balancer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def join(self, backend: int, lag: float = LAG) -> None:
        """A backend, by its port on the loopback, is ready: it gets new connections soon."""
        self._later(lag, lambda: self._backends.append(backend))

    def leave(self, backend: int, lag: float = LAG) -> None:
        """It is not ready any more: for a while it goes on getting new ones."""
        self._later(lag, lambda: self._backends.remove(backend))

    def knows(self, backends: Iterable[int]) -> bool:
        """Whether exactly these get new connections."""
        return sorted(self._backends) == sorted(backends)

    def _later(self, lag: float, change: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, lag, change)

    def choose(self) -> int | None:
        """The next connection's backend."""
        if not self._backends:
            return None
        backend = self._backends.pop(0)
        self._backends.append(backend)
        self.connections[backend] += 1
        return backend

    def connect(self, backend: int, client: "_Client") -> asyncio.Task[None]:
        """Begin to; when it is done, or is seen to be impossible, the client hears of it."""
        return self._loop.create_task(self._connect(backend, client))

    def address(self, backend: int) -> tuple[str, int]:
        """Where a backend is: host and port."""
        return "127.0.0.1", backend

    async def _connect(self, backend: int, client: "_Client") -> None:
        host, port = self.address(backend)
        try:
            await self._loop.create_connection(lambda: _Backend(self, client), host, port)
        except OSError:
            client.abort()


class _Half(asyncio.Protocol):
    """One side of a connection."""

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer
        self.transport = cast("asyncio.Transport", None)
        self.other: _Half | None = None
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.balancer.halves.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; the way back stays open until that has ended, too."""
        self.has_ended = True
        if self.other and not self.other.transport.is_closing():
            self.other.transport.write_eof()
            return not self.other.has_ended
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.balancer.halves.discard(self)
        if self.other:
            # a reset is passed on as one
            self.other.transport.abort() if exc else self.other.transport.close()

    def abort(self) -> None:
        self.transport.abort()


class _Client(_Half):
    """The side that has connected to the balancer; it keeps the book."""

    def __init__(self, balancer: Balancer) -> None:
        super().__init__(balancer)
        self._backend: int | None = None
        self._waits_since: float | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self._waits_since = time.monotonic()
        self._backend = self.balancer.choose()
        if self._backend is None:
            self.abort()
        else:
            self._connecting = self.balancer.connect(self._backend, self)

    def connected(self, backend: "_Backend") -> None:
        self.other = backend
        if self.transport.is_closing():
            backend.abort()
        else:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if len(data) >= GOODBYE:
            self._waits_since = self._waits_since or time.monotonic()
        super().data_received(data)

    def answered(self) -> None:
        """The backend has sent something."""
        self._waits_since = None

    def eof_received(self) -> bool:
        self.end()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()
        super().connection_lost(exc)

    def abort(self) -> None:
        self.end()
        super().abort()

    def end(self) -> None:
        """One of the two leaves: the client has lost something if it waits."""
        since, self._waits_since = self._waits_since, None
        if self._backend is not None and since is not None:
            self.balancer.losses.append(Loss(self._backend, since, time.monotonic()))


class _Backend(_Half):
    """The side to which the balancer has connected."""

    def __init__(self, balancer: Balancer, client: _Client) -> None:
        super().__init__(balancer)
        self._client = client
        self.other = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._client.connected(self)

    def data_received(self, data: bytes) -> None:
        self._client.answered()
        super().data_received(data)

    def eof_received(self) -> bool:
        self._client.end()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.end()
        super().connection_lost(exc)
