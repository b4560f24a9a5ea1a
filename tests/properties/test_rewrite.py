"""What holds of every rewriting, whatever the text looks like."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webhook.goyaml import documents
from webhook.rewrite import Differ, Edit, Rewritten, Splice, rewrite

Object = dict[str, Any]

# Objects, and what to set in them

words = st.sampled_from(["a", "b", "httpGet", "port", "é", "x/y", "~", "on", "1", "a b", "#", ""])
scalars = st.none() | st.booleans() | st.integers(-9, 9999) | words | st.sampled_from([0.5, "x: y"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(words, values, min_size=1, max_size=4)


def pointers(value: Any, here: str = "") -> Iterator[str]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            token = str(key).replace("~", "~0").replace("/", "~1")
            yield from pointers(inner, f"{here}/{token}")


def at(value: Any, pointer: str) -> Any:
    """The value at a pointer; written anew, not taken from the code."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


@st.composite
def wishes(draw: st.DrawFn, values: list[Any]) -> list[Edit]:
    """Numbers for some of the mappings of some documents: new entries, and some for a null."""
    found = []
    for index, value in enumerate(values):
        for pointer in pointers(value) if isinstance(value, dict | list) else ():
            nulls = [
                key.replace("~", "~0").replace("/", "~1")
                for key, inner in at(value, pointer).items()
                if inner is None
            ]
            keys = draw(st.lists(st.sampled_from(["new", "timeoutSeconds", *nulls]), max_size=2))
            found += [
                Edit(index, f"{pointer}/{key}", draw(st.integers(0, 600)))
                for key in dict.fromkeys(keys)
            ]
    return found


def expected(values: list[Any], edits: list[Edit]) -> list[Any]:
    """The values with the edits made."""
    values = copy.deepcopy(values)
    for edit in edits:
        parent, _, key = edit.pointer.rpartition("/")
        at(values[edit.document], parent)[key.replace("~1", "/").replace("~0", "~")] = edit.value
    return values


# Texts

dumped = st.builds(
    lambda value, style, quote, indent, width: (
        yaml.safe_dump(
            value,
            default_flow_style=style,
            default_style=quote,
            indent=indent,
            width=width,
            allow_unicode=True,
            sort_keys=False,
        )
        .replace("!!null 'null'", "null")
        .replace('!!null "null"', "null")
    ),
    objects,
    st.sampled_from([False, None, True]),
    st.sampled_from([None, '"', "'"]),
    st.sampled_from([2, 4, 7]),
    st.sampled_from([10, 10_000]),
)
written = st.builds(
    lambda value, style, ascii_only: json.dumps(value, ensure_ascii=ascii_only, **style),
    objects,
    st.sampled_from(
        [
            {},
            {"indent": 2},
            {"indent": "\t"},
            {"separators": (",", ":")},
            {"indent": 1, "separators": (" ,", " : ")},
        ]
    ),
    st.booleans(),
)


@st.composite
def commented(draw: st.DrawFn) -> str:
    """Block style with comments and blank lines anywhere, and behind values."""
    value = draw(objects)
    text = yaml.safe_dump(value, default_flow_style=False, width=10_000, allow_unicode=True)
    lines = []
    for line in text.splitlines():
        lines.append(line + draw(st.sampled_from(["", "", "  # c", " ", "\t# c: {d"])))
        lines += draw(
            st.lists(st.sampled_from(["", "  ", "# c", "  # - c", "      # c: d"]), max_size=2)
        )
    return "\n".join(lines) + "\n"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """One or several documents as an editor may have saved them."""
    texts = draw(st.lists(dumped | written | commented(), min_size=1, max_size=3))
    text = "---\n".join(one if one.endswith("\n") else f"{one}\n" for one in texts)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return (draw(st.sampled_from(["", "", "\ufeff"])) + text).encode()


def read(data: bytes) -> list[Any]:
    """The values of the documents."""
    found = list(documents(data))
    assert [document.problem for document in found] == [None] * len(found)
    return [document.value for document in found]


def splices(rewritten: Rewritten) -> list[Splice]:
    """All of them in the order of the file."""
    found = (splice for change in rewritten.changes for splice in change.splices)
    return sorted(found, key=lambda splice: splice.start)


