"""Policies' documentation as Markdown files, as GitHub shows them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from webhook.docstring import EXAMPLES, Block, Documentation
from webhook.explain.page import Page
from webhook.explain.params import Param

_NOTE: Final = "<!-- Made by `make docs` from the docstrings of policies: edit those. -->"
_CODE: Final = re.compile(r"(`[^`]+`)")
_SPECIAL: Final = re.compile(r"([\\*_<\[|~])")


def files(pages: Sequence[Page]) -> dict[str, str]:
    """Name to text of a file for each policy, and `README.md`, which lists them."""
    return {"README.md": index(pages)} | {f"{page.id}.md": markdown(page) for page in pages}


def index(pages: Sequence[Page]) -> str:
    """The list of policies, with their actions in the shipped profiles."""
    profiles = [action.profile for action in pages[0].actions]
    rows = [
        [
            f"[{page.id}]({page.id}.md)",
            _inline(page.summary),
            *(one.action for one in page.actions),
            page.asked_in,
        ]
        for page in pages
    ]
    table = _table(["policy", "what it asks", *profiles, "asked in"], rows)
    return _joined([_NOTE, "# Policies", table])


def markdown(page: Page) -> str:
    """One policy."""
    doc = page.documentation
    parts = [_NOTE, f"# {page.id}", _inline(doc.title), _actions(page)]
    parts += [f"Asked: {page.asked}.", f"Kinds: {', '.join(page.kinds)}."]
    for title, blocks in doc.sections.items():
        parts.append(f"## {title}")
        if title == "Params":
            parts += _params_section(page, blocks)
        else:
            parts += _blocks(title, blocks)
    return _joined(parts)


def sections(doc: Documentation) -> str:
    """What a docstring says and no more, with headings of the third level."""
    parts = [_inline(doc.title)]
    for title, blocks in doc.sections.items():
        parts += [f"### {title}", *_blocks(title, blocks)]
    return "\n\n".join(parts)


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _actions(page: Page) -> str:
    head = ["in the profile", *(one.profile for one in page.actions)]
    policy = ["action", *(one.action for one in page.actions)]
    rules = [[f"of the rule {r}", *(one.rules[r] for one in page.actions)] for r in page.rules]
    return _table(head, [policy, *rules])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _params_section(page: Page, blocks: Iterable[Block]) -> Iterator[str]:
    """The tree stands for the docstring's own list, whose text it holds."""
    yield from (_block(block, "text") for block in blocks if block.kind != "list")
    if page.params:
        yield "\n".join(_params(page.params))
        yield "Defaults:"
        yield _fenced(page.defaults, "yaml")


def _params(params: Iterable[Param], depth: int = 0) -> Iterator[str]:
    for param in params:
        names = ", ".join(f"`{name}`" for name in param.names)
        form = ", ".join(filter(None, [param.type, param.default]))
        description = f": {_inline(param.description)}" if param.description else ""
        yield f"{'  ' * depth}- {names} ({_inline(form)}){description}"
        yield from _params(param.children, depth + 1)


def _blocks(title: str, blocks: Iterable[Block]) -> Iterator[str]:
    return (_block(block, "yaml" if title in EXAMPLES else "text") for block in blocks)


def _block(block: Block, language: str) -> str:
    if block.kind == "literal":
        return _fenced("\n".join(block.lines), language)
    if block.kind in ("list", "terms"):
        return "\n".join(f"- {_inline(line)}" for line in block.lines)
    return "\n".join(map(_inline, block.lines))


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def _inline(text: str) -> str:
    """Code stays code; nothing else is markup."""
    return "".join(
        part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in _CODE.split(text)
    )
