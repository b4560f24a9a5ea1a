"""YAML and JSON are read like kubectl does, and nothing that is written can break the reader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.goyaml import Document, documents, portions


def integer_or_float(digits: str) -> int | float:
    """Go has no integers of more than 64 bits; kubectl prints such a float without a point."""
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else float(number)


GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "goyaml.json").read_text(), parse_int=integer_or_float
)
"""What kubectl made of each text, see `tests/golden/goyaml.py`."""

LIBYAML = {"a: ! 12": {"a": 12}, 'a: ! "12"': {"a": 12}, 'a: "\\/"': {"a": "/"}}
"""Where libyaml is not go-yaml: the non-specific tag, and an escape that Go refuses."""


def only(text: str) -> Document:
    """The one document in the text."""
    (document,) = documents(text.encode())
    return document


def values(text: str) -> list[Any]:
    """The value of every document in the text."""
    return [document.value for document in documents(text.encode())]


def in_config_map(text: str) -> str:
    """As `tests/golden/goyaml.py` gave it to kubectl."""
    if text.startswith("{"):
        return f'{{"apiVersion": "v1", "kind": "ConfigMap", "data": {text}}}'
    lines = "".join(f"  {line}\n" if line else "\n" for line in text.split("\n"))
    return f"apiVersion: v1\nkind: ConfigMap\ndata:\n{lines}"


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: repr(case["text"]))
def test_reads_what_kubectl_reads(case: dict[str, Any]) -> None:
    document = only(in_config_map(case["text"]))

    if case["text"] in LIBYAML:
        assert document.value["data"] == LIBYAML[case["text"]]
    elif "error" in case:
        assert document.problem, case["error"]
    else:
        assert document.problem is None
        assert document.value["data"] == case["data"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n---\nb\n", ["a", "b"]),
        ("a\n---\n---\nb", ["a", None, "b"]),
        ("---\na\n---", ["a", None]),
        ("# only\n# comments\n", []),
        ("# before\n---\na", ["a"]),
        ("", []),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("a: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ("%YAML 1.2\n---\na\n...\n# c\n%TAG ! x\n---\nb", ["a", "b"]),
        ("a\n...\nb\n...\n# end\n", ["a", "b"]),
        ("a\n...\n---\nb\n...", ["a", "b"]),
        ("--- {a: 1}\n--- # c\nb\n", [{"a": 1}, "b"]),
        ("---x: 1\n", [{"---x": 1}]),
        ("a: |\n  ---\n  b\n", [{"a": "---\nb\n"}]),
        ('{"a": 1}{"b": 2}\n[3]', [{"a": 1}, {"b": 2}, [3]]),
        ('{"a": 1}\n---\nb: 2\n---\n {"c": 3}', [{"a": 1}, {"b": 2}, {"c": 3}]),
    ],
)
def test_documents_of_a_stream(text: str, expected: list[Any]) -> None:
    found = list(documents(text.encode()))

    assert [document.value for document in found] == expected
    assert [document.index for document in found] == list(range(len(expected)))
    assert not any(document.problem for document in found)


TWO = """\
# a comment

apiVersion: v1
items:
- name: a
  ports: [80,
    81]
- name: b
  yes: &x {c/d: 1}
  <<: {merged: 1}
---
other:

  - x
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 3),
        ("/apiVersion", 3),
        ("/items", 4),
        ("/items/0", 5),
        ("/items/0/ports", 6),
        ("/items/0/ports/1", 7),
        ("/items/1/true/c~1d", 9),
        ("/items/1/missing/deep", 8),
        ("/items/1/merged", 8),
        ("/missing", 3),
    ],
)
def test_line_of_a_value_or_its_nearest_parent(pointer: str, line: int) -> None:
    first, _ = documents(TWO.encode())

    assert first.line_of(pointer) == line


def test_lines_count_from_the_start_of_the_file() -> None:
    _, second = documents(TWO.encode())

    assert (second.line, second.line_of("/other/0")) == (12, 14)


def test_lines_of_json() -> None:
    first, second = documents(b'{"a": [1,\n {"b/c": "}"}],\n\n "d": {}}\n{"e":\n 1}')

    assert [first.line_of(p) for p in ("", "/a", "/a/1/b~1c", "/d/x")] == [1, 1, 2, 4]
    assert [second.line, second.line_of("/e")] == [5, 5]


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("a: 1\nb: {c: 1,\n  c: 2}\na: 3", ((3, "c"), (4, "a"))),
        ('{"a": {"x": 1},\n "a": {"x": 2}}', ((2, "a"),)),
        ("1: a\n'1': b", ((2, "1"),)),
        ("<<: {a: 1}\na: 2", ()),
        ("- a: 1\n- a: 1", ()),
    ],
)
def test_repeated_keys(text: str, repeated: tuple[tuple[int, str], ...]) -> None:
    assert only(text).repeated == repeated


