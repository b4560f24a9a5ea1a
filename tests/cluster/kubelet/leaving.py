"""The end of a pod: preStop, SIGTERM, SIGKILL."""

import time
from typing import Any, Final

from tests.cluster.kubelet import images
from tests.cluster.kubelet.containers import Container

Json = dict[str, Any]

_NEEDED: Final = 2.0  # seconds that are left to SIGTERM when preStop has used up the grace


class Leaving:
    """Of one pod; for one thread."""

    def __init__(self, containers: list[Container], manifest: Json) -> None:
        self._containers = containers
        self._pauses = {
            one["name"]: _pause(one.get("lifecycle", {})) for one in manifest["spec"]["containers"]
        }
        self._began: float | None = None
        self._told: set[str] = set()

    @property
    def over(self) -> bool:
        return all(one.process is None for one in self._containers)

    def turn(self, grace: float) -> None:
        """What is due by now."""
        self._began = time.monotonic() if self._began is None else self._began
        elapsed = time.monotonic() - self._began
        for container in self._containers:
            pause = min(self._pauses[container.name], grace)
            container.begin_to_leave()
            if elapsed >= pause and container.name not in self._told:
                self._told.add(container.name)
                container.leave()
            if elapsed >= max(grace, pause + (_NEEDED if grace else 0)):
                container.kill()


def _pause(lifecycle: Json) -> float:
    if "postStart" in lifecycle:
        raise images.UnsupportedError("postStart")
    handler = lifecycle.get("preStop", {"sleep": {"seconds": 0}})
    if "sleep" not in handler:
        raise images.UnsupportedError("preStop other than sleep")
    return float(handler["sleep"]["seconds"])
