"""Objects with very much of one thing, the dearest that are known."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.builders import Object, container, http, of_kind, pod, probed, statefulset


@dataclass(frozen=True)
class Shape:
    """An object with so many of something as one asks for."""

    of: Callable[[int], Object]
    most: int
    """How many are taken."""
    refused: str = ""
    """The place and the bound that are told where there is one more; empty if nothing is."""

    def __str__(self) -> str:
        return self.of.__name__

    @property
    def is_refused_beyond(self) -> bool:
        """True if more than `most` are refused."""
        return bool(self.refused)


def _host_paths(number: int) -> list[Object]:
    return [{"name": f"v{n}", "hostPath": {"path": f"/var/{n}"}} for n in range(number)]


def containers_and_host_paths(number: int) -> Object:
    """As many containers of one name, each with probes and a mount."""
    one = probed(volumeMounts=[{"name": "v0", "mountPath": "/data"}])
    return pod(*[one] * number, volumes=_host_paths(number))


def mounts(number: int) -> Object:
    """In one container, beside many volumes."""
    found = [{"name": f"v{n % 9}", "mountPath": f"/data/db/{n}"} for n in range(number)]
    return pod(probed(volumeMounts=found), volumes=_host_paths(number // 20))


def ports(number: int) -> Object:
    """In one container, whose probe names none of them."""
    found = [{"name": f"p{n}", "containerPort": n} for n in range(number)]
    return pod(container(ports=found, livenessProbe={"httpGet": {"port": "none"}}))


def claim_templates(number: int) -> Object:
    """Of a StatefulSet."""
    found = statefulset()
    found["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": f"d{n}"}} for n in range(number)]
    return found


def requirements(number: int) -> Object:
    """A hundred for each of the claims."""
    selector = {"matchExpressions": [{"key": "a", "operator": "Exists"}] * 100}
    ephemeral = {"volumeClaimTemplate": {"spec": {"selector": selector}}}
    return pod(volumes=[{"name": "v", "ephemeral": ephemeral}] * (number // 100))


def sources_of_a_long_name(number: int) -> Object:
    """In one volume, whose name is long, and which is not exempt."""
    volume: Object = {"name": "n" * 300_000} | {f"x{n}": {} for n in range(number)}
    return of_kind("Deployment", container(livenessProbe=http()), volumes=[volume])


SHAPES = (
    Shape(containers_and_host_paths, 999),
    Shape(mounts, 10_000, "/spec/containers/0/volumeMounts: more than 10000 items"),
    Shape(ports, 10_000, "/spec/containers/0/ports: more than 10000 items"),
    Shape(claim_templates, 1000, "/spec/volumeClaimTemplates: more than 1000 items"),
    Shape(
        requirements,
        10_000,
        "/spec/volumes/100/ephemeral/volumeClaimTemplate/spec/selector: more than 10000",
    ),
    Shape(sources_of_a_long_name, 2900),
)
