"""The fuzz runs in a process of its own, beside all other tests, and is asked at their end."""

import os
import subprocess
import sys
from pathlib import Path
from random import randrange
from typing import Final

import pytest

SECONDS: Final = float(os.environ.get("FUZZ_SECONDS", "60"))
CPU_SECONDS: Final = 0.4
"""For an answer to 1 MiB: what is a square of its size is found, and a slow or busy machine is no
failure. `make soak` asks for what is promised."""

_running = pytest.StashKey[subprocess.Popen[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait for it come last; behind pytest-randomly, which shuffles."""
    items.sort(key=_waits)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start it, if somebody waits for it."""
    if any(map(_waits, session.items)) and not session.config.option.collectonly:
        # a change is judged by the same reviews each time; others are searched for at the desk
        seed = 1 if os.environ.get("CI") else randrange(10**6)  # noqa: S311 no secret
        session.config.stash[_running] = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", str(SECONDS), str(seed), str(CPU_SECONDS)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: os.nice(10),  # other tests go first
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing behind."""
    running = session.config.stash.get(_running, None)
    if running is not None and running.poll() is None:
        running.kill()
        running.communicate()


@pytest.fixture
def fuzzed(request: pytest.FixtureRequest) -> tuple[int, str]:
    """Exit code and words of the run."""
    running = request.config.stash[_running]
    words, _ = running.communicate()
    return running.returncode, words


def _waits(item: pytest.Item) -> bool:
    return "fuzzed" in getattr(item, "fixturenames", ())
