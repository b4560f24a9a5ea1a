"""Fills in probe timings that nobody chose, only ever loosening the API server's defaults.

What it fills
    The API server's own defaults (timeout 1 s, period 10 s, 3 failures, no initial delay) are
    strict for a liveness probe and short for a slow start. Where evidence shows that the author did
    not choose a timing, it is set from the table:

    probe      timeout: http, tcp, grpc / exec  period  failures  why
    startup    3 / 5                            10      30        the API default kills after 30 s
    liveness   3 / 5                            10      6         trip after readiness: leave the
                                                                  Service first, be killed second
    readiness  3 / 5                            10      3         never slow the removal of a
                                                                  failing pod

    A timeout of 3 s survives one lost SYN; exec gets 5 s because a process starts slowly under CPU
    throttling. A timeout never exceeds the probe's period. failureThreshold is filled only where
    periodSeconds is unwritten too: together they are one decision, the budget.

Why
    A probe that only names a handler gets timings nobody thought about. A liveness timeout of 1 s
    restarts healthy containers on a busy node.

Bad
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}

Good
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      timeoutSeconds: 3
      periodSeconds: 10
      failureThreshold: 6

Params
    assumeUnset: pods (fill a Pod's probe whose timings are all at the API default although nothing
        proves that they are unwritten) or never.
    timings: the table, by probe and handler; null leaves a timing alone.

Limits
    Written values are never changed, as far as managedFields or kubectl's last-applied annotation
    prove them. The annotation podworthy.dev/probe-timing: keep on a pod or a template leaves its
    timings alone. Only Pods and StatefulSets are filled, and only when they are created; a pod of
    another kind's template may be filled over an API default that its author wrote into the
    template, since the pod carries no trace of that. Filling only loosens, and keep opts out.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field

from webhook import api

FILLED = ("periodSeconds", "timeoutSeconds", "failureThreshold", "initialDelaySeconds")


class Timings(api.Params):
    """Timings of one probe with one handler; null is never filled."""

    initial_delay_seconds: int | None = Field(default=None, ge=0)
    timeout_seconds: int | None = Field(default=None, ge=1)
    period_seconds: int | None = Field(default=None, ge=1)
    failure_threshold: int | None = Field(default=None, ge=1)


class ByHandler(api.Params):
    """Timings of one probe, by handler."""

    exec: Timings = Timings()
    http_get: Timings = Timings()
    tcp_socket: Timings = Timings()
    grpc: Timings = Timings()


class ByProbe(api.Params):
    """The table."""

    startup: ByHandler = ByHandler()
    liveness: ByHandler = ByHandler()
    readiness: ByHandler = ByHandler()


def _shipped(failure_threshold: int) -> ByHandler:
    def timings(timeout: int) -> Timings:
        return Timings(
            timeout_seconds=timeout, period_seconds=10, failure_threshold=failure_threshold
        )

    return ByHandler(exec=timings(5), http_get=timings(3), tcp_socket=timings(3), grpc=timings(3))


class Params(api.Params):
    """What `probe-timing` takes."""

    assume_unset: Literal["pods", "never"] = "pods"
    timings: ByProbe = ByProbe(startup=_shipped(30), liveness=_shipped(6), readiness=_shipped(3))

    @cached_property
    def wanted(self) -> dict[tuple[str, str], dict[str, int]]:
        """Probe and handler to the table's row, by wire name, without what is never filled."""
        return {
            (probe, handler): dict(_row(getattr(getattr(self.timings, probe), attribute)))
            for probe in api.PROBES
            for handler, attribute in _HANDLERS.items()
        }


def _row(timings: Timings) -> Iterator[tuple[str, int]]:
    for field, attribute in _FIELDS.items():
        value = getattr(timings, attribute)
        if value is not None:
            yield field, value


# wire name to attribute
_HANDLERS = {field.alias or name: name for name, field in ByHandler.model_fields.items()}
_FIELDS = {field.alias or name: name for name, field in Timings.model_fields.items()}


