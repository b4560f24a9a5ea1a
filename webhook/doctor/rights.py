"""What doctor may want to ask the API server: the one list of its rights. (docs/doctor.md)"""

from collections.abc import Iterator

import msgspec

from webhook.cluster import Request
from webhook.doctor.report import Names


class Resource(msgspec.Struct, frozen=True):
    """A resource of the API."""

    group: str
    version: str
    plural: str
    kind: str

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Of the URL; without a name, that of the list."""
        start = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"{start}{within}/{self.plural}" + (f"/{name}" if name else "")


_ADMISSION = "admissionregistration.k8s.io"
MUTATING = Resource(
    _ADMISSION, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"
)
VALIDATING = Resource(
    _ADMISSION, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration"
)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
SERVICES = Resource("", "v1", "services", "Service")
SECRETS = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
PODS = Resource("", "v1", "pods", "Pod")
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
WORKLOADS = (
    DEPLOYMENTS,
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
    Resource("apps", "v1", "daemonsets", "DaemonSet"),
    Resource("batch", "v1", "cronjobs", "CronJob"),
    Resource("batch", "v1", "jobs", "Job"),
    Resource("apps", "v1", "replicasets", "ReplicaSet"),
    Resource("", "v1", "replicationcontrollers", "ReplicationController"),
    PODS,
)
"""What may stand on its own and keep pods running."""


class Right(msgspec.Struct, frozen=True):
    """What may be done to what, as RBAC has it."""

    verb: str
    resource: Resource
    namespace: str | None = None
    """None: in the whole cluster."""
    name: str | None = None
    subresource: str = ""
    spare: bool = False
    """Whether every check can be made without it, though maybe not as well."""

    def __str__(self) -> str:
        what = self.resource.plural + (f"/{self.subresource}" if self.subresource else "")
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {what}{named} {where(self.namespace)}"


def where(namespace: str | None) -> str:
    """In words."""
    return f"in namespace {namespace}" if namespace else "in the whole cluster"


def rights(names: Names, config_maps: tuple[str, ...], canary: str | None) -> Iterator[Right]:
    """Exactly those that are used. `config_maps` hold the servers' documents; `canary` is the
    namespace for the bad pod."""
    here = names.namespace
    yield Right("list", MUTATING)
    yield Right("list", VALIDATING)
    yield Right("list", NAMESPACES)
    for resource in WORKLOADS:
        yield Right("list", resource)
    yield Right("get", SERVICES, here, names.service)
    yield Right("list", SLICES, here)
    yield Right("list", DEPLOYMENTS, here)
    yield Right("list", PODS, here)
    yield Right("list", BUDGETS, here)
    for name in config_maps:
        yield Right("get", CONFIG_MAPS, here, name)
    if canary:
        yield Right("create", PODS, canary)
    yield Right("get", SECRETS, here, names.secret, spare=True)
    yield Right("get", SERVICES, here, controller_port(names), "proxy", spare=True)


def controller_port(names: Names) -> str:
    """The controller's Service and the name of its port, as the API server's proxy wants them."""
    return f"{names.service}-controller:http"


def review_request(right: Right) -> Request:
    """Asks whether we have it; nothing is stored."""
    attributes = {
        "group": right.resource.group,
        "resource": right.resource.plural,
        "subresource": right.subresource,
        "verb": right.verb,
        "namespace": right.namespace or "",
        "name": right.name or "",
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return Request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
