"""An honest client loses nothing beside hostile ones, and the server's memory stays bounded.

How long its requests take is printed, for each kind of attack, and asserted in the long form alone
(`HOSTILE_REQUESTS`, e.g. 2000), where the best of three tries counts: other work on the same
machine delays a request as well, and no try is faster than the server is.
"""

import os
import re
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.hostile.attacks import ATTACKS, GET
from tests.hostile.conftest import Row, Rows
from tests.hostile.honest import Honest, honest_client
from tests.serving import PATIENCE, Served, children, eventually, read_answer, serving

REQUESTS: Final = int(os.environ.get("HOSTILE_REQUESTS", "0"))
SHORT: Final = 100
"""Requests beside each attack where speed is not asserted."""
P99: Final = 50.0
"""Milliseconds."""
MEMORY: Final = 256
"""MiB that attacks may add: 64 for bodies and as much for one being joined, 80 KiB for each of 1000
connections, unread answers."""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def honest(served: Served) -> Iterator[Honest]:
    with honest_client(served) as honest:
        yield honest


def peak(pid: int) -> int:
    """MiB of memory at most since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)
    assert found is not None
    return int(found[1]) // 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def alone(served: Served, honest: Honest, rows: Rows) -> int:
    """MiB of memory when there is only the honest client, whose times are noted, too."""
    sample = honest.ask(REQUESTS or SHORT)
    assert sample.losses == []
    rows.append(Row("nothing", sample, peak(served.worker)))
    return peak(served.worker)


@pytest.mark.parametrize("attack", ATTACKS)
def test_beside(served: Served, honest: Honest, alone: int, rows: Rows, attack: str) -> None:
    pid = served.worker
    forget_peak(pid)
    for _ in range(3):
        with ATTACKS[attack](served):
            sample = honest.ask(REQUESTS or SHORT)
        assert sample.losses == []
        if not REQUESTS or sample.p99() < P99:
            break
    else:
        pytest.fail(f"p99 of {sample.p99():.1f} ms beside {attack}, at the third try")
    rows.append(Row(attack, sample, peak(pid)))
    assert peak(pid) < alone + MEMORY
    assert served.worker == pid, "the worker was replaced"
    assert "Traceback" not in served.stderr


@pytest.fixture
def small() -> Iterator[Served]:
    """A server with few descriptors, and so with few connections: half as many."""
    with serving() as served:
        # its next worker inherits this
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        old = served.worker
        os.kill(old, signal.SIGKILL)
        eventually(lambda: is_replaced(served, old))
        yield served


DESCRIPTORS: Final = 128


def is_replaced(served: Served, old: int) -> bool:
    return children(served.process.pid) not in ([], [old]) and is_open(served)


def test_more_connections_than_there_may_be(small: Served) -> None:
    """Those that rest make room: nobody is locked out, and who asks is not dropped."""
    with ExitStack() as stack:
        for _ in range(DESCRIPTORS):
            resting = stack.enter_context(small.connect())
            resting.sendall(GET)
            read_answer(resting)
        # said by a later second's tick, and seconds tell who has rested for longest
        eventually(lambda: "connections dropped: no more than 64 may be open" in small.stderr)
        with honest_client(small) as honest:
            assert honest.ask(100).losses == []
        metrics = small.ask("GET", "/metrics")[2]
        assert re.search(rb"^podworthy_http_connections_dropped_total [1-9]", metrics, re.M)


def test_more_handshakes_than_there_are_descriptors(small: Served) -> None:
    """A connection that is there goes on; new ones are possible again as soon as handshakes end."""
    with small.connect() as kept, ExitStack() as stack:
        for _ in range(2 * DESCRIPTORS):
            stack.enter_context(
                socket.create_connection(("127.0.0.1", small.port), timeout=PATIENCE)
            )
        with pytest.raises(OSError):  # noqa: PT011 an end of TLS, or a reset
            small.ask("GET", "/livez")
        eventually(lambda: "Too many open files" in small.stderr)
        kept.sendall(GET)
        assert read_answer(kept)[0] == 200
        eventually(lambda: is_open(small))
    assert "Traceback" not in small.stderr


def is_open(served: Served) -> bool:
    try:
        return served.ask("GET", "/livez")[0] == 200
    except OSError:
        return False


def test_hundreds_may_wait_to_be_accepted(served: Served) -> None:
    """While the worker is busy, which the kernel bridges: it would let them try again only after a
    second."""
    pid = served.worker
    with ExitStack() as stack:
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(500):
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
                )
        finally:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: is_open(served))
