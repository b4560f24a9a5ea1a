"""Documents of the platform team: YAML files in, resolved profiles and exemptions out."""

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from webhook import catalog
from webhook.api import Policy
from webhook.documents.exemptions import check as check_exemption
from webhook.documents.exemptions import exemption
from webhook.documents.models import ExemptionDocument, ProfileDocument
from webhook.documents.profiles import check as check_profile
from webhook.documents.profiles import resolve
from webhook.documents.written import Document, Texts, Written, is_without_files, read
from webhook.documents.written import parse as parse_documents
from webhook.errors import DocumentError
from webhook.exemptions import Exemptions
from webhook.profile import Profile

__all__ = [
    "Documents",
    "ExemptionDocument",
    "ProfileDocument",
    "Texts",
    "is_without_files",
    "load",
    "parse",
    "read",
]


class Documents(msgspec.Struct, frozen=True):
    """Everything that is written, valid as a whole."""

    profiles: Mapping[str, Profile]
    """By name, the shipped ones included."""
    exemptions: Exemptions


def load(paths: Iterable[Path], policies: Mapping[str, Policy[Any]]) -> Documents:
    """The shipped profiles, and what stands in these files and directories.

    Raises `DocumentError` with every problem found.
    """
    return parse(read(paths), policies)


def parse(texts: Texts, policies: Mapping[str, Policy[Any]]) -> Documents:
    """The shipped profiles, and what stands in these texts. Raises as `load` does."""
    problems: list[str] = []
    profiles: dict[str, Written[ProfileDocument]] = {}
    exemptions: dict[str, Written[ExemptionDocument]] = {}
    shipped = parse_documents(read((catalog.PROFILES_DIRECTORY,)), problems)
    for document in chain(shipped, parse_documents(texts, problems)):
        if document.model.kind == "Profile":
            problems += check_profile(document, policies)
            _add(profiles, document, problems)
        else:
            problems += check_exemption(document, policies)
            _add(exemptions, document, problems)
    resolved = resolve(profiles, policies, problems) if not problems else {}
    if problems:
        raise DocumentError(problems)
    return Documents(resolved, Exemptions(map(exemption, exemptions.values())))


def _add(known: dict[str, Any], document: Document, problems: list[str]) -> None:
    name = document.model.metadata.name
    if name in known:
        kind = document.model.kind.lower()
        message = f"{kind} {name!r} is taken by {known[name].place('/metadata/name')}"
        if known[name].file.parent == catalog.PROFILES_DIRECTORY:
            message = f"{kind} {name!r} is shipped: choose another name, and extend it"
        problems.append(document.problem("/metadata/name", message))
    else:
        known[name] = document
