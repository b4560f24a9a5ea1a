"""What a policy finds and fills in a manifest, against what its author expects."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from webhook import patch
from webhook.api import NOWHERE, Fill, Lookups, Policy, Violation
from webhook.documents.written import validated
from webhook.errors import BadFixture
from webhook.evidence import WrittenText
from webhook.profile import Binding, bind, merged_params
from webhook.testing import pointers
from webhook.testing.fixtures import Expectation, Fixture
from webhook.testing.manifests import Case, Manifest, read


def assert_clean(
    policy: Policy[Any], manifest: Manifest, /, *, lookups: Lookups | None = None, **params: Any
) -> None:
    """The policy finds nothing in the manifest."""
    __tracebackhide__ = True
    _compare(policy, read(manifest), (), lookups, params)


def assert_violates(
    policy: Policy[Any],
    manifest: Manifest,
    /,
    *expected: str,
    lookups: Lookups | None = None,
    **params: Any,
) -> None:
    """The policy finds exactly one violation at each of these paths, in any order.

    A path may have ` rule=NAME` behind it; without, the rule is not looked at.
    """
    __tracebackhide__ = True
    if not expected:
        raise BadFixture("name the paths that are expected, or use assert_clean")
    paths = [Expectation.parse(path) for path in expected]
    _compare(policy, read(manifest), paths, lookups, params)


def assert_as_expected(
    policy: Policy[Any], fixture: Fixture, /, *, lookups: Lookups | None = None, **params: Any
) -> None:
    """The policy finds exactly what the fixture's comments say."""
    __tracebackhide__ = True
    _compare(policy, fixture.case, fixture.expected, lookups, params)


def assert_fills(
    policy: Policy[Any],
    manifest: Manifest,
    expected: Mapping[str, int | str],
    /,
    **params: Any,
) -> None:
    """The policy sets exactly these values in a file, and nothing more once they are set."""
    __tracebackhide__ = True
    case = read(manifest)
    fills = _fills(policy, case, params)
    wrong = list(_wrong_fills(case, fills, expected))
    if wrong:
        raise _failure(policy, case, "fills something else in {} than expected", wrong)
    operations = patch.operations(case.reading, fills)
    filled = read(pointers.with_added(case.value, operations))
    again = [
        f"still set    {fill.path} = {fill.value!r}" for fill in _fills(policy, filled, params)
    ]
    if again:
        raise _failure(policy, case, "still fills something in {} once its fills are set", again)


def _compare(
    policy: Policy[Any],
    case: Case,
    expected: Sequence[Expectation],
    lookups: Lookups | None,
    params: Mapping[str, Any],
) -> None:
    __tracebackhide__ = True
    unexpected = _violations(policy, case, _lookups(policy, case, lookups), params)
    missing = []
    for one in expected:
        found = next((violation for violation in unexpected if one.is_met_by(violation)), None)
        if found:
            unexpected.remove(found)
        else:
            missing.append(one)
    if missing or unexpected:
        told = "finds something else in {} than expected" if expected else "finds something in {}"
        lines = [*_missing(policy, case, missing, unexpected), *_unexpected(case, unexpected)]
        raise _failure(policy, case, told, lines)


class _Unannounced:
    """What a policy gets that does not say that it looks anything up."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def __getattr__(self, question: str) -> Any:
        told = f'{self._policy} asks lookups.{question}: say looks_up="also" or "only"'
        raise AssertionError(f"{told} in its api.Policy, or nothing is gathered for it")


def _lookups(policy: Policy[Any], case: Case, lookups: Lookups | None) -> Any:
    around = lookups or case.around()
    return _Unannounced(policy.id) if policy.looks_up == "never" else around


def _violations(
    policy: Policy[Any], case: Case, lookups: Lookups, params: Mapping[str, Any]
) -> list[Violation]:
    """What the policy finds, and could find at the webhook's door."""
    if policy.check is None:
        raise BadFixture(f"{policy.id} fills and finds nothing; use assert_fills")
    found = []
    for binding in _bindings(policy, case, params):
        found = list(binding.check(case.reading.workload, binding.params, lookups))
        if policy.looks_up == "only":
            blind = binding.check(case.reading.workload, binding.params, NOWHERE)
            lines = [f'{one.path}: say looks_up="also", or nothing' for one in blind]
            if lines:
                raise _failure(policy, case, "tells of {} what it cannot know", lines)
    for violation in found:
        nowhere = pointers.missing_parent(case.value, violation.path)
        if nowhere:
            line = f"{violation.path}: {nowhere}; only the last step of a path may be missing"
            raise _failure(policy, case, "finds something in {} where nothing is", [line])
        if violation.rule and violation.rule not in policy.rules:
            line = f"{violation.path}: name {violation.rule!r} in the policy's rules"
            raise _failure(policy, case, "finds something in {} by an unknown rule", [line])
    return found


