"""A pod or a pod template, as policies see it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from webhook.api.claims import ClaimTemplate

KINDS = (
    "Pod",
    "StatefulSet",
    "Deployment",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "PodTemplate",
)
"""Every built-in kind that is a pod or carries a pod template."""

PROBES = ("startup", "liveness", "readiness")
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")

KEEP_ANNOTATION = "podworthy.dev/probe-timing"
"""With the value `keep` on a pod or its template: its probe timings are left alone."""

TIMING_DEFAULTS: Mapping[str, int] = {
    "initialDelaySeconds": 0,
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
"""What the API server counts a timing as that nobody wrote (k8s.io/api core/v1 `Probe`)."""

Handler = dict[str, Any]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class Probe(msgspec.Struct, rename="camel"):
    """A probe as it stands on the object; an absent (or null) field is None."""

    exec: Handler | None = None
    http_get: Handler | None = None
    tcp_socket: Handler | None = None
    grpc: Handler | None = None
    initial_delay_seconds: Int32 | None = None
    timeout_seconds: Int32 | None = None
    period_seconds: Int32 | None = None
    success_threshold: Int32 | None = None
    failure_threshold: Int32 | None = None

    @property
    def handler(self) -> str | None:
        """The wire name of the handler (`exec`, `httpGet`, `tcpSocket`, `grpc`), None without one.

        The API server lets in exactly one.
        """
        if self.exec is not None:
            return "exec"
        if self.http_get is not None:
            return "httpGet"
        if self.tcp_socket is not None:
            return "tcpSocket"
        return "grpc" if self.grpc is not None else None

    @property
    def settings(self) -> Handler | None:
        """What the handler is set to, e.g. `{"port": 80, "path": "/"}`."""
        found: Handler | None = getattr(self, _ATTRIBUTES[self.handler]) if self.handler else None
        return found

    def timing(self, field: str) -> int | None:
        """The value of a timing by its wire name, e.g. `periodSeconds`, in seconds or tries."""
        value: int | None = getattr(self, _ATTRIBUTES[field])
        return value

    @property
    def chosen(self) -> dict[str, int]:
        """The timings other than the API server's defaults by wire name, 0 included."""
        return {
            field: value
            for field, default in TIMING_DEFAULTS.items()
            if (value := getattr(self, _ATTRIBUTES[field])) is not None and value != default
        }

    def effective(self, field: str) -> int:
        """The timing that the kubelet goes by: 0 and absent ask for the API server's default.

        So does `SetDefaults_Probe` (kubernetes pkg/apis/core/v1/defaults.go).
        """
        return getattr(self, _ATTRIBUTES[field]) or TIMING_DEFAULTS[field]


_ATTRIBUTES = {
    wire: attribute
    for attribute, wire in zip(Probe.__struct_fields__, Probe.__struct_encode_fields__, strict=True)
}


class Mount(msgspec.Struct, rename="camel", gc=False):
    """One entry of a container's `volumeMounts`."""

    name: str | None = None
    mount_path: str | None = None
    read_only: bool | None = None


class Port(msgspec.Struct, rename="camel", gc=False):
    """One entry of a container's `ports`."""

    name: str | None = None
    container_port: int | None = None


def _place(path: str) -> str:
    return "/".join(path.rsplit("/", 2)[-2:])


class Container(msgspec.Struct, frozen=True):
    """A container and where it stands. Only containers that may have probes carry them.

    A probe without a handler is None, as a missing one.
    """

    path: str
    """JSON Pointer into the object, e.g. `/spec/template/spec/containers/0`."""
    role: Literal["container", "sidecar", "init", "ephemeral"]
    """`sidecar`: an init container whose own restartPolicy is exactly Always."""
    name: str
    image: str
    mounts: tuple[Mount, ...]
    ports: tuple[Port, ...] = ()
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    probes: tuple[tuple[str, Probe], ...] = ()
    """Those of the three that are there, with their names, in the order of `PROBES`."""

    @property
    def label(self) -> str:
        """Its name, or its place where it has none."""
        return self.name or _place(self.path)

    def probe(self, name: str) -> Probe | None:
        """The probe of that name (one of `PROBES`)."""
        found: Probe | None = getattr(self, name)
        return found


class Volume(msgspec.Struct, frozen=True):
    """One entry of `spec.volumes`."""

    path: str
    """JSON Pointer into the object, e.g. `/spec/volumes/2`."""
    name: str
    sources: Mapping[str, Any]
    """Every key but `name` that is not null, unknown ones included; empty means emptyDir."""

    @property
    def label(self) -> str:
        """Its name, or its place where it has none."""
        return self.name or _place(self.path)


class ClaimReference(msgspec.Struct, frozen=True):
    """Where a workload names a claim."""

    path: str
    """JSON Pointer to the `claimName`."""
    volume: str
    """The volume's label."""
    name: str
    """Of the PersistentVolumeClaim, in the workload's namespace."""


class Retention(msgspec.Struct, frozen=True):
    """A StatefulSet's `persistentVolumeClaimRetentionPolicy`; `Retain` where nothing is said."""

    when_deleted: str = "Retain"
    when_scaled: str = "Retain"


class Rollout(msgspec.Struct, frozen=True):
    """How a Deployment replaces its pods."""

    type: str = "RollingUpdate"
    max_surge: int | str = "25%"
    """Pods above `replicas` during an update, a number or a percentage, rounded up."""


class Workload(msgspec.Struct, frozen=True):
    """A pod or a pod template, whichever kind carries it."""

    api_version: str
    kind: str
    namespace: str | None
    name: str | None
    pod_path: str
    """JSON Pointer to what a pod's root would be: empty for a Pod, `/spec/template` for most."""
    restart_policy: str
    """As written, else Always."""
    containers: tuple[Container, ...]
    """Every container of every role: init containers first, then the main and ephemeral ones."""
    probed: tuple[Container, ...]
    """Those of them that may have probes."""
    volumes: tuple[Volume, ...]
    pod_annotations: Mapping[str, Any]
    """Those of the pod or of the template: what the pods will carry."""
    annotations: Mapping[str, Any]
    """Those of the object itself."""
    pod_labels: Mapping[str, Any] = {}
    """Those of the pod or of the template."""
    replicas: int = 1
    """As written, else 1, which the API server counts it as; a Pod has one."""
    claim_templates: tuple[ClaimTemplate, ...] = ()
    """A StatefulSet's `volumeClaimTemplates`, and those of `ephemeral` volumes."""
    service_name: str | None = None
    """A StatefulSet's `serviceName`."""
    retention: Retention = Retention()
    """A StatefulSet's."""
    rollout: Rollout | None = None
    """A Deployment's; None for other kinds."""

    def volumes_of_pods(self) -> Iterator[Volume]:
        """The volumes that its pods will have as they are written.

        A StatefulSet's claim template takes the place of a volume of its name
        (pkg/controller/statefulset `updateStorage`).
        """
        if not self.claim_templates:
            return iter(self.volumes)
        made = {template.name for template in self.claim_templates if template.is_of_statefulset}
        return (volume for volume in self.volumes if volume.name not in made)

    def claim_references(self) -> Iterator[ClaimReference]:
        """The claims that its pods use by name."""
        for volume in self.volumes_of_pods():
            source = volume.sources.get("persistentVolumeClaim")
            if source and source.get("claimName"):
                path = f"{volume.path}/persistentVolumeClaim/claimName"
                yield ClaimReference(path, volume.label, source["claimName"])

    def may_have_probes(self) -> tuple[Container, ...]:
        """Main containers and native sidecars: the API server forbids probes elsewhere."""
        return self.probed
