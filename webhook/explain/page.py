"""All there is to say of one policy, as a value that any format can show."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final

import msgspec

from webhook.api import Policy
from webhook.api.policy import LooksUp
from webhook.docstring import Documentation, documentation
from webhook.explain.params import Param, defaults, tree
from webhook.profile import Profile


class Action(msgspec.Struct, frozen=True):
    """What one profile does with a policy."""

    profile: str
    action: str
    rules: Mapping[str, str]
    """Action of each named rule."""


_ASKED_IN: Final[Mapping[LooksUp, str]] = {
    "never": "webhook, audit",
    "also": "webhook, audit",
    "only": "audit only",
}
_ASKED: Final[Mapping[LooksUp, str]] = {
    "never": "in the webhook and in audits",
    "also": "in the webhook and in audits; objects that an audit knows make it more exact",
    "only": "in audits only; the webhook looks nothing up",
}


class Page(msgspec.Struct, frozen=True):
    """A policy's documentation."""

    id: str
    summary: str
    docstring: str
    """As it is written."""
    documentation: Documentation
    asked_in: str
    """`webhook, audit` or `audit only`."""
    asked: str
    """The same in words: in the webhook, in audits."""
    kinds: tuple[str, ...]
    rules: tuple[str, ...]
    """Those that may have an action of their own."""
    actions: tuple[Action, ...]
    params: tuple[Param, ...]
    defaults: str
    """Of all params, as YAML."""


def page(policy: Policy[Any], profiles: Mapping[str, Profile]) -> Page:
    """The documentation of a policy, with its actions in these profiles.

    Raises `DocstringError`.
    """
    doc = documentation(policy)
    return Page(
        id=policy.id,
        summary=policy.summary,
        docstring=policy.doc.strip(),
        documentation=doc,
        asked_in=_ASKED_IN[policy.looks_up],
        asked=_ASKED[policy.looks_up],
        kinds=policy.kinds,
        rules=policy.rules,
        actions=tuple(action(policy, profile) for profile in profiles.values()),
        params=tree(policy.params, doc.params),
        defaults=defaults(policy.params),
    )


def pages(policies: Iterable[Policy[Any]], profiles: Mapping[str, Profile]) -> list[Page]:
    """A page for each policy. Raises `DocstringError`."""
    return [page(policy, profiles) for policy in policies]


def action(policy: Policy[Any], profile: Profile) -> Action:
    """What a profile does with a policy; off if it does not name it."""
    bindings = chain.from_iterable(chain(profile.checks.values(), profile.fills.values()))
    binding = next((one for one in bindings if one.policy == policy.id), None)
    if binding is None:
        return Action(profile.name, "off", dict.fromkeys(policy.rules, "off"))
    return Action(
        profile.name, binding.action, {rule: binding.action_of(rule) for rule in policy.rules}
    )