def test_the_last_repeated_key_wins_and_its_line_counts() -> None:
    document = only("a: {b: 1,\n c: 1}\na: {b: 2}")

    assert document.value == {"a": {"b": 2}}
    assert document.line_of("/a/b") == 3
    assert document.line_of("/a/c") == 3


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"a: 1\n b: 2", 2, "not YAML: mapping values are not allowed in this context"),
        (
            b"a: [1,\nb: 2\n\n",
            2,
            "not YAML: did not find expected ',' or ']' while parsing a flow sequence",
        ),
        (b"a: 1\nb: \xff", 2, "byte 0xff is not UTF-8"),
        (b"a: 1\nb: \x00", 2, "character U+0000 is not allowed"),
        (b"\xff\xfea\x00", 1, "UTF-16, which Kubernetes does not read; save the file as UTF-8"),
        (b"a:\n  {b: 1}: 2", 2, "a mapping or a list as a key"),
        (b"a:\n  .inf", 2, "inf is no number in JSON"),
        (b"a:\n- *x", 2, "unknown anchor 'x'"),
        (b"a: &x\n- *x", 2, "anchor 'x' contains itself"),
        (b"\n<<: 1", 2, "only mappings can be merged"),
        (b"[" * 501 + b"]" * 501, 1, "nested deeper than 500 levels"),
        (b"{a: " * 501 + b"}" * 501, 1, "nested deeper than 500 levels"),
        (b"[" * 100_000, 1, "nested deeper than 500 levels"),
        (b"- " * 100_000, 1, "nested deeper than 500 levels"),
    ],
)
def test_a_problem_has_its_line(text: bytes, line: int, message: str) -> None:
    (document,) = documents(text)

    assert document.problem
    assert (document.problem.line, document.problem.message) == (line, message)
    assert document.value is None
    assert document.line == document.line_of("/a") == line


def test_documents_after_a_broken_one_are_read() -> None:
    first, broken, last = documents(b"a: 1\n---\nb: [\n---\nc: 3\n")

    assert (first.value, last.value) == ({"a": 1}, {"c": 3})
    assert broken.problem
    assert (broken.index, broken.problem.line) == (1, 3)


def test_a_broken_document_that_starts_with_a_scalar_is_one_document() -> None:
    """libyaml tells of the scalar `apiVersion:v1` before it sees that a mapping follows."""
    broken, good = documents(b"apiVersion:v1\nkind: Pod\n---\na: 1\n")
    assert (broken.index, broken.problem is None, broken.value) == (0, False, None)
    assert (good.index, good.value) == (1, {"a": 1})


def test_json_after_a_broken_value_is_not_guessed() -> None:
    first, broken = documents(b'{"a": 1}\n{"b": }\n{"c": 3}')

    assert first.value == {"a": 1}
    assert broken.problem
    assert (broken.problem.line, broken.problem.message) == (2, "not JSON: Expecting value")


@pytest.mark.parametrize(
    "text", ["a: {{ .Values.a }}", "{{- if .b }}\na: 1\n{{- end }}", "{{ a }}"]
)
def test_an_unrendered_template_is_told_how_to_render(text: str) -> None:
    problem = only(text).problem

    assert problem
    assert "unrendered Helm or Go template: render it first" in problem.message


def test_nesting_through_aliases_is_bounded() -> None:
    half = "[" * 300 + "]" * 300
    problem = only(f"a: &a {half}\nb: {'[' * 300}*a{']' * 300}").problem

    assert problem
    assert problem.message == "nested deeper than 500 levels"


def test_aliases_may_repeat_a_block() -> None:
    document = only("a: &a {b: 1}\nc: [*a, *a]\n")

    assert document.value["c"] == [{"b": 1}, {"b": 1}]


def test_an_alias_bomb_is_a_problem() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    problem = only("\n".join(lines)).problem

    assert problem
    assert problem.message == "nearly all of it is aliases"


def test_aliases_of_a_long_text_are_a_bomb_too() -> None:
    problem = only(f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 10_000)}]").problem

    assert problem


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=st.lists(json_values) | st.dictionaries(st.text(), json_values))
def test_json_reads_back_equal(value: Any) -> None:
    assert values(json.dumps(value)) == [value]
    assert values(json.dumps(value, ensure_ascii=False, indent=1)) == [value]


@given(data=st.binary() | st.text().map(str.encode))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for document in documents(data):
        json.dumps(document.value)
        assert document.line_of("/a/0") >= 1


@given(text=st.text(alphabet="ab:-{}[],'\"\\ \n#&*!|>?%.<0_\t", max_size=60))
def test_no_yaml_breaks_the_reader(text: str) -> None:
    for document in documents(text.encode()):
        json.dumps(document.value)
        assert document.line_of("/a/0") >= 1


# Portions

LINES = st.sampled_from(
    [
        *(
            "---",
            "---",
            "--- a",
            "---a",
            "...",
            "... # end",
            "...x",
            "",
            " ",
            "# comment",
            "%YAML 1.2",
        ),
        *("a: 1", "a: 2", "- b", "[1", "{a: 1}", '{"a": 1} [2]', "\ufeff", "a\r--- b", "|", "\t"),
    ]
)


@given(lines=st.lists(LINES, max_size=20), size=st.integers(0, 30), end=st.sampled_from(["", "\n"]))
def test_the_documents_of_all_portions_are_those_of_the_file(
    lines: list[str], size: int, end: str
) -> None:
    data = ("\n".join(lines) + end).encode()
    read = [list(documents(text, line)) for text, line in portions(data, size)]

    def told(document: Document) -> tuple[Any, ...]:
        line = document.line_of("/a")
        return document.line, document.value, document.problem, document.repeated, line

    assert [told(one) for part in read for one in part] == [told(one) for one in documents(data)]


def test_a_file_is_cut_where_a_portion_is_full() -> None:
    data = b"---\na: 1\n" * 100
    cut = list(portions(data, 90))

    assert [text for text, _ in cut] == [b"---\na: 1\n" * 10] * 10
    assert [line for _, line in cut] == list(range(1, 200, 20))
    assert list(portions(data, len(data))) == [(data, 1)]
