"""What the controller may do: the one list of its rights. (docs/controller.md)

Nothing is listed or watched: everything has a name. Names cannot limit `create`, by which RBAC asks
before there is one.
"""

from collections.abc import Iterator

import msgspec

from webhook.controller.reading import Subject
from webhook.controller.state import KINDS


class Rule(msgspec.Struct, frozen=True):
    """A rule of RBAC, and where it is to be granted."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    namespace: str | None = None
    """By a Role in it; None: by a ClusterRole."""
    names: tuple[str, ...] = ()
    """`resourceNames`; any, if there are none."""


def rules(subject: Subject, canary_namespace: str | None) -> Iterator[Rule]:
    """Exactly those that are used."""
    ours = subject.mode == "self"
    look = ("get", "patch") if ours else ("get",)
    here = subject.service.namespace
    if subject.secret is not None:
        yield Rule("", "secrets", look, here, (subject.secret,))
    if ours:
        yield Rule("", "secrets", ("create",), here)
    for resource in KINDS.values():
        yield Rule("admissionregistration.k8s.io", resource, look, None, subject.configurations)
    if canary_namespace is not None:
        yield Rule("", "pods", ("create",), canary_namespace)
        yield Rule("events.k8s.io", "events", ("create",), canary_namespace)
