"""The AdmissionReviews of the benchmark: a recorded one, grown to several sizes and verdicts.

Grown is what is long in real pods: containers, their variables, and the managedFields that go with
both. The smallest one has no managedFields, or it would be twice as large.
"""

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

RECORDED: Final = (
    Path(__file__).parents[1]
    / "golden/reviews/pod-create.by-statefulset-controller.validating.json"
)
Verdict = Literal["allow", "deny", "fill"]
"""allow: sound. deny: a probe is missing, a hostPath is there. fill: all timings are defaults."""

Json = dict[str, Any]

_SHAPES: Final = {2: (1, 0), 10: (3, 8), 30: (6, 23)}
"""Kilobytes, about, to containers and variables of each."""
_PROBES: Final = ("livenessProbe", "readinessProbe")


class Review(msgspec.Struct, frozen=True):
    """One body, and what is to come of it."""

    size: int
    """Kilobytes, about: 2, 10 or 30."""
    verdict: Verdict
    uid: str
    body: bytes

    @property
    def name(self) -> str:
        """E.g. `2 KB allow`."""
        return f"{self.size} KB {self.verdict}"

    @property
    def door(self) -> str:
        """`validate` or `mutate`."""
        return "mutate" if self.verdict == "fill" else "validate"

    @property
    def is_allowed(self) -> bool:
        """Whether the answer lets it in."""
        return self.verdict != "deny"


def reviews(
    sizes: Sequence[int] = tuple(_SHAPES), verdicts: Sequence[Verdict] = get_args(Verdict)
) -> Iterator[Review]:
    """One for each verdict and size."""
    for verdict in verdicts:
        for size in sizes:
            review = _grown(*_SHAPES[size])
            _decide(review["request"]["object"]["spec"], verdict)
            body = json.dumps(review, separators=(",", ":")).encode()
            yield Review(size, verdict, review["request"]["uid"], body)


def pod() -> Json:
    """A sound pod as its author would write it, for a real API server to take."""
    review = _grown(*_SHAPES[2])
    recorded = review["request"]["object"]
    _decide(recorded["spec"], "allow")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "bench-", "labels": {"app": "web"}},
        "spec": {key: recorded["spec"][key] for key in ("volumes", "containers")},
    }


def _grown(containers: int, variables: int) -> Json:
    review: Json = json.loads(RECORDED.read_bytes())
    recorded = review["request"]["object"]
    if not variables:
        del recorded["metadata"]["managedFields"]
        return review
    [only] = recorded["spec"]["containers"]
    recorded["spec"]["containers"] = [
        _container(only, number, variables) for number in range(containers)
    ]
    [entry] = recorded["metadata"]["managedFields"]
    owned = entry["fieldsV1"]["f:spec"]["f:containers"]
    [template] = owned.values()
    owned.clear()
    for container in recorded["spec"]["containers"]:
        owned[_key(container)] = _owned(template, container)
    return review


def _container(only: Json, number: int, variables: int) -> Json:
    container = copy.deepcopy(only)
    container["name"] = f"web-{number}"
    container["env"] = [
        {"name": f"SERVICE_{variable}_URL", "value": f"https://service-{variable}.shop.svc:8443/v1"}
        for variable in range(variables)
    ]
    container["resources"] = {
        "limits": {"cpu": "500m", "memory": "512Mi"},
        "requests": {"cpu": "100m", "memory": "256Mi"},
    }
    return container


def _owned(template: Json, container: Json) -> Json:
    owned = copy.deepcopy(template)
    owned["f:env"] = {".": {}} | {
        _key(variable): {".": {}, "f:name": {}, "f:value": {}} for variable in container["env"]
    }
    owned["f:resources"] = {
        ".": {},
        **{f"f:{part}": {".": {}, "f:cpu": {}, "f:memory": {}} for part in container["resources"]},
    }
    return owned


def _key(named: Json) -> str:
    return f'k:{{"name":"{named["name"]}"}}'


def _decide(spec: Json, verdict: Verdict) -> None:
    if verdict == "fill":
        return  # as recorded: only handlers were written
    for container in spec["containers"]:
        container["livenessProbe"] |= {"timeoutSeconds": 3, "failureThreshold": 6}
        container["readinessProbe"] |= {"timeoutSeconds": 3}
    if verdict == "deny":
        del spec["containers"][-1]["readinessProbe"]
        spec["volumes"].append({"name": "logs", "hostPath": {"path": "/var/log", "type": ""}})
