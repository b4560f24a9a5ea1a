"""A file rewritten: its documents one after the other, the proof at the end."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

import msgspec

from webhook.api.pointer import pointer_keys
from webhook.goyaml import Document, documents, json_text
from webhook.goyaml.chunks import Chunk, split
from webhook.rewrite import insertion, json_nodes, places, proof, yaml_nodes
from webhook.rewrite.edits import CannotRewrite, Change, Edit, Group, Refusal, Rewritten, Splice
from webhook.rewrite.nodes import Tree
from webhook.rewrite.splices import apply, to_bytes

_BOM: Final = b"\xef\xbb\xbf"
_TEMPLATE: Final = "{{"
_UNPROVED: Final = "a change here would change what else the text says; set it by hand"


class _Part(msgspec.Struct):
    """One chunk of the file, what it says, and what becomes of it."""

    chunk: Chunk
    base: int
    """The byte of the file where it starts."""
    documents: list[Document]
    """With their indices in the file."""
    changes: list[Change] = msgspec.field(default_factory=list)
    refusals: list[Refusal] = msgspec.field(default_factory=list)

    def refuse(self) -> None:
        """Take all changes back."""
        for change in self.changes:
            row = self.chunk.text.count(b"\n", 0, change.splices[0].start - self.base)
            self.refusals.append(Refusal(change.edits, self.chunk.line + row, _UNPROVED))
        self.changes = []


def rewrite(data: bytes, edits: Iterable[Edit]) -> Rewritten:
    """A file's bytes with the edits made: those of one mapping all, or none and a refusal.

    An edit must name a document that is there.
    """
    groups = _grouped(edits)
    if not groups:
        return Rewritten(data, (), ())
    parts = list(_parts(data))
    for part in parts:
        _change(part, [group for one in part.documents for group in groups.get(one.index, ())])
    new = _proved(data, parts)
    if new is None:
        # one document must not keep the others from being changed
        for part in parts:
            if part.changes and _proved(part.chunk.text, [part], part.base) is None:
                part.refuse()
        new = _proved(data, parts)
    if new is None:
        for part in parts:
            part.refuse()
    return Rewritten(
        data=data if new is None else new,
        changes=tuple(change for part in parts for change in part.changes),
        refusals=tuple(refusal for part in parts for refusal in part.refusals),
    )


def _proved(text: bytes, parts: Sequence[_Part], start: int = 0) -> bytes | None:
    """A text that starts at a byte of the file, with its parts' changes; None without proof."""
    changes = [change for part in parts for change in part.changes]
    splices = [
        Splice(splice.start - start, splice.end - start, splice.text)
        for splice in sorted(chain.from_iterable(change.splices for change in changes), key=_start)
    ]
    new = apply(text, splices)
    before = [document for part in parts for document in part.documents]
    done = [edit for change in changes for edit in change.edits]
    return new if proof.holds(text, new, before, done, splices) else None


def _grouped(edits: Iterable[Edit]) -> dict[int, list[Group]]:
    """By document, in their order."""
    by_mapping: dict[tuple[int, str], list[Edit]] = defaultdict(list)
    for edit in edits:
        by_mapping[edit.document, edit.parent].append(edit)
    groups: dict[int, list[Group]] = defaultdict(list)
    for (document, _), group in by_mapping.items():
        groups[document].append(tuple(group))
    return groups


def _parts(data: bytes) -> Iterator[_Part]:
    base = len(_BOM) if data.startswith(_BOM) else 0
    index = 0
    for chunk in split(data):
        found = list(documents(chunk.text))
        for document in found:
            document.index = index
            index += 1
        yield _Part(chunk, base, found)
        base += len(chunk.text)


def _change(part: _Part, groups: Iterable[Group]) -> None:
    """Find out what becomes of each group."""
    groups = list(groups)
    if not groups:
        return
    trees = dict(zip((one.index for one in part.documents), _trees(part), strict=False))
    placed: list[tuple[Group, list[Splice]]] = []
    for group in groups:
        tree = trees.get(group[0].document)
        if tree is None:
            part.refusals.append(_unreadable(part, group))
            continue
        try:
            placed.append((group, _splices(tree, group)))
        except CannotRewrite as error:
            line = part.chunk.line + tree.text.count("\n", 0, error.position)
            part.refusals.append(Refusal(group, line, str(error)))
    # where two mappings end together the inner one's lines come first
    placed.sort(key=lambda one: -one[0][0].pointer.count("/"))
    ordered = sorted(
        ((splice, owner) for owner, (_, splices) in enumerate(placed) for splice in splices),
        key=lambda one: one[0].start,
    )
    owned: list[list[Splice]] = [[] for _ in placed]
    splices = to_bytes(part.chunk.decode(), (splice for splice, _ in ordered), part.base)
    for splice, (_, owner) in zip(splices, ordered, strict=True):
        owned[owner].append(splice)
    part.changes += [
        Change(group, tuple(own)) for (group, _), own in zip(placed, owned, strict=True)
    ]


def _trees(part: _Part) -> Iterator[Tree]:
    """The documents that could be read, each as what goyaml read it as."""
    chunk = part.chunk
    readable = sum(document.problem is None for document in part.documents)
    if chunk.json_start is not None:
        try:
            next(json_text.read(chunk))
            return islice(json_nodes.trees(chunk.decode(), chunk.json_start), readable)
        except json_text.NotJson:
            pass  # flow YAML
    return islice(yaml_nodes.trees(chunk.decode()), readable)


def _splices(tree: Tree, group: Group) -> list[Splice]:
    """How the edits of one mapping are made. Raises `CannotRewrite`."""
    node, holder = places.mapping(tree, group[0].parent)
    name = places.name_of(pointer_keys(group[0].parent))
    splices = []
    new = {}
    for edit in group:
        found = places.entry(node, edit.key, name)
        if found:
            splices.append(insertion.replaced(tree.text, found, edit.value))
        else:
            new[edit.key] = edit.value
    if new:
        splices += insertion.added(tree.text, node, holder, new)
    start = holder.key.start if holder else node.start
    if _TEMPLATE in tree.text[start : max(splice.end for splice in splices)]:
        message = "the {{ looks like a template; render it, or write the values into the template"
        raise CannotRewrite(start, message)
    return splices


def _unreadable(part: _Part, group: Group) -> Refusal:
    (problem,) = (one.problem for one in part.documents if one.index == group[0].document)
    if problem is None:
        return Refusal(group, part.chunk.line, _UNPROVED)
    return Refusal(group, part.chunk.line - 1 + problem.line, problem.message)


def _start(splice: Splice) -> int:
    return splice.start
