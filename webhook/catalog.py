"""The policies there are, by id: the only module that imports them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import policies
from webhook.api import Policy

POLICIES: Final[Mapping[str, Policy[Any]]] = {policy.id: policy for policy in policies.BUILTIN}
"""In the order in which their findings are told."""

PROFILES_DIRECTORY: Final = Path(policies.__file__).parent / "profiles"
"""The shipped profiles, one YAML document a file."""
