"""Reading objects; what cannot be read becomes a value that says why."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from webhook.cluster import Answer, Client, Request
from webhook.doctor.rights import Resource, where
from webhook.errors import ClusterError

PAGE: Final = 500
"""Objects of one answer, as kubectl asks for them."""
_GONE: Final = 410
_FORBIDDEN: Final = 403

Object: TypeAlias = Mapping[str, Any]
T = TypeVar("T")


class Unread(msgspec.Struct, frozen=True):
    """What could not be read."""

    why: str
    """With the right that is missing, if one is."""


Maybe: TypeAlias = T | Unread


class Asker:
    """Asks for objects, and remembers the API server's time."""

    def __init__(self, client: Client) -> None:
        self.date: datetime | None = None
        self._client = client

    def ask(self, request: Request) -> Maybe[Answer]:
        """Any answer, whatever its status."""
        try:
            answer = self._client.ask(request)
        except ClusterError as error:
            return Unread(str(error))
        self.date = self.date or answer.date
        return answer

    def get(self, resource: Resource, namespace: str | None, name: str) -> Maybe[Object | None]:
        """The object; None if there is none."""
        answer = self.ask(Request("GET", resource.path(namespace, name)))
        if isinstance(answer, Unread):
            return answer
        if answer.ok and answer.body:
            return answer.body
        # any other 404 may be a proxy's
        if answer.body.get("reason") == "NotFound":
            return None
        right = f"get {resource.plural} {name} {where(namespace)}"
        return _unread(answer, right, f"{resource.kind} {name}")

    def every(
        self, resource: Resource, namespace: str | None = None, selector: str | None = None
    ) -> Maybe[tuple[Object, ...]]:
        """All of them, for lists that are known to be short."""
        found: list[Object] = []
        for one in self.stream(resource, namespace, selector):
            if isinstance(one, Unread):
                return one
            found.append(one)
        return tuple(found)

    def stream(
        self, resource: Resource, namespace: str | None = None, selector: str | None = None
    ) -> Iterator[Maybe[Object]]:
        """One after the other, a page at a time in memory; an `Unread` is the last one."""
        query = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        token = ""
        while True:
            paging = query | ({"continue": token} if token else {})
            answer = self.ask(Request("GET", resource.path(namespace), query=paging))
            if isinstance(answer, Unread):
                yield answer
                return
            metadata = answer.body.get("metadata") or {}
            before, token = token, str(metadata.get("continue") or "")
            if answer.ok and isinstance(answer.body.get("items"), list):
                yield from answer.body["items"]
            elif answer.status != _GONE or not token or token == before:
                right = f"list {resource.plural} {where(namespace)}"
                yield _unread(answer, right, f"{resource.plural} {where(namespace)}")
                return
            if not token:
                return


def _unread(answer: Answer, right: str, what: str) -> Unread:
    if answer.status == _FORBIDDEN:
        return Unread(f"you have no right to {right}")
    return Unread(f"{what} cannot be read: {answer.problem}")
