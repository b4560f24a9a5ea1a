"""One container of a pod: started, probed, restarted, ended."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from tests.cluster.kubelet.logs import Log
from tests.cluster.kubelet.probes import Probes
from tests.cluster.processes import Process

Json = dict[str, Any]

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 2.0
"""Seconds before a restart, doubled each time; on a node 10 s and 5 minutes."""
_BY_SIGNAL: Final = 128  # and the signal's number, as a container's exit code


class Container:
    """Its process, and what its status says; for one thread."""

    def __init__(self, spec: Json, pod: Json, host: str, launch: Callable[[int], Process]) -> None:
        """`pod` is the spec around it; `launch` starts the process, given the number of
        restarts."""
        self.name: str = spec["name"]
        self.restarts = 0
        self.waiting: Json = {"reason": "ContainerCreating"}
        """Why there is no process; meaningless while there is one."""
        self.ended: Json | None = None
        """The last process's end."""
        self.process: Process | None = None
        self._began = ""
        self._spec = spec
        self._policy = pod["restartPolicy"]
        self._grace = pod["terminationGracePeriodSeconds"]
        self._doomed: tuple[str, float] | None = None
        self._host = host
        self._launch = launch
        self._probes: Probes | None = None
        self._again_at: float | None = None
        self.logs: list[Log] = []
        """Of each process that there was."""

    @property
    def has_begun(self) -> bool:
        """Whether there ever was a process."""
        return bool(self.logs)

    @property
    def ready(self) -> bool:
        return self.process is not None and self._probes is not None and self._probes.ready

    @property
    def is_over(self) -> bool:
        """Whether it has ended and will not be started again."""
        return self.has_begun and self.process is None and self._again_at is None

    @property
    def log(self) -> str:
        """What its last process has said."""
        return self.process.log.read_text(errors="replace") if self.process else ""

    def start(self) -> None:
        """Start the process, and probe it."""
        self._again_at = None
        self.process = self._launch(self.restarts)
        self.logs.append(Log(self.process.log))
        self._began = now()
        self._probes = Probes(self._spec, self._host)
        self._probes.start()

    def tick(self, may_restart: bool) -> None:
        """See what has become of it, and act."""
        if self.process:
            self.logs[-1].look()
        if self.process and self.process.has_ended():
            self._end()
        elif self.process and self._doomed:
            if time.monotonic() >= self._doomed[1]:
                self._end()
        elif self.process and self._probes and self._probes.failed:
            self._doomed = f"{self._probes.failed} probe failed", time.monotonic() + self._grace
            self.process.terminate()
        elif self._again_at is not None and may_restart and time.monotonic() >= self._again_at:
            self.restarts += 1
            self.start()

    def leave(self) -> None:
        """SIGTERM."""
        if self.process and not self.process.has_ended():
            self.process.terminate()

    def begin_to_leave(self) -> None:
        """From now on, liveness does not count."""
        if self._probes:
            self._probes.leave()

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self.process:
            self._end()

    def _end(self) -> None:
        assert self.process
        assert self._probes
        self._probes.stop()
        code = self.process.kill()
        self.process = None
        self.logs[-1].look()
        self.logs[-1].is_open = False
        reason = self._doomed[0] if self._doomed else "Error" if code else "Completed"
        self._doomed = None
        self.ended = {
            "exitCode": code if code >= 0 else _BY_SIGNAL - code,
            "reason": reason,
            "startedAt": self._began,
            "finishedAt": now(),
        }
        if self._policy == "Always" or (self._policy == "OnFailure" and code):
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self.restarts)
            self._again_at = time.monotonic() + pause
            self.waiting = {"reason": "CrashLoopBackOff", "message": reason}

    def status(self) -> Json:
        """An entry of `containerStatuses`."""
        if self.process:
            state: Json = {"running": {"startedAt": self._began}}
        elif self.is_over:
            state = {"terminated": self.ended}
        else:
            state = {"waiting": self.waiting}
        return {
            "name": self.name,
            "image": self._spec["image"],
            "imageID": "",
            "ready": self.ready,
            "started": self._probes is not None and self._probes.started,
            "restartCount": self.restarts,
            **({"containerID": f"process://{self.process.pid}"} if self.process else {}),
            "state": state,
            "lastState": {"terminated": self.ended} if self.ended and not self.is_over else {},
        }


def now() -> str:
    """As the API server writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
