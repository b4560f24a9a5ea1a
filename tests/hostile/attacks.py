"""What hostile clients do, each for as long as its block lasts."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from itertools import cycle
from typing import Final

from tests.handshakes import careless_client
from tests.hostile import tls
from tests.load import BODY
from tests.serving import PATIENCE, Served
from tests.shapes import EVERY
from webhook.server import surface

MANY: Final = 1000
SLOW: Final = 100
GET: Final = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD: Final = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
_LOST: Final = (OSError, ssl.SSLError)

Attack = Callable[[Served], AbstractContextManager[None]]


def _plain(served: Served, stack: ExitStack) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    return stack.enter_context(connection)


def _secure(served: Served, stack: ExitStack, context: ssl.SSLContext) -> ssl.SSLSocket:
    return stack.enter_context(context.wrap_socket(_plain(served, stack)))


@contextmanager
def half_open(served: Served, sent: bytes) -> Iterator[None]:
    """Handshakes that do not begin, or do not go on."""
    with ExitStack() as stack:
        for _ in range(MANY):
            _plain(served, stack).sendall(sent)
        yield


@contextmanager
def idle(served: Served) -> Iterator[None]:
    """Connections that ask nothing."""
    context = careless_client()
    with ExitStack() as stack:
        for _ in range(MANY):
            _secure(served, stack, context)
        yield


@contextmanager
def slow(served: Served, start: bytes) -> Iterator[None]:
    """Many requests that arrive a byte at a time."""
    context = careless_client()
    with ExitStack() as stack:
        connections = [_secure(served, stack, context) for _ in range(SLOW)]
        for connection in connections:
            connection.sendall(start)

        def dribble(stop: threading.Event) -> None:
            for connection in connections:
                with suppress(*_LOST):
                    connection.sendall(b"a")
            stop.wait(1.0)

        with _busily(dribble):
            yield


@contextmanager
def endless_bodies(served: Served) -> Iterator[None]:
    """More bodies of nearly 16 MiB than may be under way together."""
    context = careless_client()
    with ExitStack() as stack:
        for _ in range(6):
            connection = _secure(served, stack, context)
            with suppress(*_LOST):
                connection.sendall(HEAD % surface.MAX_BODY + bytes(surface.MAX_BODY - 1))
        yield


@contextmanager
def unread(served: Served) -> Iterator[None]:
    """Clients that ask for long answers and never read one."""
    context = careless_client()
    with ExitStack() as stack:
        for _ in range(SLOW):
            connection = _secure(served, stack, context)
            connection.settimeout(0.1)
            with suppress(*_LOST):
                connection.sendall(GET.replace(b"livez", b"policies/") * 10_000)
        yield


def _repeatedly(
    act: Callable[[Served, ssl.SSLContext, ExitStack], None], version: ssl.TLSVersion | None = None
) -> Attack:
    """The same again and again, each time on a new connection."""

    @contextmanager
    def attack(served: Served) -> Iterator[None]:
        context = careless_client()
        if version is not None:
            context.maximum_version = version

        def once(_: threading.Event) -> None:
            with suppress(*_LOST), ExitStack() as stack:
                act(served, context, stack)

        with _busily(once):
            yield

    return attack


def _pipeline(served: Served, context: ssl.SSLContext, stack: ExitStack) -> None:
    connection = _secure(served, stack, context)
    for path in (b"livez", b"nowhere", b"metrics"):
        connection.sendall(GET.replace(b"livez", path) * 3000)
        for _ in range(100):
            connection.recv(4096)


_shapes = cycle(EVERY)


def _odd(served: Served, context: ssl.SSLContext, stack: ExitStack) -> None:
    connection = _secure(served, stack, context)
    connection.sendall(next(_shapes))
    connection.recv(4096)


def _too_large(
    served: Served, context: ssl.SSLContext, stack: ExitStack, *, head: bytes, piece: bytes
) -> None:
    connection = _secure(served, stack, context)
    connection.sendall(head)
    for _ in range(17):
        connection.sendall(piece)
    connection.recv(4096)


def _reset(served: Served, context: ssl.SSLContext, stack: ExitStack, *, sent: bytes) -> None:
    connection = _secure(served, stack, context)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(sent)


def _without_tls(served: Served, _: ssl.SSLContext, stack: ExitStack) -> None:
    connection = _plain(served, stack)
    connection.sendall(GET)
    connection.recv(4096)


def _new_keys(served: Served, context: ssl.SSLContext, stack: ExitStack) -> None:
    connection = _secure(served, stack, context)
    for _ in range(100):
        tls.update_keys(connection)
        connection.sendall(GET)
        connection.recv(4096)


def _renegotiate(served: Served, context: ssl.SSLContext, stack: ExitStack) -> None:
    connection = _secure(served, stack, context)
    for _ in range(100):
        tls.renegotiate(connection)
        connection.sendall(GET)
        connection.recv(4096)


_MIB: Final = bytes(1 << 20)
_CHUNKS: Final = b"POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

ATTACKS: Final[Mapping[str, Attack]] = {
    "1000 connections without a handshake": partial(half_open, sent=b""),
    "1000 handshakes half done": partial(half_open, sent=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
    "1000 idle connections": idle,
    "slow heads": partial(slow, start=b"POST /validate HTTP/1.1\r\nHost: x\r\nA: "),
    "slow bodies": partial(slow, start=HEAD % (1 << 20)),
    "bodies without an end": endless_bodies,
    "answers that nobody reads": unread,
    "pipelines of thousands": _repeatedly(_pipeline),
    "smuggling shapes and other oddities": _repeatedly(_odd),
    "17 MiB by a length": _repeatedly(partial(_too_large, head=HEAD % (17 << 20), piece=_MIB)),
    "17 MiB in chunks": _repeatedly(
        partial(_too_large, head=_CHUNKS, piece=b"100000\r\n" + _MIB + b"\r\n")
    ),
    "resets after a handshake": _repeatedly(partial(_reset, sent=b"")),
    "resets in a body": _repeatedly(partial(_reset, sent=HEAD % len(BODY) + BODY[:-1])),
    "resets before the answer": _repeatedly(partial(_reset, sent=HEAD % len(BODY) + BODY)),
    "HTTP without TLS": _repeatedly(_without_tls),
    "updates of keys": _repeatedly(_new_keys),
    "renegotiation": _repeatedly(_renegotiate, ssl.TLSVersion.TLSv1_2),
}


@contextmanager
def _busily(act: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do it again and again meanwhile."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            while not stop.is_set():
                act(stop)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(2 * PATIENCE)
    assert not thread.is_alive()
    assert failures == []
