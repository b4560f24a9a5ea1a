"""The code blocks of a Markdown page: what a page shows is tried out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(r"^```(\w*) ?(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block."""

    language: str
    file: str
    """The file that it is, as the info string says; empty for none."""
    text: str


class Command(NamedTuple):
    """A line of a `console` block behind `$ `, and what the page shows below it."""

    line: str
    output: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    return (Block(*found) for found in _BLOCK.findall(page.read_text()))


def commands(block: Block) -> Iterator[Command]:
    """The commands of a `console` block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        yield Command(line, output)


def is_shown(shown: str, output: str) -> bool:
    """Whether the output is what a page shows; `...` stands for anything, also for lines."""
    parts = (re.escape(part) for part in re.split(r"^\.\.\.\n|\.\.\.", shown, flags=re.MULTILINE))
    return re.fullmatch("(?s:.*?)".join(parts), output) is not None
