"""What is registered, against the table; what narrows it may be the platform team's choice, and is
told."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.asking import Unread
from webhook.doctor.registered import (
    NAME_LABEL,
    PROFILE_LABEL,
    Entry,
    name_of,
    rules_of,
    service_of,
)
from webhook.doctor.report import Evidence, Names, failed, ok, unknown, warning
from webhook.doctor.state import State
from webhook.doctor.table import GLASS, NEVER_ASKED, TABLE, Row, is_same

_AGAIN: Final = "bring it back by `helm upgrade`, or `kubectl apply` of deploy/manifests"
_NONE: Final = frozenset({"None", "NoneOnDryRun"})


def check(state: State) -> Iterator[Evidence]:
    """Every profile with all its entries, each as the table has it, and nothing else."""
    found = state.entries
    if isinstance(found, Unread):
        yield unknown(found.why)
        return
    if not found:
        yield _nothing(state)
        return
    profiles = sorted({entry.profile for entry in found})
    for profile in profiles:
        yield from _lacking(profile, [one for one in found if one.profile == profile], state.names)
    for entry in found:
        yield from _of_entry(entry, state)
    yield from _twice(found)
    for name in sorted({entry.configuration for entry in found} - {state.names.configuration}):
        kinds = " and ".join(sorted({it.kind for it in found if it.configuration == name}))
        yield warning(
            f"{kinds} {name} calls the same Service: what is judged, is judged twice",
            f"delete it, if it is a rest of an older installation; if it is yours, name it by "
            f"--configuration={name}",
        )
    yield ok(f"{len(found)} webhooks of the profiles {', '.join(profiles)}")


def _nothing(state: State) -> Evidence:
    names = state.names
    configurations = (
        *(state.mutating if not isinstance(state.mutating, Unread) else ()),
        *(state.validating if not isinstance(state.validating, Unread) else ()),
    )
    others = sorted(
        f"{called.get('namespace')}/{called.get('name')}"
        for one in configurations
        if name_of(one) == names.configuration
        for called in map(service_of, one.get("webhooks") or ())
    )
    if others:
        return failed(
            f"no webhook calls Service {names.namespace}/{names.service}; those of "
            f"{names.configuration} call {others[0]}",
            "look at that one, by --namespace and --service",
        )
    return failed(
        f"no webhook configuration calls Service {names.namespace}/{names.service}: nothing is "
        "judged",
        f"name another namespace by --namespace; else {_AGAIN}",
    )


def _lacking(profile: str, there: list[Entry], names: Names) -> Iterator[Evidence]:
    roles = {entry.role for entry in there}
    for role, row in TABLE.items():
        if role not in roles:
            yield failed(
                f"{row.kind} {names.configuration} has no {role}.{profile}.podworthy.dev", _AGAIN
            )


def _of_entry(entry: Entry, state: State) -> Iterator[Evidence]:
    row = TABLE.get(entry.role)
    if row is None:
        yield warning(f"{entry} is none of podworthy's", "delete it from the configuration")
        return
    if row.kind != entry.kind or f"/{row.path}/{entry.profile}" != entry.path:
        yield failed(f"{entry} sends reviews to {entry.path}", _AGAIN)
    if f"{entry.role}.{entry.profile}.podworthy.dev" != entry.name:
        yield failed(f"{entry} is judged by the profile {entry.profile!r}", _AGAIN)
    yield from _rules(entry, row)
    yield from _settings(entry, row)
    yield from _conditions(entry, row)
    yield from _narrowed(entry, row)
    yield from _excluded(entry, state)
    yield from _port(entry, state)


def _rules(entry: Entry, row: Row) -> Iterator[Evidence]:
    there = rules_of(entry.webhook)
    for what, some, remedy in (
        ("is called about", there - row.rules, "take that away: podworthy must not judge it"),
        ("is not called about", row.rules - there, _AGAIN),
    ):
        if some:
            listed = ", ".join(
                f"{operation} {resource}" + (f".{group}" if group else "")
                for group, resource, operation in sorted(some)
            )
            yield failed(f"{entry} {what} {listed}", remedy)


def _settings(entry: Entry, row: Row) -> Iterator[Evidence]:
    webhook = entry.webhook
    if not row.may_fail and entry.failure_policy != "Ignore":
        yield failed(
            f"{entry} has failurePolicy {entry.failure_policy}: an outage blocks what must never "
            "be blocked",
            _AGAIN,
        )
    timeout = webhook.get("timeoutSeconds", 10)
    if timeout > row.timeout:
        yield warning(
            f"{entry} has timeoutSeconds {timeout}: a server that hangs slows down creates by more "
            f"than {row.timeout} s",
            _AGAIN,
        )
    if row.path == "mutate" and webhook.get("reinvocationPolicy") != "IfNeeded":
        yield warning(
            f"{entry} has reinvocationPolicy {webhook.get('reinvocationPolicy', 'Never')}: "
            "containers that others add later are not filled",
            _AGAIN,
        )
    if webhook.get("matchPolicy", "Equivalent") != "Equivalent":
        yield warning(f"{entry} has matchPolicy {webhook.get('matchPolicy')}", _AGAIN)
    if webhook.get("sideEffects") not in _NONE:
        yield failed(f"{entry} has sideEffects: the API server refuses its dry runs", _AGAIN)


def _conditions(entry: Entry, row: Row) -> Iterator[Evidence]:
    there = entry.webhook.get("matchConditions") or ()
    for name, wanted in row.conditions.items():
        if any(is_same(str(one.get("expression", "")), wanted) for one in there):
            continue
        named = [one for one in there if one.get("name") == name]
        if named:
            yield warning(f"{entry} has a matchCondition {name} of its own", _AGAIN)
        elif name == GLASS:
            yield warning(f"{entry} has no matchCondition {name}: no group passes it by", _AGAIN)
        else:
            yield failed(f"{entry} has no matchCondition {name}", _AGAIN)


def _narrowed(entry: Entry, row: Row) -> Iterator[Evidence]:
    """What lets objects go by unjudged; no upgrade takes it back but of the selector."""
    remedy = f"if that is nobody's intent, delete configuration {entry.configuration}, and {_AGAIN}"
    selector = entry.webhook.get("objectSelector") or {}
    if any(selector.values()):
        yield warning(f"{entry} has an objectSelector: what it leaves out is not judged", remedy)
    for one in entry.webhook.get("matchConditions") or ():
        if one.get("name") not in row.conditions:
            yield warning(
                f"{entry} has a matchCondition {one.get('name')}: what it leaves out is not judged",
                remedy,
            )


def _excluded(entry: Entry, state: State) -> Iterator[Evidence]:
    for namespace in (*NEVER_ASKED, state.names.namespace):
        labels = {NAME_LABEL: namespace}
        if entry.selects(labels) or entry.selects({**labels, PROFILE_LABEL: entry.profile}):
            yield failed(
                f"{entry} is called about namespace {namespace}: what is to repair the cluster, or "
                "podworthy, may be blocked",
                _AGAIN,
            )


def _port(entry: Entry, state: State) -> Iterator[Evidence]:
    if isinstance(state.service, Unread) or state.service is None:
        return
    ports = [one.get("port") for one in (state.service.get("spec") or {}).get("ports") or ()]
    called = service_of(entry.webhook).get("port", 443)
    if called not in ports:
        yield failed(f"{entry} calls port {called}, and the Service has {ports}", _AGAIN)


def _twice(found: tuple[Entry, ...]) -> Iterator[Evidence]:
    """Two profiles about one namespace."""
    deciding = [entry for entry in found if entry.role == "pods"]
    chosen = [{PROFILE_LABEL: entry.profile} for entry in deciding]
    for labels in ({}, *chosen):
        both = [one.profile for one in deciding if one.selects({NAME_LABEL: "any", **labels})]
        if len(set(both)) > 1:
            yield failed(
                f"a namespace with the labels {labels} is judged by {' and '.join(both)}", _AGAIN
            )
