"""Whether the profiles in force would let in again what runs."""

from collections.abc import Iterator

from webhook.doctor.asking import Unread
from webhook.doctor.report import Evidence, ok, unknown, warning
from webhook.doctor.state import State


def check(state: State) -> Iterator[Evidence]:
    """What is denied runs until its pods are made anew, by a rollout or a lost node."""
    found = state.survey
    if isinstance(found, Unread):
        yield unknown(found.why)
        return
    for why in found.unread:
        yield unknown(why)
    for why in found.unjudged:
        yield unknown(f"{why}; it cannot be told whether its pods would be let in")
    if found.denied:
        yield warning(
            f"{found.denied} of {found.judged} running workloads would not come back: their "
            "namespaces' profiles deny pods that are made of them now",
            "mend or exempt them, or let their namespace choose advise until then",
        )
        for one in found.examples:
            yield Evidence("warning", f"{one.workload} ({one.profile}): {one.denied}")
    yield ok(f"{found.judged - found.denied} of {found.judged} running workloads would come back")
