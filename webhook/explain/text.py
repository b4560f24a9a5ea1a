"""Policies' documentation as plain text, docstrings as they are written."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from webhook.api import Policy
from webhook.explain.page import Page, action
from webhook.explain.params import Param
from webhook.profile import Profile

_WIDTH: Final = 100
_LISTED: Final = ("baseline", "strict")


def listing(policies: Iterable[Policy[Any]], profiles: Mapping[str, Profile]) -> str:
    """What `podworthy policies` prints: a line for each, with its actions in two profiles."""
    shown = [profiles[name] for name in _LISTED]
    rows: list[tuple[str, ...]] = [("policy", *_LISTED, "what it asks")]
    for policy in policies:
        actions = (action(policy, profile).action for profile in shown)
        rows.append((policy.id, *actions, policy.summary))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (map(str.ljust, row, widths) for row in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def text(page: Page) -> str:
    """What `podworthy explain` prints."""
    parts = [
        f"{page.id}: {page.docstring}",
        _section("Actions in the shipped profiles", _actions(page)),
        _section("Kinds", [", ".join(page.kinds)]),
    ]
    if page.rules:
        parts.append(_section("Rules with an action of their own", [", ".join(page.rules)]))
    if page.params:
        parts.append(_section("Types of params", _params(page.params, page.documentation.params)))
        parts.append(_section("Defaults of params", page.defaults.splitlines()))
    return "\n\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"    {line}" for line in lines)])


def _actions(page: Page) -> Iterator[str]:
    width = max(len(one.profile) for one in page.actions)
    for one in page.actions:
        rules = "".join(f", {rule}: {action}" for rule, action in one.rules.items())
        yield f"{one.profile:<{width}}  {one.action}{rules}"


def _params(params: Iterable[Param], told: Mapping[str, str], depth: int = 0) -> Iterator[str]:
    """`told` is what the docstring, which stands above, says of the outermost ones."""
    for param in params:
        description = param.description.removeprefix(told.get(param.names[0], "")).strip()
        line = f"{', '.join(param.names)}: "
        line += "; ".join(filter(None, [param.type, param.default, description]))
        indent = "  " * depth
        yield from textwrap.wrap(
            line,
            _WIDTH - 4,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_on_hyphens=False,
        )
        yield from _params(param.children, {}, depth + 1)
