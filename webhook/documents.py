"""Profiles: YAML documents in, resolved `Profile`s out, every mistake with its file and line."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from webhook import catalog, goyaml
from webhook.api import KINDS, pointer_token
from webhook.errors import DocumentError, did_you_mean
from webhook.profile import Profile, bind, merge
from webhook.schema import explain

M = TypeVar("M", bound=BaseModel)
_CHECK_ACTIONS: Final = ("deny", "warn", "audit", "off")
_FILL_ACTIONS: Final = ("fill", "suggest", "off")


class _Model(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, use_attribute_docstrings=True
    )


def _off(value: Any) -> Any:
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


_Bare = BeforeValidator(_off)


class RuleSettings(_Model):
    """What one named rule of a policy does."""

    action: Annotated[Literal["deny", "warn", "audit", "off"], _Bare]
    """Instead of the policy's own action."""


class PolicySettings(_Model):
    """How a profile uses one policy."""

    action: Annotated[Literal["deny", "warn", "audit", "fill", "suggest", "off"] | None, _Bare] = (
        None
    )
    """deny, warn, audit or off; of a fill: fill, suggest or off. Inherited if absent."""
    on_failure: Literal["deny", "allow"] | None = None
    """If the policy itself crashes; otherwise the profile's."""
    kinds: Annotated[list[str], Field(min_length=1)] | None = None
    """The kinds it judges; all that it knows if absent."""
    rules: dict[str, RuleSettings] = Field(default_factory=dict)
    """Actions of named rules."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The policy's parameters; what is absent is inherited, or the policy's default."""


class ProfileSpec(_Model):
    """What a profile says."""

    extends: str | None = None
    """The one parent: maps merge by key, lists replace."""
    max_action: Literal["deny", "warn", "audit"] | None = None
    """Ceiling for deny, warn and audit, and for onFailure; fills go on."""
    on_failure: Literal["deny", "allow"] | None = None
    """What happens to a review if a policy crashes on it."""
    policies: dict[str, PolicySettings] = Field(default_factory=dict)
    """By policy id; a policy named nowhere is off."""