def _fills(policy: Policy[Any], case: Case, params: Mapping[str, Any]) -> list[Fill]:
    if policy.fill is None:
        raise BadFixture(f"{policy.id} fills nothing; use assert_clean or assert_violates")
    found = []
    for binding in _bindings(policy, case, params):
        found = list(binding.fill(case.reading.workload, binding.params, WrittenText()))
    metadata = f"{case.reading.workload.pod_path}/metadata"
    for fill in found:
        # those of the pod's annotations are made
        is_annotation = fill.path.startswith(f"{metadata}/annotations/")
        nowhere = pointers.missing_parent(case.value, metadata if is_annotation else fill.path)
        if nowhere:
            line = f"{fill.path}: {nowhere}; only the last step of a path may be missing"
            raise _failure(policy, case, "fills something in {} where nothing is", [line])
    return found


def _bindings(policy: Policy[Any], case: Case, params: Mapping[str, Any]) -> tuple[Binding, ...]:
    """The policy as a profile would use it; none where it is not asked."""
    invalid: list[tuple[str, str]] = []
    validated(policy.params, merged_params(policy, params), invalid)
    if invalid:
        raise BadFixture(f"params of {policy.id}: {'; '.join(message for _, message in invalid)}")
    settings = {"action": "deny" if policy.check else "fill", "params": params}
    profile = bind("test", {"policies": {policy.id: settings}}, {policy.id: policy})
    if not case.reading.is_asked:
        return ()
    by_kind = profile.checks if policy.check else profile.fills
    return by_kind[case.reading.workload.kind]


def _missing(
    policy: Policy[Any], case: Case, missing: Iterable[Expectation], found: Iterable[Violation]
) -> Iterator[str]:
    nearby = {str(Expectation(violation.path, violation.rule or None)) for violation in found}
    for one in missing:
        yield f"missing      {one}"
        near = difflib.get_close_matches(str(one), nearby, n=1, cutoff=0.8)
        if near:
            yield f"             near it: {near[0]}"
    if missing and case.reading.workload.kind not in policy.kinds:
        yield f"{policy.id} does not judge kind {case.reading.workload.kind}"
    elif missing and not case.reading.is_asked:
        yield "nothing is asked of a mirror pod"


def _unexpected(case: Case, found: Iterable[Violation]) -> Iterator[str]:
    for violation in found:
        where = Expectation(violation.path, violation.rule or None)
        yield f"unexpected   {where}{case.place(violation.path)}"
        yield f"             {violation.message}"


def _wrong_fills(
    case: Case, fills: Iterable[Fill], expected: Mapping[str, int | str]
) -> Iterator[str]:
    left = dict(expected)
    for fill in fills:
        if fill.path not in left:
            yield f"unexpected   {fill.path} = {fill.value!r}{case.place(fill.path)}"
            yield f"             {fill.subject}: {fill.why}"
        elif (value := left.pop(fill.path)) != fill.value:
            yield f"other value  {fill.path} = {fill.value!r}, expected {value!r}"
        there = pointers.value_at(case.value, fill.path)
        if there != fill.was:
            yield f"wrong was    {fill.path} is {there!r}, not {fill.was!r}"
    for path, value in left.items():
        yield f"missing      {path} = {value!r}"


def _failure(policy: Policy[Any], case: Case, what: str, lines: Iterable[str]) -> AssertionError:
    text = "".join(f"\n  {line}" for line in lines)
    return AssertionError(f"{policy.id} {what.format(case.title)}:{text}")
