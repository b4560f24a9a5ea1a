"""A pod as it is after podworthy's own fills, which come before its checks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from webhook import engine
from webhook.api import TIMING_DEFAULTS, Container, Fill, Probe
from webhook.evidence import CreatedObject
from webhook.exemptions import Grant
from webhook.profile import Profile
from webhook.workload import Metadata, Reading

_FIELDS: Final = dict(zip(Probe.__struct_encode_fields__, Probe.__struct_fields__, strict=True))
"""Names in Python by those on the wire."""
_DELAY: Final = "initialDelaySeconds"
"""The timing that the API server leaves absent where it is 0."""


def filled(profile: Profile, reading: Reading, grants: Sequence[Grant]) -> Reading:
    """A pod that is created, with the API server's defaults and the profile's fills.

    Who wrote which timing is known from no managedFields: those are of the object that the pod is
    made from, and a controller's own prove nothing.
    """
    if "Pod" not in profile.fills or not profile.fills["Pod"]:
        return reading
    defaulted = _with(reading, lambda one: _changed(one, _defaults(one)))
    annotations = reading.metadata.annotations
    evidence = CreatedObject(defaulted.workload, Metadata(annotations=annotations))
    proposal = engine.fill(profile, defaulted, evidence, grants)
    fills = [one.fill for one in proposal.fillings if one.action == "fill"]
    return _with(defaulted, lambda one: _changed(one, _of(one, fills)))


def _defaults(container: Container) -> dict[str, dict[str, int]]:
    """What the API server sets, by probe (kubernetes pkg/apis/core/v1/defaults.go)."""
    return {
        name: {
            field: default
            for field, default in TIMING_DEFAULTS.items()
            if field != _DELAY and not probe.timing(field)
        }
        for name, probe in container.probes
    }


def _of(container: Container, fills: Iterable[Fill]) -> dict[str, dict[str, int]]:
    """What is filled in a container, by probe."""
    found: dict[str, dict[str, int]] = {}
    for fill in fills:
        place, probe, field = fill.path.rsplit("/", 2)
        if place == container.path and isinstance(fill.value, int):
            found.setdefault(probe.removesuffix("Probe"), {})[field] = fill.value
    return found


def _changed(container: Container, timings: dict[str, dict[str, int]]) -> Container:
    changed = {
        name: msgspec.structs.replace(
            probe, **{_FIELDS[field]: value for field, value in timings[name].items()}
        )
        for name, probe in container.probes
        if timings.get(name)
    }
    if not changed:
        return container
    probes = tuple((name, changed.get(name, probe)) for name, probe in container.probes)
    return msgspec.structs.replace(container, probes=probes, **changed)


def _with(reading: Reading, change: Callable[[Container], Container]) -> Reading:
    """With each container that may have probes changed."""
    workload = reading.workload
    changed = {one.path: change(one) for one in workload.probed}
    if all(changed[one.path] is one for one in workload.probed):
        return reading
    new = msgspec.structs.replace(
        workload,
        containers=tuple(changed.get(one.path, one) for one in workload.containers),
        probed=tuple(changed.values()),
    )
    return msgspec.structs.replace(reading, workload=new)
