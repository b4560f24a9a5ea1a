"""Which webhooks of others may add containers that podworthy's filling has not seen."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.asking import Object, Unread
from webhook.doctor.registered import ANY, Entry, entries, name_of, rules_of
from webhook.doctor.report import Evidence, ok, unknown, warning
from webhook.doctor.rights import MUTATING
from webhook.doctor.state import State

_EXCUSED: Final = ("istio", "linkerd")
"""Parts of names of those whose containers require-probes ignores as shipped."""
_HARMLESS: Final = (
    "vpa-webhook-config",
    "pod-identity-webhook",
    "azure-wi-webhook",
    "eks-pod-identity",
)
"""Parts of names of those that change pods and add no container to them."""


def check(state: State) -> Iterator[Evidence]:
    """Configurations are called in the order of their names, then their webhooks in theirs (k8s.io/
    apiserver admission/configuration mutating_webhook_manager.go); whoever comes later and changes
    a pod has it sent again to those before that say IfNeeded, once."""
    if isinstance(state.mutating, Unread):
        yield unknown(state.mutating.why)
        return
    ours = tuple(entries(state.mutating, MUTATING.kind, state.names))
    if not ours:
        yield ok("podworthy mutates nothing")
        return
    last = max(entry.configuration for entry in ours)
    later = 0
    for configuration in sorted(state.mutating, key=name_of):
        name = name_of(configuration)
        for webhook in _foreign(configuration, ours):
            if name > last and _sees_pods(webhook):
                later += 1
                yield _told(name, str(webhook.get("name", "")))
    yield ok(f"{later} webhooks of others change pods after {last}")


def _told(configuration: str, webhook: str) -> Evidence:
    what = f"{MUTATING.kind} {configuration}, {webhook}"
    names = f"{configuration} {webhook}".lower()
    if any(part in names for part in _EXCUSED):
        return ok(f"{what} comes after podworthy; require-probes ignores its containers")
    if any(part in names for part in _HARMLESS):
        return ok(f"{what} comes after podworthy, and adds no containers")
    return warning(
        f"{what} comes after podworthy and may add containers to pods: they are judged, and a "
        "profile that denies does not let such pods in if they lack probes",
        "if it adds containers without probes: name them in `ignore` of require-probes in your "
        "profile, by name and image",
        "podworthy explain require-probes",
    )


def _foreign(configuration: Object, ours: tuple[Entry, ...]) -> Iterator[Object]:
    own = [entry.webhook for entry in ours]
    return (one for one in configuration.get("webhooks") or () if one not in own)


def _sees_pods(webhook: Object) -> bool:
    return any(
        group in ("", ANY) and resource in ("pods", ANY, "*/*") and operation in ("CREATE", ANY)
        for group, resource, operation in rules_of(webhook)
    )
