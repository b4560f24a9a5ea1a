"""Which files the paths of the command line mean."""

import io
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webhook.audit.sources import Inputs, Text, Unread


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty present directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def files(*paths: str) -> list[str]:
    return [found.file for found in read(*paths)]


def read(*paths: str, stdin: bytes = b"") -> list[Text | Unread]:
    return list(Inputs(paths, io.BytesIO(stdin)).texts())


def test_a_directory_is_searched_and_sorted() -> None:
    write("d/c.yaml", "d/b/z.yml", "d/b/a.json", "d/a.yaml", "d/README.md", "d/values.YAML.bak")

    assert files("d") == ["d/a.yaml", "d/b/a.json", "d/b/z.yml", "d/c.yaml"]


def test_hidden_files_and_directories_are_skipped() -> None:
    write("d/.a.yaml", "d/.git/b.yaml", "d/c.yaml")

    assert files("d") == ["d/c.yaml"]
    assert files(".") == ["d/c.yaml"]


def test_what_is_named_is_read_whatever_its_name() -> None:
    write(".hidden/pod.txt")

    assert read(".hidden/pod.txt") == [Text(".hidden/pod.txt", b".hidden/pod.txt")]
    assert read("./.hidden") == []


def test_links_to_files_are_followed_and_links_to_directories_are_not() -> None:
    write("d/a.yaml", "other/b.yaml")
    Path("d/loop").symlink_to("..")
    Path("d/other.yaml").symlink_to("../other")
    Path("d/c.yaml").symlink_to("../other/b.yaml")
    Path("link").symlink_to("other")

    assert files("d") == ["d/a.yaml", "d/c.yaml"]
    assert files("link") == ["link/b.yaml"]


def test_dangling_links_and_missing_paths_are_told() -> None:
    write("d/b.yaml")
    Path("d/a.yaml").symlink_to("nowhere")
    Path("d/c.yaml").symlink_to("c.yaml")

    assert read("d", "missing") == [
        Unread("d/a.yaml", "No such file or directory"),
        Text("d/b.yaml", b"d/b.yaml"),
        Unread("d/c.yaml", "Too many levels of symbolic links"),
        Unread("missing", "No such file or directory"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_directories_are_told() -> None:
    write("d/a.yaml", "d/sub/b.yaml", "d/z.yaml")
    Path("d/a.yaml").chmod(0)
    Path("d/sub").chmod(0)

    assert read("d") == [
        Unread("d/a.yaml", "Permission denied"),
        Unread("d/sub", "Permission denied"),
        Text("d/z.yaml", b"d/z.yaml"),
    ]
    Path("d/sub").chmod(0o700)


def test_a_directory_of_a_thousand_levels() -> None:
    for depth in range(1200):
        Path("d/" * depth, "d").mkdir()
    deep = "d/" * 1200
    Path(deep, "a.yaml").touch()

    assert files(".") == [f"{deep}a.yaml"]
    # pytest's own cleaning up recurses
    Path(deep, "a.yaml").unlink()
    os.removedirs(deep)


def test_pipes_in_directories_are_skipped() -> None:
    write("d/a.yaml")
    os.mkfifo("d/pipe.yaml")

    assert files("d") == ["d/a.yaml"]


def test_a_pipe_that_nobody_writes_to_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.audit.sources.WRITER_TIMEOUT", 0.01)
    os.mkfifo("pipe")

    assert read("pipe") == [Unread("pipe", "nobody wrote to it for 0 s")]


def test_a_writer_may_come_late() -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read, "pipe")
        Path("pipe").write_text("a: 1")
        assert reading.result() == [Text("pipe", b"a: 1")]


def test_a_pipe_with_a_writer_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a: 1\n")
    os.close(writing)

    assert read(f"/dev/fd/{reading}") == [Text(f"/dev/fd/{reading}", b"a: 1\n")]
    os.close(reading)


def test_devices_and_sockets_are_no_files() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert read("/dev/zero", "socket") == [
            Unread("/dev/zero", "neither a file nor a directory"),
            Unread("socket", "neither a file nor a directory"),
        ]


def test_standard_input() -> None:
    write("a.yaml")

    assert read("a.yaml", "-", stdin=b"x") == [Text("a.yaml", b"a.yaml"), Text("-", b"x")]


def test_a_file_name_that_is_not_utf8() -> None:
    Path(os.fsdecode(b"\xff.yaml")).touch()

    assert files(".") == ["\N{REPLACEMENT CHARACTER}.yaml"]
