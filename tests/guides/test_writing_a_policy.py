"""docs/writing-a-policy.md, followed by the letter: its files are written, its commands are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import DOCS, blocks, commands, is_shown
from webhook import api, testing

PAGE = DOCS / "writing-a-policy.md"
ROOT = DOCS.parent

PROGRAMS = {
    "podworthy": 'exec {python} -m webhook "$@"',
    "pytest": 'exec {python} -m pytest -p no:cacheprovider -p no:randomly "$@"',
    # without the network: podworthy and the build back end are here already
    "pip": "shift; exec {python} -m pip install --disable-pip-version-check --no-index --no-deps "
    '--no-build-isolation --root-user-action ignore --target {site} "$@"',
}


def environment(directory: Path) -> dict[str, str]:
    """The guide's commands with this interpreter and this tree."""
    programs, site = directory / "bin", directory / "site"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        line = text.format(python=sys.executable, site=site)
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": f"{site}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }


def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    variables = environment(tmp_path)
    home = tmp_path / "payments"
    home.mkdir()
    ran = 0
    for block in blocks(PAGE):
        if block.file:
            file = home / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "console":
            for command in commands(block):
                done = subprocess.run(
                    ["/bin/sh", "-c", command.line],
                    cwd=home,
                    env=variables,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                assert is_shown(command.output, done.stdout), f"$ {command.line}\n{done.stdout}"
                ran += 1
    assert ran > 5


NOUNS: dict[str, type] = {
    "workload": api.Workload,
    "container": api.Container,
    "probe": api.Probe,
    "lookups": api.Lookups,
    "evidence": api.Evidence,
    "volume": api.Volume,
}


def test_everything_that_is_named_is_there() -> None:
    text = PAGE.read_text().partition("## What a policy may rely on")[2]
    seen = 0
    for noun, attribute in re.findall(r"`(\w*)\.(\w+)(?:\([^`]*)?`", text):
        if not noun or noun in NOUNS:
            nouns = [NOUNS[noun]] if noun else NOUNS.values()
            assert any(hasattr(one, attribute) for one in nouns), f"{noun}.{attribute}"
            seen += 1
    assert seen > 20


def test_every_assertion_is_told() -> None:
    for name in testing.__all__:
        assert not name.startswith("assert_") or f"| `{name}(" in PAGE.read_text()


@pytest.mark.parametrize(
    ("shown", "output", "alike"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\nb\nc\n", False),
        ("a\nb\n", "a\n", False),
        ("", "a\n", False),
        ("", "", True),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("a\n...\nc\n", "a\nb\n", False),
        ("in ... s\n", "in 0.3 s\n", True),
        ("in ... s\n", "in 0.3 ms.\n", False),
        ("[a.c]\n", "[abc]\n", False),
    ],
)
def test_what_is_shown_is_compared(shown: str, output: str, alike: bool) -> None:
    assert is_shown(shown, output) is alike
