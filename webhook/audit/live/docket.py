"""What of a cluster is judged, and by what."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from webhook.audit.shard import Shard
from webhook.exemptions import Exemptions
from webhook.profile import Profile

EXCLUDED: Final = frozenset({"kube-system", "kube-node-lease"})
"""Namespaces whose objects no webhook of podworthy is asked about, whatever their labels."""


class Scope(msgspec.Struct, frozen=True):
    """Which objects."""

    namespace: str | None = None
    """None for all but the excluded ones. One that is named is judged in any case."""
    selector: str | None = None
    """By labels of the objects that are judged, in the API server's syntax."""
    excluded: frozenset[str] = EXCLUDED
    shard: Shard | None = None
    """Whose objects are judged; None for all."""

    def excludes(self, namespace: str | None) -> bool:
        """Whether objects of a namespace are left out."""
        return namespace in self.excluded and namespace != self.namespace

    def holds(self, namespace: str, name: str) -> bool:
        """Whether an object is of our shard."""
        return self.shard is None or self.shard.holds(namespace, name)


class Docket(msgspec.Struct, frozen=True):
    """What an audit of a cluster needs to know beforehand."""

    profiles: Mapping[str, Profile]
    default: str
    """Name of the profile of namespaces that name none, or one that nobody defined."""
    exemptions: Exemptions
    today: date
    """In UTC: which exemptions are in force."""
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""
    scope: Scope = Scope()
    team_label: str | None = None
    """The key of the label that names an object's team."""
