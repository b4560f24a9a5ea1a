"""Lists of a cluster: page by page, nothing twice, nothing left out without a word."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhook.cluster import METADATA, Patience, Query, Reply, Request, Resource, pages
from webhook.cluster.patience import FIRST_SECONDS, SECONDS
from webhook.errors import ClusterError

PODS = Resource("v1", "pods", "Pod")
DEPLOYMENTS = Resource("apps/v1", "deployments", "Deployment")
NODES = Resource("v1", "nodes", "Node", is_namespaced=False)

Script = Callable[[Request], Reply]


class Server:
    """Answers the first request by the first entry, and so on; what is raised is not answered."""

    name = "test"

    def __init__(self, *replies: Reply | Exception | Script) -> None:
        self._replies = iter(replies)
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Reply) else reply(request)

    def queries(self, key: str) -> list[str | None]:
        return [request.query.get(key) for request in self.asked]


class Time:
    """Passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def patience(time: Time) -> Patience:
    return Patience(lambda: time.now, time.sleep, lambda: 1.0)


def page(*names: str, more: str = "", remaining: int | None = None, filler: str = "") -> Reply:
    metadata: dict[str, Any] = {"continue": more} if more else {}
    metadata |= {} if remaining is None else {"remainingItemCount": remaining}
    items = []
    for one in names:
        namespace, _, name = one.rpartition("/")
        items.append({"metadata": {"namespace": namespace, "name": name}, "filler": filler})
    return Reply(200, json.dumps({"metadata": metadata, "items": items}).encode())


def refused(status: int, message: str = "", more: str = "", **headers: str) -> Reply:
    body = {"kind": "Status", "message": message, "metadata": {"continue": more}}
    return Reply(status, json.dumps(body).encode(), headers)


def names(found: Iterator[Any]) -> list[str]:
    return [
        "{namespace}/{name}".format(**json.loads(bytes(item))["metadata"])
        for one in found
        for item in one.items
    ]


LOST = ClusterError("no answer", may_pass=True)


def test_a_list_goes_on_where_its_page_says(patience: Patience) -> None:
    server = Server(page("a/x", "a/y", more="1", remaining=1), page("b/x"))

    found = list(pages(server, DEPLOYMENTS, patience, Query("a", "app=web", METADATA)))

    assert names(iter(found)) == ["a/x", "a/y", "b/x"]
    assert [one.remaining for one in found] == [1, None]
    assert {request.path for request in server.asked} == {"/apis/apps/v1/namespaces/a/deployments"}
    assert server.queries("limit") == ["500", "500"]
    assert server.queries("continue") == [None, "1"]
    assert server.queries("labelSelector") == ["app=web", "app=web"]
    assert {request.accept for request in server.asked} == {METADATA}


@pytest.mark.parametrize(
    ("resource", "namespace", "path", "name"),
    [
        (PODS, None, "/api/v1/pods", "pods"),
        (PODS, "a", "/api/v1/namespaces/a/pods", "pods"),
        (NODES, "a", "/api/v1/nodes", "nodes"),
        (DEPLOYMENTS, None, "/apis/apps/v1/deployments", "deployments.apps"),
    ],
)
def test_where_a_resource_is(
    resource: Resource, namespace: str | None, path: str, name: str
) -> None:
    assert (resource.path(namespace), resource.name) == (path, name)


def test_an_empty_list_has_no_page(patience: Patience) -> None:
    server = Server(Reply(200, b'{"metadata": {}, "items": null}'))
    assert list(pages(server, PODS, patience)) == []


def test_after_410_the_rest_is_of_now_by_the_token_that_comes_with_it(patience: Patience) -> None:
    server = Server(page("a/x", more="old"), refused(410, more="new"), page("b/x"))

    assert names(pages(server, PODS, patience)) == ["a/x", "b/x"]
    assert server.queries("continue") == [None, "old", "new"]


