"""From an AdmissionReview's bytes to those of its answer: the one entry of both servers."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from zlib import crc32

import msgspec

from webhook import engine, messages, patch, record, review
from webhook.errors import BadReview, UnknownProfile
from webhook.exemptions import Exemptions, Grant
from webhook.identity import identify
from webhook.profile import Profile
from webhook.scope import OBJECTS, evidence_for_filling, judged_object
from webhook.subject import Subject, subject_of
from webhook.workload import Reading

logger = logging.getLogger(__name__)


class Door(Enum):
    """Checks are made at the one, fills at the other."""

    VALIDATE = "validate"
    MUTATE = "mutate"


class Answer(msgspec.Struct, frozen=True):
    """What goes back, what goes to the decision log, and what is counted."""

    status: int
    """HTTP status: 200, 400, 404, or 500 for a failure of ours (failurePolicy then decides)."""
    body: bytes
    """JSON."""
    record: dict[str, Any] | None = None
    """One entry of the decision log; None if nothing was found, filled or gone wrong, unless it is
    one of the sample."""
    subject: Subject | None = None
    """None for a review that could not be answered by another one."""
    outcome: engine.Verdict | engine.Proposal | None = None
    """What policies said, if they said anything."""
    break_glass: str | None = None
    """The decision that `/validate` would have made, `allowed` or `denied`, where nobody asks it
    because the user is in the break-glass group."""


class Snapshot(msgspec.Struct, frozen=True):
    """Every document in force at one moment."""

    profiles: Mapping[str, Profile]
    default: str
    """Name of the profile for requests that name none."""
    exemptions: Exemptions = Exemptions()
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""

    def profile(self, name: str | None) -> Profile:
        """The named profile, the default for None. Raises `UnknownProfile`."""
        found = self.profiles.get(self.default if name is None else name)
        if found is None:
            raise UnknownProfile(name or self.default, self.profiles)
        return found


class Admission:
    """Answers reviews by the documents of one snapshot. It does no I/O."""

    def __init__(
        self,
        snapshot: Snapshot,
        clock: Callable[[], datetime],
        docs_url: str | None = None,
        log_allowed: float = 0.0,
        break_glass_group: str | None = None,
    ) -> None:
        """`clock` gives the time of records and of expiry, with a time zone.

        `docs_url` is where denials say that there is more to read, see `webhook.links`.
        `log_allowed` is the part, from 0 to 1, of reviews with nothing to tell that get a record.
        `break_glass_group` has the users about whose requests no validating webhook is asked: at
        `/mutate`, what the checks find is recorded, and changes nothing.
        """
        self.snapshot = snapshot
        """What is in force; another one may be put in its place between any two reviews."""
        self._clock = clock
        self._docs_url = docs_url
        self._log_allowed = log_allowed
        self._break_glass_group = break_glass_group

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        """The answer to one request at a door; `profile` is None where the path names none."""
        try:
            snapshot = self.snapshot
            chosen = snapshot.profile(profile)
            request = review.parse(body, OBJECTS)
            reading = judged_object(request)
            if reading is None:
                return self._allow(door, chosen, request, None)
            grants = self._grants(snapshot, request, reading)
            if door is Door.VALIDATE:
                return self._validate(chosen, request, reading, grants)
            return self._mutate(chosen, request, reading, grants)
        except UnknownProfile as error:
            return _refusal(404, error)
        except BadReview as error:
            return _refusal(400, error)
        except Exception:
            logger.exception("a review could not be answered")
            return Answer(500, error_body("podworthy failed; its log says why"))

    def _grants(
        self, snapshot: Snapshot, request: review.Request[Any], reading: Reading
    ) -> Sequence[Grant]:
        if not snapshot.exemptions:
            return ()
        user = request.user_info.username if request.user_info else None
        today = self._clock().astimezone(UTC).date()
        return snapshot.exemptions.reach(identify(reading, user, snapshot.controllers), today)

    def _validate(
        self,
        profile: Profile,
        request: review.Request[Any],
        reading: Reading,
        grants: Sequence[Grant],
    ) -> Answer:
        verdict = engine.check(profile, reading, grants=grants)
        if verdict is engine.CLEAN:
            return self._allow(Door.VALIDATE, profile, request, reading)
        denied = verdict.denies
        body = review.render(
            request.uid,
            denial=self._denial(profile, verdict) if denied else None,
            warnings=() if denied else messages.warnings(verdict.findings, verdict.crashes),
            audit_annotations=_annotations(
                messages.finding_clauses(verdict.findings), verdict.crashes
            ),
        )
        told = record.of_checks(verdict)
        return Answer(
            200,
            body,
            self._head(Door.VALIDATE, profile, request, reading) | told,
            subject_of(profile, request, reading, told["decision"]),
            verdict,
        )

    def _denial(self, profile: Profile, verdict: engine.Verdict) -> str:
        denying = [finding for finding in verdict.findings if finding.denies]
        failed = [crash for crash in verdict.crashes if crash.denies]
        return messages.denial(profile.name, denying, failed, self._docs_url)

    def _mutate(
        self,
        profile: Profile,
        request: review.Request[Any],
        reading: Reading,
        grants: Sequence[Grant],
    ) -> Answer:
        evidence = evidence_for_filling(request, reading)
        proposal = engine.fill(profile, reading, evidence, grants) if evidence else engine.NOTHING
        doubts = evidence.doubts if evidence else {}
        unasked = self._unasked(profile, request, reading, grants)
        if proposal is engine.NOTHING and not doubts and unasked is None:
            return self._allow(Door.MUTATE, profile, request, reading)
        fills = [one.fill for one in proposal.fillings if one.action == "fill"]
        clauses = [
            *messages.filling_clauses(proposal.fillings),
            *(("doubtful", f"left {path} ({why})") for path, why in doubts.items()),
            *(("exempt", f"left alone by {e.name} of {e.owner}") for e in proposal.spared),
        ]
        body = review.render(
            request.uid,
            patch=list(patch.operations(reading, fills)),
            warnings=messages.suggestions(proposal.fillings)
            + messages.warnings((), proposal.crashes),
            audit_annotations=_annotations(clauses, proposal.crashes),
        )
        told = record.of_fills(proposal, doubts, filled=bool(fills))
        if unasked is not None:
            told = record.with_break_glass(told, unasked)
        return Answer(
            200,
            body,
            self._head(Door.MUTATE, profile, request, reading) | told,
            subject_of(profile, request, reading, told["decision"]),
            proposal,
            told.get("breakGlass"),
        )

    def _unasked(
        self,
        profile: Profile,
        request: review.Request[Any],
        reading: Reading,
        grants: Sequence[Grant],
    ) -> engine.Verdict | None:
        """What the checks say where the API server does not ask them; None if it does."""
        user, group = request.user_info, self._break_glass_group
        if group is None or user is None or not user.is_in(group):
            return None
        return engine.check(profile, reading, grants=grants)

    def _allow(
        self, door: Door, profile: Profile, request: review.Request[Any], reading: Reading | None
    ) -> Answer:
        """Nothing was found, or nothing asked."""
        told = None
        if self._log_allowed and _sampled(request.uid, self._log_allowed):
            head = self._head(door, profile, request, reading)
            told = head | record.of_sample(self._log_allowed)
        subject = subject_of(profile, request, reading, "allowed")
        return Answer(200, review.allowed(request.uid), told, subject)

    def _head(
        self, door: Door, profile: Profile, request: review.Request[Any], reading: Reading | None
    ) -> dict[str, Any]:
        now = self._clock().isoformat(timespec="milliseconds")
        return record.head(now, door.value, profile.name, request, reading)


def _sampled(uid: str, rate: float) -> bool:
    """The same for each try of one call: client-go sends the same body, with the same uid."""
    return crc32(uid.encode()) < rate * 2**32


def error_body(message: str) -> bytes:
    """The body of every answer that is not an AdmissionReview."""
    return msgspec.json.encode({"error": message})


def _refusal(status: int, error: Exception) -> Answer:
    return Answer(status, error_body(messages.complaint(str(error))))


def _annotations(
    clauses: Iterable[tuple[str, str]], crashes: Iterable[engine.Crash]
) -> dict[str, str]:
    """Audit annotations by policy; a key must not hold a slash (apiserver admission/attributes)."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for policy, text in sorted(clauses):
        texts[policy].append(text)
    found = {policy: messages.annotation(told) for policy, told in texts.items()}
    failed = messages.annotation(messages.crash_clauses(crashes))
    return found | ({"error": failed} if failed else {})