def cut(data: bytes, rewritten: Rewritten) -> bytes:
    """The new text without what was put in; it must stand where it is said to stand."""
    new, kept, position = rewritten.data, b"", 0
    for start, end, text in splices(rewritten):
        assert data[start:end].strip().lower() in (b"", b"null", b"~")
        length = start - position
        assert new[length:].startswith(text.encode())
        kept += new[:length] + data[start:end]
        new, position = new[length + len(text.encode()) :], end
    return kept + new


@given(data=files(), draw=st.data())
def test_what_was_asked_for_is_set_and_nothing_else(data: bytes, draw: st.DataObject) -> None:
    values = read(data)
    edits = draw.draw(wishes(values))

    rewritten = rewrite(data, edits)

    assert rewritten.refusals == ()
    assert json.dumps(read(rewritten.data)) == json.dumps(expected(values, edits))
    assert cut(data, rewritten) == data


def patched(data: bytes, diff: list[str]) -> bytes:
    """What `patch` makes of a unified diff; the context and the old lines must be there."""
    lines = data.decode().split("\n")
    result, position = [], 0
    for line in diff[2:]:
        if line.startswith("@@"):
            start, _, count = line.split()[1].removeprefix("-").partition(",")
            first = int(start) - 1 if count != "0" else int(start)
            result += lines[position:first]
            position = first
            new = line.split()[2].removeprefix("+").partition(",")[0]
            assert count == "0" or int(new) == len(result) + 1
        elif line.startswith("+"):
            result.append(line[1:])
        elif line.startswith(("-", " ")):
            assert lines[position] == line[1:]
            result += [line[1:]] if line[0] == " " else []
            position += 1
    return "\n".join(result + lines[position:]).encode()


@given(data=files(), draw=st.data())
def test_the_diff_makes_the_new_text(data: bytes, draw: st.DataObject) -> None:
    rewritten = rewrite(data, draw.draw(wishes(read(data))))

    diff = list(Differ("x.yaml", data).unified(splices(rewritten)))

    assert patched(data, diff) == rewritten.data
    assert bool(diff) == (data != rewritten.data)


indicators = st.sampled_from(
    ["- ", "? ", ":", ",", "{", "}", "[", "]", "{{", '"', "'", "#", " # c"]
)
properties = st.sampled_from(["&x ", "*x", "<<: *x", "!t ", "| ", "|+\n", ">-\n", "---\n", "...\n"])
content = st.sampled_from(["a", "b: ", "p:", "null", "~", "1", "é", "\U0001f600", "\ufeff"])
space = st.sampled_from([" ", "\t", "\n", "\n  ", "\n    ", "\r\n", "\r", "\x85", "\u2028"])
odd = st.lists(indicators | properties | content | space, max_size=25).map(
    lambda parts: "".join(parts).encode()
)


@given(data=odd | files(), draw=st.data())
@example(data=b"p:\n  a: |\n    x", draw=None)
def test_whatever_the_text_what_is_done_is_what_was_asked(
    data: bytes, draw: st.DataObject | None
) -> None:
    found = list(documents(data))
    values = [document.value for document in found]
    edits = [Edit(0, "/p/new", 1)] if draw is None else draw.draw(wishes(values))

    rewritten = rewrite(data, edits)

    changed = [edit for change in rewritten.changes for edit in change.edits]
    refused = [edit for refusal in rewritten.refusals for edit in refusal.edits]
    assert sorted(map(str, changed + refused)) == sorted(map(str, edits))
    after = [document.value for document in documents(rewritten.data)]
    assert json.dumps(after) == json.dumps(expected(values, changed))
    assert all(0 < refusal.line <= data.count(b"\n") + 1 for refusal in rewritten.refusals)


def test_the_texts_of_these_properties_are_worth_it() -> None:
    # a guard on the tests: texts that never reach a way of writing would prove nothing of it
    found = dict.fromkeys(("lines below", "on the line", "a comma, then lines", "for a null"), 0)

    @given(data=files(), draw=st.data())
    @settings(max_examples=200, database=None, derandomize=True)
    def count(data: bytes, draw: st.DataObject) -> None:
        for change in rewrite(data, draw.draw(wishes(read(data)))).changes:
            for start, end, text in change.splices:
                if end > start:
                    found["for a null"] += 1
                elif text == ",":
                    found["a comma, then lines"] += 1
                else:
                    found["lines below" if "\n" in text else "on the line"] += 1

    count()
    assert min(found.values()) > 10, found