def test_after_410_without_a_token_the_list_begins_again_and_nothing_comes_twice(
    patience: Patience,
) -> None:
    """The order is that of etcd's keys: `a-b/x` stands before `a/x`."""
    server = Server(
        page("a-b/x", "a/x", more="1"),
        refused(410),
        page("a-b/x", "a-b/y", more="2"),
        page("a/x", "a/y", more="3"),
        page("b/a"),
    )

    assert names(pages(server, PODS, patience)) == ["a-b/x", "a/x", "a/y", "b/a"]
    assert server.queries("continue") == [None, "1", None, "2", "3"]


def test_a_list_that_always_expires_is_given_up(patience: Patience) -> None:
    server = Server(page("a/x", more="1"), *[refused(410, "too old", "1")] * 9)

    with pytest.raises(ClusterError, match="HTTP 410: too old") as raised:
        list(pages(server, PODS, patience))
    assert raised.value.status == 410
    assert len(server.asked) == 7


def test_a_list_that_turns_round_is_given_up(patience: Patience) -> None:
    server = Server(*[page("a/x", more="1")] * 9)

    with pytest.raises(ClusterError, match="does not end"):
        list(pages(server, PODS, patience))


def test_large_objects_come_in_smaller_pages(patience: Patience) -> None:
    large = "x" * 17 * 1024 * 1024
    server = Server(page("a/x", more="1", filler=large), page("a/y", more="2"), page("a/z"))

    assert len(names(pages(server, PODS, patience))) == 3
    assert server.queries("limit") == ["500", "235", "500"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_a_refusal_is_final(patience: Patience, time: Time, status: int) -> None:
    server = Server(refused(status, "pods is forbidden"))

    with pytest.raises(ClusterError, match=f"^HTTP {status}: pods is forbidden$") as raised:
        list(pages(server, PODS, patience))
    assert raised.value.status == status
    assert time.pauses == []


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"metadata": {}, "items": [1', b"\xff"]
)
def test_what_is_no_list_is_told(patience: Patience, body: bytes) -> None:
    with pytest.raises(ClusterError, match="the reply is no list"):
        list(pages(Server(Reply(200, body)), PODS, patience))


def test_what_may_pass_is_asked_again_in_growing_pauses(patience: Patience, time: Time) -> None:
    busy: list[Reply | Exception] = [
        refused(429),
        refused(500),
        LOST,
        refused(503),
        Reply(502, b"<html>"),
    ]
    server = Server(*busy, page("a/x", more="1"), LOST, page("a/y"))

    assert names(pages(server, PODS, patience)) == ["a/x", "a/y"]
    assert time.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 0.25]


def test_the_api_server_says_when_to_come_back(patience: Patience, time: Time) -> None:
    odd = refused(429, **{"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"})
    server = Server(refused(429, **{"retry-after": "3"}), odd, page("a/x"))

    assert names(pages(server, PODS, patience)) == ["a/x"]
    assert time.pauses == [3.25, 0.5]


def test_nobody_waits_for_ever(patience: Patience, time: Time) -> None:
    server = Server(page("a/x", more="1"), *[LOST] * 99)

    with pytest.raises(ClusterError, match=r"no answer, asked \d+ times"):
        list(pages(server, PODS, patience))
    assert SECONDS - 16 < time.now <= SECONDS


def test_a_server_that_never_answered_is_given_up_sooner(patience: Patience, time: Time) -> None:
    with pytest.raises(ClusterError, match="no answer"):
        list(pages(Server(*[LOST] * 99), PODS, patience))
    assert time.now <= FIRST_SECONDS
    assert not patience.was_answered


def test_the_next_list_does_not_wait_as_long_again(patience: Patience, time: Time) -> None:
    server = Server(page("a/x", more="1"), *[LOST] * 99)
    for _ in range(3):
        with pytest.raises(ClusterError):
            list(pages(server, PODS, patience))
    assert time.now <= SECONDS


def test_distrust_does_not_pass(patience: Patience, time: Time) -> None:
    with pytest.raises(ClusterError, match="no trust"):
        list(pages(Server(ClusterError("no trust")), PODS, patience))
    assert time.pauses == []
