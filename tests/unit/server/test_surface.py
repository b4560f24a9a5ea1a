"""The router: every path and method there is."""

import json

import pytest

from webhook.admission import Answer, Door
from webhook.server import surface
from webhook.server.surface import Surface, path_of


class Named:
    """Stands for admission: tells which door and profile were asked."""

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:  # noqa: ARG002
        return Answer(200, f"{door.value} {profile}".encode(), {"asked": True})


@pytest.fixture
def routes() -> Surface:
    return Surface(Named())


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/validate", b"validate None"),
        ("/validate/strict", b"validate strict"),
        ("/mutate", b"mutate None"),
        ("/mutate/a/b", b"mutate a/b"),
    ],
)
def test_doors(routes: Surface, path: str, asked: bytes) -> None:
    answer = routes.respond("POST", path, b"")
    assert answer == surface.Response(200, asked, surface.JSON, record={"asked": True})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "*",
        "//validate",
        "/validate/",
        "/Validate",
        "/livez/",
        "/metrics",
        "/validate\ufffd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_anything_else_does_not_exist(routes: Surface, method: str, path: str) -> None:
    assert routes.respond(method, path, b"") is surface.NOT_FOUND


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_doors_take_posts_only(routes: Surface, method: str) -> None:
    answer = routes.respond(method, "/validate", b"")
    assert (answer.status, answer.allow, answer.content_type) == (405, "POST", surface.JSON)
    assert json.loads(answer.body) == {"error": "only POST is allowed here"}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_takes_gets_only(routes: Surface, path: str) -> None:
    assert routes.respond("GET", path, b"") == surface.Response(200, b"ok", surface.TEXT)
    answer = routes.respond("POST", path, b"")
    assert (answer.status, answer.allow) == (405, "GET")


@pytest.mark.parametrize(("path", "status"), [("/livez", 405), ("/validate", 405), ("/x", 404)])
def test_head_gets_no_body(routes: Surface, path: str, status: int) -> None:
    answer = routes.respond("HEAD", path, b"")
    assert (answer.status, answer.body) == (status, b"")


def test_a_method_nobody_has_heard_of(routes: Surface) -> None:
    assert routes.respond("BREW", "/validate", b"") is surface.BAD_REQUEST


def test_draining_fails_readiness_alone(routes: Surface) -> None:
    routes.ready = False
    assert routes.respond("GET", "/readyz", b"").status == 503
    assert routes.respond("GET", "/livez", b"").status == 200
    assert routes.respond("POST", "/validate", b"").status == 200


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/validate", "/validate"),
        (b"/validate?timeout=3s", "/validate"),
        (b"/validate?a=/b#c", "/validate"),
        (b"/valid%61te/%e2%82%ac", "/validate/€"),
        (b"/a%3Fb%2fc", "/a?b/c"),
        (b"/%ff%zz", "/\ufffd%zz"),
        (b"//validate", "//validate"),
        (b"https://host:8443/validate?x", "/validate"),
        (b"https://host?/validate", ""),
        (b"*", ""),
    ],
)
def test_path_of(target: bytes, path: str) -> None:
    assert path_of(target) == path
