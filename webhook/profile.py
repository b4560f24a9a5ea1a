"""A profile with its parents merged in, ready to judge."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from webhook.api import KINDS, Evidence, Fill, Lookups, Params, Policy, Violation, Workload
from webhook.api.policy import LooksUp

_STRENGTH: Final = {"off": 0, "audit": 1, "warn": 2, "deny": 3}


class Binding(msgspec.Struct, frozen=True):
    """A policy as one profile uses it."""

    policy: str
    action: str
    on_failure: str
    kinds: tuple[str, ...]
    params: Any
    check: Callable[[Workload, Any, Lookups], Iterator[Violation]]
    fill: Callable[[Workload, Any, Evidence], Iterator[Fill]]
    rule_actions: Mapping[str, str]
    looks_up: LooksUp = "never"
    """The policy's."""

    @property
    def is_on(self) -> bool:
        """False if neither the policy nor any of its rules does anything."""
        return any(action != "off" for action in (self.action, *self.rule_actions.values()))

    def action_of(self, rule: str) -> str:
        """The action for a violation of the named rule; of the policy if it has none of its own."""
        return self.rule_actions.get(rule, self.action)


class Profile(msgspec.Struct, frozen=True):
    """A profile with its parents merged in, ready to judge."""

    name: str
    checks: Mapping[str, tuple[Binding, ...]]
    """By kind, in the order of the catalogue."""
    lone_checks: Mapping[str, tuple[Binding, ...]]
    """Those of them that have something to say where nobody can look around."""
    fills: Mapping[str, tuple[Binding, ...]]

    @property
    def looks_up(self) -> bool:
        """Whether any of its policies asks about other objects."""
        return any(one.looks_up != "never" for found in self.checks.values() for one in found)

    @property
    def kinds(self) -> Mapping[str, frozenset[str]]:
        """Of which objects something is asked, by the id of the policy; fills ask nothing."""
        policies = dict.fromkeys(one.policy for found in self.checks.values() for one in found)
        return {
            policy: frozenset(
                kind
                for kind, found in self.checks.items()
                if any(one.policy == policy for one in found)
            )
            for policy in policies
        }


def merge(base: Any, over: Any) -> Any:
    """`over` laid over `base`: maps merge by key, anything else replaces."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: merge(base.get(key), value) for key, value in over.items()}
    return over


def bind(name: str, spec: Mapping[str, Any], policies: Mapping[str, Policy[Any]]) -> Profile:
    """The profile that a valid, merged `spec` describes; a policy named nowhere is off."""
    settings = spec.get("policies", {})
    bindings = [
        (policy, _bind(policy, spec, settings[policy_id]))
        for policy_id, policy in policies.items()
        if policy_id in settings
    ]
    checks = [binding for policy, binding in bindings if policy.check]
    return Profile(
        name=name,
        checks=_by_kind(checks),
        lone_checks=_by_kind(binding for binding in checks if binding.looks_up != "only"),
        fills=_by_kind(binding for policy, binding in bindings if policy.fill),
    )


def _bind(policy: Policy[Any], spec: Mapping[str, Any], settings: Mapping[str, Any]) -> Binding:
    ceiling = spec.get("maxAction") or "deny"
    on_failure = settings.get("onFailure") or spec.get("onFailure") or "allow"
    rules: Mapping[str, Any] = settings.get("rules", {})
    return Binding(
        policy=policy.id,
        action=_cap(settings["action"], ceiling),
        on_failure=on_failure if ceiling == "deny" else "allow",
        kinds=policy.kinds if settings.get("kinds") is None else tuple(settings["kinds"]),
        params=_params(policy, settings.get("params", {})),
        check=policy.check or _nothing,
        fill=policy.fill or _nothing,
        rule_actions={rule: _cap(rules[rule]["action"], ceiling) for rule in rules},
        looks_up=policy.looks_up,
    )


def _nothing(*_: Any) -> Iterator[Any]:
    """What a policy that only fills finds, and one that only checks fills."""
    return iter(())


def _cap(action: str, ceiling: str) -> str:
    return ceiling if _STRENGTH.get(action, 0) > _STRENGTH[ceiling] else action


def merged_params(policy: Policy[Any], written: Mapping[str, Any]) -> Any:
    """The written params over the policy's defaults: these are the last parent of every profile."""
    return merge(policy.params().model_dump(mode="json", by_alias=True), written)


def _params(policy: Policy[Any], written: Mapping[str, Any]) -> Params:
    encoded = msgspec.json.encode(merged_params(policy, written))
    params: Params = policy.params.model_validate_json(encoded)
    return params


def _by_kind(bindings: Iterable[Binding]) -> dict[str, tuple[Binding, ...]]:
    active = [binding for binding in bindings if binding.is_on]
    return {kind: tuple(b for b in active if kind in b.kinds) for kind in KINDS}
