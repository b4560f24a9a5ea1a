"""The Go programs of `make bench` do what its figures rest upon."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench import servers
from tests.bench.binaries import Programs, programs
from tests.bench.reviews import Review, reviews
from tests.bench.servers import Answers, Files, Server


@pytest.fixture(scope="module")
def built() -> Programs:
    return programs()


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return servers.files(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def running(built: Programs, pems: Files) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        yield {
            which: stack.enter_context(servers.serving(which, built, pems, None))
            for which in servers.NAMES
        }


def load(built: Programs, pems: Files, url: str, *options: str | Path) -> Answers:
    """Two connections for a moment."""
    return servers.ask(
        built, url, "-ca", pems.ca, *options, core=None, connections=2, warm_up=0.02, seconds=0.1
    )


@pytest.mark.parametrize("review", list(reviews()), ids=lambda review: review.name)
def test_every_server_gives_the_verdict_that_the_review_claims(
    built: Programs, pems: Files, running: dict[str, Server], review: Review, tmp_path: Path
) -> None:
    body = tmp_path / "review.json"
    body.write_bytes(review.body)

    for which, server in running.items():
        path = servers.path_of(which, review)
        if path:
            expected = servers.expectations(which, review, body)
            answers = load(built, pems, server.url + path, *expected)
            assert (answers.failed, answers.error) == (0, ""), which
            assert answers.total >= answers.requests > 0
            assert 0 < answers.p50 <= answers.p90 <= answers.p99 <= answers.max


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ("-allowed=false", 'no "allowed":false in'),
        ("-status=201", "status 200: "),
        ("-uid=64f1690a-a5d6-4fb8-a567-8c5d5c69b192", "no 00000000-a5d6-4fb8-a567-8c5d00000000 in"),
    ],
)
def test_a_wrong_answer_ends_a_connection_and_is_reported(
    built: Programs,
    pems: Files,
    running: dict[str, Server],
    tmp_path: Path,
    option: str,
    error: str,
) -> None:
    """The floor answers a constant, so it is wrong about every uid."""
    body = tmp_path / "review.json"
    body.write_bytes(next(reviews()).body)

    answers = load(built, pems, f"{running['c'].url}/validate", "-body", body, option)

    assert (answers.failed, answers.requests) == (2, 0)
    assert error in answers.error
