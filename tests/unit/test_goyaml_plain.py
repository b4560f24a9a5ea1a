"""Plain YAML is read line by line, and exactly as by the reader that knows all of YAML."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.goyaml import documents, plain, yaml_text
from webhook.goyaml.chunks import Content, split
from webhook.goyaml.lines import NotPlain

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted(
    path
    for name in ("examples", "policies", "tests/policies")
    for path in (ROOT / name).rglob("*.yaml")
)
GOLDEN = [
    case["text"] for case in json.loads((ROOT / "tests" / "golden" / "goyaml.json").read_text())
]
MANIFEST = """\
# a comment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the name
  annotations: {"a/b": 'it''s', c.d: "\\tx"}
spec:
  template:
    spec:
      containers:

      - name: web
        command: [sh, -c, "echo $(X)", --port=80, 0644]
        args:
          - |
            #!/bin/sh
              echo "a: b"

            exit 0
          - >-
            folded
            text
        env:
        -   name: URL
            value: http://web:80/#a
        - name: EMPTY
          value:
      volumes: []
  replicas: 0x10
"""


def strictly(content: Content) -> tuple[Any, ...]:
    """All that a reader tells; the value as text, because True equals 1."""
    return repr(content.value), content.row, content.repeated, content.find_rows()


def read_alike(data: bytes) -> int:
    """How many documents are plain; each is read by both readers alike."""
    found = 0
    for chunk in split(data):
        try:
            quick = plain.read(chunk)
        except NotPlain:
            continue
        (exact,) = yaml_text.read(chunk)
        assert strictly(quick) == strictly(exact)
        found += 1
    return found


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_manifests_are_plain(path: Path) -> None:
    assert read_alike(path.read_bytes()) == len(list(documents(path.read_bytes())))


@pytest.mark.parametrize("change", [str, lambda text: text.replace("\n", "\r\n"), str.rstrip])
def test_a_plain_manifest(change: Callable[[str], str]) -> None:
    data = change(MANIFEST).encode()

    assert read_alike(data) == 1
    (document,) = documents(data)
    pod = document.value["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == [
        '#!/bin/sh\n  echo "a: b"\n\nexit 0\n',
        "folded text",
    ]
    assert document.line_of("/spec/template/spec/containers/0/env/0/value") == 26
    assert document.line_of("/spec/template/spec/containers/0/command/3") == 14


@pytest.mark.parametrize("text", GOLDEN, ids=repr)
def test_what_kubectl_was_asked(text: str) -> None:
    read_alike(text.encode())
    read_alike(f"a: 1\nlist:\n- {text}\n".encode())


@pytest.mark.parametrize(
    "text",
    [
        "a: &x b",
        "a: *x",
        "a: !t b",
        "<<: {a: 1}",
        "a: {<<: {a: 1}}",
        "a: 1\na: 2",
        "1: a\n0x1: b",
        "a: {b: 1, b: 2}",
        "? a",
        "- - a",
        "-\n  a: 1",
        "- # c\n- a",
        "a: b\n  c",
        "a: 'b\n  c'",
        "a: [b,\n  c]",
        "a: |2\n   b",
        "a: |+\n  b",
        "a: >\n  b\n   c",
        "a: |\n\n  b",
        "a: |\n  \tb",
        "a: |\n  b\n \t\n",
        "a: |\n  b\x07",
        "a: |\n  b\u2028c",
        "a:\n  b: |\n  c",
        "a:\tb",
        "a: b\tc",
        "a: b\x07",
        "a: b\u2028c",
        "a: b\ufeffc",
        "a: b\rc",
        'a: "\\x41"',
        'a: "\\a"',
        'a: "\\ud800"',
        "a: .inf",
        "null: a",
        "a: b: c",
        "a: {b}",
        "a: [b: c]",
        "a: [b,]",
        'a: {"b":c}',
        "a: @b",
        "a: {{ b }}",
        "a:\n  b: 1\n c: 2",
        "a: 1\n- b",
        "- a\nb: 1",
        " a: 1\nb: 2",
        "a",
        "[a]",
        "# nothing",
        "",
        "a: 1\n...",
        "%YAML 1.2\n---\na: 1",
        "--- a: 1",
        f"{'k' * 2000}: a",
        f"a: {'[' * 21}{']' * 21}",
        "".join(f"{'  ' * n}a:\n" for n in range(103)),
    ],
)
def test_what_is_not_plain(text: str) -> None:
    (chunk,) = split(text.encode())

    with pytest.raises(NotPlain):
        plain.read(chunk)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("|\n  b", "b"),
        ("|\n  b\n", "b\n"),
        ("|\n  b\n\n \n", "b\n"),
        ("|-\n  b\n\n", "b"),
        ("|\n  b\n\n   c\n# no\n", "b\n\n c\n"),
        (">\n  b\n  c\n\n  d\n", "b c\nd\n"),
        (">-\n  b\n  c", "b c"),
    ],
)
def test_block_scalars(text: str, value: str) -> None:
    data = f"a: {text}".encode()

    assert read_alike(data) == 1
    assert [document.value for document in documents(data)] == [{"a": value}]


def test_bytes_that_are_not_utf_8_are_not_plain() -> None:
    (chunk,) = split(b"a: \xff")

    with pytest.raises(NotPlain):
        plain.read(chunk)


def test_documents_share_no_lists() -> None:
    first, second = documents(b"a: [b]\n---\na: [b]\n")
    first.value["a"].append("c")

    assert second.value == {"a": ["b"]}
    assert [document.value for document in documents(b"a: [b]\n")] == [{"a": ["b"]}]


SCALARS = (
    r"""
