"""Claims, the volumes that are there for them, and what Kubernetes makes of each."""

from dataclasses import dataclass, field
from typing import Any, Literal

from webhook.api import NO_PROVISIONER

Json = dict[str, Any]

OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
HOLD = "podworthy.dev/hold"
"""A finalizer."""


@dataclass(frozen=True)
class Case:
    """A claim, the volumes that are there for it, and what becomes of it."""

    name: str
    outcome: Literal["bound", "pending", "provisioned"]
    """`pending`: for ever. `provisioned`: the controller leaves it to the class' provisioner."""
    claim: Json
    volumes: dict[str, Json] = field(default_factory=dict)
    """By name; the names of a case's volumes begin with its own."""
    gets: str = ""
    """The volume that it is bound to, if several would do."""


def asks(size: str = "1Gi", *modes: str, **spec: Any) -> Json:
    """A claim's spec; of the case's class, unless it names another, or None."""
    return {
        "accessModes": list(modes or ["ReadWriteOnce"]),
        "resources": {"requests": {"storage": size}},
        **spec,
    }


def holds(size: str = "1Gi", *modes: str, **spec: Any) -> Json:
    """A volume's spec; of the case's class, unless it names another, or None."""
    source = {} if "csi" in spec else {"nfs": {"server": "nas.example", "path": "/srv"}}
    return {
        "accessModes": list(modes or ["ReadWriteOnce"]),
        "capacity": {"storage": size},
        **source,
        **spec,
    }


def labelled(labels: Json, spec: Json | None = None) -> Json:
    return (spec or holds()) | {"labels": labels}


def reserved(name: str, size: str = "1Gi", *modes: str, **spec: Any) -> Json:
    """A volume for the claim of that name."""
    return holds(size, *modes, claimRef={"name": name}, **spec)


def csi(attributes_class: str | None = None) -> Json:
    driver = {"driver": "csi.example", "volumeHandle": "1"}
    return holds(csi=driver, volumeAttributesClassName=attributes_class)


