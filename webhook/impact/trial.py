"""One arrival before the webhook, by one profile: would it be let in?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from webhook import engine
from webhook.api import Workload
from webhook.audit.live import Scope
from webhook.exemptions import NOBODY, WILDCARD, Excuses, Exemptions, Grant
from webhook.identity import Identity, identify
from webhook.impact.arrivals import Arrival
from webhook.impact.filling import filled
from webhook.profile import Profile
from webhook.workload import Metadata


class Promotion(msgspec.Struct, frozen=True):
    """What is asked: what if namespaces were judged by another profile?"""

    to: Profile
    profiles: Mapping[str, Profile]
    default: str
    """Name of the profile that is in force where a namespace names none."""
    exemptions: Exemptions
    today: date
    """In UTC: which exemptions are in force."""
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""
    team_label: str = "team"
    """The key of the label that names a workload's team."""
    scope: Scope = Scope()
    """Of a cluster."""


class Denial(msgspec.Struct, frozen=True):
    """Why an arrival is not let in."""

    policy: str
    rule: str | None
    path: str
    """JSON Pointer, into the pod or its template if it is below that."""
    is_below_pod: bool
    message: str
    concerned: frozenset[str]
    """Containers; `NOBODY` where only an exemption of the whole workload can excuse it."""
    item: str = ""
    """The name of the container or volume that it is about; empty if it is about none."""
    is_crash: bool = False


class Trial(msgspec.Struct, frozen=True):
    """What comes of an arrival."""

    names: Sequence[tuple[str, str]]
    """Kind and name of whom exemptions may mean; of a pod whose name is generated the start, and
    `*`."""
    denials: Sequence[Denial] = ()
    exemptions: frozenset[str] = frozenset()
    """Names of those without which there would be more denials."""
    crashes: Sequence[engine.Crash] = ()
    """Those that deny are among the denials, too."""


_RANDOM: Final = 5
"""Characters at the end of a name that is generated."""
_ITEM: Final = len(("", "spec", "containers", "0"))


def judge(promotion: Promotion, profile: Profile, arrival: Arrival) -> Trial:
    """As the webhook does, which looks nothing up and fills before it checks."""
    reading = arrival.reading
    identity = identify(reading, arrival.user, promotion.controllers)
    names = _lasting(identity, reading.metadata)
    grants: Sequence[Grant] = ()
    if promotion.exemptions:
        grants = promotion.exemptions.reach(identity, promotion.today)
    if arrival.is_new:
        reading = filled(profile, reading, grants)
    verdict = engine.check(profile, reading, grants=grants)
    if verdict is engine.CLEAN:
        return Trial(names)
    used = {
        found.grant.exemption.name
        for found in verdict.findings
        if found.grant and found.is_exempt and found.action == "deny"
    }
    denials = tuple(_denials(reading.workload, verdict))
    return Trial(names, denials, frozenset(used), verdict.crashes)


def _lasting(identity: Identity, metadata: Metadata) -> Sequence[tuple[str, str]]:
    (kind, _), *owners = identity.names
    start = metadata.generate_name
    if kind != "Pod" or not start:
        return identity.names
    if metadata.name and not metadata.name.startswith(start):
        # what was too long was cut before a random end was added (apiserver storage/names)
        start = metadata.name[:-_RANDOM]
    word = start.rstrip("-.")
    return [(kind, f"{word}{start[len(word) :][:1]}{WILDCARD}"), *owners]


def _denials(workload: Workload, verdict: engine.Verdict) -> Iterator[Denial]:
    excuses = Excuses((), workload)
    names: dict[str, str] | None = None
    start = len(workload.pod_path)
    for found in verdict.findings:
        if not found.denies:
            continue
        names = _names(workload) if names is None else names
        violation = found.violation
        is_below = violation.path.startswith(f"{workload.pod_path}/")
        path = violation.path[start:] if is_below else violation.path
        yield Denial(
            found.policy,
            violation.rule or None,
            path,
            is_below,
            violation.message,
            frozenset(excuses.concerned(violation.path)),
            names.get("/".join(path.split("/", _ITEM)[:_ITEM]), ""),
        )
    for crash in verdict.crashes:
        if crash.denies:
            message = f"the policy failed: {crash.told}"
            yield Denial(crash.policy, None, "", False, message, frozenset(NOBODY), is_crash=True)


def _names(workload: Workload) -> dict[str, str]:
    """Of containers and volumes, by their place below the pod."""
    start = len(workload.pod_path)
    names = {one.path[start:]: one.name for one in workload.containers}
    return names | {one.path[start:]: one.name for one in workload.volumes}
