"""Policies' documentation as HTML: pages that need nothing but themselves, rendered once."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from webhook import __version__
from webhook.explain.page import Page

_CODE: Final = re.compile(r"`([^`]+)`")


def site(pages: Sequence[Page], root: str) -> dict[str, bytes]:
    """Path to HTML in UTF-8: the list at `root` and `root/`, each page at `root/<id>`.

    `root` is `/policies`, say. Links are relative, so that a proxy may put the pages anywhere.
    """
    environment = _environment()
    policy, index = environment.get_template("policy.html"), environment.get_template("list.html")
    # a link is relative to what stands before the last slash
    texts = {
        root: index.render(pages=pages, prefix=f"{root.rpartition('/')[2]}/"),
        f"{root}/": index.render(pages=pages, prefix=""),
    }
    texts |= {f"{root}/{page.id}": policy.render(page=page) for page in pages}
    return {path: text.encode() for path, text in texts.items()}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = __version__
    environment.filters |= {"inline": _inline, "slug": _slug}
    return environment


def _inline(text: str) -> Markup:
    """Code between backticks stays code; nothing else is markup."""
    # nothing that is escaped here holds a backtick or becomes one
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 escaped


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")
