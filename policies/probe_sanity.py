"""The timings of a container's probes make sense, each alone and together.

What it checks
    Each rule goes by effective values: a timing that is absent or 0 counts as the API's default.

    timeout     A probe's timeoutSeconds is not longer than its periodSeconds.
    order       Liveness does not give up earlier than readiness. A probe gives up after
                periodSeconds x failureThreshold: this long a running container may hang. Initial
                delays are over by then. Giving up at the same time is fine.
    same        Where both ask the same question (handlers are equal, once the API's defaults are
                filled in and a named port is looked up), liveness gives up later than readiness.
    slow-start  A liveness probe that waits longer than slowStart has a startupProbe beside it.

    order and same judge a pair only if one of the two has a timing other than the API's default,
    timeouts aside: a probe that only names a handler chose nothing, and gets what probe-timing
    fills in, where that is on.

Why
    A probe is not asked again while it waits for an answer, so a timeout beyond the period only
    delays the verdict. A pod should leave its Service first, and be restarted second. If both
    happen at once over the same question, a slow dependency that all replicas ask for restarts
    them all. And a long initial delay is a guess that every restart pays for, whereas a
    startupProbe ends as soon as the container is up.

Bad
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 5
    readinessProbe:
      httpGet: {path: /ready, port: 8080}

Good
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /ready, port: 8080}

Params
    slowStart: the longest initialDelaySeconds of a liveness probe without a startupProbe.

Limits
    In a file, and in a template that probe-timing does not fill, an unwritten failureThreshold
    counts as 3, although its pods may get 6: a finding may vanish by filling, as shipped, and none
    appears. Two paths of one server may still ask the same thing.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from webhook import api

TIMEOUT, ORDER, SAME, SLOW_START = "timeout", "order", "same", "slow-start"

# `SetDefaults_HTTPGetAction` (kubernetes pkg/apis/core/v1/defaults.go)
_HANDLER_DEFAULTS: Final = {"httpGet": {"path": "/", "scheme": "HTTP"}}
# not timeoutSeconds: it may be filled where everything else is written, as the default
_CHOSEN: Final = tuple(field for field in api.TIMING_DEFAULTS if field != "timeoutSeconds")


class Params(api.Params):
    """What `probe-sanity` takes."""

    slow_start: int = Field(default=30, ge=0)
    """Seconds."""


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """At most one violation for each probe, each pair and each start."""
    for container in workload.may_have_probes():
        for name in api.PROBES:
            if probe := container.probe(name):
                yield from _timeout(container, name, probe)
        liveness, readiness = container.probe("liveness"), container.probe("readiness")
        if liveness and readiness:
            yield from _pair(container, liveness, readiness)
        if liveness and not container.probe("startup"):
            yield from _slow_start(container, liveness, params.slow_start)


def _timeout(container: api.Container, name: str, probe: api.Probe) -> Iterator[api.Violation]:
    timeout, period = probe.effective("timeoutSeconds"), probe.effective("periodSeconds")
    if timeout > period:
        yield api.Violation(
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
    if not any(_is_chosen(probe) for probe in (liveness, readiness)):
        return
    killed, removed = _gives_up_after(liveness), _gives_up_after(readiness)
    if killed < removed:
        why, rule = f"before readiness ({removed} s)", ORDER
    elif killed == removed and _question(container, liveness) == _question(container, readiness):
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
    return any(probe.effective(field) != api.TIMING_DEFAULTS[field] for field in _CHOSEN)


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
