"""`podworthy controller`: from settings to a loop that turns."""

import signal
import socket
import sys
import threading
import time

import msgspec

from webhook import logs
from webhook.cluster import connect
from webhook.controller.canary import Canary
from webhook.controller.loop import Clocks, Controller, Pace, system_clock
from webhook.controller.metrics import Metrics
from webhook.controller.pages import Pages, listen
from webhook.controller.plan import Timing
from webhook.controller.reading import Subject

TIMING = Timing()
PACE = Pace()
LEAVING_TIME = 1.0
"""Seconds that a step under way may take at the end. It is one request, done or not done: the next
controller sees which."""


class Settings(msgspec.Struct, frozen=True):
    """How to run."""

    subject: Subject
    canary_namespace: str | None
    """Without one, no canary is sent."""
    host: str
    port: int
    """0 takes a free one."""


def run(settings: Settings) -> None:
    """Turn until SIGTERM or SIGINT, which exit 0 within two seconds.

    On standard error, the first line is `Ready: http://HOST:PORT (Ctrl-C stops)`, and then comes
    what is done and what is wrong. Raises `ClusterError` and `CannotServe`.
    """
    ends = {signal.SIGTERM, signal.SIGINT}
    # before there are threads, which inherit it: the signal is then for `sigwait` alone
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    client = connect()
    clocks = Clocks(system_clock, time.monotonic)
    canary = None
    if settings.canary_namespace is not None:
        canary = Canary(client, settings.canary_namespace, socket.gethostname())
    controller = Controller(client, settings.subject, canary, clocks, TIMING, PACE)
    metrics = Metrics(controller.status, canary=canary is not None)
    pages = Pages(controller.status, metrics, clocks.monotonic)
    server = listen(settings.host, settings.port, pages)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Ready: http://{name}:{server.server_port} (Ctrl-C stops)", file=sys.stderr, flush=True)
    logs.to_stderr()
    stop = threading.Event()
    loop = threading.Thread(target=controller.run, args=(stop,), name="loop", daemon=True)
    loop.start()
    signal.sigwait(ends)
    stop.set()
    loop.join(LEAVING_TIME)
    server.shutdown()
    server.server_close()
