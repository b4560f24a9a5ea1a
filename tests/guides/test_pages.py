"""Every page: what it links to is there, what it says to type exists, what it shows can be read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.chart.generated import values
from tests.markdown import DOCS, blocks, commands
from webhook import catalog, documents
from webhook.cli import main

ROOT = DOCS.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for page in DOCS.rglob("*.md") if page.parent.name != "policies")]
)

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])+\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"\s#\s.*$")
_OPTION = re.compile(r"(?<!\S)(--?[a-zA-Z][\w-]*)")

Json = dict[str, Any]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them: lower case, no punctuation, a hyphen for a space; and
    a number where one is there twice."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        plain = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{plain}-{number}" if number else plain) in found:
            number += 1
        found.add(anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_it_links_to_is_there(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_pages_are_linked_to() -> None:
    """Nobody finds a page to which there is no way from the first one."""
    seen: set[Path] = set()
    ahead = [ROOT / "README.md", DOCS / "install.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        for target in _LINK.findall(prose(page)):
            path = target.partition("#")[0]
            if path.endswith(".md") and ":" not in path:
                ahead.append((page.parent / path).resolve())
    decisions = {page for page in PAGES if page.parent.name == "adr"}
    assert sorted(map(name, set(PAGES) - seen - decisions)) == []


def typed() -> Iterator[tuple[str, str]]:
    """Page and command, of every console block; what is behind a pipe is a command, too."""
    for page in PAGES:
        for block in blocks(page):
            for command in commands(block) if block.language == "console" else ():
                line = _COMMENT.sub("", re.sub(r"\\\n\s*", " ", command.line))
                for part in re.split(r"\s\|\s|\s&&\s", _without_quoted(line)):
                    yield name(page), part.strip()


def _without_quoted(line: str) -> str:
    """Quoted text may hold anything, pipes and options of others included."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "QUOTED", line)


def of_program(program: str) -> list[tuple[str, str]]:
    # variables before a command are set for it
    pattern = rf"(?:[A-Z_]+=\S+ )*{program}\b(.*)"
    return [
        (page, found[1].strip()) for page, line in typed() if (found := re.fullmatch(pattern, line))
    ]


@pytest.mark.parametrize(("page", "arguments"), of_program("podworthy"))
def test_commands_of_podworthy_exist(page: str, arguments: str) -> None:
    verb, *rest = arguments.split()
    if verb.startswith("-"):
        assert verb in {"--version", "--help", "-h"}
        return
    command = main.commands[verb]
    known = {
        flag
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in (*parameter.opts, *parameter.secondary_opts)
    }
    asked = {one for word in rest for one in _OPTION.findall(word)}
    assert asked <= known | {"--help", "-h"}, page


@pytest.mark.parametrize(("page", "arguments"), of_program("make"))
def test_targets_of_make_exist(page: str, arguments: str) -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    variables = set(re.findall(r"\b([A-Z_]+) \?=|\$\(([A-Z_]+)", text))
    known = {one for pair in variables for one in pair if one}
    for word in arguments.split():
        variable, is_set, _ = word.partition("=")
        assert (variable in known) if is_set else (word in targets), page


def test_there_are_commands() -> None:
    assert len(of_program("podworthy")) > 20
    assert len(of_program("kubectl")) > 30
    assert len(of_program("helm")) > 5


def test_of_podworthys_objects_none_is_misnamed() -> None:
    """The names that the chart gives by default, wherever a command asks for one by name."""
    known = {
        "validatingwebhookconfiguration": {"podworthy"},
        "secret": {"podworthy-tls"},
        "deployment": {"podworthy", "podworthy-controller"},
    }
    seen = 0
    for page, line in of_program("kubectl"):
        for kind, names in known.items():
            for found in re.findall(rf"\b{kind}s?[ /](podworthy\S*)", line):
                assert found in names, f"{page}: {line}"
                seen += 1
    assert seen > 5


VALUES = {key for key, _, _ in values()}
MAPS = {
    key
    for key, default, _ in values()
    if default.startswith("{") or key == "certificates.certManager.issuerRef"
}


def is_value(path: str) -> bool:
    """Whether the chart has it, or keys below it, or it is within a value that is a mapping."""
    return any(
        path == key or key.startswith(f"{path}.") or (key in MAPS and path.startswith(f"{key}."))
        for key in VALUES
    )


def set_by(value: object, path: str = "") -> Iterator[str]:
    """The keys that a values file sets, down to those of the chart's table."""
    if isinstance(value, dict) and path not in VALUES:
        for key, inner in value.items():
            yield from set_by(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_values_of_the_chart_exist(page: Path) -> None:
    tops = {key.partition(".")[0] for key in VALUES}
    for found in re.findall(r"`(\w+(?:\.\w+)+)", prose(page)):
        if found.partition(".")[0] in tops and "podworthy" not in found and "k8s" not in found:
            assert is_value(found), found
    for block in blocks(page):
        for found in re.findall(r"--set '?([\w.]+)=", block.text):
            assert is_value(found), found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_can_be_read(page: Path, tmp_path: Path) -> None:
    """Podworthy's own documents by podworthy, the chart's values against its table, and what
    delivers the chart against this repository."""
    ours: list[Json] = []
    for block in blocks(page):
        if block.language != "yaml":
            continue
        for found in yaml.load_all(block.text, yaml.CSafeLoader):
            assert isinstance(found, dict | list)
            if not isinstance(found, dict):
                continue
            assert ("apiVersion" in found) == ("kind" in found)
            if block.file == "values.yaml":
                ours += _values(found)
            elif found.get("kind") in ("Profile", "Exemption"):
                ours.append(found)
            elif found.get("kind") in DELIVERS and "metadata" in found:
                _is_delivered(found)
    # that page names a policy that it writes first; its own test runs it whole
    if ours and page.name != "writing-a-policy.md":
        for number, document in enumerate(ours):
            (tmp_path / f"{number}.yaml").write_text(json.dumps(document, default=str))
        documents.load([tmp_path], catalog.POLICIES)


def _values(found: Json) -> list[Json]:
    """The documents in a values file, all of whose keys exist."""
    assert not [path for path in set_by(found) if path not in VALUES]
    return [one for some in found.get("documents", {}).values() for one in some]


DELIVERS = ("Application", "HelmRelease", "Kustomization")


def _is_delivered(found: Json) -> None:
    """It names a directory of this repository, and values that exist."""
    spec = found["spec"]
    if found["kind"] == "Application":
        path, chosen = spec["source"]["path"], spec["source"]["helm"]["valuesObject"]
    elif found["kind"] == "HelmRelease":
        path, chosen = spec["chart"]["spec"]["chart"], spec["values"]
    else:
        path, chosen = spec["path"], {}
    assert (ROOT / path).is_dir()
    assert not [one for one in set_by(chosen) if one not in VALUES]
