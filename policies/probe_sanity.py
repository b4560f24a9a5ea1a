"""The timings of a container's probes make sense, each alone and together.

What it checks
    Effective values: a timing that is absent or 0 counts as the API's default. The rules are

    timeout     A probe's timeoutSeconds is not longer than its periodSeconds.
    order       Liveness does not give up before readiness does: after periodSeconds x
                failureThreshold, as a running container is judged, whose delays are over.
    same        Where both ask the same question (equal handlers, API defaults filled in, named
                ports looked up), liveness gives up later than readiness.
    slow-start  A liveness probe that is delayed longer than slowStart has a startupProbe beside it.

    order and same judge a pair of which one has a timing, timeouts aside, other than the API's
    default: a probe that only names a handler chose nothing, and probe-timing may fill it.

Why
    A probe waits for its answer before it asks again, so a timeout beyond the period delays the
    verdict. A pod should leave its Service first and be restarted second: if a slow dependency does
    both at once, it restarts all replicas. A long initial delay is a guess that each restart pays
    for, whereas a startupProbe ends as soon as the container is up.

Bad
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 5
    readinessProbe: {httpGet: {path: /ready, port: 8080}}

Good
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 5
      failureThreshold: 6
    readinessProbe: {httpGet: {path: /ready, port: 8080}}

Params
    slowStart: the longest initialDelaySeconds of a liveness probe without a startupProbe.

Limits
    Where probe-timing has not filled yet, or does not (files, most templates), an unwritten
    failureThreshold counts as 3. Filling, as shipped, may end a finding and never makes one.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from webhook import api

TIMEOUT, ORDER, SAME, SLOW_START = "timeout", "order", "same", "slow-start"
# `SetDefaults_HTTPGetAction` (kubernetes pkg/apis/core/v1/defaults.go)
_HANDLER_DEFAULTS: Final = {"httpGet": {"path": "/", "scheme": "HTTP"}}
# a timeout may be filled where all else is written, as the default: it tells nothing
_TELLING: Final = {k: v for k, v in api.TIMING_DEFAULTS.items() if k != "timeoutSeconds"}.items()


class Params(api.Params):
    """What `probe-sanity` takes."""

    slow_start: int = Field(default=30, ge=0)
    """Seconds."""


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """At most one violation for each timeout, each pair and each start."""
    for container in workload.may_have_probes():
        for name, probe in container.probes:
            timeout, period = probe.effective("timeoutSeconds"), probe.effective("periodSeconds")
            if timeout > period:
                yield _timeout(container, name, timeout, period)
        if liveness := container.probe("liveness"):
            if readiness := container.probe("readiness"):
                yield from _pair(container, liveness, readiness)
            if liveness.initial_delay_seconds and not container.probe("startup"):
                yield from _slow_start(container, liveness, params.slow_start)


def _timeout(container: api.Container, name: str, timeout: int, period: int) -> api.Violation:
    return api.Violation(
        path=f"{container.path}/{name}Probe/timeoutSeconds",
        subject=container.label,
        fact=f"timeoutSeconds {timeout}",
        why=f"exceeds periodSeconds {period}",
        fix="lower it",
        rule=TIMEOUT,
    )


def _pair(
    container: api.Container, liveness: api.Probe, readiness: api.Probe
) -> Iterator[api.Violation]:
    killed, removed = _gives_up_after(liveness), _gives_up_after(readiness)
    if killed > removed or not (_is_chosen(liveness) or _is_chosen(readiness)):
        return
    if killed < removed:
        why, rule = f"before readiness ({removed} s)", ORDER
    elif _question(container, liveness) == _question(container, readiness):
        why, rule = "as readiness does, asking the same", SAME
    else:
        return
    yield api.Violation(
        path=f"{container.path}/livenessProbe/failureThreshold",
        subject=container.label,
        fact=f"gives up after {killed} s",
        why=why,
        fix="raise failureThreshold",
        rule=rule,
    )


def _slow_start(
    container: api.Container, liveness: api.Probe, longest: int
) -> Iterator[api.Violation]:
    delay = liveness.effective("initialDelaySeconds")
    if delay > longest:
        yield api.Violation(
            path=f"{container.path}/livenessProbe/initialDelaySeconds",
            subject=container.label,
            fact=f"initialDelaySeconds {delay}",
            why="is waited at every restart",
            fix="use a startupProbe",
            rule=SLOW_START,
        )


def _is_chosen(probe: api.Probe) -> bool:
    return any(probe.effective(field) != default for field, default in _TELLING)


def _gives_up_after(probe: api.Probe) -> int:
    return probe.effective("periodSeconds") * probe.effective("failureThreshold")


def _question(container: api.Container, probe: api.Probe) -> tuple[str | None, dict[str, Any]]:
    """What a probe asks, alike for handlers that the kubelet takes for the same."""
    written = {key: value for key, value in (probe.settings or {}).items() if value}
    asked = {**_HANDLER_DEFAULTS.get(probe.handler or "", {}), **written}
    for declared in container.ports:
        if declared.name and declared.name == asked.get("port"):
            asked["port"] = declared.container_port
    return probe.handler, asked


policy = api.Policy(
    id="probe-sanity",
    summary="probe timings make sense, each alone and together",
    params=Params,
    rules=(TIMEOUT, ORDER, SAME, SLOW_START),
    check=check,
    doc=__doc__,
)