RWX, ROX, RWO = "ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"
DB = {"matchLabels": {"tier": "db"}}
NOT_WEB = {
    "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["web"]},
        {"key": "tier", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
}


def only(name: str) -> Json:
    """Selects the volume of a case whose class others share."""
    return {"matchLabels": {"case": name}}


ALONE = [
    Case("exact", "bound", asks(), {"exact": holds()}),
    Case("larger", "bound", asks("1500M"), {"larger": holds("5Gi")}),
    Case(
        "smallest",
        "bound",
        asks(),
        {"smallest-a": holds("3Gi"), "smallest-b": holds("2Gi"), "smallest-c": holds("4Gi")},
        gets="smallest-b",
    ),
    Case(
        "fewest-modes",
        "bound",
        asks(),
        {"fewest-modes-a": holds("1Gi", RWO, ROX), "fewest-modes-b": holds("2Gi")},
        gets="fewest-modes-b",
    ),
    Case("too-small", "pending", asks("2Gi"), {"too-small": holds("2G")}),
    Case("modes", "pending", asks("1Gi", RWX), {"modes": holds("1Gi", RWO, ROX)}),
    Case("block", "bound", asks(volumeMode="Block"), {"block": holds(volumeMode="Block")}),
    Case("no-block", "pending", asks(volumeMode="Block"), {"no-block": holds()}),
    Case("selector", "bound", asks(selector=DB), {"selector": labelled({"tier": "db"})}),
    Case("no-label", "pending", asks(selector=DB), {"no-label": labelled({"tier": "web"})}),
    Case("expressions", "bound", asks(selector=NOT_WEB), {"expressions": labelled({"tier": "db"})}),
    Case(
        "no-expressions",
        "pending",
        asks(selector=NOT_WEB),
        {
            "no-expressions-a": labelled({"tier": "web"}),
            "no-expressions-b": labelled({}),
            "no-expressions-c": labelled({"tier": "db", "old": ""}),
        },
    ),
    Case(
        "attributes", "bound", asks(volumeAttributesClassName="gold"), {"attributes": csi("gold")}
    ),
    Case("no-attributes", "pending", asks(), {"no-attributes": csi("gold")}),
    Case("other-class", "pending", asks(), {"other-class": holds(storageClassName="other")}),
    Case("reserved", "bound", asks(), {"reserved": reserved("reserved", storageClassName="other")}),
    Case(
        "reserved-wins",
        "bound",
        asks(),
        {"reserved-wins-a": holds(), "reserved-wins-b": reserved("reserved-wins", "9Gi")},
        gets="reserved-wins-b",
    ),
    Case(
        "reserved-loses",
        "bound",
        asks(),
        {
            "reserved-loses-a": holds(),
            "reserved-loses-b": reserved("reserved-loses", "1Gi", RWO, ROX),
        },
        gets="reserved-loses-a",
    ),
    Case("reserved-small", "pending", asks("2Gi"), {"reserved-small": reserved("reserved-small")}),
    Case("of-another", "pending", asks(), {"of-another": reserved("somebody")}),
    Case(
        "released",
        "pending",
        asks(),
        {"released": holds(claimRef={"name": "released", "uid": "of-an-earlier-one"})},
    ),
    Case("deleted", "pending", asks(), {"deleted": holds(finalizers=[HOLD])}),
    Case("named", "bound", asks(volumeName="named", selector=DB), {"named": holds()}),
    Case("named-absent", "pending", asks(volumeName="nowhere"), {"named-absent": holds()}),
    Case("named-small", "pending", asks("2Gi", volumeName="named-small"), {"named-small": holds()}),
    Case(
        "named-modes",
        "pending",
        asks("1Gi", RWX, volumeName="named-modes"),
        {"named-modes": holds()},
    ),
    Case(
        "named-class",
        "pending",
        asks(volumeName="named-class"),
        {"named-class": holds(storageClassName="other")},
    ),
    Case(
        "named-of-another",
        "pending",
        asks(volumeName="named-of-another"),
        {"named-of-another": reserved("somebody")},
    ),
    Case(
        "named-reserved",
        "bound",
        asks("2Gi", RWX, volumeName="named-reserved"),
        {"named-reserved": reserved("named-reserved")},
    ),
    Case(
        "classless",
        "bound",
        asks(storageClassName="", selector=only("classless")),
        {"classless": labelled({"case": "classless"}, holds(storageClassName=None))},
    ),
    Case(
        "not-classless",
        "pending",
        asks(storageClassName="", selector=only("not-classless")),
        {"not-classless": labelled({"case": "not-classless"})},
    ),
    Case(
        "no-class",
        "bound",
        asks(storageClassName=None, selector=only("no-class")),
        {"no-class": labelled({"case": "no-class"}, holds(storageClassName=None))},
    ),
    Case("no-default", "pending", asks("9Ti", storageClassName=None)),
    Case("absent-class", "pending", asks()),
    Case("provisioned", "provisioned", asks(storageClassName="provisions")),
    Case("by-hand", "pending", asks(storageClassName="by-hand")),
    Case(
        "old-annotation",
        "bound",
        asks(annotations={OLD_CLASS: "old"}, storageClassName=None),
        {"old-annotation": holds(annotations={OLD_CLASS: "old"})},
    ),
]
CLASSES = {
    "provisions": {"provisioner": "csi.example"},
    "by-hand": {"provisioner": NO_PROVISIONER},
}

WITH_DEFAULT = [
    Case("of-default", "bound", asks(storageClassName=None), {"of-default": holds()}),
    Case(
        "of-none",
        "pending",
        asks(storageClassName=None, selector=only("of-none")),
        {"of-none": labelled({"case": "of-none"}, holds(storageClassName=None))},
    ),
    Case(
        "named-of-none",
        "pending",
        asks(storageClassName=None, volumeName="named-of-none"),
        {"named-of-none": holds(storageClassName=None)},
    ),
    Case(
        "named-classless",
        "bound",
        asks(storageClassName="", volumeName="named-classless"),
        {"named-classless": holds(storageClassName=None)},
    ),
]
DEFAULT_CLASSES = {
    "b-default": {"provisioner": NO_PROVISIONER, "annotations": DEFAULT},
    "a-default": {"provisioner": NO_PROVISIONER, "annotations": DEFAULT},
}
