"""A file has its old report or its new one, never half of one."""

import os
import stat
import threading
from pathlib import Path

import pytest

from webhook.report import file_output
from webhook.report.file_output import FileOutput


def test_the_old_report_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    output = FileOutput(str(file))
    output.write("new")
    output.flush()

    assert file.read_text() == "old"
    output.close()
    assert (file.read_text(), output.problem) == ("new", None)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("old", ["old", None])
def test_a_report_that_is_given_up_leaves_nothing_behind(tmp_path: Path, old: str | None) -> None:
    file = tmp_path / "report.json"
    if old:
        file.write_text(old)
    output = FileOutput(str(file))
    output.write("new")
    output.discard()

    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == (
        [(file, old)] if old else []
    )


def test_giving_up_afterwards_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    output = FileOutput(str(file))
    output.write("new")
    output.close()
    output.discard()

    assert file.read_text() == "new"


def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path: Path) -> None:
    old, new, other = tmp_path / "old", tmp_path / "new", tmp_path / "other"
    old.write_text("")
    old.chmod(0o604)
    other.write_text("")
    for file in (old, new):
        FileOutput(str(file)).close()

    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert new.stat().st_mode == other.stat().st_mode


def test_a_link_goes_on_pointing_at_the_report(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    link = tmp_path / "report.json"
    link.symlink_to("reports/today.json")
    output = FileOutput(str(link))
    output.write("new")
    output.close()

    assert link.is_symlink()
    assert (tmp_path / "reports" / "today.json").read_text() == "new"


def test_names_are_written_whatever_they_are(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    output = FileOutput(str(file))
    output.write("é \udcff")
    output.close()

    assert file.read_bytes() == b"\xc3\xa9 \\udcff"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("missing/report.json", "No such file or directory"),
        ("file/report.json", "Not a directory"),
        (".", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_written_is_a_problem_and_not_a_crash(
    tmp_path: Path, path: str, problem: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    output = FileOutput(str(tmp_path / path))
    output.write("new")
    output.close()

    assert output.problem == problem


def test_a_file_that_may_not_be_written_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everything
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    file = tmp_path / "report.json"
    file.write_text("old")
    output = FileOutput(str(file))
    output.close()

    assert (output.problem, file.read_text()) == ("Permission denied", "old")


def test_a_device_is_written_directly_and_may_be_full() -> None:
    output = FileOutput("/dev/full")
    output.write("new")
    output.close()

    assert output.problem == "No space left on device"
    assert Path("/dev/full").is_char_device()


def test_a_pipe_waits_for_its_reader(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    output = FileOutput(str(pipe))
    output.write("new")
    output.close()
    reader.join(timeout=30)

    assert (read, output.problem) == (["new"], None)
    assert pipe.is_fifo()


def test_a_pipe_that_nobody_reads_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_output, "READER_TIMEOUT", 0.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert FileOutput(str(pipe)).problem == "nobody read from it for 0 s"


def test_a_reader_that_leaves_is_no_problem() -> None:
    reader, writer = os.pipe()
    output = FileOutput(f"/dev/fd/{writer}")
    os.close(writer)
    os.close(reader)
    output.write("new")
    output.close()

    assert output.problem is None
