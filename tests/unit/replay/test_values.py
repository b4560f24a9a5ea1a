"""JSON values out of logs of every form."""

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import patiently
from webhook.replay import values as module
from webhook.replay.values import Broken, Value, values

ONE = {"kind": "A", "text": 'a "quoted" {brace} \\', "list": [{"x": 1}, []]}
TWO = {"kind": "B", "nothing": {}}
JSON_VALUES = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=9,
    ),
    max_size=4,
)


def read(text: str | bytes) -> list[Any]:
    """Line and value of each, line and problem of what is broken."""
    data = text if isinstance(text, bytes) else text.encode()
    return [
        (one.line, json.loads(one.data) if isinstance(one, Value) else one.problem)
        for one in values(io.BytesIO(data))
    ]


def test_json_lines() -> None:
    assert read(f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}") == [(1, ONE), (3, TWO)]


def test_indented_objects_after_each_other() -> None:
    text = json.dumps(ONE, indent=1) + "\n" + json.dumps(TWO, indent=4)
    lines = json.dumps(ONE, indent=1).count("\n") + 2
    assert read(text) == [(1, ONE), (lines, TWO)]


def test_objects_without_anything_between_them() -> None:
    assert read(json.dumps(ONE) + json.dumps(TWO)) == [(1, ONE), (1, TWO)]
    assert read(json.dumps(ONE, indent=1) + json.dumps(TWO)) == [
        (1, ONE),
        (json.dumps(ONE, indent=1).count("\n") + 1, TWO),
    ]


def test_a_list_is_its_items() -> None:
    assert read(json.dumps([ONE, TWO])) == [(1, ONE), (1, TWO)]
    text = f"[\n{json.dumps(ONE)},\n{json.dumps(TWO)}\n]\n{json.dumps(TWO)}"
    assert read(text) == [(1, ONE), (1, TWO), (5, TWO)]


def test_a_report_with_an_entry_on_each_line_is_one_value() -> None:
    assert read('{"a": [\n{"b": 1},\n{"c": 2}\n]}') == [(1, {"a": [{"b": 1}, {"c": 2}]})]


@settings(max_examples=50)
@given(st.lists(st.tuples(JSON_VALUES, st.sampled_from([None, 0, 2])), max_size=5))
def test_whatever_is_written_is_read(written: list[tuple[Any, int | None]]) -> None:
    text = "\n".join(json.dumps(value, indent=indent) for value, indent in written)
    assert [value for _, value in read(text)] == [value for value, _ in written]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("certificate expired", "not JSON: 'certificate expired'"),
        ('{"kind": "A", "te', "not JSON: a string has no end in its line"),
        ('{"kind": "A"', "not JSON: ends in the middle of a value"),
        ('{"kind": "A",', "not JSON: ends in the middle of a value"),
        ('{"kind": [', "not JSON: ends in the middle of a value"),
        ('{"kind": nope}', "not JSON: invalid character (byte 10) of '{\"kind\": nope}'"),
        ("{]", "not JSON: "),
        ("}", "not JSON: '}'"),
        ("[" * 600, "nested deeper than 500 levels"),
    ],
)
def test_a_broken_line_hides_no_other(broken: str, problem: str) -> None:
    good = json.dumps(ONE)
    found = read(f"{good}\n{broken}\n{good}\n{good}\n")
    assert [one for one in found if one[1] == ONE] == [(1, ONE), (3, ONE), (4, ONE)]
    [(line, said)] = [one for one in found if one[1] != ONE]
    assert line == 2
    assert said.startswith(problem)


def test_a_broken_indented_value_is_one_problem() -> None:
    indented = json.dumps(ONE, indent=2)
    cut = indented[: indented.index('"x"')]
    assert read(f"{cut}\n{indented}")[0] == (1, "not JSON: ends in the middle of a value")
    assert read(cut) == [(1, "not JSON: ends in the middle of a value")]
    raw = '{\n "a": "no end\n "b": 1,\n "c": 2\n}\n'
    found = read(raw + json.dumps(TWO))
    assert found == [(1, "not JSON: a string has no end in its line"), (6, TWO)]


def test_what_a_truncated_file_starts_with_is_no_problem() -> None:
    assert read(b"\0" * 100 + json.dumps(ONE).encode()) == [(1, ONE)]
    assert read(b"\xef\xbb\xbf" + json.dumps(ONE).encode()) == [(1, ONE)]


def test_a_value_that_is_too_large_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUE", 100)
    large = json.dumps({"text": "x" * 500})
    indented = json.dumps({"list": list(range(100))}, indent=1)
    found = read(f"{large}\n{json.dumps(TWO)}\n{indented}\n{json.dumps(TWO)}\n")
    assert [line for line, said in found if said != TWO] == [1, 3]
    assert [line for line, said in found if said == TWO] == [2, 3 + indented.count("\n") + 1]


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"a":\n' * 50_000,
        b'{"a": [\n' + b"1,\n" * 500_000,
        b"[\n" * 50_000,
        b'{"a": 1\n' * 50_000,
        b'{"a": 1,\n' * 50_000,
        b'{"a": "' + b"\\" * 1_000_000,
        b'{"' + b'a"b' * 500_000,
        b"{}" * 50_000,
    ],
)
def test_a_hostile_file_takes_no_more_than_its_length(hostile: bytes) -> None:
    with patiently():
        for one in values(io.BytesIO(hostile)):
            assert isinstance(one, Value | Broken)


def test_a_compressed_stream_is_as_good() -> None:
    packed = io.BytesIO(gzip.compress(json.dumps(ONE).encode()))
    with gzip.open(packed) as stream:
        assert [json.loads(one.data) for one in values(stream) if isinstance(one, Value)] == [ONE]
