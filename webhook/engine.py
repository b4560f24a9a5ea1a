"""Profile times workload: the one place where policies are called, whichever door asks."""

import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from webhook.api import NOWHERE, Evidence, Fill, Lookups, Violation
from webhook.exemptions import Excuses, Exemption, Grant
from webhook.profile import Binding, Profile
from webhook.workload import Reading

logger = logging.getLogger(__name__)


class Finding(msgspec.Struct, frozen=True):
    """A violation, and what the profile does about it."""

    policy: str
    action: str
    """`deny`, `warn` or `audit`; a deny in the grace of an exemption has become `warn`."""
    violation: Violation
    grant: Grant | None = None
    """The exemption that excuses it, if one does."""

    @property
    def is_exempt(self) -> bool:
        """True if an exemption is in force: it is told, and has no consequence."""
        return self.grant is not None and not self.grant.in_grace

    @property
    def denies(self) -> bool:
        """True if the object is not let in because of it."""
        return self.action == "deny" and not self.is_exempt


class Filling(msgspec.Struct, frozen=True):
    """A fill, and whether the profile wants it done."""

    policy: str
    action: str
    """`fill` or `suggest`."""
    fill: Fill


class Crash(msgspec.Struct, frozen=True):
    """A policy that raised: our failure, not the author's."""

    policy: str
    error: str
    """Its class, which anybody may read."""
    denies: bool
    """The profile's `onFailure` for this policy, unless an exemption reaches the workload."""
    place: str | None = None
    """The line of the policy's module that raised it or called what did, `FILE:LINE`; None if the
    policy ran none of its own, as one that yields no violation but something else."""
    text: str = ""
    """What the error says. It may quote the object, with whatever is secret there: for those alone
    who have the object or the log of the server."""

    @property
    def told(self) -> str:
        """The whole error and its place, for those who mend policies."""
        error = f"{self.error}: {self.text}"
        return f"{error} ({self.place})" if self.place else error


class Verdict(msgspec.Struct, frozen=True):
    """What all checks of a profile say of one workload, in the order of the catalogue."""

    findings: tuple[Finding, ...] = ()
    crashes: tuple[Crash, ...] = ()

    @property
    def denies(self) -> bool:
        """True if the object is not let in."""
        return any(f.denies for f in self.findings) or any(c.denies for c in self.crashes)


class Proposal(msgspec.Struct, frozen=True):
    """What all fills of a profile would set in one workload."""

    fillings: tuple[Filling, ...] = ()
    crashes: tuple[Crash, ...] = ()
    spared: tuple[Exemption, ...] = ()
    """Exemptions because of which something was not filled."""


CLEAN: Final = Verdict()
"""The verdict with nothing in it, this very object: no policy found or broke anything."""
NOTHING: Final = Proposal()
"""The proposal with nothing in it, this very object."""


def check(
    profile: Profile,
    reading: Reading,
    lookups: Lookups = NOWHERE,
    grants: Sequence[Grant] = (),
) -> Verdict:
    """Every violation of the profile's checks; none for a workload of which nothing is asked.

    `grants` are the exemptions that reach the workload.
    """
    workload = reading.workload
    checks = profile.lone_checks if lookups is NOWHERE else profile.checks
    bindings = checks.get(workload.kind)
    if not bindings or not reading.is_asked:
        return CLEAN
    excuses = Excuses(grants, workload) if grants else None

    def found(binding: Binding, violations: Iterable[Violation]) -> Iterator[Finding]:
        for violation in violations:
            action = binding.action_of(violation.rule)
            if action == "off":
                continue
            grant = excuses.excuse(binding.policy, violation.path) if excuses else None
            if grant and grant.in_grace and action == "deny":
                action = "warn"
            elif grant and grant.in_grace:
                grant = None
            yield Finding(binding.policy, action, violation, grant)

    findings: list[Finding] = []
    crashes: list[Crash] = []
    for binding in bindings:
        try:
            # most policies find nothing: that must cost nothing more
            if violations := tuple(binding.check(workload, binding.params, lookups)):
                findings += tuple(found(binding, violations))
        except _CRASHES as error:
            crashes.append(_crash(binding, error, excuses))
    return Verdict(tuple(findings), tuple(crashes)) if findings or crashes else CLEAN


def fill(
    profile: Profile, reading: Reading, evidence: Evidence, grants: Sequence[Grant] = ()
) -> Proposal:
    """Every value that the profile's fills would set, given the evidence on who chose what.

    What an exemption in force excuses is left as it is.
    """
    workload = reading.workload
    bindings = profile.fills.get(workload.kind)
    if not bindings or not reading.is_asked:
        return NOTHING
    in_force = [grant for grant in grants if not grant.in_grace]
    excuses = Excuses(in_force, workload) if in_force else None
    spared: list[Exemption] = []

    def proposed(binding: Binding) -> Iterator[Filling]:
        for one in binding.fill(workload, binding.params, evidence):
            grant = excuses.excuse(binding.policy, one.path) if excuses else None
            if grant:
                spared.append(grant.exemption)
            else:
                yield Filling(binding.policy, binding.action, one)

    fillings: list[Filling] = []
    crashes: list[Crash] = []
    for binding in bindings:
        try:
            fillings += tuple(proposed(binding))
        except _CRASHES as error:
            crashes.append(_crash(binding, error, excuses))
    if not fillings and not crashes and not spared:
        return NOTHING
    return Proposal(tuple(fillings), tuple(crashes), tuple(dict.fromkeys(spared)))


_CRASHES: Final = (Exception, SystemExit)
"""What loses a policy its own results only; one that exits must not end the process."""


def _crash(binding: Binding, error: BaseException, excuses: Excuses | None) -> Crash:
    """The report of the error that is being handled."""
    logger.exception("policy %s crashed", binding.policy)
    is_excused = excuses is not None and excuses.excuse(binding.policy) is not None
    denies = binding.on_failure == "deny" and not is_excused
    return Crash(binding.policy, type(error).__name__, denies, _place(error), str(error))


def _place(error: BaseException) -> str | None:
    """The last line that ran in the file where the policy's function stands."""
    lines = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    called = next((file for file, _ in lines if file != __file__), None)
    numbers = [number for file, number in lines if file == called]
    return f"{called}:{numbers[-1]}" if numbers else None
