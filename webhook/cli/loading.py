"""From options to what commands work with; what cannot be loaded exits 2."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from webhook.api import Policy
    from webhook.audit import Court
    from webhook.documents import Documents

    Policies = Mapping[str, Policy[Any]]


def load_policies(directories: tuple[Path, ...]) -> "Policies":
    """The catalogue with the policies in these directories."""
    from webhook import catalog
    from webhook.errors import PolicyError

    try:
        return catalog.load(directories)
    except PolicyError as error:
        refuse(error)


def load_documents(paths: tuple[Path, ...], known: "Policies") -> "Documents":
    """The documents in these files and directories. Raises `DocumentError`."""
    from webhook import documents

    return documents.load(dict.fromkeys(paths), known)


def load_court(
    profile: str,
    paths: tuple[Path, ...],
    known: "Policies",
    controllers: tuple[str, ...],
) -> "Court":
    """By what an audit judges: the named profile, today, and everything in `paths`."""
    from datetime import UTC, datetime

    from webhook.audit import Court
    from webhook.errors import PodworthyError, UnknownProfile

    try:
        documents = load_documents(paths, known)
        if profile not in documents.profiles:
            raise UnknownProfile(profile, documents.profiles)
    except PodworthyError as error:
        refuse(error)
    return Court(
        documents.profiles[profile],
        documents.exemptions,
        datetime.now(UTC).date(),
        listed=frozenset(controllers),
    )


def refuse(error: Exception) -> NoReturn:
    """Usage and documents that cannot be loaded: exit 2."""
    click.echo(f"podworthy: {error}", err=True)
    sys.exit(2)
