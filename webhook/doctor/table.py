"""What must be registered: the meaning of the chart's files/registration.yaml, to compare with."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

Rule = tuple[str, str, str]
"""API group, resource, operation."""

MIRROR: Final = "not-a-mirror-pod"
GLASS: Final = "not-break-glass"
_ALIVE: Final = "not-being-deleted"
_CHANGED: Final = "template-changed"
_CLASSES: Final = "['system-cluster-critical', 'system-node-critical']"
_UNCHANGED: Final = "request.operation != 'UPDATE' || object{0} != oldObject{0}"


class Row(msgspec.Struct, frozen=True):
    """One entry of each profile."""

    kind: str
    """Of the configuration that it is in."""
    rules: frozenset[Rule]
    """All of them, and no others."""
    timeout: int
    """Seconds at most."""
    conditions: Mapping[str, str]
    """matchConditions that must be there: name and expression, `GROUP` for any group's name."""
    path: str = "validate"
    may_fail: bool = False
    """Whether its failurePolicy is the profile's to choose; else it is Ignore."""


def _rules(group: str, resources: str, *operations: str) -> frozenset[Rule]:
    return frozenset(
        (group, one, operation) for one in resources.split() for operation in operations
    )


def _templates(path: str) -> dict[str, str]:
    return {
        GLASS: _GLASS,
        _ALIVE: "!has(object.metadata.deletionTimestamp)",
        _CHANGED: _UNCHANGED.format(path),
    }


_VALIDATING: Final = "ValidatingWebhookConfiguration"
_MIRROR: Final = (
    "!has(object.metadata.annotations) || "
    "!('kubernetes.io/config.mirror' in object.metadata.annotations)"
)
_GLASS: Final = "!has(request.userInfo.groups) || !('GROUP' in request.userInfo.groups)"
_BOTH: Final = ("CREATE", "UPDATE")
_POD: Final = _rules("", "pods", "CREATE")

TABLE: Final[Mapping[str, Row]] = {
    "fill": Row(
        "MutatingWebhookConfiguration",
        _POD | _rules("apps", "statefulsets", "CREATE"),
        2,
        {MIRROR: _MIRROR},
        path="mutate",
    ),
    "pods": Row(
        _VALIDATING,
        _POD,
        3,
        {
            MIRROR: _MIRROR,
            GLASS: _GLASS,
            "not-critical": "!has(object.spec.priorityClassName) || "
            f"!(object.spec.priorityClassName in {_CLASSES})",
        },
        may_fail=True,
    ),
    "critical-pods": Row(
        _VALIDATING,
        _POD,
        3,
        {
            MIRROR: _MIRROR,
            GLASS: _GLASS,
            "critical": "has(object.spec.priorityClassName) && "
            f"object.spec.priorityClassName in {_CLASSES}",
        },
    ),
    "workloads": Row(
        _VALIDATING,
        _rules("apps", "statefulsets deployments daemonsets replicasets", *_BOTH)
        | _rules("batch", "jobs", *_BOTH)
        | _rules("", "replicationcontrollers", *_BOTH),
        3,
        _templates(".spec.template"),
    ),
    "cronjobs": Row(
        _VALIDATING,
        _rules("batch", "cronjobs", *_BOTH),
        3,
        _templates(".spec.jobTemplate.spec.template"),
    ),
    "podtemplates": Row(
        _VALIDATING, _rules("", "podtemplates", *_BOTH), 3, _templates(".template")
    ),
}
"""By role, which is how the names of the entries begin."""

NEVER_ASKED: Final = ("kube-system", "kube-node-lease")
"""Namespaces that no entry may select, besides the installation's own."""


def is_same(expression: str, wanted: str) -> bool:
    """Whether it is the table's expression, but for spaces and the name of a group."""
    pattern = re.escape(_bare(wanted)).replace("GROUP", "[^']+")
    return re.fullmatch(pattern, _bare(expression)) is not None


def _bare(expression: str) -> str:
    return "".join(expression.split())
