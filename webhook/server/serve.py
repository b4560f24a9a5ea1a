"""`podworthy serve`: from settings to a server that answers."""

import errno
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from webhook import logs
from webhook.errors import CannotServe
from webhook.server import reload
from webhook.server.application import BACKLOG, Address, Application
from webhook.server.certificates import Files
from webhook.server.counters import Counted, Counters, SharedCounters
from webhook.server.credentials import Credentials
from webhook.server.decisions import DecisionLog
from webhook.server.metrics import Metrics
from webhook.server.reload import Reloader
from webhook.server.rules import Rules, Sources
from webhook.server.surface import Handler, Surface
from webhook.server.tls import development_certificate

if TYPE_CHECKING:
    from webhook.server.tracing import Tracing


@dataclass(frozen=True)
class Settings:
    """How to serve."""

    host: str
    port: int
    """0 takes a free one."""
    cert: Path | None
    """PEM file with the certificate chain; without it, a certificate for development is made."""
    key: Path | None
    client_ca: Path | None
    """PEM file with certificates: only clients of these authorities get a verdict."""
    client_names: frozenset[str]
    """Common names of which such a client must have one; any, if there are none."""
    wsgi: bool
    """Flask on gunicorn's threads instead of our own worker."""
    drain: float
    """Seconds to go on answering after SIGTERM."""
    tracing: bool = False
    """Make a span of each review, and send it where the OTEL_* variables say."""


def serve(sources: Sources, settings: Settings, pages: Callable[[], Mapping[str, bytes]]) -> None:
    """Answer until a signal ends it: SIGTERM after the drain, SIGINT at once, both by exiting 0.

    `pages` are those of `Surface`.

    On standard error, the last line once the server answers is `Ready: https://HOST:PORT (Ctrl-C
    stops)`, where HOST is this machine if it listens on every address. Then comes what happens to
    documents and certificates, and the end. Standard output is the decision log. Raises
    `CannotServe`, and `DocumentError` or `UnknownProfile` for documents that cannot be loaded.
    """
    tracing = _tracing() if settings.tracing else None
    rules = Rules(sources, _now)
    with _files(settings) as files:
        credentials = Credentials(files, settings.client_names, _now)
        address = _listen(settings.host, settings.port)
        watches = (rules.watch, credentials.watch)

        def ready() -> None:
            if settings.cert is None:
                _say(f"Certificate: {files.certificate}")
            _say(f"Ready: {address.url} (Ctrl-C stops)")

        def troubles() -> dict[str, str | None]:
            return {watch.what: watch.report.trouble for watch in watches}

        logs.to_stderr()
        counters = SharedCounters() if settings.wsgi else Counters()
        decisions = DecisionLog(1)
        metrics = Metrics(rules, credentials, counters, decisions, _now)
        handler: Handler = Counted(rules.admission, counters)
        if tracing:
            handler = tracing.around(handler)
        Application(
            Surface(handler, troubles, metrics.page, pages),
            Reloader(watches, reload.PERIOD),
            credentials,
            address,
            counters,
            decisions,
            tracing,
            wsgi=settings.wsgi,
            drain=settings.drain,
            ready=ready,
        ).run()


def _tracing() -> "Tracing":
    """Loaded once it is asked for: OpenTelemetry is an extra, and takes time and memory."""
    try:
        from webhook.server.tracing import Tracing
    except ModuleNotFoundError as error:
        way_out = "install requirements-tracing.txt, or podworthy with its extra `tracing`"
        raise CannotServe(f"--tracing needs {error.name}, which is missing: {way_out}") from error
    return Tracing()


def _now() -> datetime:
    return datetime.now(UTC)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _files(settings: Settings) -> Iterator[Files]:
    if settings.cert is not None and settings.key is not None:
        yield Files(settings.cert, settings.key, settings.client_ca)
        return
    directory = Path(tempfile.mkdtemp(prefix="podworthy-"))
    owner = os.getpid()
    try:
        yield Files(*development_certificate(directory, [settings.host]), settings.client_ca)
    finally:
        # a worker is a fork, and leaves through here as well
        if os.getpid() == owner:
            shutil.rmtree(directory, ignore_errors=True)


def _listen(host: str, port: int) -> Address:
    """Bind before gunicorn does: it would try a taken port for five seconds."""
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(place[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotServe(f"cannot listen on {host}:{port}: {_way_out(error)}") from error
    url = f"https://{_openable(host)}:{listener.getsockname()[1]}"
    return Address(listener.detach(), url)


def _openable(host: str) -> str:
    """What stands for a host in a URL on this machine: nobody can open "every address"."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return str(address) if address.version == 4 else f"[{address}]"


def _way_out(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is taken; choose another with --port, 0 for any free one"
    if error.errno == errno.EACCES:
        return "ports below 1024 need privileges; choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; choose one with --host"
    return f"{error.strerror}; choose an address of this machine with --host"
