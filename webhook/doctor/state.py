"""Everything that the checks look at, as it was read."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from cryptography import x509

from webhook.controller.canary import Finding as CanaryFinding
from webhook.doctor.asking import Maybe, Object, Unread
from webhook.doctor.registered import Entry, entries, labels_of, selects
from webhook.doctor.report import Names
from webhook.doctor.rights import MUTATING, VALIDATING, Right
from webhook.doctor.survey import Survey
from webhook.documents import Documents

_COMPONENT: Final = "app.kubernetes.io/component"


class Served(msgspec.Struct, frozen=True):
    """The certificate that the servers show."""

    where: str
    """Where it was seen, as the start of a sentence: `10.96.0.7:443 shows`."""
    chain: tuple[x509.Certificate, ...]
    """The server's own first; by connection, only that one."""
    refused: Mapping[str, str] | None = None
    """By a caBundle: why a handshake that believes only it failed, if one was tried."""


class Asked(msgspec.Struct, frozen=True):
    """A right, and whether we have it."""

    right: Right
    allowed: bool


Objects: TypeAlias = Maybe[tuple[Object, ...]]


class State(msgspec.Struct, frozen=True):
    """What was seen, at about one moment; nothing in an object is taken for granted."""

    names: Names
    now: datetime
    """By the API server's clock."""
    kubernetes: Maybe[str]
    """Its version, as `v1.37.2`."""
    rights: Maybe[tuple[Asked, ...]]
    mutating: Objects
    """All configurations of the cluster."""
    validating: Objects
    service: Maybe[Object | None]
    slices: Objects
    """The Service's EndpointSlices."""
    deployments: Objects
    """Of the installation's namespace, as pods and budgets."""
    pods: Objects
    budgets: Objects
    served: Maybe[Served]
    documents: Maybe[Documents]
    """What the servers mount, and what is shipped with this podworthy."""
    namespaces: Objects
    canary: Maybe[CanaryFinding]
    controller: Maybe[int]
    """The HTTP status of its /readyz."""
    survey: Maybe[Survey]
    """What all workloads of the cluster have come to."""

    @property
    def entries(self) -> Maybe[tuple[Entry, ...]]:
        """The webhooks of both kinds that call our Service."""
        if isinstance(self.mutating, Unread):
            return self.mutating
        if isinstance(self.validating, Unread):
            return self.validating
        return (
            *entries(self.mutating, MUTATING.kind, self.names),
            *entries(self.validating, VALIDATING.kind, self.names),
        )

    @property
    def deciding(self) -> Maybe[tuple[Entry, ...]]:
        """Those that judge pods: one of each profile."""
        found = self.entries
        if isinstance(found, Unread):
            return found
        return tuple(one for one in found if one.role == "pods" and one.kind == VALIDATING.kind)


def servers(deployments: tuple[Object, ...], service: Object | None) -> Object | None:
    """The Deployment whose pods the Service selects."""
    selector = ((service or {}).get("spec") or {}).get("selector")
    if not selector:
        return None
    found = (one for one in deployments if selects({"matchLabels": selector}, pod_labels(one)))
    return next(found, None)


def controller(deployments: tuple[Object, ...]) -> Object | None:
    """The Deployment that runs `podworthy controller`."""
    found = (one for one in deployments if labels_of(one).get(_COMPONENT) == "controller")
    return next(found, None)


def pod_labels(deployment: Object) -> Mapping[str, str]:
    """Those of its pods."""
    return labels_of((deployment.get("spec") or {}).get("template") or {})


def pod_spec(deployment: Object) -> Mapping[str, Any]:
    """That of its pods."""
    template = (deployment.get("spec") or {}).get("template") or {}
    return template.get("spec") or {}


def arguments(deployment: Object) -> Iterator[str]:
    """Those of all its containers."""
    for container in pod_spec(deployment).get("containers") or ():
        yield from (container.get("command") or ())
        yield from (container.get("args") or ())


def config_maps(deployment: Object) -> Iterator[str]:
    """Those that its pods mount, by name."""
    for volume in pod_spec(deployment).get("volumes") or ():
        name = (volume.get("configMap") or {}).get("name")
        if name:
            yield str(name)


def canary_namespace(names: Names, controlling: Object | None) -> str:
    """Where the controller sends its canary; by the chart's defaults if there is no telling."""
    flag = "--canary-namespace="
    told = [one.removeprefix(flag) for one in arguments(controlling or {}) if one.startswith(flag)]
    return told[0] if told else f"{names.service}-canary"
