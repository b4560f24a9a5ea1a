"""Whether the cluster's own network, storage and DNS depend on podworthy."""

from collections.abc import Iterator

from webhook.doctor.asking import Unread
from webhook.doctor.report import Evidence, failed, ok, unknown
from webhook.doctor.state import State
from webhook.doctor.survey import Ruling

_WAY_OUT = (
    "add the namespace to the chart's excludedNamespaces, or let it choose a profile that "
    "only warns"
)


def check(state: State) -> Iterator[Evidence]:
    """They must start when podworthy cannot answer, and podworthy cannot start without them."""
    found, deciding = state.survey, state.deciding
    if isinstance(found, Unread):
        yield unknown(found.why)
        return
    if isinstance(deciding, Unread):
        yield unknown(deciding.why)
        return
    for why in found.unread:
        yield unknown(why)
    failing = {entry.profile for entry in deciding if entry.failure_policy == "Fail"}
    for one in found.infrastructure:
        yield _judged(one, one.profile in failing)
    yield ok(
        f"{len(found.infrastructure)} workloads of network, storage, DNS and nodes are in "
        "namespaces that are judged"
    )


def _judged(one: Ruling, failing: bool) -> Evidence:
    command = f"kubectl label namespace {one.namespace} --overwrite podworthy.dev/profile=advise"
    what = f"{one.workload} ({one.purpose})"
    if one.denied:
        return failed(f"{what} is denied by {one.profile}: {one.denied}", _WAY_OUT, command)
    if failing and not one.critical:
        return failed(
            f"no pod of {what} can start while no server answers: {one.profile} fails closed",
            _WAY_OUT,
            command,
        )
    return ok(f"{what} is let in by {one.profile}")
