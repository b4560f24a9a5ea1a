"""Whether API servers believe the certificate that is served: its names, its chain, its time."""

from collections.abc import Iterator
from datetime import datetime

from webhook.controller.certificates import is_valid, names_of
from webhook.controller.inspection import leads_to, timely
from webhook.doctor.asking import Unread
from webhook.doctor.registered import Entry
from webhook.doctor.report import Evidence, Names, failed, ok, unknown, warning
from webhook.doctor.served import certificates
from webhook.doctor.state import Served, State


def check(state: State) -> Iterator[Evidence]:
    """Each caBundle against what is served; the bundles alone if that cannot be seen."""
    entries, served = state.entries, state.served
    if isinstance(served, Unread):
        yield unknown(
            f"the served certificate cannot be seen: {served.why}",
            "run doctor in the cluster, or with the right to get the Secret",
        )
    else:
        yield from _of_certificate(served, state.names, state.now)
    if isinstance(entries, Unread):
        yield unknown(entries.why)
        return
    bundles: dict[str, list[Entry]] = {}
    for entry in entries:
        bundles.setdefault(entry.bundle, []).append(entry)
    for bundle, having in bundles.items():
        seen = None if isinstance(served, Unread) else served
        if why := _distrust(bundle, seen, state.now):
            yield failed(f"{_listed(having)}: {why}", *_mend(state.names))
        elif seen:
            yield ok(f"{len(having)} webhooks believe it")


def _of_certificate(served: Served, names: Names, now: datetime) -> Iterator[Evidence]:
    leaf = served.chain[0]
    host = f"{names.service}.{names.namespace}.svc"
    if host not in names_of(leaf):
        there = ", ".join(sorted(names_of(leaf))) or "no name"
        yield failed(
            f"{served.where} a certificate for {there}, not for {host}, which API servers ask for",
            *_mend(names),
        )
    told = timely(leaf, now)
    if told and is_valid(leaf, now):
        yield warning(f"{served.where} a certificate that {told}", *_mend(names))
    elif told:
        yield failed(f"{served.where} a certificate that {told}", *_mend(names))
    else:
        yield ok(f"{served.where} a certificate that ends on {leaf.not_valid_after_utc:%Y-%m-%d}")


def _distrust(bundle: str, served: Served | None, now: datetime) -> str | None:
    """Why a call that believes this caBundle fails, if it does."""
    if not bundle:
        return "no caBundle, so that only authorities of the API server's own system are believed"
    alive = [one for one in certificates(bundle) if is_valid(one, now)]
    if not alive:
        return "its caBundle holds no certificate that is valid now"
    if served is None:
        return None
    if served.refused is not None:
        why = served.refused.get(bundle)
        # by our own clock, and time is told of already
        return f"its caBundle does not believe what is served: {why}" if why else None
    return None if leads_to(served.chain, alive) else "its caBundle does not believe it"


def _listed(entries: list[Entry]) -> str:
    rest = len(entries) - 1
    return f"{entries[0]}" + (f" and {rest} more" if rest else "")


def _mend(names: Names) -> tuple[str, str]:
    return (
        "the controller writes them, or tells what is wrong with those of others: see its log",
        f"kubectl logs --namespace={names.namespace} deployment/{names.service}-controller",
    )
