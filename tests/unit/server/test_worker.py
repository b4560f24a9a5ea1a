"""What the worker owes to gunicorn, and to the last of its clients."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import uvloop

from tests.builders import container, pod, review
from tests.cluster.replicas import PROFILE, SPINNING
from tests.serving import PATIENCE, Served, eventually, read_answer, serving
from webhook.server import worker as worker_module
from webhook.server.application import Application
from webhook.server.protocol import Connection
from webhook.server.service import Service
from webhook.server.surface import Handler, Response, Surface
from webhook.server.tls import development_certificate, server_context
from webhook.server.worker import CPU_LIMIT, Worker


@pytest.fixture
def spinning() -> Iterator[Served]:
    policies, profiles = f"{SPINNING}/policies", f"{SPINNING}/profiles"
    arguments = ("--policies-dir", policies, "--profiles", profiles, "--profile", PROFILE)
    with serving(*arguments) as served:
        yield served


def test_slow_reviews_in_one_turn_of_the_loop_are_no_block(spinning: Served) -> None:
    """Together they take longer than one may."""
    count = 4
    slow = pod(container())
    slow["metadata"]["annotations"] = {"spin": str((CPU_LIMIT + 1.6) / count)}
    body = review(slow)
    request = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    worker = spinning.worker
    with ExitStack() as stack:
        clients = [stack.enter_context(spinning.connect()) for _ in range(count)]
        os.kill(worker, signal.SIGSTOP)
        try:
            for client in clients:
                client.sendall(request)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert [read_answer(client)[0] for client in clients] == [200] * count
    assert spinning.worker == worker
    assert "SIGPROF" not in spinning.stderr


def test_a_review_that_spins_ends_the_worker_and_the_log_says_where(spinning: Served) -> None:
    worker = spinning.worker
    endless = pod(container())
    endless["metadata"]["annotations"] = {"spin": "inf"}
    with pytest.raises(OSError):  # noqa: PT011 reset or ended, as the kernel likes
        spinning.ask("POST", "/validate", review(endless))
    eventually(lambda: f"Worker (pid:{worker}) was sent SIGPROF!" in spinning.stderr)
    assert "policies/spin.py" in spinning.stderr
    assert spinning.ask("POST", "/validate", review(pod(container())))[0] == 200
    assert spinning.worker != worker


class Late:
    """A server to which clients connect when it has accepted for the last time."""

    def __init__(self, server: asyncio.Server, clients: list[socket.socket]) -> None:
        self._server = server
        self._clients = clients
        self.connected = asyncio.Event()

    async def wait_closed(self) -> None:
        address = self._server.sockets[0].getsockname()
        for client in self._clients:
            client.connect(address)
        self.connected.set()
        await self._server.wait_closed()

    def close(self) -> None:
        self._server.close()


def test_who_came_before_the_socket_was_closed_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel has accepted them already, and would reset them."""
    # on a busy machine they may need more, and nobody waits for the rest of it
    monkeypatch.setattr(worker_module, "GRACE", PATIENCE)
    certificate, key = development_certificate(tmp_path)
    context = server_context()
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    service = Service(
        Surface(cast("Handler", None), dict, lambda: Response(200, b"")),
        lambda _: None,
        lambda _: True,
        9,
        lambda _: None,
    )
    service.routes.ready = False

    def ask(client: socket.socket) -> int:
        with trusting.wrap_socket(client, server_hostname="localhost") as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            return read_answer(connection)[0]

    async def leave() -> list[int]:
        loop = asyncio.get_running_loop()
        service.tick(loop.time())
        worker = Worker.__new__(Worker)
        worker._service, worker._loop, worker._leave_now = service, loop, asyncio.Event()
        app = SimpleNamespace(credentials=SimpleNamespace(context=context), connection=Connection)
        worker.app = cast("Application", app)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        server = await loop.create_server(lambda: Connection(service), sock=listener)
        clients = [socket.socket() for _ in range(3)]
        for client in clients:
            client.settimeout(PATIENCE)
        late = Late(server, clients)
        leaving = asyncio.ensure_future(worker._close(cast("asyncio.Server", late), listener))
        await late.connected.wait()
        answers = [loop.run_in_executor(None, ask, client) for client in clients]
        await leaving
        return await asyncio.gather(*answers)

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(leave()) == [200] * 3
    finally:
        loop.close()
