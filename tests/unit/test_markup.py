"""Pages from templates."""

import base64
import hashlib
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.markup import environment, visible

HIDDEN = [
    "\x00",
    "\x1b",
    "\x7f",
    "\x9b",
    "\r",
    "\u200b",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ufeff",
    "\ud800",
    "\U000e0041",
]


def rendered(tmp_path: Path, template: str, **values: object) -> str:
    (tmp_path / "page.html").write_text(template)
    return environment(tmp_path).get_template("page.html").render(**values)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_nobody_sees_is_made_visible(hidden: str) -> None:
    shown = visible(f"a{hidden}b")

    assert re.fullmatch(r"a\\(u[0-9a-f]{4}|U[0-9a-f]{8})b", shown)
    assert int(shown[3:-1], 16) == ord(hidden)


@pytest.mark.parametrize(
    "text", ["app-1", "Käse", "数据", "a\tb\nc", "\u0646\u200c\u062e", "👩\u200d💻"]
)
def test_words_of_any_script_stay(text: str) -> None:
    assert visible(text) == text


@given(st.text(st.characters()))
def test_nothing_turns_what_stands_after_it(text: str) -> None:
    shown = visible(text)

    assert not {unicodedata.bidirectional(one) for one in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
    }
    shown.encode()


def test_all_that_a_template_shows_is_escaped_and_visible(tmp_path: Path) -> None:
    page = rendered(tmp_path, "<p>{{ text }}</p>", text="<b>\u202e")

    assert page == "<p>&lt;b&gt;\\u202e</p>"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_data_cannot_leave_its_element(text: str) -> None:
    template = environment(Path()).from_string("<script>{{ text | data }}</script>")
    page = template.render(text=["</script><!--<script>", text])

    (content,) = re.fullmatch("<script>([^<]*)</script>", page, re.DOTALL).groups()  # type: ignore[union-attr]
    assert json.loads(content) == ["</script><!--<script>", text]


def test_the_hash_is_that_of_the_text(tmp_path: Path) -> None:
    digest = base64.b64encode(hashlib.sha256(b"p { color: red }").digest()).decode()

    page = rendered(tmp_path, "{% set s %}p { color: red }{% endset %}{{ s | csp_hash | safe }}")

    assert page == f"'sha256-{digest}'"
