"""Workloads that a policy accepts or finds fault with: `tests/policies/<id>/{good,bad}/*.yaml`.

A file holds one workload, the one that is judged, and what stands around it: claims, volumes,
classes, Services. A real API server accepts each of them. What profile `everything` finds stands in
comments on the first lines, one for each finding: `# expect: /spec/containers/0/readinessProbe`,
with ` rule=<name>` behind it where the policy names a rule.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from webhook import goyaml, lookups, workload

DIRECTORY = Path(__file__).parent / "policies"
PROFILES_DIRECTORY = Path(__file__).parent / "profiles"
"""Holds profile `everything`, by which fixtures are judged."""

_EXPECT = "# expect: "
_RULE = " rule="


@dataclass(frozen=True)
class Fixture:
    """One workload with what stands around it, and what is found in it."""

    path: Path
    policy: str
    """The policy that it is about."""
    kind: Literal["good", "bad"]
    documents: list[dict[str, Any]]
    """All that the file holds, as kubectl would send it."""
    manifest: dict[str, Any]
    """The workload among them."""
    expected: set[tuple[str, str]]
    """Policy and JSON Pointer of each finding of profile `everything`; no other may be there."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """The policy's named rule by pointer, where the finding has one."""

    @property
    def id(self) -> str:
        """For the names of tests."""
        return f"{self.policy}/{self.kind}/{self.path.stem}"


def gathered(documents: Iterable[dict[str, Any]]) -> lookups.Gathered:
    """What a policy can look up among these objects."""
    return lookups.Gathered(
        lookups.read(one["kind"], msgspec.json.encode(one))
        for one in documents
        if lookups.is_known(one["apiVersion"], one["kind"])
    )


def fixtures() -> list[Fixture]:
    """All of them, in the order of their paths."""
    return list(_read())


def manifest(path: Path) -> dict[str, Any]:
    """The one document of a YAML file."""
    (value,) = _documents(path)
    return value


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    for document in goyaml.documents(path.read_bytes()):
        assert document.problem is None, f"{path}:{document.problem}"
        yield document.value


def _read() -> Iterator[Fixture]:
    for path in sorted(DIRECTORY.glob("*/*/*.yaml")):
        policy, kind = path.parts[-3:-1]
        assert kind in ("good", "bad"), f"{path}: neither good nor bad"
        expected, rules = _expectations(path.read_text())
        documents = list(_documents(path))
        (judged,) = (one for one in documents if workload.is_known(one["apiVersion"], one["kind"]))
        around = [one for one in documents if lookups.is_known(one["apiVersion"], one["kind"])]
        assert len(around) == len(documents) - 1, f"{path}: something that nobody looks at"
        yield Fixture(
            path=path,
            policy=policy,
            kind="good" if kind == "good" else "bad",
            documents=documents,
            manifest=judged,
            expected={(policy, pointer) for pointer in expected},
            rules=rules,
        )


def _expectations(text: str) -> tuple[list[str], dict[str, str]]:
    pointers, rules = [], {}
    for line in text.splitlines():
        if not line.startswith(_EXPECT):
            break
        pointer, _, rule = line.removeprefix(_EXPECT).partition(_RULE)
        pointers.append(pointer)
        if rule:
            rules[pointer] = rule
    return pointers, rules
