"""How much of one object is judged at once; `MalformedObject` says where there is more."""

from collections.abc import Iterable, Iterator, Sized
from typing import Final

from webhook.api import ClaimTemplate, Container
from webhook.errors import MalformedObject
from webhook.workload.shapes import PodSpec

MAX_ITEMS: Final = 1000
"""Containers or volumes of one list, and claim templates, each of which becomes a volume: more than
a kubelet runs, few enough to judge at once."""
MAX_MEMBERS: Final = 3 * MAX_ITEMS
"""Members of all volumes together: each has two, its name and its source, and every other source is
a violation."""
MAX_SMALL: Final = 10 * MAX_ITEMS
"""Ports of all containers together, their mounts, and what the selectors of claim templates ask
for: Kubernetes has no bound for them but the size of a request."""


def check_items(items: Sized | None, path: str) -> None:
    """Of one list."""
    if items and len(items) > MAX_ITEMS:
        raise MalformedObject(path, f"more than {MAX_ITEMS} items")


def check_sizes(spec: PodSpec, spec_path: str) -> None:
    """Of the lists of a pod, before anything is made of them."""
    for name, items in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
        ("ephemeralContainers", spec.ephemeral_containers),
        ("volumes", spec.volumes),
    ):
        check_items(items, f"{spec_path}/{name}")
    if spec.volumes and sum(map(len, spec.volumes)) > MAX_MEMBERS:
        raise MalformedObject(f"{spec_path}/volumes", f"more than {MAX_MEMBERS} members in all")


def check_containers(containers: Iterable[Container]) -> None:
    """Of what all containers have together."""
    mounts = ports = 0
    for one in containers:
        mounts += len(one.mounts)
        ports += len(one.ports)
        if mounts > MAX_SMALL or ports > MAX_SMALL:
            field = "volumeMounts" if mounts > MAX_SMALL else "ports"
            raise MalformedObject(
                f"{one.path}/{field}", f"more than {MAX_SMALL} items of all containers"
            )


def counted(templates: Iterable[ClaimTemplate]) -> Iterator[ClaimTemplate]:
    """The same, as long as they do not select by too much."""
    requirements = 0
    for template in templates:
        requirements += len(template.spec.selector)
        if requirements > MAX_SMALL:
            where = f"{template.path}/spec/selector"
            raise MalformedObject(where, f"more than {MAX_SMALL} requirements of all claims")
        yield template
