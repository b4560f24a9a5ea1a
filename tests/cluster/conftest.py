"""Fixtures for tests on a real API server."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import check_ports
from tests.cluster.server import ALL_PROFILES, everything_command, webhook_server
from tests.cluster.versions import NEWEST

# As `make test KUBERNETES="1.37.2 1.34.4"` passes it: every test runs on each.
VERSIONS = os.environ.get("KUBERNETES", "").split() or [NEWEST]

_numbers = itertools.count(1)
_told: list[str] = []


class Namespaces(Protocol):
    """Makes a namespace with these labels, and returns its name."""

    def __call__(self, labels: Mapping[str, str] | None = None) -> str: ...


@pytest.fixture(scope="session", params=VERSIONS)
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """One control plane for all tests of a version; what a test changes, it must put back."""
    with ControlPlane(request.param) as running:
        yield running


@pytest.fixture
def new_namespace(control_plane: ControlPlane) -> Iterator[Namespaces]:
    """For a test that needs several namespaces, or labels on one."""
    made: list[str] = []

    def make(labels: Mapping[str, str] | None = None) -> str:
        name = f"test-{next(_numbers)}"
        control_plane.create_namespace(name, labels)
        made.append(name)
        return name

    yield make
    for name in made:
        control_plane.delete_namespace(name)


@pytest.fixture
def namespace(new_namespace: Namespaces) -> str:
    """A fresh namespace without labels of ours."""
    return new_namespace()


@pytest.fixture(scope="session")
def webhook(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The same control plane, with podworthy registered for all profiles and enforcing."""
    with webhook_server(control_plane, profiles=ALL_PROFILES, command=everything_command):
        yield control_plane


@pytest.fixture(scope="session")
def service_ports() -> None:
    """Skips where this user may not listen as a node does for Services."""
    try:
        check_ports()
    except PermissionError as error:
        pytest.skip(str(error))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line that a test wants to be read at the end of the run."""
    name = request.node.name
    return lambda line: _told.append(f"{name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have told."""
    if _told:
        terminalreporter.section("told by tests on real API servers")
        for line in _told:
            terminalreporter.write_line(line)
