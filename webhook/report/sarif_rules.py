"""Policies as SARIF rules: their documentation, as text and as Markdown."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from webhook.api import Policy

MAX_DESCRIPTION: Final = 1024
"""Characters of a description that GitHub shows (its page on SARIF support)."""

_EXAMPLES: Final = ("Bad", "Good")
_COLUMNS: Final = re.compile(r"\S {2,}\S")


def rule(policy: Policy[Any], docs_url: str | None) -> dict[str, Any]:
    """A `reportingDescriptor` (SARIF 2.1.0, 3.49)."""
    doc = policy.doc.strip() or policy.summary
    summary, _, rest = doc.partition("\n")
    sections = dict(_sections(rest.strip("\n")))
    what = " ".join(sections.get("What it checks", summary).split())
    descriptor: dict[str, Any] = {
        "id": policy.id,
        "shortDescription": {"text": policy.summary},
        "fullDescription": {"text": textwrap.shorten(what, MAX_DESCRIPTION, placeholder=" …")},
        "help": {"text": doc, "markdown": _markdown(summary, sections)},
        # each result says its own, which depends on the profile
        "defaultConfiguration": {"level": "error"},
    }
    if docs_url:
        descriptor["helpUri"] = f"{docs_url.rstrip('/')}/policies/{policy.id}"
    return descriptor


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Headlines and what is indented below them."""
    for section in filter(None, re.split(r"\n(?=\S)", text)):
        title, _, body = section.partition("\n")
        yield title.strip(), textwrap.dedent(body).strip("\n")


def _markdown(summary: str, sections: dict[str, str]) -> str:
    return "\n\n".join([summary, *(_section(*section) for section in sections.items())])


def _section(title: str, body: str) -> str:
    if title in _EXAMPLES:
        body = f"```yaml\n{body}\n```"
    elif title == "Params":
        body = "\n".join(f"- {param}" for param in re.split(r"\n(?=\S)", body))
    else:
        body = "\n\n".join(map(_paragraph, body.split("\n\n")))
    return f"### {title}\n\n{body}"


def _paragraph(text: str) -> str:
    """What has columns stays as it is."""
    return f"```text\n{text}\n```" if _COLUMNS.search(text) else text
