"""Probes of a container: asked in their own time, counted by their thresholds."""

import http.client
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

from tests.cluster.kubelet.images import UnsupportedError

Json = dict[str, Any]

DEFAULTS: Final = {
    "initialDelaySeconds": 0,
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_TRUSTING: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # one, for making one costs much
_TRUSTING.check_hostname = False
_TRUSTING.verify_mode = ssl.CERT_NONE
KINDS: Final = ("startup", "readiness", "liveness")


class Counter:
    """What a probe's results add up to."""

    def __init__(self, probe: Json, verdict: bool | None) -> None:
        """`verdict` holds until there is another; None while nothing is known."""
        timings = DEFAULTS | probe
        self._thresholds = {True: timings["successThreshold"], False: timings["failureThreshold"]}
        self._last: bool | None = None
        self._times = 0
        self.verdict = verdict

    def tell(self, success: bool) -> None:
        """One more result."""
        self._times = self._times + 1 if success is self._last else 1
        self._last = success
        if self._times >= self._thresholds[success]:
            self.verdict = success


class Probes:
    """All probes of one running container, from `start` to `stop`; each has a thread."""

    def __init__(self, container: Json, host: str) -> None:
        self._host = host
        self._container = container
        self._probes = {
            kind: container[f"{kind}Probe"] for kind in KINDS if container.get(f"{kind}Probe")
        }
        first = {"startup": None, "readiness": False, "liveness": None}
        self._counters = {kind: Counter(it, first[kind]) for kind, it in self._probes.items()}
        self._begun = threading.Event()
        self._stopped = threading.Event()
        self._leaving = threading.Event()
        self._askers = {kind: self._asker(probe) for kind, probe in self._probes.items()}

    def start(self) -> None:
        """Begin to ask."""
        if "startup" not in self._probes:
            self._begun.set()
        for kind in self._probes:
            threading.Thread(target=self._run, args=[kind], name=f"{kind} probe").start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        self._leaving.set()
        self._begun.set()

    def leave(self) -> None:
        """Only readiness counts from now on: the pod is being deleted."""
        self._leaving.set()

    @property
    def started(self) -> bool:
        return self._begun.is_set()

    @property
    def ready(self) -> bool:
        counter = self._counters.get("readiness")
        return self.started and (counter is None or counter.verdict is True)

    @property
    def failed(self) -> str | None:
        """The probe for which the container must be killed."""
        for kind in ("startup", "liveness"):
            counter = self._counters.get(kind)
            if counter and counter.verdict is False and not self._leaving.is_set():
                return kind
        return None

    def _run(self, kind: str) -> None:
        timings = DEFAULTS | self._probes[kind]
        counter = self._counters[kind]
        ends = self._stopped if kind == "readiness" else self._leaving
        if ends.wait(timings["initialDelaySeconds"]):
            return
        if kind != "startup":
            self._begun.wait()
        while not ends.is_set():
            counter.tell(self._askers[kind]())
            if kind == "startup" and counter.verdict is not None:
                if counter.verdict:
                    self._begun.set()
                return
            ends.wait(timings["periodSeconds"])

    def _asker(self, probe: Json) -> Callable[[], bool]:
        handler = probe.get("httpGet")
        if handler is None or "host" in handler:
            raise UnsupportedError("a probe other than httpGet of the pod itself")
        port = _port(self._container, handler["port"])
        timeout = (DEFAULTS | probe)["timeoutSeconds"]
        scheme, path = handler.get("scheme", "HTTP"), handler.get("path", "/")
        return lambda: _succeeds(scheme, self._host, port, path, timeout)


def _port(container: Json, port: int | str) -> int:
    if isinstance(port, int):
        return port
    (number,) = [it["containerPort"] for it in container["ports"] if it.get("name") == port]
    return int(number)


def _succeeds(scheme: str, host: str, port: int, path: str, timeout: float) -> bool:
    """Status 200 to 399 in time; a certificate is not looked at (as on a node)."""
    connection: http.client.HTTPConnection
    if scheme == "HTTPS":
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=_TRUSTING)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"User-Agent": "kube-probe/test"})
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
