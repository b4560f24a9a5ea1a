"""One installation for all tests here, on a control plane of its own: its names are the default
ones."""

from collections.abc import Iterator

import pytest

from tests.cluster.conftest import VERSIONS
from tests.cluster.control_plane import ControlPlane
from tests.cluster.install.installation import Installation, allow_user, made, node
from tests.cluster.manifests import Json


@pytest.fixture(scope="session", params=VERSIONS)
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Not the one of other tests."""
    request.getfixturevalue("service_ports")
    with ControlPlane(request.param) as plane:
        yield plane


@pytest.fixture(scope="session")
def before(control_plane: ControlPlane) -> dict[str, Json]:
    """What some objects are like without podworthy, by kind."""
    return made(control_plane, "before")


@pytest.fixture(scope="session")
def installed(
    request: pytest.FixtureRequest, control_plane: ControlPlane
) -> Iterator[Installation]:
    """As the documents say, with nothing set; what a test changes, it must put back."""
    request.getfixturevalue("before")
    allow_user(control_plane)
    with node(control_plane) as installation:
        installation.helm("install", "--create-namespace", "--wait")
        installation.wait_until_in_order()
        yield installation


@pytest.fixture
def in_order(installed: Installation) -> Iterator[Installation]:
    """It must be so afterwards, too."""
    yield installed
    installed.wait_until_in_order()
