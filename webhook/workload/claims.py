"""What a claim asks for, from the wire: in a claim, in a claim template, in an ephemeral volume."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from webhook.api import ClaimSpec, Requirement, pointer_token
from webhook.errors import MalformedObject

_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))"
    r"(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?",
    re.ASCII,
)
"""Only one way leads through a row of digits, or a long one would take minutes to refuse."""
_MAX_QUANTITY: Final = Decimal(2**63 - 1)
"""What is more counts as this, as in Go; Python takes minutes to convert a million digits."""
_MAX_REQUIREMENTS: Final = 1000
"""Of one selector: no volume has as many labels."""
_MAX_SHOWN: Final = 60
"""Characters of a wrong value in a message."""
_FACTORS: Final = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"
"""Says the class of a claim or a volume before its spec does, to this day (k8s.io/component-helpers
storage/volume `GetPersistentVolumeClaimClass`)."""


class Resources(msgspec.Struct):
    """`resources` of a claim."""

    requests: dict[str, Any] | None = None


class WireRequirement(msgspec.Struct, gc=False):
    """One entry of a selector's `matchExpressions`."""

    key: str | None = None
    operator: str | None = None
    values: list[str | None] | None = None


class WireSelector(msgspec.Struct, rename="camel"):
    """A label selector."""

    match_labels: dict[str, Any] | None = None
    match_expressions: list[WireRequirement] | None = None


class WireClaimSpec(msgspec.Struct, rename="camel"):
    """`spec` of a PersistentVolumeClaim as far as it is read."""

    storage_class_name: str | None = None
    access_modes: list[str] | None = None
    resources: Resources | None = None
    volume_mode: str | None = None
    volume_name: str | None = None
    selector: WireSelector | None = None
    volume_attributes_class_name: str | None = None


class WireClaimMetadata(msgspec.Struct):
    """`metadata` of a claim template."""

    name: str | None = None
    annotations: dict[str, Any] | None = None


class WireClaimTemplate(msgspec.Struct):
    """One entry of `volumeClaimTemplates`, or an ephemeral volume's `volumeClaimTemplate`."""

    metadata: WireClaimMetadata | None = None
    spec: WireClaimSpec | None = None


def claim_spec(
    wire: WireClaimSpec | None, path: str, annotations: Mapping[str, Any] | None
) -> ClaimSpec:
    """The spec at `path` of a claim with these annotations.

    Raises `MalformedObject` for a request that is neither string nor number, a label that is no
    string, and a selector that asks for more than 1 000 things.
    """
    wire = wire or WireClaimSpec()
    requests = (wire.resources.requests if wire.resources else None) or {}
    return ClaimSpec(
        storage_class=storage_class(wire.storage_class_name, annotations),
        access_modes=tuple(wire.access_modes or ()),
        request=_request(requests.get("storage"), f"{path}/resources/requests/storage"),
        volume_mode=wire.volume_mode or "Filesystem",
        volume_name=wire.volume_name or None,
        selector=tuple(_requirements(wire.selector or WireSelector(), f"{path}/selector")),
        attributes_class=wire.volume_attributes_class_name or "",
    )


def _request(value: Any, path: str) -> int:
    """The request; 0 for a text that is no quantity, such as a variable that is still to be set."""
    try:
        return quantity(value, path)
    except MalformedObject:
        if isinstance(value, str):
            return 0
        raise


def storage_class(written: str | None, annotations: Mapping[str, Any] | None) -> str | None:
    """The class that counts where the spec says `written`."""
    annotated = (annotations or {}).get(CLASS_ANNOTATION)
    return annotated if isinstance(annotated, str) else written


def strings(mapping: Mapping[str, Any] | None, path: str) -> Mapping[str, str]:
    """The mapping at `path`; null counts as empty, as in Go. Raises `MalformedObject`."""
    is_null = False
    for key, value in (mapping or {}).items():
        if value is None:
            is_null = True
        elif not isinstance(value, str):
            raise MalformedObject(f"{path}/{pointer_token(key)}", "expected a string")
    if not is_null:
        return mapping or {}
    return {key: value or "" for key, value in (mapping or {}).items()}


def _requirements(selector: WireSelector, path: str) -> Iterator[Requirement]:
    count = len(selector.match_labels or ()) + len(selector.match_expressions or ())
    if count > _MAX_REQUIREMENTS:
        raise MalformedObject(path, f"more than {_MAX_REQUIREMENTS} requirements")
    for key, value in strings(selector.match_labels, f"{path}/matchLabels").items():
        yield Requirement(key, "In", (value,))
    for one in selector.match_expressions or ():
        values = tuple(value or "" for value in one.values or ())
        yield Requirement(one.key or "", one.operator or "", values)


def quantity(value: Any, path: str) -> int:
    """A Kubernetes quantity at `path` in whole units, rounded up (apimachinery api/resource).

    Null is 0, as in Go.
    Raises `MalformedObject` for what is none.
    """
    if value is None:
        return 0
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        found = _QUANTITY.fullmatch(str(value))
        if found:
            suffix = found["suffix"] or ""
            factor = _FACTORS.get(suffix) or (
                Decimal(10) ** int(suffix[1:]) if suffix else Decimal(1)
            )
            # in the bounds of Decimal, and still too much with the smallest factor
            number = _clamped(Decimal(found["number"]), _MAX_QUANTITY.scaleb(99))
            amount = _clamped(number * factor, _MAX_QUANTITY)
            return int(amount.to_integral_value("ROUND_CEILING"))
    raise MalformedObject(path, f"{repr(value)[:_MAX_SHOWN]} is not a quantity such as 10Gi")


def _clamped(number: Decimal, most: Decimal) -> Decimal:
    return max(-most, min(number, most))
