"""How each built-in kind is decoded, and where its pod stands: the one table of kinds.

The structs name just what is read; everything else in an object is skipped by the decoder.
"""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, Final

import msgspec

from webhook.api import Mount, Port, Probe
from webhook.workload.claims import WireClaimTemplate

KIND_GROUPS: Final[dict[str, frozenset[str]]] = {
    "Pod": frozenset({""}),
    "PodTemplate": frozenset({""}),
    "ReplicationController": frozenset({""}),
    "StatefulSet": frozenset({"apps"}),
    "Deployment": frozenset({"apps", "extensions"}),
    "DaemonSet": frozenset({"apps", "extensions"}),
    "ReplicaSet": frozenset({"apps", "extensions"}),
    "Job": frozenset({"batch", "extensions"}),
    "CronJob": frozenset({"batch"}),
}
"""The API groups in which a kind is Kubernetes' own; `extensions` is where some began."""


class OwnerReference(msgspec.Struct, rename="camel", gc=False):
    """One entry of `ownerReferences`: whatever the client wrote."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    controller: bool | None = None


class Metadata(msgspec.Struct, rename="camel"):
    """What is read of an object's `metadata`; managedFields stay raw until evidence is needed."""

    name: str | None = None
    namespace: str | None = None
    generate_name: str | None = None
    labels: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None
    deletion_timestamp: str | None = None
    owner_references: list[OwnerReference] | None = None
    managed_fields: msgspec.Raw = msgspec.Raw(b"null")


class TemplateMetadata(msgspec.Struct):
    """`metadata` of a pod template."""

    labels: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None


class WireContainer(msgspec.Struct, rename="camel"):
    """A container of any list."""

    name: str | None = None
    image: str | None = None
    restart_policy: str | None = None
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    ports: tuple[Port, ...] | None = None
    volume_mounts: tuple[Mount, ...] | None = None


class PodSpec(msgspec.Struct, rename="camel"):
    """`spec` of a pod or template."""

    restart_policy: str | None = None
    init_containers: list[WireContainer] | None = None
    containers: list[WireContainer] | None = None
    ephemeral_containers: list[WireContainer] | None = None
    volumes: list[dict[str, Any]] | None = None


class Template(msgspec.Struct):
    """A pod template."""

    metadata: TemplateMetadata | None = None
    spec: PodSpec | None = None


class Pod(msgspec.Struct):
    """A Pod."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None


class PodTemplate(msgspec.Struct):
    """A PodTemplate, which has no spec of its own."""

    metadata: Metadata | None = None
    template: Template | None = None


class WireRetention(msgspec.Struct, rename="camel"):
    """`persistentVolumeClaimRetentionPolicy`."""

    when_deleted: str | None = None
    when_scaled: str | None = None


class RollingUpdate(msgspec.Struct, rename="camel"):
    """`strategy.rollingUpdate` of a Deployment."""

    max_surge: int | str | None = None


class Strategy(msgspec.Struct, rename="camel"):
    """`strategy` of a Deployment."""

    type: str | None = None
    rolling_update: RollingUpdate | None = None


class TemplatedSpec(msgspec.Struct, rename="camel"):
    """`spec` around a template: of a StatefulSet, a Deployment, or neither."""

    replicas: int | None = None
    template: Template | None = None


class StatefulSetSpec(TemplatedSpec, rename="camel"):
    """`spec` of a StatefulSet."""

    service_name: str | None = None
    volume_claim_templates: list[WireClaimTemplate] | None = None
    persistent_volume_claim_retention_policy: WireRetention | None = None


class DeploymentSpec(TemplatedSpec, rename="camel"):
    """`spec` of a Deployment."""

    strategy: Strategy | None = None


class Templated(msgspec.Struct):
    """An object whose template stands in its spec."""

    metadata: Metadata | None = None
    spec: TemplatedSpec | None = None


class StatefulSet(msgspec.Struct):
    """A StatefulSet."""

    metadata: Metadata | None = None
    spec: StatefulSetSpec | None = None


class Deployment(msgspec.Struct):
    """A Deployment."""

    metadata: Metadata | None = None
    spec: DeploymentSpec | None = None


class JobTemplate(msgspec.Struct):
    """A CronJob's template of Jobs."""

    spec: TemplatedSpec | None = None


class CronJobSpec(msgspec.Struct, rename="camel"):
    """`spec` of a CronJob."""

    job_template: JobTemplate | None = None


class CronJob(msgspec.Struct):
    """A CronJob."""

    metadata: Metadata | None = None
    spec: CronJobSpec | None = None


class Shape(msgspec.Struct, frozen=True):
    """How one kind is decoded, and where its pod stands."""

    model: type[msgspec.Struct]
    pod_path: str
    pod: Callable[[Any], Template | Pod | None]
    decoder: msgspec.json.Decoder[Any]
    """Of an object of which something else says that it is of this kind."""


def _template(workload: Any) -> Template | None:
    template: Template | None = workload.spec.template if workload.spec else None
    return template


def _cron_job_template(job: CronJob) -> Template | None:
    template = job.spec.job_template if job.spec else None
    return template.spec.template if template and template.spec else None


_JOB_TEMPLATE: Final = "/spec/jobTemplate/spec/template"


def _shape(
    model: type[msgspec.Struct], path: str, pod: Callable[[Any], Template | Pod | None] = _template
) -> Shape:
    return Shape(model, path, pod, msgspec.json.Decoder(model))


SHAPES: Final[dict[str, Shape]] = {
    kind: _shape(Templated, "/spec/template") for kind in KIND_GROUPS
} | {
    "Pod": _shape(Pod, "", lambda pod: pod),
    "PodTemplate": _shape(PodTemplate, "/template", lambda o: o.template),
    "StatefulSet": _shape(StatefulSet, "/spec/template"),
    "Deployment": _shape(Deployment, "/spec/template"),
    "CronJob": _shape(CronJob, _JOB_TEMPLATE, _cron_job_template),
}
"""By kind."""

_tagged = [
    msgspec.defstruct(kind, (), bases=(shape.model,), tag_field="kind", tag=kind)
    for kind, shape in SHAPES.items()
]
OBJECT: Final[Any] = reduce(or_, _tagged)
"""An object of any of the kinds: it is told by its `kind`."""
