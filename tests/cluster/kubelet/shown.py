"""A pod of somebody else's image: shown as it would be if it ran, without any process."""

from typing import Any, Final

from tests.cluster.kubelet.api import Api
from tests.cluster.kubelet.containers import now

Json = dict[str, Any]

MESSAGE: Final = "only shown, there is no process: this node has no image but podworthy's"
"""In its status, and instead of its log."""


class Shown:
    """So that rollouts go on, and what looks at running pods finds some; for one thread."""

    def __init__(self, api: Api, manifest: Json, address: str) -> None:
        """`address` is what the status says, where nobody listens."""
        self.name: str = manifest["metadata"]["name"]
        self.namespace: str = manifest["metadata"]["namespace"]
        self._api = api
        self._manifest = manifest
        self._address = address
        self._is_told = False
        self._path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    def look(self, is_leaving: bool) -> None:
        """Tell the API server what is new."""
        if is_leaving:
            uid = self._manifest["metadata"]["uid"]
            self._api.delete(self._path, {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}})
        elif not self._is_told:
            self._api.patch(f"{self._path}/status", {"status": self._status()})
            self._is_told = True

    def _status(self) -> Json:
        spec = self._manifest["spec"]
        began = now()
        runs_on = spec["restartPolicy"] == "Always"
        initial = [
            _status(one, began, runs=runs_on and one.get("restartPolicy") == "Always")
            for one in spec.get("initContainers", ())
        ]
        conditions = {"Initialized": True, "ContainersReady": runs_on, "Ready": runs_on}
        return {
            "phase": "Running" if runs_on else "Succeeded",
            "message": MESSAGE,
            "podIP": self._address,
            "podIPs": [{"ip": self._address}],
            "startTime": began,
            "conditions": [
                {"type": kind, "status": str(holds), "lastTransitionTime": began}
                for kind, holds in conditions.items()
            ],
            "initContainerStatuses": initial,
            "containerStatuses": [_status(it, began, runs=runs_on) for it in spec["containers"]],
        }


def _status(container: Json, moment: str, *, runs: bool) -> Json:
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": moment, "finishedAt": moment}
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": runs,
        "started": runs,
        "restartCount": 0,
        "state": {"running": {"startedAt": moment}} if runs else {"terminated": ended},
    }