def fill(workload: api.Workload, params: Params, evidence: api.Evidence) -> Iterator[api.Fill]:
    """The timings to set, and the annotation that keeps a StatefulSet's pods from being filled."""
    if "keep" in (
        workload.pod_annotations.get(api.KEEP_ANNOTATION),
        workload.annotations.get(api.KEEP_ANNOTATION),
    ):
        return
    stamp = False
    for container in workload.may_have_probes():
        for name, probe in container.probes:
            one = _OneProbe(workload, container, name, probe, params, evidence)
            fills = list(one.fills())
            yield from fills
            stamp = stamp or one.needs_keep(fills)
    if stamp and api.KEEP_ANNOTATION not in workload.pod_annotations:
        annotation = api.pointer_token(api.KEEP_ANNOTATION)
        yield api.Fill(
            path=f"{workload.pod_path}/metadata/annotations/{annotation}",
            subject=workload.name or workload.kind,
            value="keep",
            was=None,
            why="a timing equal to the API default is written, which its pods cannot show",
        )


class _OneProbe:
    """One probe of one container, and the decision about its timings."""

    def __init__(
        self,
        workload: api.Workload,
        container: api.Container,
        name: str,
        probe: api.Probe,
        params: Params,
        evidence: api.Evidence,
    ) -> None:
        self._workload = workload
        self._container = container
        self._name = name
        self._probe = probe
        self._evidence = evidence
        self._params = params
        self._chosen = probe.chosen
        self._is_assumed_unset = (
            params.assume_unset == "pods"
            and workload.kind == "Pod"
            and evidence.at_creation
            and not self._chosen
        )

    def fills(self) -> Iterator[api.Fill]:
        free = {field: why for field in FILLED if (why := self._why_unwritten(field))}
        if not free:
            return
        wanted = self._params.wanted[self._name, self._probe.handler or ""]
        period = self._probe.period_seconds or api.TIMING_DEFAULTS["periodSeconds"]
        if "periodSeconds" in free:
            period = wanted.get("periodSeconds", period)
        for field, why in free.items():
            value = wanted.get(field)
            if value is None or (field == "failureThreshold" and "periodSeconds" not in free):
                continue
            if field == "timeoutSeconds":
                value = min(value, period)
            was = self._probe.timing(field)
            # the API server drops a delay of 0: it stands there although it is absent
            there = 0 if was is None and field == "initialDelaySeconds" else was
            if value != there:
                path = f"{self._container.path}/{self._name}Probe/{field}"
                yield api.Fill(path, self._container.label, value, was, why)

    def _why_unwritten(self, field: str) -> str | None:
        """Why a timing counts as nobody's choice; None if it is to be left."""
        if field in self._chosen:
            return None
        proof = self._evidence.of(self._container, self._name, field)
        if proof.standing is api.Standing.UNWRITTEN:
            return proof.why
        if proof.standing is api.Standing.UNKNOWN and self._is_assumed_unset:
            return "a pod's probe with every timing at the API default"
        return None

    def needs_keep(self, fills: list[api.Fill]) -> bool:
        """True if pods of this StatefulSet would be filled although a timing is written."""
        if self._workload.kind != "StatefulSet" or not self._evidence.at_creation:
            return False
        filled = {fill.path.rpartition("/")[2]: int(fill.value) for fill in fills}
        timings = {**self._chosen, **filled}
        is_at_default = all(api.TIMING_DEFAULTS[field] == timings[field] for field in timings)
        return is_at_default and any(
            self._evidence.of(self._container, self._name, field).standing is api.Standing.WRITTEN
            for field in api.TIMING_DEFAULTS
        )


policy = api.Policy(
    id="probe-timing",
    summary="probe timings that nobody chose are filled in",
    params=Params,
    fill=fill,
    doc=__doc__,
)
