"""All objects of a resource, page by page: one page is in memory, and no model of it."""

from collections.abc import Iterator
from typing import Final

import msgspec

from webhook.cluster.client import JSON, Fetcher, Reply, Request
from webhook.cluster.patience import Patience, refusal
from webhook.errors import ClusterError

LIMIT: Final = 500
"""Objects of a page, as many as kubectl asks for."""
METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What to accept where metadata is all that is needed."""

_LARGE: Final = 8 * 1024 * 1024
"""Bytes of a page above which the next one has fewer objects."""
_RESTARTS: Final = 5
"""Without a page in between: a history shorter than a request lasts is of no use."""


class Resource(msgspec.Struct, frozen=True):
    """What can be listed."""

    api_version: str
    plural: str
    kind: str
    is_namespaced: bool = True

    @property
    def name(self) -> str:
        """As kubectl takes it: `deployments.apps`, `pods`."""
        group, slash, _ = self.api_version.rpartition("/")
        return f"{self.plural}.{group}" if slash else self.plural

    def path(self, namespace: str | None = None) -> str:
        """The collection, of all namespaces or of one."""
        root = "/apis" if "/" in self.api_version else "/api"
        within = f"/namespaces/{namespace}" if namespace and self.is_namespaced else ""
        return f"{root}/{self.api_version}{within}/{self.plural}"


class Query(msgspec.Struct, frozen=True):
    """Which objects of a resource, and how much of them."""

    namespace: str | None = None
    """None for all."""
    selector: str | None = None
    """By labels, in the API server's own syntax."""
    accept: str = JSON


class Page(msgspec.Struct, frozen=True):
    """Some objects, as they came."""

    items: list[msgspec.Raw]
    remaining: int | None = None
    """How many follow; None if the API server does not say, as where it selects by labels."""


class _ListMetadata(msgspec.Struct, rename="camel"):
    continue_: str | None = msgspec.field(default=None, name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None


class _Status(msgspec.Struct):
    metadata: _ListMetadata | None = None


class _Name(msgspec.Struct):
    name: str
    namespace: str = ""


class _Named(msgspec.Struct):
    metadata: _Name


_list_decoder = msgspec.json.Decoder(_List)
_status_decoder = msgspec.json.Decoder(_Status)
_name_decoder = msgspec.json.Decoder(_Named)


def pages(
    client: Fetcher, resource: Resource, patience: Patience, query: Query | None = None
) -> Iterator[Page]:
    """Every object of the resource, in the order of namespaces and names, none of them twice.

    They are of one moment, unless that is longer ago than the API server remembers (410 Gone): then
    the rest is of a later one. Raises `ClusterError` if there is no way to the rest.
    """
    query = query or Query()
    token = ""
    limit = LIMIT
    last = ""
    skips = False
    restarts = 0
    while True:
        asked = {"limit": str(limit)}
        asked |= {"labelSelector": query.selector} if query.selector else {}
        asked |= {"continue": token} if token else {}
        request = Request("GET", resource.path(query.namespace), query=asked, accept=query.accept)
        reply = patience.fetch(client, request)
        if reply.status == 410 and restarts < _RESTARTS:
            restarts += 1
            # a token that continues in the present, or else everything again but what was had
            token = _fresh_token(reply)
            skips = not token
            continue
        found = _decoded(reply)
        items = found.items or []
        if skips:
            items = [item for item in items if _key(item) > last]
            skips = not items
        if items:
            last = _key(items[-1])
            restarts = 0
            yield Page(items, found.metadata.remaining_item_count)
        before, token = token, found.metadata.continue_ or ""
        if not token:
            return
        if token == before:
            raise ClusterError("the list does not end: it continues where it did before")
        limit = max(1, min(LIMIT, limit * _LARGE // max(len(reply.data), 1)))


def _decoded(reply: Reply) -> _List:
    if reply.status != 200:
        raise refusal(reply)
    try:
        return _list_decoder.decode(reply.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClusterError(f"the reply is no list: {error}") from error


def _fresh_token(reply: Reply) -> str:
    """What the API server offers in place of a token that has expired: `inconsistent continue`
    (apiserver storage/errors.go, apimachinery ListMeta); empty if there is none."""
    try:
        metadata = _status_decoder.decode(reply.data).metadata
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return (metadata.continue_ if metadata else None) or ""


def _key(item: msgspec.Raw) -> str:
    """What lists are sorted by: the end of etcd's key, `namespace/name`."""
    try:
        metadata = _name_decoder.decode(item).metadata
    except msgspec.DecodeError as error:
        raise ClusterError(f"the reply has an object without a name: {error}") from error
    return f"{metadata.namespace}/{metadata.name}"
