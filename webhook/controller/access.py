"""What the controller may do: the one list of its rights. (docs/controller.md)

Without audits nothing is listed or watched: everything has a name. Names cannot limit `create`, by
which RBAC asks before there is one.
"""

from collections.abc import Iterator

import msgspec

from webhook.audit.live.resources import AROUND, NAMESPACES, WORKLOADS
from webhook.controller.audits.policy_reports import SERVED
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


class Extent(msgspec.Struct, frozen=True):
    """What audits do besides reading the cluster."""

    reports: bool = False
    history: bool = False


def rules(
    subject: Subject, canary_namespace: str | None, audits: Extent | None = None
) -> Iterator[Rule]:
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
    if audits is not None:
        for listed in (NAMESPACES, *AROUND, *WORKLOADS):
            group = listed.api_version.rpartition("/")[0]
            yield Rule(group, listed.plural, ("list",))
        if audits.reports:
            for api in SERVED:
                yield Rule(api.group, api.resource, ("list", "create", "patch", "delete"))
        if audits.history:
            yield Rule("", "services", ("get",), here, (subject.service.name,))
            yield Rule("", "pods", ("list",), here)
            yield Rule("", "pods/log", ("get",), here)
