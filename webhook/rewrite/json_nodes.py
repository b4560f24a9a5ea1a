"""JSON text to nodes."""

import json
import re
from collections.abc import Iterator
from typing import Final, Literal

from webhook.rewrite.nodes import Entry, Node, Tree

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s"{}\[\],:]+', re.DOTALL)


def trees(text: str, position: int) -> Iterator[Tree]:
    """The values that stand after each other from `position` on, as far as they are JSON."""
    opened: list[Node] = []
    keys: list[Node | None] = []
    for match in _TOKEN.finditer(text, position):
        found = match[0]
        if found in ("{", "["):
            kind: Literal["mapping", "sequence"] = "mapping" if found == "{" else "sequence"
            opened.append(Node(kind, match.start(), inside=match.end()))
            keys.append(None)
            continue
        if found in ("}", "]"):
            node = opened.pop()
            node.end = match.end()
            keys.pop()
        else:
            name = json.loads(found) if found[0] == '"' else found
            node = Node("scalar", match.start(), match.end(), name)
        if not opened:
            yield Tree(text, node)
        elif opened[-1].kind == "sequence":
            opened[-1].items.append(node)
        elif (key := keys[-1]) is None:
            keys[-1] = node
        else:
            opened[-1].entries.append(Entry(key, node))
            keys[-1] = None
