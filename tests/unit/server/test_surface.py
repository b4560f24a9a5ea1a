"""The router: every path and method there is."""

import json
from collections.abc import Callable, Mapping

import pytest

from webhook.admission import Answer, Door
from webhook.server import surface
from webhook.server.surface import Response, Surface, parts_of

METRICS = Response(200, b"# HELP", "text/x-metrics")


class Named:
    """Stands for admission: tells which door and profile were asked."""

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:  # noqa: ARG002
        return Answer(200, f"{door.value} {profile}".encode(), {"asked": True})


@pytest.fixture
def routes() -> Surface:
    return Surface(Named(), dict, lambda: METRICS)


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
    answer = routes.respond("POST", path, "", b"")
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
        "/metrics/",
        "/validate\ufffd",
        "/policies",
        "/policies/require-probes",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_anything_else_does_not_exist(routes: Surface, method: str, path: str) -> None:
    assert routes.respond(method, path, "", b"") is surface.NOT_FOUND


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_doors_take_posts_only(routes: Surface, method: str) -> None:
    answer = routes.respond(method, "/validate", "", b"")
    assert (answer.status, answer.allow, answer.content_type) == (405, "POST", surface.JSON)
    assert json.loads(answer.body) == {"error": "only POST is allowed here"}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_takes_gets_only(routes: Surface, path: str) -> None:
    assert routes.respond("GET", path, "", b"") == surface.Response(200, b"ok", surface.TEXT)
    answer = routes.respond("POST", path, "", b"")
    assert (answer.status, answer.allow) == (405, "GET")


LIST, PAGE = "/policies/", "/policies/named"


def surface_with(pages: Callable[[], Mapping[str, bytes]]) -> Surface:
    return Surface(Named(), dict, lambda: METRICS, pages)


def test_pages_are_made_for_their_first_reader_alone() -> None:
    made: list[str] = []

    def pages() -> dict[str, bytes]:
        made.append("once")
        return {LIST: b"<p>list", PAGE: b"<p>page"}

    routes = surface_with(pages)
    for path in ("/livez", "/validate", "/"):
        routes.respond("POST", path, "", b"")
    assert made == []
    for _ in range(2):
        assert routes.respond("GET", PAGE, "", b"") == surface.Response(
            200, b"<p>page", surface.HTML
        )
        assert routes.respond("GET", LIST, "", b"") == surface.Response(
            200, b"<p>list", surface.HTML
        )
        for path in ("/policies", "/policies/nmed", "/policies/named/", "/policiesnamed"):
            assert routes.respond("GET", path, "", b"") is surface.NOT_FOUND
    assert made == ["once"]


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE", "OPTIONS"])
def test_pages_take_gets_only(method: str) -> None:
    answer = surface_with(lambda: {PAGE: b"<p>page"}).respond(method, PAGE, "", b"")
    assert (answer.status, answer.allow, answer.content_type) == (405, "GET", surface.JSON)
    assert answer.body == (b"" if method == "HEAD" else b'{"error":"only GET is allowed here"}')


@pytest.mark.parametrize(
    ("path", "status"), [("/livez", 405), ("/metrics", 405), ("/validate", 405), ("/x", 404)]
)
def test_head_gets_no_body(routes: Surface, path: str, status: int) -> None:
    answer = routes.respond("HEAD", path, "", b"")
    assert (answer.status, answer.body) == (status, b"")


def test_a_method_nobody_has_heard_of(routes: Surface) -> None:
    assert routes.respond("BREW", "/validate", "", b"") is surface.BAD_REQUEST


def test_draining_fails_readiness_alone(routes: Surface) -> None:
    routes.ready = False
    assert routes.respond("GET", "/readyz", "", b"").status == 503
    assert routes.respond("GET", "/livez", "", b"").status == 200
    assert routes.respond("POST", "/validate", "", b"").status == 200


@pytest.mark.parametrize(
    "query", ["verbose", "verbose=", "verbose=1", "verbose=false", "a&verbose", "v%65rbose"]
)
def test_every_check_is_told_to_whoever_asks(routes: Surface, query: str) -> None:
    answer = routes.respond("GET", "/readyz", query, b"")
    body = b"[+]shutdown ok\nreadyz check passed\n"
    assert answer == Response(200, body, surface.TEXT)


@pytest.mark.parametrize(
    "query", ["", "a=verbose", "verbos", "Verbose", "exclude=verbose", "\xff="]
)
def test_nothing_is_told_to_whoever_does_not(routes: Surface, query: str) -> None:
    assert routes.respond("GET", "/readyz", query, b"") == Response(200, b"ok", surface.TEXT)


def test_troubles_are_told_and_make_nobody_unready() -> None:
    troubles = {"documents": "caf\udce9.yaml:3: unknown key 'knid'", "certificate": None}
    routes = Surface(Named(), lambda: troubles, lambda: METRICS)

    assert routes.respond("GET", "/readyz", "", b"") == Response(200, b"ok", surface.TEXT)
    answer = routes.respond("GET", "/readyz", "verbose", b"")
    assert answer.status == 200
    assert answer.body.decode().splitlines() == [
        "[+]shutdown ok",
        "[-]documents failed: caf\\udce9.yaml:3: unknown key 'knid'",
        "[+]certificate ok",
        "readyz check passed",
    ]


def test_draining_is_told(routes: Surface) -> None:
    routes.ready = False
    answer = routes.respond("GET", "/readyz", "verbose", b"")
    assert answer.status == 503
    assert answer.body.decode().splitlines() == [
        "[-]shutdown failed: draining",
        "readyz check failed",
    ]


def test_metrics_take_gets_only(routes: Surface) -> None:
    assert routes.respond("GET", "/metrics", "", b"") is METRICS
    answer = routes.respond("POST", "/metrics", "", b"")
    assert (answer.status, answer.allow) == (405, "GET")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/validate", "/validate", ""),
        (b"/validate?timeout=3s", "/validate", "timeout=3s"),
        (b"/validate?a=/b#c", "/validate", "a=/b"),
        (b"/validate#a?b", "/validate", ""),
        (b"/validate?a?b", "/validate", "a?b"),
        (b"/valid%61te/%e2%82%ac?%61", "/validate/€", "%61"),
        (b"/a%3Fb%2fc", "/a?b/c", ""),
        (b"/%ff%zz?\xff", "/\ufffd%zz", "\xff"),
        (b"//validate", "//validate", ""),
        (b"https://host:8443/validate?x", "/validate", "x"),
        (b"https://host?/validate", "", "/validate"),
        (b"*", "", ""),
    ],
)
def test_parts_of(target: bytes, path: str, query: str) -> None:
    assert parts_of(target) == (path, query)


@pytest.mark.parametrize(
    ("method", "target", "asks"),
    [
        (b"POST", b"/validate", True),
        (b"POST", b"/mutate/strict?timeout=3s", True),
        (b"POST", b"https://x/v%61lidate", True),
        (b"GET", b"/validate", False),
        (b"POST", b"/validate/", False),
        (b"POST", b"/livez", False),
        (b"GET", b"/readyz", False),
    ],
)
def test_who_asks_for_a_verdict(method: bytes, target: bytes, asks: bool) -> None:
    assert surface.asks_for_a_verdict(method, target) == asks


def test_lifetimes_differ_within_their_jitter() -> None:
    lifetimes = {surface.lifetime() for _ in range(100)}
    shortest, longest = (
        surface.LIFETIME * (1 + part) for part in (-surface.JITTER, surface.JITTER)
    )
    assert len(lifetimes) > 50
    assert all(shortest <= lifetime <= longest for lifetime in lifetimes)
