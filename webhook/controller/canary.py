"""A pod that must not be let in, sent as a dry run: does anybody still judge pods?

A webhook with failurePolicy Ignore that cannot be reached, or is not registered, fails without a
sound. So this asks for what an author would ask for, and looks at the answer.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import msgspec

from webhook.cluster import Answer, Client, Request
from webhook.errors import ClusterError

EVENT_PERIOD: Final = timedelta(minutes=10)
"""Between two Events about the same state."""
POLICIES: Final = ("require-probes", "require-claims")
"""The pod violates these; its namespace's profile must deny one of them, or warn of it."""
REPORTER: Final = "podworthy.dev/controller"

_POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "generateName": "podworthy-canary-",
        "labels": {"app.kubernetes.io/name": "podworthy"},
    },
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [{"name": "canary", "image": "podworthy.invalid/canary"}],
        "volumes": [{"name": "canary", "hostPath": {"path": "/podworthy-canary"}}],
    },
}
_WARNING: Final = re.compile(rf"\[(?:{'|'.join(POLICIES)})\]\"")
_DENIED: Final = " denied the request: podworthy/"


class Outcome(Enum):
    """What became of it."""

    DENIED = "denied"
    WARNED = "warned"
    """Let in with podworthy's warnings: it was judged, by a profile that only warns."""
    LET_IN = "let-in"
    """Nobody judged it."""
    UNKNOWN = "unknown"
    """Somebody else refused it, or nobody answered."""


class Finding(msgspec.Struct, frozen=True):
    """What one canary has shown."""

    outcome: Outcome
    detail: str

    @property
    def enforcing(self) -> bool | None:
        """Whether pods are judged; None if that cannot be told."""
        return {Outcome.LET_IN: False, Outcome.UNKNOWN: None}.get(self.outcome, True)


def pod_request(namespace: str) -> Request:
    """The create that changes nothing."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    return Request("POST", path, _POD, query={"dryRun": "All"})


def judge(answer: Answer) -> Finding:
    """What an answer to it means."""
    if answer.ok:
        ours = [text for text in answer.warnings if _WARNING.search(text)]
        if ours:
            return Finding(Outcome.WARNED, "a bad pod is let in with podworthy's warnings")
        return Finding(
            Outcome.LET_IN,
            "a bad pod is let in and nobody judges it: is the webhook registered for its "
            "namespace, can API servers reach it, is its certificate believed?",
        )
    if answer.status == 403 and _DENIED in answer.problem:
        return Finding(Outcome.DENIED, "a bad pod is denied")
    first = answer.problem.partition("\n")[0][:300]
    return Finding(Outcome.UNKNOWN, f"the bad pod was refused, but not by podworthy: {first}")


class Canary:
    """Sends it, and tells when its answer is not as it should be."""

    def __init__(self, client: Client, namespace: str, instance: str) -> None:
        """`instance` names the process in Events."""
        self.namespace = namespace
        self._client = client
        self._instance = instance
        self._told: tuple[Outcome, datetime] | None = None

    def run(self, clock: Callable[[], datetime]) -> tuple[Finding, str | None]:
        """One canary; with what went wrong in telling about it."""
        try:
            answer = self._client.ask(pod_request(self.namespace))
        except ClusterError as error:
            return Finding(Outcome.UNKNOWN, str(error)), None
        finding = judge(answer)
        return finding, self._tell(finding, answer.date or clock())

    def _tell(self, finding: Finding, now: datetime) -> str | None:
        if finding.outcome is not Outcome.LET_IN:
            self._told = None
            return None
        if self._told and abs(now - self._told[1]) < EVENT_PERIOD:
            return None
        # whether it works or not: not again at once
        self._told = (finding.outcome, now)
        try:
            answer = self._client.ask(event_request(self.namespace, finding, now, self._instance))
        except ClusterError as error:
            return str(error)
        return None if answer.ok else f"no Event could be made: {answer.problem}"


def event_request(namespace: str, finding: Finding, now: datetime, instance: str) -> Request:
    """An Event about the canary's namespace, to be found in it."""
    body = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "podworthy-canary-", "namespace": namespace},
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "type": "Warning",
        "reason": "NotEnforcing",
        "action": "Canary",
        "note": finding.detail,
        "regarding": {
            "apiVersion": "v1",
            "kind": "Namespace",
            "name": namespace,
            "namespace": namespace,
        },
        "reportingController": REPORTER,
        "reportingInstance": instance,
    }
    return Request("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)
