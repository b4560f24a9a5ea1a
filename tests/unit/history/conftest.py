"""Both databases, each empty."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from tests import postgres


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which nothing is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.db'}"
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"kept_{uuid4().hex}"
    administrator = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    administrator.dispose()
    yield server.replace("/postgres?", f"/{name}?")
