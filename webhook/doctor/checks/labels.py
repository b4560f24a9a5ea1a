"""Whether namespaces name profiles that are registered."""

from collections import Counter
from collections.abc import Iterator

from webhook.doctor.asking import Unread
from webhook.doctor.registered import PROFILE_LABEL, in_force, labels_of, name_of
from webhook.doctor.report import Evidence, ok, unknown, warning
from webhook.doctor.state import State
from webhook.errors import did_you_mean


def check(state: State) -> Iterator[Evidence]:
    """A label that names nothing is judged by the default profile, which nobody chose."""
    deciding = state.deciding
    if isinstance(deciding, Unread):
        yield unknown(deciding.why)
        return
    if isinstance(state.namespaces, Unread):
        yield unknown(state.namespaces.why)
        return
    known = sorted({entry.profile for entry in deciding})
    judged: Counter[str] = Counter()
    for namespace in state.namespaces:
        labels, name = labels_of(namespace), name_of(namespace)
        entry = in_force(deciding, labels)
        judged[entry.profile if entry else "no profile"] += 1
        chosen = labels.get(PROFILE_LABEL)
        if chosen is not None and chosen not in known:
            near = did_you_mean(chosen, known)
            nearest = next((one for one in known if repr(one) in near), "PROFILE")
            by = f"{entry.profile} judges it" if entry else "nobody judges it"
            yield warning(
                f"Namespace {name} chooses the profile {chosen!r}{near}, which is not registered; "
                f"{by}",
                f"choose one of {', '.join(known)}" if known else "register a profile",
                f"kubectl label namespace {name} --overwrite {PROFILE_LABEL}={nearest}",
            )
    counts = ", ".join(f"{number} by {profile}" for profile, number in sorted(judged.items()))
    yield ok(f"{len(state.namespaces)} namespaces are judged: {counts}")
