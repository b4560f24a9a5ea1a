"""Both servers refuse what is ambiguous or too much, in the same words."""

from collections.abc import Iterator

import pytest

from tests.serving import Served, read_answer, serving
from tests.shapes import ODD, REFUSED
from tests.wire import get
from webhook.server import surface


@pytest.fixture(scope="module", params=[[], ["--wsgi"]], ids=["ours", "flask"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with serving(*request.param) as served:
        yield served


@pytest.mark.parametrize("shape", REFUSED)
def test_refused(served: Served, shape: str) -> None:
    with served.connect() as connection:
        request, refusal = REFUSED[shape]
        connection.sendall(request + get())
        assert read_answer(connection) == (refusal.status, surface.JSON, refusal.body)


@pytest.mark.parametrize("shape", ODD)
def test_odd_and_clear(served: Served, shape: str) -> None:
    request, status = ODD[shape]
    with served.connect() as connection:
        connection.sendall(request)
        found, content_type, _ = read_answer(connection)
    assert (found, content_type) == (status, surface.JSON)
