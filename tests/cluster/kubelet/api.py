"""What the kubelet asks the API server for."""

from collections.abc import Mapping
from typing import Any, Final

from webhook.cluster import Request
from webhook.cluster.client import STRATEGIC_MERGE, Answer, ApiServer

Json = dict[str, Any]

_CACHED: Final = {"resourceVersion": "0"}
"""From the API server's memory, as an informer's first list is: a moment old, at little cost."""


class Api:
    """Objects by their paths; safe to be used by several threads. ClusterError: no answer."""

    def __init__(self, client: ApiServer) -> None:
        self._client = client

    def get(self, path: str) -> Json | None:
        """An object; None if it is not there."""
        answer = self._client.ask(Request("GET", path, query=_CACHED))
        return None if answer.status == 404 else _body(answer)

    def items(self, path: str) -> list[Json]:
        """The objects of a list."""
        found: list[Json] = _body(self._client.ask(Request("GET", path, query=_CACHED)))["items"]
        return found

    def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """What was made; what is there already (409) is fine."""
        answer = self._client.ask(Request("POST", path, body))
        return {} if answer.status == 409 else _body(answer)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """By strategic merge; an object that is gone is fine."""
        answer = self._client.ask(Request("PATCH", path, body, STRATEGIC_MERGE))
        if answer.status != 404:
            _body(answer)

    def delete(self, path: str, body: Mapping[str, Any]) -> None:
        """With these options; an object that is gone, or is another one (409), is fine."""
        answer = self._client.ask(Request("DELETE", path, body))
        if answer.status not in (404, 409):
            _body(answer)


class RefusedError(Exception):
    """The API server said no."""


def _body(answer: Answer) -> Json:
    if not answer.ok:
        raise RefusedError(answer.problem)
    return dict(answer.body)
