"""What gunicorn runs: its settings, and what its workers need of us."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from wsgiref.types import WSGIApplication

from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config

from webhook import logs
from webhook.server import surface
from webhook.server.counters import Counters
from webhook.server.credentials import Credentials
from webhook.server.decisions import DecisionLog
from webhook.server.protocol import Connection
from webhook.server.reload import Reloader
from webhook.server.surface import Surface

if TYPE_CHECKING:
    from webhook.server.tracing import Tracing

logger = logging.getLogger(__name__)

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 a place for gunicorn's heartbeat file
BACKLOG: Final = 1024
"""Connections that may wait to be accepted; the kernel's own limit is net.core.somaxconn."""
HEARTBEAT_TIMEOUT: Final = 10
"""Seconds without a heartbeat after which gunicorn replaces a worker. One that waits for a
processor is not to be killed for that; one that spins ends long before (`worker.CPU_LIMIT`). See
docs/adr/0018."""
LEAVING_TIME: Final = 5
"""Seconds that a worker may take to exit when its drain is over."""
THREADS: Final = 4


@dataclass(frozen=True)
class Address:
    """A listening socket that is not yet gunicorn's."""

    descriptor: int
    url: str


class Log(glogging.Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's own log, in the form of ours."""

    def setup(self, cfg: Config) -> None:
        """Set up what is logged where, see gunicorn.glogging."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.formatter())


class Application(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """One worker process, ours or (`wsgi`) gunicorn's threads with Flask."""

    def __init__(
        self,
        routes: Surface,
        reloader: Reloader,
        credentials: Credentials,
        address: Address,
        counters: Counters,
        decisions: DecisionLog,
        tracing: "Tracing | None" = None,
        *,
        wsgi: bool,
        drain: float,
        ready: Callable[[], None],
    ) -> None:
        """`drain` in seconds; `ready` is called once, when the first worker answers."""
        self.routes = routes
        self.credentials = credentials
        self.drain = drain
        self.counters = counters
        self.decisions = decisions
        self.connection = tracing.connection if tracing else Connection
        """What our own worker makes of a client."""
        self._tracing = tracing
        self._reloader = reloader
        self._address = address
        self._wsgi = wsgi
        self._ready = ready
        super().__init__()

    def load_config(self) -> None:
        """Every setting that matters, so that gunicorn's environment variables do not."""
        settings: dict[str, Any] = {
            "bind": f"fd://{self._address.descriptor}",
            "workers": 1,
            "worker_class": f"webhook.server.{'wsgi' if self._wsgi else 'worker'}.Worker",
            "threads": THREADS,
            "backlog": BACKLOG,
            "timeout": HEARTBEAT_TIMEOUT,
            "graceful_timeout": math.ceil(self.drain) + LEAVING_TIME,
            "keepalive": surface.IDLE_TIMEOUT,
            "http_protocols": "h1",
            "post_worker_init": self._begin,
            "worker_exit": self._end,
            # TLS is on if there is a file; the context is ours
            "certfile": str(self.credentials.files.certificate),
            "ssl_context": lambda _config, _default: self.credentials.context,
            # nobody stands between the API server and us: believe no forwarded header
            "forwarded_allow_ips": "",
            "limit_request_line": surface.MAX_LINE,
            "limit_request_fields": surface.MAX_FIELDS,
            "limit_request_field_size": surface.MAX_HEAD,
            # a read-only root file system has no place for it
            "control_socket_disable": True,
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "loglevel": "warning",
            "logger_class": Log,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """The WSGI application; only gunicorn's threads ask for it."""
        from webhook.server.app import create_app

        app = create_app(self.routes, self.decisions, self.counters)
        return self._tracing.application(app) if self._tracing else app

    def announce(self, age: int) -> None:
        """To be called by a worker that answers; `age` is gunicorn's count of workers."""
        if age == 1:
            self._ready()

    def begin_to_leave(self) -> None:
        """To be called by a worker at SIGTERM: `/readyz` fails from now on."""
        self.routes.ready = False
        logger.info("draining for %g s, then leaving", self.drain)

    def _begin(self, _worker: object) -> None:
        # not earlier: a thread does not survive the fork that makes a worker
        self._reloader.start()
        if self._tracing:
            self._tracing.start()

    def _end(self, _arbiter: object, _worker: object) -> None:
        self._reloader.stop(timeout=1.0)
        self.decisions.close(timeout=1.0)
        if self._tracing:
            self._tracing.stop(timeout=1.0)
        logger.info("stopped")
