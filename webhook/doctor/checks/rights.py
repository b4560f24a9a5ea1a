"""Whether we may ask for what the other checks look at."""

from collections.abc import Iterator

from webhook.doctor.asking import Unread
from webhook.doctor.report import Evidence, ok, unknown, warning
from webhook.doctor.state import State


def check(state: State) -> Iterator[Evidence]:
    """A missing right is a warning here: the checks that lack it say what they cannot tell."""
    if isinstance(state.rights, Unread):
        yield unknown(state.rights.why)
        return
    for asked in state.rights:
        if not asked.allowed and asked.right.spare:
            yield ok(f"you may not {asked.right}, without which every check can be made")
        elif not asked.allowed:
            yield warning(f"you may not {asked.right}", "grant it, as docs/doctor.md does")
    count = sum(asked.allowed for asked in state.rights)
    yield ok(f"you have {count} of the {len(state.rights)} rights that are used")
