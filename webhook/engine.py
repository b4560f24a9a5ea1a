"""Profile times workload: the one place where policies are called, whichever door asks."""

import logging
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec

from webhook.api import NOWHERE, Evidence, Fill, Lookups, Violation
from webhook.profile import Binding, Profile
from webhook.workload import Reading

logger = logging.getLogger(__name__)


class Finding(msgspec.Struct, frozen=True):
    """A violation, and what the profile does about it."""

    policy: str
    action: str
    """`deny`, `warn` or `audit`."""
    violation: Violation


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
    denies: bool
    """The profile's `onFailure` for this policy."""


class Verdict(msgspec.Struct, frozen=True):
    """What all checks of a profile say of one workload, in the order of the catalogue."""

    findings: tuple[Finding, ...] = ()
    crashes: tuple[Crash, ...] = ()


class Proposal(msgspec.Struct, frozen=True):
    """What all fills of a profile would set in one workload."""

    fillings: tuple[Filling, ...] = ()
    crashes: tuple[Crash, ...] = ()


CLEAN: Final = Verdict()
"""The verdict with nothing in it, this very object: no policy found or broke anything."""
NOTHING: Final = Proposal()
"""The proposal with nothing in it, this very object."""


def check(profile: Profile, reading: Reading, lookups: Lookups = NOWHERE) -> Verdict:
    """Every violation of the profile's checks; none for a workload of which nothing is asked."""
    bindings = profile.checks.get(reading.workload.kind)
    if not bindings or not reading.is_asked:
        return CLEAN

    def judge(binding: Binding) -> Iterator[Finding]:
        for violation in binding.check(reading.workload, binding.params, lookups):
            action = binding.action_of(violation.rule)
            if action != "off":
                yield Finding(binding.policy, action, violation)

    findings, crashes = _run(bindings, judge)
    return Verdict(findings, crashes) if findings or crashes else CLEAN


def fill(profile: Profile, reading: Reading, evidence: Evidence) -> Proposal:
    """Every value that the profile's fills would set, given the evidence on who chose what."""
    bindings = profile.fills.get(reading.workload.kind)
    if not bindings or not reading.is_asked:
        return NOTHING

    def propose(binding: Binding) -> Iterator[Filling]:
        for one in binding.fill(reading.workload, binding.params, evidence):
            yield Filling(binding.policy, binding.action, one)

    fillings, crashes = _run(bindings, propose)
    return Proposal(fillings, crashes) if fillings or crashes else NOTHING


T = TypeVar("T")


def _run(
    bindings: tuple[Binding, ...], call: Callable[[Binding], Iterator[T]]
) -> tuple[tuple[T, ...], tuple[Crash, ...]]:
    """Call every binding; one that raises loses its own results only and is reported."""
    results: list[T] = []
    crashes: list[Crash] = []
    for binding in bindings:
        try:
            results += list(call(binding))
        except Exception as error:
            logger.exception("policy %s crashed", binding.policy)
            denies = binding.on_failure == "deny"
            crashes.append(Crash(binding.policy, f"{type(error).__name__}: {error}", denies))
    return tuple(results), tuple(crashes)
