"""Exemptions in force: which violations of a workload are excused, by whom and until when."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Final

import msgspec

from webhook.api import Workload
from webhook.identity import Identity

GRACE: Final = timedelta(days=14)
"""How long pods made by controllers are only warned of after the last day of an exemption: an
expiry must not become an outage when a node fails at night."""

WILDCARD: Final = "*"

SOON: Final = timedelta(days=30)
"""An exemption that ends within this is worth a look."""

NOBODY: Final = ("",)
"""A name that no container has: what concerns none is excused only with the whole workload."""

STATES: Final = ("pending", "active", "expiring", "expired")
"""In the order in which one goes through them; `expiring` is within `SOON`."""


class Exemption(msgspec.Struct, frozen=True):
    """Who is excused from what, why, by whom, until when."""

    name: str
    policies: frozenset[str]
    namespace: str
    kind: str
    workload: str
    """Name of the workload; of a Pod it may end in `*`, which stands for any end."""
    containers: frozenset[str]
    """Only these; every container and all else of the workload if empty."""
    reason: str
    owner: str
    granted: date
    expires: date
    """The last day, in UTC."""
    place: str
    """`file:line` where it is written."""

    def is_in_force(self, today: date) -> bool:
        """True from the day it is granted through the day it expires."""
        return self.granted <= today <= self.expires

    def is_in_grace(self, today: date) -> bool:
        """True in the `GRACE` after it expired."""
        return self.expires < today <= self.expires + GRACE

    def state(self, today: date) -> str:
        """One of `STATES`."""
        if today < self.granted:
            return "pending"
        if today > self.expires:
            return "expired"
        return "expiring" if self.expires - today <= SOON else "active"

    def covers(self, policy: str, concerned: Collection[str]) -> bool:
        """True if it excuses the policy at a place that concerns these containers.

        With containers named, that is what stands in them, and a volume that only they mount.
        """
        return policy in self.policies and (
            not self.containers or self.containers.issuperset(concerned)
        )


class Grant(msgspec.Struct, frozen=True):
    """An exemption that reaches a workload."""

    exemption: Exemption
    in_grace: bool
    """True if it has expired, and a deny becomes a warning for a while."""


class NearMiss(msgspec.Struct, frozen=True):
    """An exemption that names a workload, and yet does not excuse it."""

    exemption: Exemption
    why: str
    """With the exemption as its subject: `ended on 2026-11-20`."""
    asks_namespace: bool = False
    """True if it may be in force: nobody knows in which namespace the workload is."""


class Exemptions:
    """All exemptions, found by workload."""

    def __init__(self, exemptions: Iterable[Exemption] = ()) -> None:
        self._all = tuple(exemptions)
        self._by_workload: defaultdict[tuple[str, str], list[Exemption]] = defaultdict(list)
        self._wildcards: list[Exemption] = []
        for exemption in self._all:
            if exemption.workload.endswith(WILDCARD):
                self._wildcards.append(exemption)
            else:
                self._by_workload[exemption.kind, exemption.workload].append(exemption)

    def __iter__(self) -> Iterator[Exemption]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def reach(self, identity: Identity, today: date) -> Sequence[Grant]:
        """What reaches a workload today, those in force first."""
        mine = [e for e in self._naming(identity) if e.namespace == identity.namespace]
        grants = [Grant(e, in_grace=False) for e in mine if e.is_in_force(today)]
        if identity.is_made_by_controller:
            grants += [Grant(e, in_grace=True) for e in mine if e.is_in_grace(today)]
        return grants

    def near_misses(self, identity: Identity, today: date) -> Iterator[NearMiss]:
        """Those that name a workload and do not excuse it today, or not all of it."""
        for exemption in self._naming(identity):
            if not identity.namespace or identity.namespace == exemption.namespace:
                miss = _near_miss(exemption, identity.namespace, today)
                if miss:
                    yield miss

    def _naming(self, identity: Identity) -> Iterator[Exemption]:
        """Those that name the workload or an owner of it, in whatever namespace."""
        for kind, name in identity.names:
            yield from self._by_workload.get((kind, name), ())
            for exemption in self._wildcards:
                start = exemption.workload.removesuffix(WILDCARD)
                if exemption.kind == kind and name.startswith(start):
                    yield exemption


def _near_miss(exemption: Exemption, namespace: str | None, today: date) -> NearMiss | None:
    if today < exemption.granted:
        return NearMiss(exemption, f"begins on {exemption.granted}")
    if today > exemption.expires:
        return NearMiss(exemption, f"ended on {exemption.expires}")
    if not namespace:
        way_out = f"the manifest names none: --namespace {exemption.namespace}"
        why = f"is for namespace {exemption.namespace}, and {way_out}"
        return NearMiss(exemption, why, asks_namespace=True)
    if exemption.containers:
        names = ", ".join(sorted(exemption.containers))
        why = f"is only for what stands in {names}, and volumes that nothing else mounts"
        return NearMiss(exemption, why)
    return None


class Excuses:
    """What of one workload is excused. What it asks of the workload it asks once: a hostile one has
    a thousand findings, and as many containers with as many mounts."""

    def __init__(self, grants: Sequence[Grant], workload: Workload) -> None:
        self._grants = grants
        self._workload = workload
        # no deeper than a container or a volume stands, below `spec` of the pod
        self._depth = workload.pod_path.count("/") + len(("", "spec", "containers", "0"))

    def excuse(self, policy: str, path: str = "") -> Grant | None:
        """The first grant that covers a policy at a place in the workload; None if none does."""
        for grant in self._grants:
            # most name no containers: then nobody need know which are concerned
            named = grant.exemption.containers
            if grant.exemption.covers(policy, self.concerned(path) if named else ()):
                return grant
        return None

    def concerned(self, path: str) -> Collection[str]:
        """Names of the containers that a place concerns; `NOBODY` where that is none."""
        item = "/".join(path.split("/", self._depth)[: self._depth])
        return self._by_item.get(item, NOBODY)

    @cached_property
    def _by_item(self) -> dict[str, Collection[str]]:
        """By the place of each container and volume."""
        containers = self._workload.containers
        users: defaultdict[str | None, set[str]] = defaultdict(set)
        for container in containers:
            for mount in container.mounts:
                users[mount.name].add(container.name)
        found: dict[str, Collection[str]] = {
            volume.path: users.get(volume.name, NOBODY) for volume in self._workload.volumes
        }
        return found | {container.path: (container.name,) for container in containers}
