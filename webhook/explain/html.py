"""Policies' documentation as HTML: pages that need nothing but themselves, rendered once."""

from collections.abc import Sequence
from pathlib import Path

from webhook.explain.page import Page
from webhook.markup import environment


def site(pages: Sequence[Page], root: str) -> dict[str, bytes]:
    """Path to HTML in UTF-8: the list at `root` and `root/`, each page at `root/<id>`.

    `root` is `/policies`, say. Links are relative, so that a proxy may put the pages anywhere.
    """
    templates = environment(Path(__file__).parent / "templates")
    templates.filters["slug"] = _slug
    policy, index = templates.get_template("policy.html"), templates.get_template("list.html")
    # a link is relative to what stands before the last slash
    texts = {
        root: index.render(pages=pages, prefix=f"{root.rpartition('/')[2]}/"),
        f"{root}/": index.render(pages=pages, prefix=""),
    }
    texts |= {f"{root}/{page.id}": policy.render(page=page) for page in pages}
    return {path: text.encode() for path, text in texts.items()}


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")
