"""The loop: look, plan, do one step, and again."""

import logging
import threading
from collections.abc import Iterator
from enum import Enum
from typing import Final

import msgspec

from webhook.cluster import Client
from webhook.controller import inspection
from webhook.controller.canary import Canary, Finding
from webhook.controller.clocks import Clocks
from webhook.controller.plan import Plan, Timing, plan
from webhook.controller.reading import Memory, Reading, Subject, read
from webhook.controller.state import State
from webhook.controller.status import CHECKS, Check, Expiries, Status
from webhook.controller.steps import Step, Trust
from webhook.controller.writes import request
from webhook.errors import ClusterError
from webhook.messages import brief, printable

logger = logging.getLogger(__name__)


class Turn(Enum):
    """How a turn of the loop has ended."""

    REST = "rest"
    """There is nothing to do."""
    STEP = "step"
    """One step was done, or somebody else was faster: look again soon."""
    FAILED = "failed"
    """Nothing could be done."""


class Pace(msgspec.Struct, frozen=True):
    """Seconds between two turns."""

    rest: float = 10.0
    step: float = 0.5
    failed: float = 1.0
    longest: float = 60.0
    """The most that steps and failures slow down to."""
    quick: int = 20
    """Steps in a row that nobody needs to slow down: enough for any installation."""
    canary: float = 60.0

    def after(self, turn: Turn, times: int) -> float:
        """How long to wait after the last of so many turns in a row that ended so."""
        if turn is Turn.REST:
            return self.rest
        if turn is Turn.STEP:
            return min(self.longest, self.step * 2.0 ** min(10, max(0, times - self.quick)))
        return min(self.longest, self.failed * 2.0 ** min(10, times - 1))


class Controller:
    """Keeps the certificates in order, and sends the canary."""

    def __init__(
        self,
        client: Client,
        subject: Subject,
        canary: Canary | None,
        clocks: Clocks,
        timing: Timing,
        pace: Pace,
    ) -> None:
        self.status = Status()
        self.subject = subject
        self.canary = canary
        self._client = client
        self._clocks = clocks
        self._timing = timing
        self._pace = pace
        self._memory = Memory(clocks.monotonic)
        self._told: dict[Check, str] = {}
        self._problems: dict[Check, str] = {}
        self._waited: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop."""
        last, times = Turn.REST, 0
        now = self._clocks.monotonic()
        turn_at = canary_at = now
        while not stop.is_set():
            if now >= turn_at:
                turn = self.turn()
                last, times = turn, times + 1 if turn is last else 1
                turn_at = self._clocks.monotonic() + self._pace.after(last, times)
            if self.canary and now >= canary_at:
                self.send(self.canary)
                canary_at = self._clocks.monotonic() + self._pace.canary
            now = self._clocks.monotonic()
            stop.wait(max(0.0, min(turn_at, canary_at if self.canary else turn_at) - now))
            now = self._clocks.monotonic()

    def turn(self) -> Turn:
        """Look, and do one step at most."""
        self._problems = {}
        try:
            turn = self._turn()
        except ClusterError as error:
            self._problems["api-server"] = str(error)
            turn = Turn.FAILED
        except Exception:
            logger.exception("a turn failed")
            self._problems["controller"] = "podworthy failed; its log says why"
            turn = Turn.FAILED
        self._close(turn)
        return turn

    def send(self, canary: Canary) -> None:
        """Send the canary, and say so when its answer is another than before."""
        try:
            finding, trouble = canary.run(self._clocks.now)
        except Exception:
            logger.exception("a canary failed")
            return
        before = self.status.canary
        self.status.canary, self.status.canary_at = finding, self._clocks.now()
        self.status.canaries[finding.outcome] += 1
        if before is None or before.outcome is not finding.outcome or finding.enforcing is False:
            _log(finding, canary.namespace)
        if trouble:
            logger.warning("canary: %s", printable(trouble))

    def _turn(self) -> Turn:
        reading = read(self._client, self.subject, self._clocks.now)
        if reading.refused:
            self._problems["api-server"] = brief(reading.refused)
            return Turn.FAILED
        state = self._memory.see(reading.state)
        self._look(reading, state)
        if self.subject.mode != "self":
            return Turn.REST
        return self._act(plan(state, self._timing), state)

    def _look(self, reading: Reading, state: State) -> None:
        """What is wrong in a state, whoever is to repair it."""
        self.status.expiries = _expiries(state)
        secret, registration = self.subject.secret, tuple(_registration(reading))
        if registration:
            self._problems["registration"] = brief(registration)
        if secret is not None and state.secret is None:
            self._problems["secret"] = f"there is no Secret {secret}"
        if wrong := tuple(inspection.problems(state)):
            self._problems["certificate"] = brief(wrong)

    def _act(self, planned: Plan, state: State) -> Turn:
        """The first of the steps that can be done."""
        name = self.subject.secret or ""
        if planned.problem:
            self._problems["secret"] = f"Secret {name} is not written: {planned.problem}"
            return Turn.FAILED
        if planned.waits != self._waited and planned.waits:
            logger.info("waits to sign %s", planned.waits)
        self._waited = planned.waits
        for step in planned.steps:
            if self._do(step, state, name):
                return Turn.STEP
        return Turn.FAILED if planned.steps else Turn.REST

    def _do(self, step: Step, state: State, name: str) -> bool:
        """Whether it is worth to look again at once."""
        kind = type(step).__name__
        what = str(step.registration) if isinstance(step, Trust) else f"Secret {name}"
        answer = self._client.ask(request(step, state, name))
        # gone between look and step: as good as changed
        conflict = answer.status in (404, 409)
        result = "ok" if answer.ok else "conflict" if conflict else "failed"
        self.status.steps[kind, result] += 1
        if answer.ok:
            logger.info("%s: %s (%s)", what, _DONE[kind], step.why)
        elif conflict:
            logger.info("%s: changed meanwhile, looked at again", what)
        else:
            check: Check = "registration" if isinstance(step, Trust) else "secret"
            self._problems[check] = f"{what} cannot be written: {answer.problem}"
        return answer.ok or conflict

    def _close(self, turn: Turn) -> None:
        """Publish what was found; say what is new, but not of what is being repaired."""
        self.status.problems = self._problems
        self.status.turned = self._clocks.monotonic()
        self.status.turned_at = self._clocks.now()
        if turn is Turn.STEP:
            return
        for check in CHECKS:
            problem, told = self._problems.get(check), self._told.get(check)
            if problem and problem != told:
                logger.error("%s: %s", check, printable(problem))
            elif told and not problem:
                logger.info("%s: in order again", check)
        self._told = dict(self._problems)


_DONE: Final = {
    "NewAuthority": "a new authority",
    "Sign": "a new certificate",
    "Record": "authorities written",
    "Trust": "caBundle written",
}


def _registration(reading: Reading) -> Iterator[str]:
    for name in reading.missing:
        yield f"there is no webhook configuration {name}"
    for one in reading.state.registrations:
        if not one.entries:
            yield f"no webhook of {one} calls Service {reading.state.service.host}"


def _expiries(state: State) -> Expiries:
    secret = state.secret
    if secret is None:
        return Expiries()
    ends = [one.not_valid_after_utc for one in secret.authorities]
    leaf = min((one.not_valid_after_utc for one in secret.chain), default=None)
    return Expiries(leaf, max(ends, default=None))


def _log(finding: Finding, namespace: str) -> None:
    say = logger.info if finding.enforcing else logger.error
    say("canary in %s: %s", namespace, printable(finding.detail))
