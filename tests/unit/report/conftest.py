"""Where reports are made."""

import pytest


@pytest.fixture(autouse=True)
def _not_on_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the present directory, wherever the tests run."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
