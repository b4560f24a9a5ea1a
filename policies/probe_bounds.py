"""Probe timings keep within the platform's own bounds.

What it checks
    Each timing of each probe for which a bound is given. It goes by effective values: an absent
    initialDelaySeconds is 0, any other absent timing is the API's default (timeout 1, period 10,
    success 1, failure 3), as is a 0.

Why
    Timings are the author's to choose, within what the platform can bear: a period of one second on
    a thousand pods is a load, and a liveness probe that gives up after an hour is none.

Bad
    # bounds: {liveness: {periodSeconds: {min: 5}}}
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 1

Good
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 5

Params
    bounds: by probe (startup, liveness, readiness, or every for all three) and timing, each with
        min, max or both. What a probe's own entry says of a timing counts instead of what every
        says, {} frees it; null takes an inherited entry away. successThreshold can be bounded for
        readiness alone, since the API allows the others only 1.

Limits
    No bounds are shipped: whatever a profile's action is, nothing is found until it sets some. A
    bound that the API's default breaks (timeoutSeconds: {min: 2}) asks authors to write that
    timing: what probe-timing would fill in later is not there yet in a file, nor in the templates
    that it does not fill.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from webhook import api


class Bound(api.Params):
    """What one timing may be, ends included."""

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_no_contradiction(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError("bound", "min {min} is above max {max}", self.model_dump())
        return self

    def fault(self, value: int) -> tuple[str, str] | None:
        """What is wrong with the value, and what to do; None if it is within."""
        if self.min is not None and value < self.min:
            return f"is below {self.min}", f"use at least {self.min}"
        if self.max is not None and value > self.max:
            return f"is above {self.max}", f"use at most {self.max}"
        return None


class Timings(api.Params):
    """Bounds by timing; null is no bound."""

    initial_delay_seconds: Bound | None = None
    timeout_seconds: Bound | None = None
    period_seconds: Bound | None = None
    failure_threshold: Bound | None = None


class ReadinessTimings(Timings):
    """The same for a readiness probe, which alone may need several successes."""

    success_threshold: Bound | None = None


class ByProbe(api.Params):
    """Bounds by probe; `every` counts where a probe's own entry has none for a timing."""

    every: Timings = Timings()
    startup: Timings = Timings()
    liveness: Timings = Timings()
    readiness: ReadinessTimings = ReadinessTimings()


class Params(api.Params):
    """What `probe-bounds` takes."""

    bounds: ByProbe = ByProbe()

    @cached_property
    def by_probe(self) -> dict[str, tuple[tuple[str, Bound], ...]]:
        """Each bounded timing by its wire name, of each probe that has any."""
        found = {probe: tuple(self._of(probe)) for probe in api.PROBES}
        return {probe: bounds for probe, bounds in found.items() if bounds}

    def _of(self, probe: str) -> Iterator[tuple[str, Bound]]:
        own, every = getattr(self.bounds, probe), self.bounds.every
        for field, attribute in _FIELDS.items():
            bound = getattr(own, attribute, None) or getattr(every, attribute, None)
            if bound is not None:
                yield field, bound


_FIELDS = {field.alias or name: name for name, field in ReadinessTimings.model_fields.items()}


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """One violation for each timing that is out of bounds."""
    if not params.by_probe:
        return
    for container in workload.may_have_probes():
        for name, bounds in params.by_probe.items():
            probe = container.probe(name)
            if probe is None:
                continue
            for field, bound in bounds:
                value = probe.effective(field)
                if fault := bound.fault(value):
                    why, fix = fault
                    yield api.Violation(
                        path=f"{container.path}/{name}Probe/{field}",
                        subject=container.label,
                        fact=f"{field} {value}{'' if probe.timing(field) else ' by default'}",
                        why=why,
                        fix=fix,
                    )


policy = api.Policy(
    id="probe-bounds",
    summary="probe timings keep within your profile's bounds",
    params=Params,
    check=check,
    doc=__doc__,
)
