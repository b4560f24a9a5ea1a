"""What a policy may import: the workload it sees, and what it may say about it.

A policy is a value, `Policy`, around pure functions: `check(workload, params)` yields `Violation`s,
`fill(workload, params, evidence)` yields `Fill`s. It knows no action, no profile, no clock and does
no I/O; the engine stamps those on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = [
    "HANDLERS",
    "KEEP_ANNOTATION",
    "KINDS",
    "PROBES",
    "TIMING_DEFAULTS",
    "Container",
    "Evidence",
    "Fill",
    "Mount",
    "Params",
    "Policy",
    "Probe",
    "Proof",
    "Standing",
    "Violation",
    "Volume",
    "Workload",
    "pointer_token",
]

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


_ATTRIBUTES = {
    wire: attribute
    for attribute, wire in zip(Probe.__struct_fields__, Probe.__struct_encode_fields__, strict=True)
}


class Mount(msgspec.Struct, rename="camel"):
    """One entry of a container's `volumeMounts`."""

    name: str | None = None
    read_only: bool | None = None


def pointer_token(key: str) -> str:
    """A key as one token of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _place(path: str) -> str:
    return "/".join(path.rsplit("/", 2)[-2:])


class Container(msgspec.Struct, frozen=True):
    """A container and where it stands. Only containers that may have probes carry them."""

    path: str
    """JSON Pointer into the object, e.g. `/spec/template/spec/containers/0`."""
    role: Literal["container", "sidecar", "init", "ephemeral"]
    """`sidecar`: an init container whose own restartPolicy is exactly Always."""
    name: str
    image: str
    mounts: tuple[Mount, ...]
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None

    @property
    def label(self) -> str:
        """Its name, or its place where it has none."""
        return self.name or _place(self.path)

    def probe(self, name: str) -> Probe | None:
        """The probe of that name (one of `PROBES`); one without a handler is missing."""
        found: Probe | None = getattr(self, name)
        return found if found is not None and found.handler else None


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
    volumes: tuple[Volume, ...]
    pod_annotations: Mapping[str, Any]
    """Those of the pod or of the template: what the pods will carry."""
    annotations: Mapping[str, Any]
    """Those of the object itself."""

    def may_have_probes(self) -> Iterator[Container]:
        """Main containers and native sidecars: the API server forbids probes elsewhere."""
        return (c for c in self.containers if c.role in ("container", "sidecar"))


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that the author should change. `str()` is the sentence without its place."""

    path: str
    """JSON Pointer to the offending or the missing field; its parent exists."""
    subject: str
    """Name of the container or volume."""
    fact: str
    """What is there or missing: `no readinessProbe`, `hostPath`."""
    fix: str
    """What to do, an imperative: `use a persistentVolumeClaim`."""
    why: str = ""
    """Optional: goes on after the fact, `is tied to a node`."""
    rule: str = ""
    """One of the policy's named rules, or nothing."""

    @property
    def message(self) -> str:
        """Subject, fact, reason and fix as one line."""
        return f"{self.subject}: {self.fact}{f' {self.why}' if self.why else ''}; {self.fix}"


@dataclass(frozen=True, slots=True)
class Fill:
    """A value for a field that nobody chose."""

    path: str
    """JSON Pointer to the leaf."""
    subject: str
    """Name of the container, or of the object where no container is concerned."""
    value: int | str
    was: int | str | None
    """What stood there, None if nothing."""
    why: str
    """The evidence that nobody chose the old value."""


class Standing(Enum):
    """What is known about who chose a timing."""

    WRITTEN = "written"
    UNWRITTEN = "unwritten"
    UNKNOWN = "unknown"
    """No source says anything."""
    DOUBTFUL = "doubtful"
    """Sources disagree or cannot be read: leave it, and count it."""


class Proof(msgspec.Struct, frozen=True):
    """A standing and the reason for it, a short clause."""

    standing: Standing
    why: str


class Evidence(Protocol):
    """Who chose which timing, as far as the object tells."""

    @property
    def at_creation(self) -> bool:
        """True if this is the object as its creator sent it, completed by the API server."""

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """What is known of one timing, e.g. `(web, "liveness", "periodSeconds")`."""


class Params(BaseModel):
    """Base of a policy's parameters: camelCase in YAML, unknown keys and wrong types refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )


P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Policy(Generic[P]):
    """One policy: exactly one of `check` and `fill`."""

    id: str
    """kebab-case, stable for ever."""
    summary: str
    """One line, for lists."""
    params: type[P]
    kinds: tuple[str, ...] = KINDS
    """The kinds it can judge; a profile may narrow them."""
    rules: tuple[str, ...] = ()
    """Named rules that a profile may give an action of their own."""
    check: Callable[[Workload, P], Iterator[Violation]] | None = None
    fill: Callable[[Workload, P, Evidence], Iterator[Fill]] | None = None
    doc: str = ""
    """The module's docstring: the policy's documentation."""

    def __post_init__(self) -> None:
        if (self.check is None) == (self.fill is None):
            raise TypeError(f"policy {self.id}: give exactly one of check and fill")
