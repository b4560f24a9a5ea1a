"""Policies as SARIF rules: their documentation, as text and as Markdown."""

import textwrap
from typing import Any, Final

from webhook.api import Policy
from webhook.docstring import documentation
from webhook.errors import DocstringError
from webhook.explain.markdown import sections
from webhook.links import policy_url

MAX_DESCRIPTION: Final = 1024
"""Characters of a description that GitHub shows (its page on SARIF support)."""


def rule(policy: Policy[Any], docs_url: str | None) -> dict[str, Any]:
    """A `reportingDescriptor` (SARIF 2.1.0, 3.49)."""
    text = policy.doc.strip() or policy.summary
    what, markdown = _documented(policy) or (text, text)
    descriptor: dict[str, Any] = {
        "id": policy.id,
        "shortDescription": {"text": policy.summary},
        "fullDescription": {"text": textwrap.shorten(what, MAX_DESCRIPTION, placeholder=" …")},
        "help": {"text": text, "markdown": markdown},
        # each result says its own, which depends on the profile
        "defaultConfiguration": {"level": "error"},
    }
    if docs_url:
        descriptor["helpUri"] = policy_url(docs_url, policy.id)
    return descriptor


def _documented(policy: Policy[Any]) -> tuple[str, str] | None:
    """What it checks or fills as one line, and all of it as Markdown; None if it does not tell."""
    try:
        doc = documentation(policy)
    except DocstringError:
        return None
    what = " ".join(line for block in doc.what for line in block.lines)
    return what, sections(doc)
