"""Which namespace is judged by which profile."""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from webhook.errors import did_you_mean

LABEL: Final = "podworthy.dev/profile"
"""On a namespace: the name of its profile."""


class _Metadata(msgspec.Struct):
    name: str
    labels: Mapping[str, str] | None = None


class Namespace(msgspec.Struct):
    """A namespace, as far as it is read."""

    metadata: _Metadata

    @property
    def profile(self) -> str | None:
        """The profile that it names."""
        return (self.metadata.labels or {}).get(LABEL)


_decoder = msgspec.json.Decoder(Namespace)


def read_namespace(item: bytes | msgspec.Raw) -> Namespace:
    """Raises `msgspec.DecodeError` for what is none."""
    return _decoder.decode(item)


def unknown_profile(namespace: Namespace, known: Collection[str], default: str) -> str | None:
    """What to say of a namespace that names a profile which nobody defined; None for others.

    In the API server such a namespace belongs to the default profile's entries, see the chart.
    """
    named = namespace.profile
    if named is None or named in known:
        return None
    near = did_you_mean(named, sorted(known))
    name = namespace.metadata.name
    return f"namespace {name}: there is no profile {named!r}{near}; judged by {default}"
