"""Profile documents to profiles: settings checked, parents merged in."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from webhook.api import KINDS, Policy, pointer_token
from webhook.documents.models import ProfileDocument
from webhook.documents.written import Written, unknown_policy, validated
from webhook.errors import did_you_mean
from webhook.profile import Profile, bind, merge, merged_params

_CHECK_ACTIONS: Final = ("deny", "warn", "audit", "off")
_FILL_ACTIONS: Final = ("fill", "suggest", "off")

Policies = Mapping[str, Policy[Any]]
Sources = Mapping[str, Written[ProfileDocument]]


def check(source: Written[ProfileDocument], policies: Policies) -> Iterator[str]:
    """What is wrong in one document, as far as it shows without its parents."""
    for policy_id, settings in _spec(source).get("policies", {}).items():
        yield from _check_settings(source, policies, policy_id, settings)


def resolve(sources: Sources, policies: Policies, problems: list[str]) -> dict[str, Profile]:
    """The profiles that sound documents describe; what does not fit together goes to `problems`."""
    specs = {name: _spec(source) for name, source in sources.items()}
    resolved = [_resolve(name, sources, specs, policies, problems) for name in sources]
    return {profile.name: profile for profile in resolved if profile}


def _spec(source: Written[ProfileDocument]) -> dict[str, Any]:
    """As written, for merging."""
    return source.model.spec.model_dump(by_alias=True, exclude_unset=True)


def _check_settings(
    source: Written[ProfileDocument], policies: Policies, policy_id: str, settings: Any
) -> Iterator[str]:
    here = f"/spec/policies/{pointer_token(policy_id)}"
    policy = policies.get(policy_id)
    if policy is None:
        yield source.problem(here, unknown_policy(policy_id, policies))
        return
    actions = _CHECK_ACTIONS if policy.check else _FILL_ACTIONS
    action = settings.get("action")
    if action is not None and action not in actions:
        near = did_you_mean(action, actions)
        message = f"{policy_id} cannot {action!r}{near}; it can {', '.join(actions)}"
        yield source.problem(f"{here}/action", message)
    for rule in settings.get("rules", {}):
        if rule not in policy.rules:
            near = did_you_mean(rule, policy.rules)
            known = f"it has {', '.join(policy.rules)}" if policy.rules else "it has none"
            message = f"unknown rule {rule!r} of {policy_id}{near}; {known}"
            yield source.problem(f"{here}/rules/{pointer_token(rule)}", message)
    for index, kind in enumerate(settings.get("kinds") or ()):
        if kind not in policy.kinds:
            what = f"{policy_id} does not judge" if kind in KINDS else "unknown kind"
            message = f"{what} {kind!r}{did_you_mean(kind, policy.kinds)}"
            yield source.problem(f"{here}/kinds/{index}", message)
    invalid: list[tuple[str, str]] = []
    validated(policy.params, settings.get("params", {}), invalid, f"{here}/params")
    for pointer, message in invalid:
        yield source.problem(pointer, message)


def _resolve(
    name: str,
    sources: Sources,
    specs: Mapping[str, dict[str, Any]],
    policies: Policies,
    problems: list[str],
) -> Profile | None:
    spec: Any = {}
    for ancestor in reversed(_line(name, sources, problems)):
        spec = merge(spec, specs[ancestor])
    mistakes = [
        sources[name].problem(
            f"/spec/policies/{policy_id}",
            f"{policy_id} has no action, here or in a profile that this one extends",
        )
        for policy_id, settings in spec.get("policies", {}).items()
        if settings.get("action") is None
    ]
    mistakes = mistakes or list(_contradictions(sources[name], spec, policies))
    problems += mistakes
    return None if mistakes else bind(name, spec, policies)


def _contradictions(
    source: Written[ProfileDocument], spec: Mapping[str, Any], policies: Policies
) -> Iterator[str]:
    """Params that are sound in each document and do not fit together, like a min above a max."""
    invalid: list[tuple[str, str]] = []
    for policy_id, settings in spec.get("policies", {}).items():
        here = f"/spec/policies/{pointer_token(policy_id)}/params"
        policy = policies[policy_id]
        validated(policy.params, merged_params(policy, settings.get("params", {})), invalid, here)
    for pointer, message in invalid:
        yield source.problem(pointer, f"{message}, together with what is inherited")


def _line(name: str, sources: Sources, problems: list[str]) -> list[str]:
    """The profile and those that it extends, itself first."""
    line = [name]
    while (parent := sources[line[-1]].model.spec.extends) is not None:
        child = sources[line[-1]]
        if parent not in sources:
            known = ", ".join(sorted(sources))
            near = did_you_mean(parent, sources)
            message = f"extends unknown profile {parent!r}{near}; there are {known}"
            problems.append(child.problem("/spec/extends", message))
            break
        if parent in line:
            names = " -> ".join((*line, parent))
            problems.append(child.problem("/spec/extends", f"profiles extend in a circle: {names}"))
            break
        line.append(parent)
    return line
