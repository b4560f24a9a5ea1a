"""From answers to what was read, and why not."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import NOON
from tests.unit.doctor.world import NAMES, configurations, deployment
from webhook.cluster import Answer, Request
from webhook.doctor.asking import Asker, Unread
from webhook.doctor.reading import read
from webhook.doctor.rights import DEPLOYMENTS, PODS, SERVICES
from webhook.errors import ClusterError

Json = dict[str, Any]
Respond = Callable[[Request], Answer]
FORBIDDEN = Answer(403, {"kind": "Status", "reason": "Forbidden", "message": "pods is forbidden"})
NOT_FOUND = Answer(404, {"kind": "Status", "reason": "NotFound", "message": "not found"})


class Client:
    """Answers as it is told to, and remembers what it was asked."""

    def __init__(self, respond: Respond) -> None:
        self.asked: list[Request] = []
        self._respond = respond

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return self._respond(request)


def page(*names: str, then: str = "") -> Answer:
    items = [{"metadata": {"name": name}} for name in names]
    return Answer(200, {"items": items, "metadata": {"continue": then} if then else {}})


def paged(pages: dict[str, Answer]) -> Client:
    return Client(lambda request: pages[request.query.get("continue", "")])


def names(found: object) -> list[str]:
    assert isinstance(found, tuple)
    return [one["metadata"]["name"] for one in found]


def test_a_list_is_read_page_by_page() -> None:
    client = paged({"": page("a", then="x"), "x": page("b", then="y"), "y": page("c")})
    assert names(Asker(client).every(PODS, "shop", "app=web")) == ["a", "b", "c"]
    assert {one.path for one in client.asked} == {"/api/v1/namespaces/shop/pods"}
    assert {one.query["labelSelector"] for one in client.asked} == {"app=web"}


def test_a_list_that_took_too_long_goes_on_where_it_may() -> None:
    gone = Answer(410, {"metadata": {"continue": "z"}, "message": "expired"})
    assert names(
        Asker(paged({"": page("a", then="x"), "x": gone, "z": page("b")})).every(PODS)
    ) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(410, {"message": "expired"}), "pods in the whole cluster cannot be read: expired"),
        (FORBIDDEN, "you have no right to list pods in the whole cluster"),
        (Answer(500, {}), "pods in the whole cluster cannot be read: HTTP 500"),
        (Answer(200, {"a": "proxy"}), "pods in the whole cluster cannot be read: HTTP 200"),
    ],
)
def test_half_a_list_is_none(answer: Answer, why: str) -> None:
    asker = Asker(paged({"": page("a", then="x"), "x": answer}))
    assert asker.every(PODS) == Unread(why)


def test_an_object_that_is_not_there() -> None:
    assert Asker(Client(lambda _: NOT_FOUND)).get(SERVICES, "a", "b") is None
    # a proxy's page is no answer to that
    proxy = Asker(Client(lambda _: Answer(404, {}))).get(SERVICES, "a", "b")
    assert proxy == Unread("Service b cannot be read: HTTP 404")
    forbidden = Asker(Client(lambda _: FORBIDDEN)).get(SERVICES, "a", "b")
    assert forbidden == Unread("you have no right to get services b in namespace a")


def nobody(_: Request) -> Answer:
    raise ClusterError("no answer from https://cluster")


def test_where_nobody_answers_nothing_is_known() -> None:
    seen = read(Client(nobody), NAMES, lambda: NOON)
    assert seen.now == NOON
    unread = [name for name in seen.__struct_fields__ if isinstance(getattr(seen, name), Unread)]
    assert set(unread) == set(seen.__struct_fields__) - {"names", "now"}


def cluster(**more: Answer) -> Client:
    """An API server with the registration, and these answers by the end of the path."""

    def respond(request: Request) -> Answer:
        for end, answer in more.items():
            if request.path.endswith(end):
                return answer
        for kind, one in configurations().items():
            if request.path.endswith(f"/{kind.lower()}s"):
                return Answer(200, {"items": [one]})
        return Answer(200, {"items": []}) if request.method == "GET" else Answer(201, {})

    return Client(respond)


def mounting(*arguments: str) -> Answer:
    """The servers' Deployment, with a ConfigMap."""
    one = deployment("podworthy", "server")
    pod = one["spec"]["template"]["spec"]
    pod["volumes"] = [{"configMap": {"name": "mine"}}, {"secret": {"secretName": "other"}}]
    pod["containers"][0]["args"] = list(arguments)
    return Answer(200, {"items": [one]})


