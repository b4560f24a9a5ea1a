"""A table of what an honest client met beside each attack, at the end of the tests."""

import resource
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from tests.hostile.honest import Sample

DESCRIPTORS: Final = 4096
"""That tests may have: a thousand connections need more than the usual 1024."""


class Row(NamedTuple):
    """One attack."""

    attack: str
    sample: Sample
    peak: int
    """MiB."""


@pytest.fixture(scope="session", autouse=True)
def descriptors() -> Iterator[None]:
    """Allow so many, if fewer are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


Rows = list[Row]
_rows = pytest.StashKey[Rows]()


@pytest.fixture(scope="session")
def rows(request: pytest.FixtureRequest) -> Rows:
    """To be filled by tests."""
    return request.config.stash.setdefault(_rows, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Milliseconds on the kept connection and at worst on a new one, and memory."""
    rows = config.stash.get(_rows, [])
    if not rows:
        return
    terminalreporter.section("an honest client beside hostile ones")
    terminalreporter.line(f"{'attack':38} {'p50':>6} {'p99':>6} {'new':>6} ms {'peak':>6} MiB")
    for row in rows:
        p50 = sorted(row.sample.kept)[len(row.sample.kept) // 2] * 1000
        new = max(row.sample.new) * 1000
        terminalreporter.line(
            f"{row.attack:38} {p50:6.1f} {row.sample.p99():6.1f} {new:6.1f} {row.peak:9}"
        )
