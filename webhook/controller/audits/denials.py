"""Denials from the servers' logs, and totals of audits, into a database."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from webhook.cluster import Request
from webhook.cluster.client import Connection
from webhook.errors import ClusterError
from webhook.history import History, Run
from webhook.history.inputs import read_denials
from webhook.report.openreports import Collection

CONTAINER: Final = "server"
"""Of a server's pod, the one whose log is the decision log."""
MAX_BYTES: Final = 16 * 1024 * 1024
"""Of one pod's log that is read at a time."""
_NO_LOG: Final = (204, 400, 404)
"""It is on no node yet, its container has not begun, it has gone."""
OVERLAP: Final = timedelta(minutes=1)
"""Read twice, because clocks differ: what is known already is not counted again."""


class Denials:
    """Where results go: `webhook.history`, together with what the servers have denied since."""

    def __init__(
        self,
        client: Connection,
        namespace: str,
        service: str,
        database: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`service` is the one whose pods are the servers, `database` a URL."""
        self._client = client
        self._namespace = namespace
        self._service = service
        self._database = database
        self._clock = clock
        self._read: datetime | None = None

    def take(self, run: Run, found: Collection) -> None:  # noqa: ARG002 a Sink
        """Keep them. Raises `HistoryError` and `ClusterError`."""
        with History(self._database) as history:
            history.add_run(run)
            now = self._clock()
            history.prune(now)
            problems = list(self._keep(history))
        if problems:
            raise ClusterError(problems[0])
        self._read = now

    def _keep(self, history: History) -> Iterator[str]:
        """What every server has denied; yields what could not be read."""
        root = f"/api/v1/namespaces/{self._namespace}"
        service = self._ask(f"{root}/services/{self._service}", {})
        selector = service.get("spec", {}).get("selector") or {}
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        if not labels:
            raise ClusterError(f"Service {self._service} selects no pods")
        for pod in self._ask(f"{root}/pods", {"labelSelector": labels}).get("items", ()):
            name = pod["metadata"]["name"]
            reply = self._client.fetch(self._log(f"{root}/pods/{name}/log"))
            if reply.status == 200:
                history.add_denials(read_denials(reply.data.splitlines(), []))
            elif reply.status not in _NO_LOG:
                yield f"the log of {name} cannot be read: HTTP {reply.status}"

    def _log(self, path: str) -> Request:
        query = {"container": CONTAINER, "limitBytes": str(MAX_BYTES)}
        if self._read is not None:
            query["sinceTime"] = f"{self._read - OVERLAP:%Y-%m-%dT%H:%M:%SZ}"
        return Request("GET", path, query=query, accept="*/*")

    def _ask(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._client.ask(Request("GET", path, query=query))
        if not answer.ok:
            raise ClusterError(answer.problem)
        return answer.body
