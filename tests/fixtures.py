"""Workloads that a policy accepts or finds fault with: `tests/policies/<id>/{good,bad}/*.yaml`.

Read by the public kit, `webhook.testing`. A file holds one workload, the one that is judged, and
what stands around it: claims, volumes, classes, Services. A real API server accepts each of them.
The comments say what profile `everything` finds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from webhook import goyaml, lookups, testing

DIRECTORY = Path(__file__).parent / "policies"
PROFILES_DIRECTORY = Path(__file__).parent / "profiles"
"""Holds profile `everything`, by which fixtures are judged."""


@dataclass(frozen=True)
class Fixture:
    """One workload with what stands around it, and what is found in it."""

    path: Path
    policy: str
    """The policy that it is about."""
    kind: str
    """`good` or `bad`."""
    documents: list[dict[str, Any]]
    """All that the file holds, as kubectl would send it."""
    manifest: dict[str, Any]
    """The workload among them."""
    expected: set[tuple[str, str]]
    """Policy and JSON Pointer of each finding of profile `everything`; no other may be there."""
    rules: Mapping[str, str]
    """The policy's named rule by pointer, where the finding has one."""

    @property
    def id(self) -> str:
        """For the names of tests."""
        return f"{self.policy}/{self.kind}/{self.path.stem}"


def fixtures() -> list[Fixture]:
    """All of them, in the order of their paths."""
    return [
        _fixture(one)
        for policy in sorted(DIRECTORY.iterdir())
        for kind in ("bad", "good")
        if (policy / kind).is_dir()
        for one in testing.fixtures(policy / kind)
    ]


def _fixture(read: testing.Fixture) -> Fixture:
    policy, kind = read.path.parts[-3:-1]
    return Fixture(
        path=read.path,
        policy=policy,
        kind=kind,
        documents=[document.value for document in goyaml.documents(read.path.read_bytes())],
        manifest=read.case.value,
        expected={(policy, one.path) for one in read.expected},
        rules={one.path: one.rule for one in read.expected if one.rule},
    )


def manifest(path: Path) -> dict[str, Any]:
    """The one document of a YAML file."""
    (document,) = goyaml.documents(path.read_bytes())
    value: dict[str, Any] = document.value
    return value


def gathered(documents: Iterable[dict[str, Any]]) -> lookups.Gathered:
    """What a policy can look up among these objects."""
    return lookups.Gathered(
        lookups.read(one["kind"], msgspec.json.encode(one))
        for one in documents
        if lookups.is_known(one["apiVersion"], one["kind"])
    )
