"""From a JSON Pointer to the mapping in the text, or why it must not be touched there."""

from collections.abc import Sequence

from webhook.api.pointer import pointer_keys
from webhook.rewrite.edits import CannotRewrite
from webhook.rewrite.nodes import Entry, Node, Tree


def mapping(tree: Tree, pointer: str) -> tuple[Node, Entry | None]:
    """The mapping at a pointer, and the entry whose value it is; None in a list or at the root.

    Raises `CannotRewrite` if it stands in no place of its own.
    """
    node, entry = tree.root, None
    _check(tree, node, "the document")
    path = pointer_keys(pointer)
    for index, token in enumerate(path):
        node, entry = _step(node, token, name_of(path[:index]))
        _check(tree, node, name_of(path[: index + 1]))
    if node.kind != "mapping":
        raise CannotRewrite(node.start, f"{name_of(path)} is no mapping; make it one")
    return node, entry


def entry(node: Node, key: str, name: str) -> Entry | None:
    """The entry of a mapping with that key, None without one. Raises `CannotRewrite`."""
    found = [one for one in node.entries if one.key.name == key and one.key.kind == "scalar"]
    if len(found) > 1:
        message = f"{key} is repeated in {name}; remove all but one"
        raise CannotRewrite(found[0].key.start, message)
    return found[0] if found else None


def _step(node: Node, token: str, name: str) -> tuple[Node, Entry | None]:
    if node.kind == "sequence" and token.isdecimal() and int(token) < len(node.items):
        return node.items[int(token)], None
    found = entry(node, token, name)
    if found is None:
        if any(one.is_merge for one in node.entries):
            message = f"{token} comes from a merge key (<<) of {name}; write it out there"
        else:
            message = f"{token} is not written in {name}; write it there"
        raise CannotRewrite(node.start, message)
    return found.value, found


def _check(tree: Tree, node: Node, name: str) -> None:
    """Raises `CannotRewrite` if a change there would be one elsewhere, too, or of unknown sense."""
    if node.kind == "alias":
        message = f"{name} is the alias *{node.name}, which stands for text elsewhere; write it out"
    elif node.anchor in tree.aliases:
        message = f"{name} has the anchor &{node.anchor}, and what stands as *{node.anchor} would "
        message += "change with it; write it out there"
    elif node.tag is not None:
        message = f"{name} has the tag {node.tag}; remove the tag"
    else:
        return
    raise CannotRewrite(node.start, message)


def name_of(path: Sequence[str]) -> str:
    """How a message calls what is at a path: by its key, `containers/0` in a list."""
    if not path:
        return "the document"
    return "/".join(path[-2:]) if path[-1].isdecimal() else path[-1]
