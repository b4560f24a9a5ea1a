"""Every long-running container has a liveness and a readiness probe.

What it checks
    Each entry of `containers`, and each native sidecar (an init container whose own restartPolicy
    is exactly Always), has a livenessProbe and a readinessProbe with a handler: exec, httpGet,
    tcpSocket or grpc. A probe that is null, empty or has only timings is missing. A startupProbe
    replaces neither.

Why
    Readiness takes a pod out of its Service while it cannot answer, without killing it. Liveness
    restarts a container that will not recover by itself. Without them a hung container keeps
    getting requests for ever. A probe belongs to the container, not to the Service, because every
    replica must be asked by itself.

Bad
    containers:
    - name: web
      image: registry.example/web:1
      livenessProbe: {httpGet: {path: /healthz, port: 8080}}

Good
    containers:
    - name: web
      image: registry.example/web:1
      livenessProbe: {httpGet: {path: /healthz, port: 8080}}
      readinessProbe: {httpGet: {path: /ready, port: 8080}}

Params
    probes: which of liveness, readiness and startup must be there.
    sidecars: whether native sidecars are asked too.
    ignore: containers that an injector adds without probes; name and image must both match, the
        image as a shell pattern on the repository, without tag or digest.

Limits
    Not asked of Jobs and CronJobs, of pods whose restartPolicy is OnFailure or Never, of plain init
    containers and of ephemeral containers. Whether the probe asks the right question, nobody but
    its author can tell.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from webhook import api


class Ignored(api.Params):
    """A container that need not have probes."""

    name: str
    """Exact name of the container."""
    image: str
    """Shell pattern for the image's repository, e.g. `*/proxyv2`."""

    def matches(self, container: api.Container) -> bool:
        """True if both name and image match."""
        return container.name == self.name and fnmatchcase(_repository(container.image), self.image)


class Params(api.Params):
    """What `require-probes` takes."""

    probes: tuple[Literal["startup", "liveness", "readiness"], ...] = Field(
        default=("liveness", "readiness"), min_length=1
    )
    sidecars: bool = True
    ignore: tuple[Ignored, ...] = (
        Ignored(name="istio-proxy", image="*/proxyv2"),
        Ignored(name="linkerd-proxy", image="*/proxy"),
    )


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """One violation for each missing probe."""
    if workload.restart_policy != "Always":
        return
    for container in workload.may_have_probes():
        if container.role == "sidecar" and not params.sidecars:
            continue
        missing = [name for name in params.probes if container.probe(name) is None]
        if missing and not any(ignored.matches(container) for ignored in params.ignore):
            for name in missing:
                yield api.Violation(
                    path=f"{container.path}/{name}Probe",
                    subject=container.label,
                    fact=f"no {name}Probe",
                    fix="add httpGet, tcpSocket, grpc or exec",
                )


def _repository(image: str) -> str:
    """An image without its digest and tag; a colon before the last slash is a port."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


policy = api.Policy(
    id="require-probes",
    summary="containers have liveness and readiness probes",
    params=Params,
    kinds=tuple(kind for kind in api.KINDS if kind not in ("Job", "CronJob")),
    check=check,
    doc=__doc__,
)
