"""Writes `docs/policies/` anew: `python -m tests.docs`, or `make docs`."""

from pathlib import Path

from webhook import catalog, documents
from webhook.explain import pages
from webhook.explain.markdown import files

DIRECTORY = Path(__file__).parents[1] / "docs" / "policies"


def generated() -> dict[str, str]:
    """Name to text of every file that belongs in the directory."""
    shipped = documents.load((), catalog.POLICIES).profiles
    return files(pages(catalog.POLICIES.values(), shipped))


def write() -> None:
    """Replace what is there."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for stray in DIRECTORY.iterdir():
        stray.unlink()
    for name, text in generated().items():
        DIRECTORY.joinpath(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
