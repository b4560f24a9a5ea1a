"""Unified diffs: what `patch` takes and people read."""

import shutil
import subprocess
from pathlib import Path

import pytest

from webhook.rewrite import Differ, Edit, rewrite

TEN = "".join(f"{letter}: {{}}\n" for letter in "abcdefghij")


def diff(text: str, *pointers: str) -> str:
    """Of setting x to 1 in the mappings at these pointers."""
    data = text.encode()
    rewritten = rewrite(data, [Edit(0, f"{pointer}/x", 1) for pointer in pointers])
    assert rewritten.refusals == ()
    splices = sorted(splice for change in rewritten.changes for splice in change.splices)
    return "".join(f"{line}\n" for line in Differ("app.yaml", data).unified(splices))


def test_three_lines_around_a_change() -> None:
    assert diff(TEN, "/e") == (
        """\
--- app.yaml
+++ app.yaml
@@ -2,7 +2,7 @@
 b: {}
 c: {}
 d: {}
-e: {}
+e: {x: 1}
 f: {}
 g: {}
 h: {}
"""
    )


def test_changes_close_to_each_other_are_one_hunk() -> None:
    assert diff(TEN, "/a", "/b", "/i").count("@@ ") == 1
    assert "-a: {}\n-b: {}\n+a: {x: 1}\n+b: {x: 1}\n c: {}\n" in diff(TEN, "/a", "/b")


def test_changes_far_from_each_other_have_line_numbers_of_both_texts() -> None:
    text = "a:\n  b: 1\n" + TEN.removeprefix("a: {}\n") + "k:\n  b: 1\nl: 1\n"
    hunks = [line for line in diff(text, "/a", "/k").splitlines() if line.startswith("@@")]

    assert hunks == ["@@ -1,5 +1,6 @@", "@@ -11,4 +12,5 @@"]


def test_no_newline_at_the_end_of_the_file() -> None:
    assert diff("a:\n  b: 1", "/a") == (
        """\
--- app.yaml
+++ app.yaml
@@ -1,2 +1,3 @@
 a:
-  b: 1
\\ No newline at end of file
+  b: 1
+  x: 1
\\ No newline at end of file
"""
    )


def test_the_only_line() -> None:
    assert "@@ -1 +1 @@\n-{}\n+{x: 1}\n" in diff("{}\n", "")


def test_nothing_changed() -> None:
    assert diff(TEN) == ""


def test_the_width_of_the_lines_that_change() -> None:
    data = b'{"a":{}}'
    rewritten = rewrite(data, [Edit(0, "/a/x", 1)])

    assert Differ("app.json", data).width(rewritten.changes[0].splices) == len(data)


@pytest.mark.skipif(not shutil.which("patch"), reason="there is no patch on this machine")
@pytest.mark.parametrize("text", [TEN, "a:\n  b: 1\nj: {}", "a: {}\r\n# c\r\nj: {}\r\n"])
def test_patch_makes_the_new_text(tmp_path: Path, text: str) -> None:
    file = tmp_path / "app.yaml"
    file.write_bytes(text.encode())
    edits = [Edit(0, "/a/x", 1), Edit(0, "/j/x", 1)]

    subprocess.run(
        [str(shutil.which("patch")), "--binary", "-p0", "-d", str(tmp_path)],
        input=diff(text, "/a", "/j").encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert file.read_bytes() == rewrite(text.encode(), edits).data
