"""The policies there are, by id: the only module that imports them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import policies
from webhook import plugins
from webhook.api import Policy
from webhook.errors import PolicyError

POLICIES: Final[Mapping[str, Policy[Any]]] = {policy.id: policy for policy in policies.BUILTIN}
"""The shipped ones, in the order in which their findings are told."""

PROFILES_DIRECTORY: Final = Path(policies.__file__).parent / "profiles"
"""The shipped profiles, one YAML document a file."""


def load(directories: Iterable[Path] = ()) -> Mapping[str, Policy[Any]]:
    """The shipped policies, then those of installed packages and of these directories by id.

    Raises `PolicyError` with every problem found.
    """
    problems: list[str] = []
    own: dict[str, plugins.Plugin] = {}
    found = list(plugins.installed(problems))
    for directory in dict.fromkeys(directories):
        found += plugins.in_directory(directory, problems)
    for plugin in found:
        name = plugin.policy.id
        if name in POLICIES:
            problems.append(f"{plugin.place}: policy {name!r} is taken by one that is shipped")
        elif name in own:
            problems.append(f"{plugin.place}: policy {name!r} is taken by {own[name].place}")
        else:
            own[name] = plugin
    if problems:
        raise PolicyError(problems)
    return dict(POLICIES) | {name: own[name].policy for name in sorted(own)}
