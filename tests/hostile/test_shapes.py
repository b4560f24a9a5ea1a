"""Both servers refuse what is ambiguous, alike, and take nothing behind it for a request."""

from collections.abc import Iterator

import pytest

from tests.hostile.shapes import ODD, OURS, REFUSED
from tests.serving import Served, read_answer, serving
from tests.unit.server.test_protocol import Wire, get
from webhook.server import surface


@pytest.fixture(scope="module", params=[[], ["--wsgi"]], ids=["ours", "flask"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with serving(*request.param) as served:
        yield served


@pytest.mark.parametrize("shape", REFUSED)
def test_refused(served: Served, shape: str) -> None:
    with served.connect() as connection:
        connection.sendall(REFUSED[shape] + get())
        status, content_type, body = read_answer(connection)
    assert (status, content_type) == (400, surface.JSON)
    assert body in (surface.BAD_REQUEST.body, surface.NO_UPGRADE.body)


@pytest.mark.parametrize("shape", [*REFUSED, *OURS])
def test_nothing_behind_it_is_a_request(shape: str) -> None:
    wire = Wire().send((REFUSED | OURS)[shape] + get())
    assert wire.statuses == [400]
    assert wire.leaving


@pytest.mark.parametrize("shape", ODD)
def test_odd_and_clear(served: Served, shape: str) -> None:
    request, status = ODD[shape]
    with served.connect() as connection:
        connection.sendall(request)
        found, content_type, _ = read_answer(connection)
    assert (found, content_type) == (status, surface.JSON)