a`b c`a:b`a #b`a # b`a#b`a: b`a:`yes`null`~`01`1_0`1e3`.5`-1`.inf`2001-01-01`12:30`=`<<`x,y`a]
'q'`'a''b'`'a`"q"`"\n"`"\x41"`"\`""`$(X)`{{ x }}`--f=x`-`- a`&x a`*x`!t a`@a`%a`?a`:a`\a`--- a`...
[]`[a, b]`[a, ]`[a,b]`[- a]`[a: b]`{a: b}`{a: 1, a: 2}`{a}`{a: [b, {c: 1}]}`[http://a:80]`[a] b
[yes, 'x', "y", 1]`{yes: 1}`{<<: {a: b}}`[a#b]`[a #b]`[~]`[*a]`|`|-`|+`|2`>`>-`# c
""".strip()
    .replace("\n", "`")
    .split("`")
)
SCALARS += [
    "",
    "\t",
    "a\tb",
    "a\r",
    "\x7f",
    "é",
    "a\xa0b",
    "a\x85b",
    "a\u2028b",
    "a\ufeff",
    "\U0001f600",
]
KEYS = [
    "a",
    "b",
    "c",
    "d",
    "yes",
    "1",
    "0x1",
    "null",
    "<<",
    '"a"',
    "'b'",
    "x.y/z",
    "é",
    "a b",
    "-a",
]

flaws = st.sampled_from(["", "", "", " ", "  ", " # c", " #", "# c", "\t", ":"])
keys = st.sampled_from(KEYS[:4]) | st.sampled_from(KEYS)
entries = st.builds("{}{}{}".format, keys, st.sampled_from([":", ": ", ": ", ":  ", " : "]), flaws)
values = st.sampled_from(SCALARS)
written_lines = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "  ", "  ", "    ", " ", "      "]),
    st.sampled_from(["", "", "", "- ", "- ", "-   ", "- - ", "-"]),
    entries | st.just(""),
    values | st.just(""),
    flaws,
)


@given(
    lines=st.lists(written_lines | st.sampled_from(["", "  ", "# c", "---"]), max_size=8),
    end=st.sampled_from(["\n", "", "\n\n", "\r\n"]),
)
def test_lines_of_any_kind(lines: list[str], end: str) -> None:
    read_alike(("\n".join(lines) + end).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | values,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    value=st.dictionaries(st.text() | keys, json_values, min_size=1, max_size=5),
    flow=st.sampled_from([True, False, None]),
    style=st.sampled_from(["'", '"', "|", ">", "", None]),
    indent=st.integers(2, 4),
    wide=st.booleans(),
)
def test_documents_in_several_styles(
    value: Any, flow: bool | None, style: str | None, indent: int, wide: bool
) -> None:
    text = yaml.safe_dump(
        value,
        default_flow_style=flow,
        default_style=style,
        indent=indent,
        width=10_000 if wide else 80,
        allow_unicode=True,
        sort_keys=False,
    )
    read_alike(text.encode())


@given(data=st.data())
def test_manifests_with_a_few_changes(data: st.DataObject) -> None:
    lines = MANIFEST.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(lines) - 1))
        line = lines[row]
        column = data.draw(st.integers(0, len(line)))
        new = data.draw(st.text(" \t:-#'\"{}[],|>&*!\\.01aé", max_size=2))
        change = data.draw(
            st.sampled_from(
                [
                    [line[:column] + new + line[column:]],
                    [line[:column] + new + line[column + 1 :]],
                    [line, data.draw(written_lines)],
                    [line[:column], line[column:]],
                    [line, line],
                    [],
                ]
            )
        )
        lines[row : row + 1] = change or [""]
    read_alike("\n".join(lines).encode())
