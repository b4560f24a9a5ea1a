"""Fixtures: manifests that say themselves, in comments, what a policy finds in them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from webhook import plugins
from webhook.api import Policy, Violation
from webhook.errors import BadFixture, PolicyError
from webhook.testing.manifests import Case, read

_COMMENT: Final = re.compile(r"#\s*expect\s*:\s*(.*)")
_EXPECTATION: Final = re.compile(r"(/\S*)(?:\s+rule=(\S+))?\s*")
_SUFFIXES: Final = (".yaml", ".yml")


class Expectation(msgspec.Struct, frozen=True):
    """Where something is found: `/spec/volumes/0/csi rule=inline-csi`."""

    path: str
    """JSON Pointer into the workload."""
    rule: str | None = None
    """The policy's named rule; None: whichever."""

    def __str__(self) -> str:
        return f"{self.path} rule={self.rule}" if self.rule else self.path

    def is_met_by(self, violation: Violation) -> bool:
        """True if it is this one."""
        return self.path == violation.path and self.rule in (None, violation.rule)

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        """Raises `BadFixture`."""
        found = _EXPECTATION.fullmatch(text)
        if not found:
            example = "/spec/containers/0/livenessProbe"
            raise BadFixture(f"expected: a path such as {example}, with rule=NAME; not {text!r}")
        return cls(found[1], found[2])


class Fixture(msgspec.Struct, frozen=True):
    """A manifest, and what is expected to be found in it."""

    path: Path
    name: str
    """Its path below the directory that was searched, for the names of tests."""
    case: Case
    expected: tuple[Expectation, ...]
    """Empty: it is clean."""

    def __str__(self) -> str:
        return self.name


def load_fixture(path: Path | str) -> Fixture:
    """The manifest in a file, with a comment `# expect: PATH [rule=NAME]` for each finding.

    In a directory called `bad` it must expect something, in one called `good` nothing. Raises
    `BadFixture`.
    """
    path = Path(path)
    return _fixture(path, path.name)


def fixtures(directory: Path | str) -> list[Fixture]:
    """All fixtures in a directory and in those below it, by name. Raises `BadFixture`."""
    directory = Path(directory)
    paths = sorted(p for p in directory.rglob("*") if p.suffix in _SUFFIXES and p.is_file())
    if not paths:
        raise BadFixture(f"{directory}: no fixtures in it")
    return [_fixture(path, path.relative_to(directory).as_posix()) for path in paths]


def load_policy(path: Path | str) -> Policy[Any]:
    """The policy in a file, loaded and checked as `--policies-dir` does. Raises `PolicyError`."""
    problems: list[str] = []
    plugin = plugins.in_file(Path(path), problems)
    if plugin is None:
        raise PolicyError(problems)
    return plugin.policy


def _fixture(path: Path, name: str) -> Fixture:
    case = read(path)
    expected = tuple(_expectations(path, path.read_text(errors="replace").splitlines()))
    if path.parent.name == "bad" and not expected:
        raise BadFixture(f"{path}: is bad, and expects nothing; write # expect: PATH into it")
    if path.parent.name == "good" and expected:
        raise BadFixture(f"{path}: is good, and expects {expected[0]}")
    return Fixture(path, name.removesuffix(path.suffix), case, expected)


def _expectations(path: Path, lines: Iterable[str]) -> Iterable[Expectation]:
    for number, line in enumerate(lines, 1):
        found = _COMMENT.fullmatch(line)
        if found:
            try:
                yield Expectation.parse(found[1])
            except BadFixture as error:
                raise BadFixture(f"{path}:{number}: {error}") from None
