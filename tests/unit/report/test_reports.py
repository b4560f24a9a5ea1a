"""Several reports of one audit."""

import io
import json
from pathlib import Path

import pytest

from tests.unit.report.samples import DENIED, HEADING, UNREAD, judged
from webhook import cli
from webhook.report import FORMATS
from webhook.report.entries import Summary
from webhook.report.output import Output
from webhook.report.reports import Format, Reports


def test_the_command_line_offers_every_format() -> None:
    assert tuple(FORMATS) == cli.FORMATS


def test_each_goes_where_it_belongs(tmp_path: Path) -> None:
    stdout = io.StringIO()
    files = {name: tmp_path / name for name in FORMATS if name != "text"}
    formats = [Format("text"), *(Format(name, str(file)) for name, file in files.items())]
    with Reports(formats, HEADING, Output(stdout)) as reports:
        reports.judged(judged(DENIED))
        reports.failed(UNREAD)
        reports.close(Summary(objects=1, fail=1, errors=1))

    assert reports.problems == []
    assert "1 violation, 1 error" in stdout.getvalue()
    for file in files.values():
        assert "web: no livenessProbe" in file.read_text()
        assert "No such file" in file.read_text()


def test_standard_output_stays_empty_if_every_format_has_a_file(tmp_path: Path) -> None:
    stdout = io.StringIO()
    with Reports([Format("json", str(tmp_path / "a"))], HEADING, Output(stdout)) as reports:
        reports.close(Summary())

    assert stdout.getvalue() == ""
    assert json.loads((tmp_path / "a").read_text())["kind"] == "AuditReport"


def test_a_crash_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    reports = Reports([Format("json", str(file))], HEADING, Output(io.StringIO()))
    reports.judged(judged(DENIED))
    with pytest.raises(KeyError), reports:
        raise KeyError

    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(file, "old")]


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_written(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "a")
    formats = [Format("json", missing), Format("text", str(tmp_path / "b"))]
    with Reports(formats, HEADING, Output(io.StringIO())) as reports:
        reports.close(Summary())

    assert reports.problems == [
        f"the report could not be written to {missing}: No such file or directory"
    ]
    assert "no objects judged" in (tmp_path / "b").read_text()
