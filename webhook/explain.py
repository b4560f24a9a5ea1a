"""A policy's documentation as text: its docstring, and its params with their defaults."""

from typing import Any

import yaml

from webhook.api import Policy


def text(policy: Policy[Any]) -> str:
    """What `podworthy explain` prints."""
    defaults = yaml.safe_dump(
        policy.params().model_dump(mode="json", by_alias=True),
        sort_keys=False,
        default_flow_style=None,
        width=90,
    )
    parts = [f"{policy.id}: {policy.doc.strip()}", f"Kinds\n    {', '.join(policy.kinds)}"]
    if policy.rules:
        parts.append(f"Rules with an action of their own\n    {', '.join(policy.rules)}")
    indented = "".join(f"    {line}\n" for line in defaults.splitlines())
    parts.append(f"Defaults of params\n{indented}".rstrip())
    return "\n\n".join(parts)
