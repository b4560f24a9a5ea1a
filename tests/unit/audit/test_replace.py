"""A file is replaced as a whole or not at all."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from webhook.audit.replace import CannotReplace, replace


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Holds `old`."""
    path = tmp_path / "app.yaml"
    path.write_text("old")
    return path


def refused(file: Path, old: str = "old") -> str:
    """Why it is not replaced; it must be as it was."""
    before = file.lstat()[:4], file.read_bytes(), sorted(file.parent.iterdir())
    with pytest.raises(CannotReplace) as caught:
        replace(file, old.encode(), b"new")
    assert (file.lstat()[:4], file.read_bytes(), sorted(file.parent.iterdir())) == before
    return str(caught.value)


def test_mode_and_owner_are_kept_and_the_time_is_not(file: Path) -> None:
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    os.utime(file, (1, 1))
    before = file.stat()

    replace(file, b"old", b"new")

    after = file.stat()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_mtime > 1
    assert list(file.parent.iterdir()) == [file]


def test_extended_attributes_are_kept(file: Path) -> None:
    try:
        os.setxattr(file, "user.origin", b"mars")
    except OSError:
        pytest.skip("this file system has none")

    replace(file, b"old", b"new")

    assert os.getxattr(file, "user.origin") == b"mars"


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.yaml")
    link.symlink_to("app.yaml")

    assert refused(link) == "a symbolic link to app.yaml; name that file itself"


def test_names_of_one_file_are_not_parted(file: Path) -> None:
    file.with_name("b.yaml").hardlink_to(file)

    assert refused(file) == (
        "a file with 2 names (hard links), of which only this one would change; make a copy of it"
    )


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(CannotReplace, match="no regular file"):
        replace(pipe, b"", b"new")


def test_a_file_that_must_not_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write everywhere, and tests may run as root
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert refused(file) == "not writable; give yourself the right to write it"


def test_a_file_that_changed_meanwhile(file: Path) -> None:
    assert refused(file, old="older") == "changed while it was judged; run it again"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(CannotReplace, match="No such file or directory"):
        replace(tmp_path / "gone.yaml", b"old", b"new")


def fail(error: OSError) -> Callable[..., None]:
    """Raises it, whatever is asked."""

    def call(*_: object) -> None:
        raise error

    return call


def test_an_owner_that_cannot_be_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chown", fail(PermissionError(1, "Operation not permitted")))
    status = file.stat()
    other = os.stat_result((*status[:4], status.st_uid + 1, *status[5:]))
    monkeypatch.setattr(Path, "lstat", lambda _: other)

    assert refused(file).startswith("belongs to another user or group, which could not be kept")


def test_a_full_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fail(OSError(28, "No space left on device")))

    assert refused(file) == "No space left on device"
