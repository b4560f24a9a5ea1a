"""The decision log: in order, bounded, and never in the way."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import eventually
from webhook.server.decisions import BUFFER_BYTES, MAX_LINE, DecisionLog


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Reader and writer."""
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        if Path(f"/proc/self/fd/{descriptor}").exists():
            os.close(descriptor)


def read_lines(reader: int) -> list[dict[str, object]]:
    with os.fdopen(reader, "rb") as stream:
        return [json.loads(line) for line in stream]


def test_one_line_each_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log = DecisionLog(writer)
    for number in range(100):
        log.write({"number": number, "text": "a\nb"})
    log.close(timeout=5.0)
    os.close(writer)
    assert read_lines(reader) == [{"number": n, "text": "a\nb"} for n in range(100)]


def test_a_reader_that_does_not_read_loses_lines_and_is_told_how_many(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    log = DecisionLog(writer)
    record = {"text": "x" * 10_000}
    count = 4 * BUFFER_BYTES // 10_000
    for _ in range(count):
        log.write(record)
    assert log.lost > count / 2
    log.close(timeout=0.01)
    arrived = lost = tellings = 0
    with os.fdopen(reader, "rb") as stream:
        while arrived + lost < count:
            line = json.loads(stream.readline())
            lost += line.get("lost", 0)
            tellings += "lost" in line
            arrived += line == record
    assert (arrived + 1) * (10_000 + len('{"text":""}\n')) > BUFFER_BYTES
    eventually(lambda: log.written == arrived + tellings)
    assert log.lost == lost


def test_a_reader_that_is_gone(pipe: tuple[int, int], caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = pipe
    os.close(reader)
    log = DecisionLog(writer)
    log.write({})
    eventually(lambda: caplog.records)
    log.write({})
    log.close(timeout=5.0)
    assert "cannot be written any more" in caplog.text
    assert (log.written, log.lost) == (0, 1)


def test_a_descriptor_that_somebody_made_non_blocking(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    log = DecisionLog(writer)
    for _ in range(20):
        log.write({"text": "x" * 10_000})
    with os.fdopen(reader, "rb") as stream:
        for _ in range(20):
            assert json.loads(stream.readline()) == {"text": "x" * 10_000}
    log.close(timeout=5.0)


def test_a_full_disk_is_no_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("webhook.server.decisions.RETRY_TIME", 0.01)
    full = os.open("/dev/full", os.O_WRONLY)
    reader, writer = os.pipe()
    log = DecisionLog(full)
    log.write({"number": 1})
    eventually(lambda: "cannot be written: [Errno 28]" in caplog.text)
    os.dup2(writer, full)
    log.write({"number": 2})
    log.close(timeout=5.0)
    os.close(full)
    os.close(writer)
    assert read_lines(reader) == [{"number": 2}, {"lost": 1}]
    assert (log.written, log.lost) == (2, 1)


def test_a_record_that_is_too_long_keeps_what_is_short(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log = DecisionLog(writer)
    short = {"uid": "1", "dryRun": True, "name": None, "durationSeconds": 0.5}
    log.write({**short, "user": "x" * 513, "namespace": "x" * 512, "findings": ["y" * MAX_LINE]})
    log.write({"text": "x" * (MAX_LINE - len('{"text":""}\n'))})
    log.close(timeout=5.0)
    os.close(writer)
    first, second = read_lines(reader)
    assert first == {**short, "namespace": "x" * 512, "truncated": True}
    assert len(str(second["text"])) > MAX_LINE - 20
