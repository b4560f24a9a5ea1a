"""From the lists of a cluster to the workloads in it that need a judgement of their own."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

import msgspec

from webhook import lookups, workload
from webhook.audit.live.docket import Scope
from webhook.audit.live.heads import Head, Reason, head_of, reason
from webhook.audit.live.namespaces import Namespace, read_namespace, unknown_profile
from webhook.audit.live.resources import AROUND, NAMESPACES, OWNERS, WORKLOADS
from webhook.cluster import METADATA, Fetcher, Page, Patience, Query, Request, Resource, pages
from webhook.cluster.client import JSON
from webhook.cluster.patience import refusal
from webhook.errors import ClusterError, MalformedObject
from webhook.report.entries import ErrorEntry, Source
from webhook.workload import Reading

T = TypeVar("T")


class ListPlace(msgspec.Struct, frozen=True):
    """In a list of the cluster."""

    all_of_it: Source

    def source(self, path: str = "") -> Source:  # noqa: ARG002 objects of a cluster have no lines
        """The list, wherever in an object."""
        return self.all_of_it


class Found(msgspec.Struct, frozen=True):
    """A workload to be judged, see `webhook.audit.judge.Subject`."""

    place: ListPlace
    reading: Reading
    head: Head
    evidence: None = None
    """Nothing is filled in what is there: a fill is made when an object is."""
    user: None = None
    stands_alone: bool = False


class Left(msgspec.Struct, frozen=True):
    """An object that is not judged."""

    why: Reason
    kind: str
    namespace: str
    """Empty for one that has none."""
    name: str


class Note(msgspec.Struct, frozen=True):
    """Something to say that is no error."""

    text: str


class Progress(msgspec.Struct, frozen=True):
    """How far a list has been read."""

    resource: Resource
    read: int
    remaining: int | None
    """None if nobody knows."""


Step = Found | Left | ErrorEntry | Progress


class Survey:
    """One look at everything. What cannot be read is told as an error, and the rest goes on."""

    def __init__(
        self,
        client: Fetcher,
        scope: Scope,
        patience: Patience | None = None,
        *,
        finds_owned: bool = False,
    ) -> None:
        """`finds_owned` finds what is made from other templates, too, as long as it runs."""
        self._client = client
        self._scope = scope
        self._patience = patience or Patience()
        self._finds_owned = finds_owned
        self._makers: set[str] = set()
        """Uids of what makes objects, and is judged or made itself by what is."""
        self.profiles: dict[str, str] = {}
        """What namespaces name, by their names."""
        self.lookups = lookups.Gathered()
        self.can_go_on = True
        """False if there is nobody to ask, or nothing to ask for."""

    def namespaces(
        self, known: Collection[str], default: str
    ) -> Iterator[ErrorEntry | Note | Progress]:
        """Read which profile each namespace names; `known` are those that are defined."""
        try:
            for found in self._namespaces():
                if isinstance(found, Progress):
                    yield found
                    continue
                if note := unknown_profile(found, known, default):
                    yield Note(note)
                elif found.profile is not None:
                    self.profiles[found.metadata.name] = found.profile
        except ClusterError as error:
            is_gone = error.status == 404 and self._scope.namespace is not None
            # else every list that follows would end in the same way
            self.can_go_on = self._patience.was_answered and error.status != 401 and not is_gone
            consequence = f"; which profiles they name is unknown: judged by {default}"
            yield _error(NAMESPACES, f"{error}{consequence if self.can_go_on else ''}")

    def _namespaces(self) -> Iterator[Namespace | Progress]:
        one = self._scope.namespace
        if one is not None:
            # who may see one namespace need not be allowed to list them
            reply = self._patience.fetch(self._client, Request("GET", f"{NAMESPACES.path()}/{one}"))
            if reply.status != 200:
                raise refusal(reply)
            yield _decoded(read_namespace, reply.data)
            return
        for found in self._pages(NAMESPACES):
            yield found[1]
            for item in found[0].items:
                yield _decoded(read_namespace, item)

    def around(self) -> Iterator[ErrorEntry | Progress]:
        """Read what policies may ask about. Of a kind that cannot be read nothing is known."""
        objects: list[lookups.Object] = []
        complete: list[str] = []
        for resource in AROUND:
            start = len(objects)
            try:
                for page, progress in self._pages(resource, self._scope.namespace):
                    objects += [_around(resource, item) for item in page.items]
                    yield progress
                complete.append(resource.kind)
            except ClusterError as error:
                del objects[start:]
                yield _error(resource, f"{error}; what refers to them is not checked")
        self.lookups = lookups.Gathered(objects, complete)

    def workloads(self) -> Iterator[Step]:
        """Everything that is judged, and what is not: by kind, namespace and name."""
        for resource in WORKLOADS:
            try:
                yield from self._of(resource)
            except ClusterError as error:
                yield _error(resource, str(error))
                if error.status == 400 and self._scope.selector:
                    return  # no list takes such a selector

    def _of(self, resource: Resource) -> Iterator[Step]:
        scope = self._scope
        place = ListPlace(Source(None, resource=resource.name))
        if resource in OWNERS and scope.selector:
            # what is not selected makes pods, too, which have the labels of its template
            for page, progress in self._pages(resource, scope.namespace, accept=METADATA):
                self._makers |= {head_of(item).metadata.uid for item in page.items}
                yield progress
        for page, progress in self._pages(resource, scope.namespace, scope.selector):
            for item in page.items:
                head = _decoded(head_of, item)
                if scope.holds(head.metadata.namespace, head.metadata.name):
                    yield self._step(resource, place, item, head)
                if resource in OWNERS:
                    self._makers.add(head.metadata.uid)
            yield progress

    def _step(
        self,
        resource: Resource,
        place: ListPlace,
        item: msgspec.Raw,
        head: Head,
    ) -> Step:
        """What an object is."""
        if why := self._reason(resource, head):
            return _left(why, resource, head)
        try:
            reading = workload.read(resource.api_version, resource.kind, bytes(item))
        except MalformedObject as error:
            name = f"{resource.kind} {head.metadata.namespace}/{head.metadata.name}"
            return ErrorEntry(place.source(), f"{name}: {error}")
        found = Found(place, reading, head)
        return found if reading.is_asked else _left("mirror", resource, head)

    def _reason(self, resource: Resource, head: Head) -> Reason | None:
        """Why it is left; None if it is not."""
        if self._scope.excludes(head.metadata.namespace):
            return "excluded"
        return reason(head, resource, () if self._finds_owned else self._makers)

    def _pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        selector: str | None = None,
        accept: str = JSON,
    ) -> Iterator[tuple[Page, Progress]]:
        """Pages of a list, each with how far it is then."""
        read = 0
        query = Query(namespace, selector, accept)
        for page in pages(self._client, resource, self._patience, query):
            read += len(page.items)
            yield page, Progress(resource, read, page.remaining)


def _around(resource: Resource, item: msgspec.Raw) -> lookups.Object:
    try:
        return lookups.read(resource.kind, bytes(item))
    except MalformedObject:
        # it is there, so it must not count as absent
        metadata = _decoded(head_of, item).metadata
        return lookups.Fragment(resource.kind, metadata.namespace or None, metadata.name)


def _left(why: Reason, resource: Resource, head: Head) -> Left:
    return Left(why, resource.kind, head.metadata.namespace, head.metadata.name)


def _decoded(read: Callable[[Any], T], item: bytes | msgspec.Raw) -> T:
    try:
        return read(item)
    except msgspec.DecodeError as error:
        raise ClusterError(f"the reply is not what an API server sends: {error}") from error


def _error(resource: Resource, problem: str) -> ErrorEntry:
    return ErrorEntry(Source(None, resource=resource.name), problem)