class ProfileMetadata(_Model):
    """Its name."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    """A DNS-1123 label: it becomes a part of a URL and the value of a namespace label."""


class ProfileDocument(_Model):
    """A Profile as it is written."""

    api_version: Literal["podworthy.dev/v1alpha1"]
    kind: Literal["Profile"]
    metadata: ProfileMetadata
    spec: ProfileSpec


class _Source(msgspec.Struct, frozen=True):
    """One written profile: its text for messages, its raw spec for merging."""

    file: Path
    document: goyaml.Document
    name: str
    spec: dict[str, Any]

    def problem(self, pointer: str, message: str) -> str:
        return f"{self.file}:{self.document.line_of(pointer)}: {message}"


def load_profiles(directories: Iterable[Path] = ()) -> dict[str, Profile]:
    """The shipped profiles and those in `directories`, by name.

    Raises `DocumentError` with every problem found.
    """
    problems: list[str] = []
    sources: dict[str, _Source] = {}
    for directory in (catalog.PROFILES_DIRECTORY, *directories):
        for source in _sources(directory, problems):
            if source.name in sources:
                taken = sources[source.name].file
                problems.append(
                    source.problem("/metadata/name", f"profile {source.name!r} is taken by {taken}")
                )
            else:
                sources[source.name] = source
    if problems:
        raise DocumentError(problems)
    resolved = [_resolve(source, sources, problems) for source in sources.values()]
    if problems:
        raise DocumentError(problems)
    return {profile.name: profile for profile in resolved if profile}


def _sources(directory: Path, problems: list[str]) -> Iterator[_Source]:
    try:
        files = sorted(p for p in directory.iterdir() if p.suffix in (".yaml", ".yml"))
        texts = [(file, file.read_bytes()) for file in files if file.is_file()]
    except OSError as error:
        problems.append(f"{error.filename}: {error.strerror}; give a directory of profiles")
        return
    for file, text in texts:
        for document in goyaml.documents(text):
            if document.problem:
                problems.append(f"{file}:{document.problem.line}: {document.problem.message}")
            elif document.value is not None:
                yield from _parse(file, document, problems)


def _parse(file: Path, document: goyaml.Document, problems: list[str]) -> Iterator[_Source]:
    found = [f"{file}:{line}: key {key!r} is repeated" for line, key in document.repeated]
    invalid: list[tuple[str, str]] = []
    parsed = _validated(ProfileDocument, document.value, invalid)
    placed = sorted((document.line_of(pointer), message) for pointer, message in invalid)
    found += [f"{file}:{line}: {message}" for line, message in placed]
    if parsed is not None and not found:
        spec = parsed.spec.model_dump(by_alias=True, exclude_unset=True)
        source = _Source(file, document, parsed.metadata.name, spec)
        for policy_id, settings in spec.get("policies", {}).items():
            found += _check_settings(source, policy_id, settings)
        yield source
    problems += found


def _validated(
    model: type[M], value: Any, invalid: list[tuple[str, str]], root: str = ""
) -> M | None:
    """The value as a model; or None, with pointer and message of each mistake in `invalid`."""
    try:
        # as JSON, where a list may become a tuple even in strict mode
        return model.model_validate_json(msgspec.json.encode(value))
    except ValidationError as error:
        invalid += explain(model, error, root)
        return None


def _check_settings(source: _Source, policy_id: str, settings: Any) -> Iterator[str]:
    here = f"/spec/policies/{pointer_token(policy_id)}"
    policy = catalog.POLICIES.get(policy_id)
    if policy is None:
        near = did_you_mean(policy_id, catalog.POLICIES)
        yield source.problem(here, f"unknown policy {policy_id!r}{near}")
        return
    actions = _CHECK_ACTIONS if policy.check else _FILL_ACTIONS
    action = settings.get("action")
    if action is not None and action not in actions:
        message = f"{policy_id} cannot {action!r}; it can {', '.join(actions)}"
        yield source.problem(f"{here}/action", message)
    for rule in settings.get("rules", {}):
        if rule not in policy.rules:
            message = f"unknown rule {rule!r} of {policy_id}{did_you_mean(rule, policy.rules)}"
            yield source.problem(f"{here}/rules/{rule}", message)
    for index, kind in enumerate(settings.get("kinds") or ()):
        if kind not in policy.kinds:
            what = f"{policy_id} does not judge" if kind in KINDS else "unknown kind"
            message = f"{what} {kind!r}{did_you_mean(kind, policy.kinds)}"
            yield source.problem(f"{here}/kinds/{index}", message)
    invalid: list[tuple[str, str]] = []
    _validated(policy.params, settings.get("params", {}), invalid, f"{here}/params")
    for pointer, message in invalid:
        yield source.problem(pointer, message)


def _resolve(
    source: _Source, sources: Mapping[str, _Source], problems: list[str]
) -> Profile | None:
    spec = _merged_spec(source, sources, problems)
    undecided = [
        source.problem(
            f"/spec/policies/{policy_id}",
            f"{policy_id} has no action, here or in a profile that this one extends",
        )
        for policy_id, settings in spec.get("policies", {}).items()
        if settings.get("action") is None
    ]
    problems += undecided
    return None if undecided else bind(source.name, spec)


def _merged_spec(
    source: _Source, sources: Mapping[str, _Source], problems: list[str]
) -> dict[str, Any]:
    chain = [source]
    while (parent := chain[-1].spec.get("extends")) is not None:
        child = chain[-1]
        if parent not in sources:
            message = f"extends unknown profile {parent!r}{did_you_mean(parent, sources)}"
            problems.append(child.problem("/spec/extends", message))
            break
        if sources[parent] in chain:
            names = " -> ".join(one.name for one in (*chain, sources[parent]))
            problems.append(child.problem("/spec/extends", f"profiles extend in a circle: {names}"))
            break
        chain.append(sources[parent])
    spec: Any = {}
    for ancestor in reversed(chain):
        spec = merge(spec, ancestor.spec)
    merged: dict[str, Any] = spec
    return merged
