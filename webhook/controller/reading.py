"""From the cluster to a `State`, and what was in the way."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from webhook.cluster import Answer, Client, Request
from webhook.controller.certificates import Service
from webhook.controller.state import (
    KINDS,
    Registration,
    Secret,
    Seen,
    State,
    read_registration,
    read_secret,
)
from webhook.controller.writes import registration_path, secrets_path

if TYPE_CHECKING:
    from cryptography import x509

Mode = Literal["self", "cert-manager", "files"]


class Subject(msgspec.Struct, frozen=True):
    """What the controller cares for."""

    mode: Mode
    service: Service
    secret: str | None
    """Its name, in the Service's namespace; only mode `files` may have none."""
    configurations: tuple[str, ...]
    """Names; there may be one of each kind by the same name."""


class Reading(msgspec.Struct, frozen=True):
    """What one look at the cluster gave."""

    state: State
    refused: tuple[str, ...] = ()
    """What could not be read: the state is then not to be acted upon."""
    missing: tuple[str, ...] = ()
    """Names of configurations of which there is none of either kind."""


class Memory:
    """What has been seen for how long; lost at a restart, which only makes things wait."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` is in seconds."""
        self._monotonic = monotonic
        self._leaf: tuple[x509.Certificate, float] | None = None
        self._standing: dict[x509.Certificate, float] = {}

    def see(self, state: State) -> State:
        """The state, with what is remembered of it."""
        now = self._monotonic()
        leaf = state.secret.leaf if state.secret else None
        if leaf is None:
            self._leaf = None
        elif self._leaf is None or self._leaf[0] != leaf:
            self._leaf = leaf, now
        self._standing = {one: self._standing.get(one, now) for one in state.standing}
        seen = Seen(
            timedelta(seconds=now - self._leaf[1] if self._leaf else 0),
            {one: timedelta(seconds=now - since) for one, since in self._standing.items()},
        )
        return msgspec.structs.replace(state, seen=seen)


def read(client: Client, subject: Subject, clock: Callable[[], datetime]) -> Reading:
    """Look once. `clock` is asked where the API server does not tell the time.

    The Secret comes first: an authority that joins both in between is then one that a caBundle has
    and the Secret has not, which is kept. Raises `ClusterError`.
    """
    refused: list[str] = []
    secret: Secret | None = None
    date: datetime | None = None
    if subject.secret is not None:
        path = f"{secrets_path(subject.service.namespace)}/{subject.secret}"
        answer = client.ask(Request("GET", path))
        date = answer.date
        if _exists(answer, f"Secret {subject.secret}", refused):
            secret = read_secret(answer.body)
    registrations: list[Registration] = []
    for name in subject.configurations:
        for kind in KINDS:
            answer = client.ask(Request("GET", registration_path(kind, name)))
            date = date or answer.date
            if _exists(answer, f"{kind} {name}", refused):
                registrations.append(read_registration(kind, answer.body, subject.service))
    missing = _missing(subject, registrations) if not refused else ()
    state = State(date or clock(), subject.service, secret, tuple(registrations))
    return Reading(state, tuple(refused), missing)


def _exists(answer: Answer, what: str, refused: list[str]) -> bool:
    if answer.ok and answer.body:
        return True
    # any other 404 may be a proxy's
    if answer.body.get("reason") != "NotFound":
        refused.append(f"{what} cannot be read: {answer.problem}")
    return False


def _missing(subject: Subject, registrations: list[Registration]) -> tuple[str, ...]:
    there = {one.name for one in registrations}
    return tuple(name for name in subject.configurations if name not in there)
