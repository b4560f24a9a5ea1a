"""Certificates that somebody else makes: only looked at, and what is wrong with them told."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography import x509

from webhook.controller import certificates
from webhook.controller.state import Secret, State

SOON = timedelta(days=7)
"""Before the end: whoever renews in time has done so by then."""


def problems(state: State) -> Iterator[str]:
    """What keeps API servers from believing the webhook, or soon will."""
    secret = state.secret
    chain = secret.chain if secret else ()
    if secret is not None:
        yield from _of_secret(secret, state)
    for one in state.registrations:
        for entry in one.entries:
            where = f"{one}, webhook {entry.name}"
            alive = [ca for ca in entry.authorities if certificates.is_valid(ca, state.now)]
            if not alive:
                yield f"{where}: its caBundle holds no certificate that is valid now"
            elif chain and not leads_to(chain, alive):
                yield f"{where}: its caBundle does not believe tls.crt of the Secret"


def _of_secret(secret: Secret, state: State) -> Iterator[str]:
    leaf = secret.leaf
    if leaf is None:
        yield "tls.crt of the Secret holds no certificate"
        return
    if state.service.host not in certificates.names_of(leaf):
        yield f"tls.crt of the Secret is not for {state.service.host}, which API servers ask for"
    for one in secret.chain:
        if told := timely(one, state.now):
            yield f"tls.crt of the Secret {told}"


def timely(one: x509.Certificate, now: datetime) -> str | None:
    """What is wrong with its time, as the end of a sentence; None if nothing is."""
    if now < one.not_valid_before_utc:
        return f"is not valid before {one.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
    ends = f"{one.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    if now > one.not_valid_after_utc:
        return f"expired on {ends}"
    return f"expires on {ends}, and nobody has renewed it" if _soon(one, now) else None


def _soon(one: x509.Certificate, now: datetime) -> bool:
    life = one.not_valid_after_utc - one.not_valid_before_utc
    # a short-lived one is always near its end
    return one.not_valid_after_utc - now < min(SOON, life / 10)


def leads_to(chain: tuple[x509.Certificate, ...], roots: list[x509.Certificate]) -> bool:
    """Whether the first one is believed by these roots, by way of the others."""
    reached, rest = chain[0], list(chain[1:])
    while True:
        if reached in roots or any(certificates.has_issued(root, reached) for root in roots):
            return True
        issuer = next((one for one in rest if certificates.has_issued(one, reached)), None)
        if issuer is None:
            return False
        rest.remove(issuer)
        reached = issuer
