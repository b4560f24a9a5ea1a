"""What a claim asks for, from the wire: in a claim, in a claim template, in an ephemeral volume."""

import re
from decimal import Decimal
from typing import Any, Final

import msgspec

from webhook.api import ClaimSpec
from webhook.errors import MalformedObject

_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))"
    r"(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?"
)
_FACTORS: Final = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


class Resources(msgspec.Struct):
    """`resources` of a claim."""

    requests: dict[str, Any] | None = None


class WireClaimSpec(msgspec.Struct, rename="camel"):
    """`spec` of a PersistentVolumeClaim as far as it is read."""

    storage_class_name: str | None = None
    access_modes: list[str] | None = None
    resources: Resources | None = None
    volume_mode: str | None = None
    volume_name: str | None = None
    selector: dict[str, Any] | None = None


class WireClaimMetadata(msgspec.Struct):
    """`metadata` of a claim template."""

    name: str | None = None


class WireClaimTemplate(msgspec.Struct):
    """One entry of `volumeClaimTemplates`, or an ephemeral volume's `volumeClaimTemplate`."""

    metadata: WireClaimMetadata | None = None
    spec: WireClaimSpec | None = None


def claim_spec(wire: WireClaimSpec | None, path: str) -> ClaimSpec:
    """The spec at `path`. Raises `MalformedObject` for a request that is no quantity."""
    wire = wire or WireClaimSpec()
    requests = (wire.resources.requests if wire.resources else None) or {}
    return ClaimSpec(
        storage_class=wire.storage_class_name,
        access_modes=tuple(wire.access_modes or ()),
        request=quantity(requests.get("storage", 0), f"{path}/resources/requests/storage"),
        volume_mode=wire.volume_mode or "Filesystem",
        volume_name=wire.volume_name or None,
        selector=wire.selector or {},
    )


def quantity(value: Any, path: str) -> int:
    """A Kubernetes quantity at `path` in whole units, rounded up (apimachinery api/resource).

    Raises `MalformedObject` for what is none.
    """
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        found = _QUANTITY.fullmatch(str(value))
        if found:
            suffix = found["suffix"] or ""
            factor = _FACTORS.get(suffix) or (
                Decimal(10) ** int(suffix[1:]) if suffix else Decimal(1)
            )
            return int((Decimal(found["number"]) * factor).to_integral_value("ROUND_CEILING"))
    raise MalformedObject(path, f"{value!r} is not a quantity such as 10Gi")