SERVICE = Answer(200, {"spec": {"selector": {"app.kubernetes.io/component": "server"}}})


def documents(data: Json, *arguments: str) -> Any:
    client = cluster(
        **{
            "/services/podworthy": SERVICE,
            "/deployments": mounting(*arguments),
            "/configmaps/mine": Answer(200, {"data": data}),
        }
    )
    return read(client, NAMES, lambda: NOON).documents


def test_the_documents_that_servers_mount_are_read() -> None:
    text = (
        "{apiVersion: podworthy.dev/v1alpha1, kind: Profile, metadata: {name: payments}, "
        "spec: {extends: strict, policies: {require-probes: {action: deny}}}}"
    )
    found = documents({"payments.yaml": text, "README": "no document"})
    assert set(found.profiles) == {"advise", "baseline", "strict", "payments"}


def test_documents_that_cannot_be_used_are_told() -> None:
    found = documents({"a.yaml": "kind: Profile"}, "serve", "--policies-dir=/mine")
    assert found.why.startswith("the servers' documents cannot be used: ConfigMap mine/a.yaml:1")
    assert found.why.endswith("the servers have policies of their own, which are not known here")


def test_the_canary_goes_where_the_controller_sends_it() -> None:
    one = deployment("podworthy-controller", "controller")
    arguments = ["controller", "--canary-namespace=bird"]
    one["spec"]["template"]["spec"]["containers"][0]["args"] = arguments
    client = cluster(**{"/deployments": Answer(200, {"items": [one]})})
    read(client, NAMES, lambda: NOON)
    (sent,) = [it for it in client.asked if it.path.endswith("/pods") and it.method == "POST"]
    assert sent.path == "/api/v1/namespaces/bird/pods"
    assert sent.query == {"dryRun": "All"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (NOT_FOUND, "there is no namespace podworthy-canary to try a bad pod in"),
        (
            Answer(403, {"message": 'User "x" cannot create resource "pods"'}),
            "you have no right to create pods in namespace podworthy-canary",
        ),
    ],
)
def test_a_canary_that_could_not_be_sent(answer: Answer, why: str) -> None:
    client = cluster(**{"/podworthy-canary/pods": answer})
    assert read(client, NAMES, lambda: NOON).canary == Unread(why)


def test_what_the_api_server_says_in_the_controllers_place() -> None:
    for answer, found in (
        (Answer(200, {}), 200),
        (Answer(503, {}), 503),
        (Answer(503, {"kind": "Status", "message": "no endpoints"}), Unread("no endpoints")),
        (Answer(403, {}), Unread("the Service proxy of the API server answers HTTP 403")),
    ):
        client = cluster(**{"/proxy/readyz": answer})
        assert read(client, NAMES, lambda: NOON).controller == found


def test_everything_that_runs_is_listed() -> None:
    client = cluster()
    read(client, NAMES, lambda: NOON)
    paths = [one.path for one in client.asked]
    assert DEPLOYMENTS.path() in paths
    assert PODS.path() in paths
    # which pods are judged by what is not known, then nothing of them is asked for
    client = cluster(**{"/namespaces": FORBIDDEN})
    seen = read(client, NAMES, lambda: NOON)
    assert seen.survey == Unread("you have no right to list namespaces in the whole cluster")
    assert PODS.path() not in [one.path for one in client.asked]
