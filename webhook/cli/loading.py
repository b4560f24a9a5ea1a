"""From options to what commands work with; what cannot be loaded exits 2."""

import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

if TYPE_CHECKING:
    from datetime import date

    from webhook.api import Policy
    from webhook.audit import Court
    from webhook.documents import Documents

    Policies = Mapping[str, Policy[Any]]


_BELOW: Final = "directories below are not read"


def load_policies(directories: tuple[Path, ...]) -> "Policies":
    """The catalogue with the policies in these directories."""
    from webhook import catalog, plugins
    from webhook.errors import PolicyError

    try:
        known = catalog.load(directories)
    except PolicyError as error:
        refuse(error)
    for directory in dict.fromkeys(directories):
        if plugins.is_without_files(directory):
            note(f"{directory}: holds no policy, which is a .py file; {_BELOW}")
    return known


def load_documents(paths: tuple[Path, ...], known: "Policies") -> "Documents":
    """The documents in these files and directories. Raises `DocumentError`."""
    from webhook import documents

    loaded = documents.load(dict.fromkeys(paths), known)
    note_empty(paths)
    return loaded


def note_empty(paths: tuple[Path, ...]) -> None:
    """Say which directories hold no document, as those of another level do."""
    from webhook import documents

    for path in dict.fromkeys(paths):
        if documents.is_without_files(path):
            note(f"{path}: holds no .yaml, .yml or .json file; {_BELOW}")


def load_court(
    profile: str,
    paths: tuple[Path, ...],
    known: "Policies",
    controllers: tuple[str, ...],
) -> "Court":
    """By what an audit judges: the named profile, today, and everything in `paths`."""
    from webhook.audit import Court

    documents = load_rules(profile, paths, known)
    return Court(
        documents.profiles[profile],
        documents.exemptions,
        today(),
        controllers=frozenset(controllers),
    )


def load_rules(profile: str, paths: tuple[Path, ...], known: "Policies") -> "Documents":
    """Everything in `paths`, where the named profile has to be."""
    from webhook.errors import PodworthyError, UnknownProfile

    try:
        documents = load_documents(paths, known)
        if profile not in documents.profiles:
            raise UnknownProfile(profile, documents.profiles)
    except PodworthyError as error:
        refuse(error)
    # what is loaded by now stays: to look through it for garbage takes a tenth of a short run
    gc.freeze()
    return documents


def today() -> "date":
    """In UTC, by which exemptions are in force."""
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def note(text: str) -> None:
    """Say something on standard error."""
    click.echo(f"podworthy: {text}", err=True)


def refuse(error: Exception) -> NoReturn:
    """Usage and documents that cannot be loaded: exit 2."""
    for line in str(error).splitlines():
        note(line)
    sys.exit(2)
