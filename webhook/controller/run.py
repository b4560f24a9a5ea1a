"""`podworthy controller`: from settings to a loop that turns."""

import signal
import socket
import sys
import threading
import time

import msgspec

from webhook import logs
from webhook.cluster import connect
from webhook.cluster.client import ApiServer
from webhook.controller.audits import Auditor, Denials, Plan, PolicyReports
from webhook.controller.canary import Canary
from webhook.controller.clocks import Clocks, system_clock
from webhook.controller.loop import Controller, Pace
from webhook.controller.metrics import Metrics
from webhook.controller.pages import Pages, listen
from webhook.controller.plan import Timing
from webhook.controller.reading import Subject

TIMING = Timing()
PACE = Pace()
LEAVING_TIME = 1.0
"""Seconds that a step under way may take at the end. It is one request, done or not done: the next
controller sees which."""


class Audits(msgspec.Struct, frozen=True):
    """How to audit the cluster."""

    plan: Plan
    reports: bool = False
    """Write policy reports."""
    database: str | None = None
    """The URL of a database that keeps totals and denials."""


class Settings(msgspec.Struct, frozen=True):
    """How to run."""

    subject: Subject
    canary_namespace: str | None
    """Without one, no canary is sent."""
    host: str
    port: int
    """0 takes a free one."""
    audits: Audits | None = None
    """Without them, the cluster is not audited."""


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
    auditor = _auditor(client, settings, clocks)
    if auditor is not None:
        controller.status.audits = auditor.status
    metrics = Metrics(controller.status, canary=canary is not None)
    pages = Pages(controller.status, metrics, clocks.monotonic)
    server = listen(settings.host, settings.port, pages)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Ready: http://{name}:{server.server_port} (Ctrl-C stops)", file=sys.stderr, flush=True)
    logs.to_stderr()
    stop = threading.Event()
    loop = threading.Thread(target=controller.run, args=(stop,), name="loop", daemon=True)
    loop.start()
    if auditor is not None:
        # its requests may take long; nothing is half done if it ends at any of them
        threading.Thread(target=auditor.run, args=(stop,), name="audits", daemon=True).start()
    signal.sigwait(ends)
    stop.set()
    loop.join(LEAVING_TIME)
    server.shutdown()
    server.server_close()


def _auditor(client: ApiServer, settings: Settings, clocks: Clocks) -> Auditor | None:
    audits, service = settings.audits, settings.subject.service
    if audits is None:
        return None
    sinks: list[PolicyReports | Denials] = []
    if audits.reports:
        sinks.append(PolicyReports(client))
    if audits.database is not None:
        where = (service.namespace, service.name)
        sinks.append(Denials(client, *where, audits.database, clocks.now))
    return Auditor(client, audits.plan, tuple(sinks), clocks)
