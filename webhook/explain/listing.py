"""The list of policies as plain text, with their actions in some profiles."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from webhook.api import Policy
from webhook.explain.page import action
from webhook.profile import Profile

_NOTE: Final = "* in audits only; the webhook looks nothing up"
_NARROWEST: Final = 20
"""Columns that a summary gets at least."""


def listing(
    policies: Iterable[Policy[Any]], profiles: Sequence[Profile], width: int | None = None
) -> str:
    """What `podworthy policies` prints: a line for each policy, and for each of its rules that is
    treated in another way. Summaries are wrapped if a width is given, in columns."""
    rows = [("policy", *(profile.name for profile in profiles), "what it asks")]
    for policy in policies:
        rows += _rows(policy, profiles)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = sum(widths) if width is None else width - sum(widths[:-1]) - 2 * len(profiles) - 2
    lines: list[str] = []
    for *cells, summary in rows:
        told = textwrap.wrap(summary, max(room, _NARROWEST)) or [""]
        left = "  ".join(map(str.ljust, cells, widths))
        lines.append(f"{left}  {told[0]}".rstrip())
        lines += [f"{'':<{len(left)}}  {more}" for more in told[1:]]
    if any("*" in cell for row in rows for cell in row[1:-1]):
        lines += ["", _NOTE]
    return "\n".join(lines)


def _rows(policy: Policy[Any], profiles: Iterable[Profile]) -> Iterator[tuple[str, ...]]:
    told = [action(policy, profile) for profile in profiles]
    yield policy.id, *(_marked(policy, one.action) for one in told), policy.summary
    for rule in policy.rules:
        if any(one.rules[rule] != one.action for one in told):
            yield f"  rule {rule}", *(_marked(policy, one.rules[rule]) for one in told), ""


def _marked(policy: Policy[Any], action: str) -> str:
    return f"{action}*" if policy.looks_up == "only" and action != "off" else action
