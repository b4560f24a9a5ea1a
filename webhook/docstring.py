"""A policy's docstring as a title and sections: the one place that knows its form.

One line that says what holds.

What it checks
    Paragraphs, set apart by empty lines. `This` is code.

    - a list, whose entries
      may be longer

    what is aligned  by spaces
    or indented      stays as it is

Why ... Bad (YAML) ... Good (YAML) ... Params (`name: what it does`) ... Limits ...

A fill begins with "What it fills".
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from webhook.api import Policy
from webhook.errors import DocstringError, did_you_mean

SECTIONS: Final = ("What it checks", "Why", "Bad", "Good", "Params", "Limits")
"""Every policy has all of them, in this order."""
FILLS: Final = "What it fills"
"""What a fill may have in place of the first."""
EXAMPLES: Final = ("Bad", "Good")
"""Those that hold YAML."""

_ENTRY: Final = re.compile(r"- +")
_PARAM: Final = re.compile(r"([A-Za-z]\w*): +")
_TERM: Final = re.compile(r"\S+ {2,}(?=\S)")
_COLUMNS: Final = re.compile(r"\S {2,}\S")


class Block(msgspec.Struct, frozen=True):
    """A part of a section."""

    kind: Literal["prose", "list", "terms", "literal"]
    lines: tuple[str, ...]
    """Of prose all on one, of a list one for each entry, of terms one for each (code, a colon, what
    it means), of a literal those that are written."""


class Documentation(msgspec.Struct, frozen=True):
    """What a docstring says."""

    title: str
    """One sentence."""
    sections: Mapping[str, Sequence[Block]]
    """By title, in the order of `SECTIONS`."""
    params: Mapping[str, str]
    """Name of a param, as in YAML, to what it does."""

    @property
    def what(self) -> Sequence[Block]:
        """What the policy checks, or fills."""
        return next(iter(self.sections.values()))


def documentation(policy: Policy[Any]) -> Documentation:
    """A policy's docstring, parsed. Raises `DocstringError` if it is not of the form above."""
    title, *rest = inspect.cleandoc(policy.doc).splitlines() or [""]
    if not title or any(rest[:1]):
        problem = "must begin with one line that says what holds, and an empty line"
        raise DocstringError(policy.id, problem)
    bodies = _bodies(policy, rest)
    sections = {
        name: [Block("literal", tuple(body))] if name in EXAMPLES else list(_blocks(name, body))
        for name, body in bodies.items()
    }
    entries = [entry for b in sections["Params"] if b.kind == "list" for entry in b.lines]
    params = dict(entry.split(": ", 1) for entry in entries)
    _check_params(policy, params)
    return Documentation(title, sections, params)


def _bodies(policy: Policy[Any], lines: Sequence[str]) -> dict[str, list[str]]:
    """The lines of each section by its title, without the indentation."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(" "):
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
        elif line:
            raise DocstringError(policy.id, f"has {line.strip()!r} before its first section")
    names = tuple(name for name, _ in found)
    expected = SECTIONS
    if policy.fill and SECTIONS[0] not in names:
        expected = (FILLS, *SECTIONS[1:])
    if names != expected:
        raise DocstringError(policy.id, _misplaced(names, expected))
    bodies = {name: textwrap.dedent("\n".join(b)).strip("\n").splitlines() for name, b in found}
    for name, body in bodies.items():
        if not body:
            raise DocstringError(policy.id, f"has nothing in its section {name!r}")
    return bodies


def _misplaced(names: Sequence[str], expected: Sequence[str]) -> str:
    """What is wrong with the titles of sections."""
    for name in names:
        if name not in expected:
            return f"has an unknown section {name!r}{did_you_mean(name, expected)}"
    for name in expected:
        if name not in names:
            return f"has no section {name!r}"
    if len(names) > len(expected):
        return f"has a section twice: {', '.join(names)}"
    return f"has its sections in another order: {', '.join(names)}"


def _check_params(policy: Policy[Any], params: Mapping[str, str]) -> None:
    known = [field.alias or name for name, field in policy.params.model_fields.items()]
    for name in known:
        if name not in params:
            raise DocstringError(policy.id, f"does not describe the param {name!r}")
    for name in params:
        if name not in known:
            near = did_you_mean(name, known)
            raise DocstringError(policy.id, f"describes a param that it has not, {name!r}{near}")


def _blocks(section: str, lines: Sequence[str]) -> Iterator[Block]:
    mark = _PARAM if section == "Params" else _ENTRY
    for chunk in _chunks(lines, mark):
        if mark.match(chunk[0]):
            yield Block("list", tuple(_entries(chunk, mark)))
        elif terms := _terms(chunk):
            yield Block("terms", terms)
        elif _is_literal(chunk):
            yield Block("literal", tuple(chunk))
        else:
            yield Block("prose", (_joined(chunk),))


def _chunks(lines: Sequence[str], mark: re.Pattern[str]) -> Iterator[list[str]]:
    """Lines that stand together; a list begins a chunk of its own, also without an empty line."""
    chunk: list[str] = []
    for line in lines:
        if chunk and (not line or (mark.match(line) and not mark.match(chunk[0]))):
            yield chunk
            chunk = []
        if line:
            chunk.append(line)
    if chunk:
        yield chunk


def _entries(chunk: Sequence[str], mark: re.Pattern[str]) -> Iterator[str]:
    entry: list[str] = []
    for line in chunk:
        if entry and mark.match(line):
            yield _entry(entry)
            entry = []
        entry.append(line)
    yield _entry(entry)


def _entry(lines: Sequence[str]) -> str:
    return _ENTRY.sub("", _joined(lines), count=1) if _ENTRY.match(lines[0]) else _joined(lines)


def _terms(chunk: Sequence[str]) -> tuple[str, ...]:
    """An entry for each word in the first of two columns; nothing if the chunk is otherwise."""
    first = _TERM.match(chunk[0])
    if first is None or len(chunk) == 1:
        return ()
    entries: list[list[str]] = []
    for line in chunk:
        term, text = line[: first.end()], line[first.end() :]
        if not term.endswith(" ") or not text or text.startswith(" ") or _COLUMNS.search(text):
            return ()
        if not term.isspace():
            entries.append([f"`{term.strip()}`:"])
        entries[-1].append(text)
    is_words = all(" " not in entry[0] for entry in entries)
    return tuple(map(_joined, entries)) if is_words else ()


def _is_literal(chunk: Sequence[str]) -> bool:
    """True if all is indented, or if more than one line has columns."""
    if all(line.startswith(" ") for line in chunk):
        return True
    return sum(bool(_COLUMNS.search(line)) for line in chunk) > 1


def _joined(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())
