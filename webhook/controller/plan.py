"""What to do next about the certificates: a pure function of what is seen. (ADR 20)

Every step is right in the state that was seen, whatever happened before and whichever step comes
next; so nothing has to be remembered, and a controller may be killed between any two of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography import x509

from webhook.controller import certificates
from webhook.controller.certificates import Pair
from webhook.controller.state import Registration, Secret, State
from webhook.controller.steps import NewAuthority, Record, Sign, Step, Trust

MAX_AUTHORITIES: Final = 8
"""In force at once: whoever deletes the Secret again and again must not fill the caBundles."""

_DUE: Final = "two thirds of its life are over"


class Timing(msgspec.Struct, frozen=True):
    """How long things take to arrive elsewhere."""

    settle: timedelta = timedelta(seconds=30)
    """Until every API server uses a caBundle that can be read from one of them."""
    mounts: timedelta = timedelta(minutes=10)
    """Until every server shows the leaf of the Secret: the kubelet brings it within two minutes or
    so (its `syncFrequency` and the age of its cache), and kept connections end after six."""
    overlap: timedelta = timedelta(days=1)
    """For how long an authority stays in force that has signed nothing in use any more."""


class Plan(msgspec.Struct, frozen=True):
    """What can be done in a state: any of the steps, the first ones first."""

    steps: tuple[Step, ...] = ()
    problem: str | None = None
    """Why nothing can be done about the Secret."""
    waits: str | None = None
    """For what it waits, if it does."""


def plan(state: State, timing: Timing) -> Plan:
    """The next steps."""
    secret = state.secret
    if secret is not None and secret.foreign:
        return Plan(problem=secret.foreign)
    pairs = usable_pairs(state)
    known = _known(state, pairs)
    steps: list[Step] = []
    waits = None
    if not any(not certificates.is_due(pair.certificate, state.now) for pair in pairs):
        steps.append(_new_authority(state, known, pairs))
    if secret is not None:
        why = _why_sign(state, secret)
        signer = _signer(state, pairs, timing)
        if why is None and signer and _is_newer(signer, _issuer(secret, known)):
            why = "a newer authority stands in every caBundle"
        if why and signer:
            steps.append(Sign(signer, known, why))
        elif why:
            waits = f"a leaf ({why}), until its authority stands in every caBundle for some time"
        steps += _authorities_in_force(state, secret, known, timing)
    return Plan(tuple(steps), waits=waits)


def usable_pairs(state: State) -> tuple[Pair, ...]:
    """The authorities that can sign, the newest first.

    Their certificates may stand in the Secret or in a caBundle alone.
    """
    secret = state.secret
    if secret is None:
        return ()
    there = dict.fromkeys([*secret.authorities, *_trusted(state)])
    return tuple(
        Pair(one, key)
        for one in _newest_first(there)
        for key in secret.authority_keys
        if certificates.belongs(key, one)
        and certificates.is_valid(one, state.now)
        and certificates.can_sign_for(one, state.service)
    )


def _new_authority(
    state: State, known: tuple[x509.Certificate, ...], pairs: tuple[Pair, ...]
) -> NewAuthority:
    if state.secret is None:
        why = "there is no Secret"
    elif pairs:
        why = "two thirds of the authority's life are over"
    else:
        why = "the Secret holds no authority that can sign for the Service"
    return NewAuthority(known, not any(_trusted(state)), why)


def _signer(state: State, pairs: tuple[Pair, ...], timing: Timing) -> Pair | None:
    """The newest authority by which a leaf is believed at once, everywhere."""
    if pairs and not any(_trusted(state)):
        return pairs[0]  # nobody believes anything, so there is nothing to lose
    for pair in pairs:
        seen = state.seen.standing.get(pair.certificate)
        if seen is not None and seen >= timing.settle:
            return pair
    return None


def _why_sign(state: State, secret: Secret) -> str | None:
    """What is wrong with the present leaf."""
    leaf = secret.leaf
    if leaf is None or "tls.crt" in secret.broken:
        return "tls.crt is missing or broken"
    if secret.leaf_key is None or "tls.key" in secret.broken:
        return "tls.key is missing or broken"
    if not certificates.belongs(secret.leaf_key, leaf):
        return "tls.key is not the key of tls.crt"
    if certificates.names_of(leaf) != frozenset(state.service.names):
        return "tls.crt is not for the names of the Service"
    known = dict.fromkeys([*secret.authorities, *_trusted(state)])
    if not any(certificates.has_issued(one, leaf) for one in known):
        return "no known authority has signed tls.crt"
    return _untimely(leaf, state.now)


def _untimely(leaf: x509.Certificate, now: datetime) -> str | None:
    if now > leaf.not_valid_after_utc:
        return "tls.crt has expired"
    if now < leaf.not_valid_before_utc:
        return "tls.crt is not valid yet"
    return _DUE if certificates.is_due(leaf, now) else None


def _authorities_in_force(
    state: State, secret: Secret, known: tuple[x509.Certificate, ...], timing: Timing
) -> Iterator[Step]:
    """What comes goes into the Secret first, what leaves leaves the caBundles first: in between,
    a caBundle holds nothing that the Secret does not tell of."""
    wanted = _in_force(state, secret, known, timing)
    unknown = set(wanted) - set(secret.authorities)
    if unknown:
        yield Record(
            _newest_first([*secret.authorities, *unknown]),
            "a caBundle holds authorities that the Secret does not",
        )
    for one in state.registrations if wanted else ():
        if why := _why_trust(one, wanted):
            yield Trust(one, wanted, why)
    gone = set(secret.authorities) - set(wanted)
    repaired = "ca.crt" in secret.broken and bool(wanted)
    if not unknown and (repaired or gone) and gone.isdisjoint(_trusted(state)):
        yield Record(wanted, "old authorities have left" if gone else "ca.crt was broken")


def _in_force(
    state: State, secret: Secret, known: tuple[x509.Certificate, ...], timing: Timing
) -> tuple[x509.Certificate, ...]:
    """The known ones, without those whose overlap is over."""
    issuer, leaf = _issuer(secret, known), secret.leaf
    if issuer is None or leaf is None:
        return known
    if _why_sign(state, secret) not in (None, _DUE):
        return known
    since = state.now - certificates.signed_at(leaf)
    # age alone does not tell that every server has it: a clock may have jumped
    if since < timing.overlap or state.seen.leaf < timing.mounts:
        return known
    begin = issuer.not_valid_before_utc
    keys = secret.authority_keys
    return tuple(
        one
        for one in known
        if one == issuer
        or (
            begin < one.not_valid_before_utc <= state.now
            and any(certificates.belongs(key, one) for key in keys)
            and certificates.can_sign_for(one, state.service)
        )
    )


def _why_trust(one: Registration, wanted: tuple[x509.Certificate, ...]) -> str | None:
    for entry in one.entries:
        if set(entry.authorities) != set(wanted) or not entry.whole:
            lacks = len(set(wanted) - set(entry.authorities))
            return (
                f"{entry.name} lacks {lacks} of {len(wanted)} authorities"
                if lacks
                else (f"{entry.name} holds what is not in force")
            )
    return None


def _known(state: State, pairs: tuple[Pair, ...]) -> tuple[x509.Certificate, ...]:
    """All that have not expired, of the Secret and of every caBundle; not too many of them."""
    secret = state.secret
    there = dict.fromkeys([*(secret.authorities if secret else ()), *_trusted(state)])
    alive = [one for one in there if state.now <= one.not_valid_after_utc]
    issuer = _issuer(secret, alive) if secret else None
    first = ([issuer] if issuer else []) + [pair.certificate for pair in pairs]
    chosen = dict.fromkeys([*first, *_newest_first(alive)])
    return _newest_first(list(chosen)[:MAX_AUTHORITIES])


def _issuer(secret: Secret, known: Iterable[x509.Certificate]) -> x509.Certificate | None:
    leaf = secret.leaf
    if leaf is None:
        return None
    return next((one for one in known if certificates.has_issued(one, leaf)), None)


def _is_newer(pair: Pair, issuer: x509.Certificate | None) -> bool:
    return issuer is None or pair.certificate.not_valid_before_utc > issuer.not_valid_before_utc


def _trusted(state: State) -> Iterator[x509.Certificate]:
    return (one for entry in state.entries for one in entry.authorities)


def _newest_first(some: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    order = sorted(some, key=lambda one: (one.not_valid_before_utc, one.serial_number))
    return tuple(reversed(order))
