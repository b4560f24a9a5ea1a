"""Who would have been denied, how often and by what: counts, never the requests themselves."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from webhook import engine
from webhook.audit import Court
from webhook.exemptions import Grant
from webhook.identity import identify
from webhook.replay.cases import Case, Then
from webhook.replay.records import Decision
from webhook.report.entries import Source

Consequence = Literal["denied", "warned", "recorded", "exempted", "crashed"]
"""What a policy did to a request, the gravest of its findings there."""


class Owner(msgspec.Struct, frozen=True, order=True):
    """Who has to mend it: the top controller, where the request came from one, else the object."""

    kind: str
    name: str
    """Of a pod whose name was generated the start, and `*`."""


class Group(msgspec.Struct, frozen=True, order=True):
    """Requests that are told together."""

    namespace: str
    """Empty where it is not known."""
    owner: Owner
    user: str
    """Empty where it is not known."""


class Denials(msgspec.Struct):
    """How often a group would have been denied, or was."""

    source: Source
    """Where the first one is recorded."""
    message: str
    """A reason of the first one."""
    requests: int = 0
    refused_then: int = 0
    """Of them, those that were refused when they were made, whoever did that."""
    policies: Counter[str] = msgspec.field(default_factory=Counter)
    """Requests by policy; one may be denied by several."""


class Share(msgspec.Struct):
    """Of the requests of one namespace or user."""

    judged: int = 0
    denied: int = 0
    warned: int = 0


class Tally:
    """Everything that a replay counts; its size is that of the report."""

    def __init__(self) -> None:
        self.total = Share()
        self.refused_then = 0
        """Of those that would be denied."""
        self.denials: dict[Group, Denials] = {}
        self.policies: dict[str, Counter[Consequence]] = {}
        self.namespaces: dict[str, Share] = {}
        self.users: dict[str, Share] = {}
        self.period: tuple[str, str] | None = None
        """The first and the last time of a request, if any had one."""

    def judged(self, group: Group, then: Then, outcomes: "Outcomes", source: Source) -> None:
        """Count one request."""
        denied, warned = outcomes.denied, outcomes.warned
        namespace = self.namespaces.setdefault(group.namespace, Share())
        user = self.users.setdefault(group.user, Share())
        for share in (self.total, namespace, user):
            share.judged += 1
            share.denied += denied
            share.warned += warned
        for policy, consequence in outcomes.by_policy.items():
            self.policies.setdefault(policy, Counter())[consequence] += 1
        if denied:
            found = self.denials.setdefault(group, Denials(source, outcomes.message))
            found.requests += 1
            found.refused_then += then == "refused"
            self.refused_then += then == "refused"
            found.policies.update(outcomes.denying)

    def at(self, time: str | None) -> None:
        """A request was made at this time, ISO 8601 in UTC."""
        if not time or len(time) < len("2026-11-24T12:00:00"):
            return
        second = f"{time[:19]}Z"
        first, last = self.period or (second, second)
        self.period = min(first, second), max(last, second)


class Outcomes(msgspec.Struct, frozen=True):
    """What came of one request."""

    by_policy: dict[str, Consequence]
    denying: Sequence[str] = ()
    """Policies."""
    message: str = ""
    """Why it is denied, if it is."""

    @property
    def denied(self) -> bool:
        """True if it would not be let in."""
        return bool(self.denying)

    @property
    def warned(self) -> bool:
        """True if it would be let in with a warning."""
        return not self.denying and "warned" in self.by_policy.values()

    @property
    def crashed(self) -> bool:
        """True if a policy could not judge it."""
        return "crashed" in self.by_policy.values()


def judge(court: Court, case: Case) -> tuple[Group, Outcomes]:
    """What the webhook would answer today, by the profile and the exemptions of the court."""
    workload = case.reading.workload
    identity = identify(case.reading, case.user, court.controllers)
    grants: Sequence[Grant] = ()
    if court.exemptions:
        grants = court.exemptions.reach(identity, court.today)
    verdict = engine.check(court.profile, case.reading, grants=grants)
    generated = case.reading.metadata.generate_name
    kind, name = identity.names[-1]
    if len(identity.names) == 1 and generated:
        name = f"{generated}*"
    group = Group(workload.namespace or "", Owner(kind, name), case.user or "")
    return group, _outcomes(verdict)


_GRAVITY: dict[Consequence, int] = {
    "denied": 4,
    "crashed": 3,
    "warned": 2,
    "recorded": 1,
    "exempted": 0,
}


def _outcomes(verdict: engine.Verdict) -> Outcomes:
    if verdict is engine.CLEAN:
        return _CLEAN
    found: dict[str, Consequence] = {}
    for finding in verdict.findings:
        _graver(found, finding.policy, _consequence(finding))
    for crash in verdict.crashes:
        found[crash.policy] = "crashed"
    denying = [finding for finding in verdict.findings if finding.denies]
    failed = [crash for crash in verdict.crashes if crash.denies]
    messages = [
        *(finding.violation.message for finding in denying),
        *(f"the policy failed: {crash.told}" for crash in failed),
    ]
    policies = dict.fromkeys([*(one.policy for one in denying), *(one.policy for one in failed)])
    return Outcomes(found, tuple(policies), messages[0] if messages else "")


_CLEAN = Outcomes({})


def _consequence(finding: engine.Finding) -> Consequence:
    if finding.is_exempt:
        return "exempted"
    if finding.denies:
        return "denied"
    return "warned" if finding.action == "warn" else "recorded"


def _graver(found: dict[str, Consequence], policy: str, consequence: Consequence) -> None:
    if policy not in found or _GRAVITY[consequence] > _GRAVITY[found[policy]]:
        found[policy] = consequence


def decided(decision: Decision) -> tuple[Group, Outcomes]:
    """What a line of the decision log says was done then."""
    owner = decision.owner
    if owner and owner.kind and owner.name:
        who = Owner(owner.kind, owner.name)
    elif decision.name is None and decision.generate_name:
        who = Owner(decision.kind, f"{decision.generate_name}*")
    else:
        who = Owner(decision.kind, decision.name or "?")
    group = Group(decision.namespace or "", who, decision.user or "")
    denied = decision.decision == "denied"
    found: dict[str, Consequence] = {}
    for finding in decision.findings:
        consequence: Consequence = "warned" if finding.action == "warn" else "recorded"
        if finding.exemption and finding.action == "deny":
            consequence = "exempted"
        elif finding.action == "deny":
            consequence = "denied"
        _graver(found, finding.policy, consequence)
    for crash in decision.crashes:
        found[crash.policy] = "crashed"
    denying = [policy for policy, consequence in found.items() if consequence == "denied"]
    denying += [crash.policy for crash in decision.crashes if crash.denies]
    message = next((one.message for one in decision.findings if one.action == "deny"), "")
    # a record that was too long to be written whole has its decision, and no findings
    return group, Outcomes(found, (denying or ("?",)) if denied else (), message)
