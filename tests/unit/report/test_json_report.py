"""The report for scripts."""

import io
import json

from webhook.report.entries import (
    ErrorEntry,
    FillEntry,
    FindingEntry,
    Heading,
    Judged,
    ObjectEntry,
    ObjectName,
    Source,
    Summary,
)
from webhook.report.json_report import JsonReport
from webhook.report.output import Output

WEB = ObjectName("v1", "Pod", None, None)
SOURCE = Source("a.yaml", 0, line=1)
FINDING = FindingEntry(
    "require-probes", None, "fail", "deny", WEB, "/spec", "no\u2028 é", Source("a.yaml", 0, 2, 3)
)
FILL = FillEntry("probe-timing", "fill", WEB, "/spec/x", 3, None, "absent", SOURCE)


def test_every_key_in_its_order() -> None:
    stream = io.StringIO()
    report = JsonReport(Output(stream), Heading('the "own"', {}))
    report.judged(Judged(ObjectEntry(WEB, SOURCE), [FINDING], [FILL]))
    report.failed(ErrorEntry(Source("gone.yaml"), "No such file or directory"))
    report.close(Summary(objects=1, fail=1, fills=1, errors=1))

    web = {"apiVersion": "v1", "kind": "Pod", "namespace": None, "name": None}
    source = {"file": "a.yaml", "document": 0, "line": 1}
    expected = {
        "apiVersion": "podworthy.dev/v1alpha1",
        "kind": "AuditReport",
        "profile": 'the "own"',
        "objects": [{"object": web, "source": source}],
        "findings": [
            {
                "policy": "require-probes",
                "rule": None,
                "result": "fail",
                "action": "deny",
                "object": web,
                "path": "/spec",
                "message": "no\u2028 é",
                "source": {"file": "a.yaml", "document": 0, "item": 2, "line": 3},
                "exemption": None,
            }
        ],
        "fills": [
            {
                "policy": "probe-timing",
                "action": "fill",
                "object": web,
                "path": "/spec/x",
                "value": 3,
                "was": None,
                "evidence": "absent",
                "source": source,
            }
        ],
        "errors": [{"source": {"file": "gone.yaml"}, "message": "No such file or directory"}],
        "summary": {
            "objects": 1,
            "ignored": 0,
            "fail": 1,
            "warn": 0,
            "skip": 0,
            "error": 0,
            "fills": 1,
            "errors": 1,
        },
    }
    assert json.dumps(json.loads(stream.getvalue())) == json.dumps(expected)


def test_objects_are_written_while_judging() -> None:
    stream = io.StringIO()
    report = JsonReport(Output(stream), Heading("baseline", {}))
    for _ in range(2):
        report.judged(Judged(ObjectEntry(WEB, SOURCE), [FINDING], []))

    assert stream.getvalue().count('"file":"a.yaml"') == 2


def test_an_empty_report_is_json() -> None:
    stream = io.StringIO()
    JsonReport(Output(stream), Heading("baseline", {})).close(Summary())

    report = json.loads(stream.getvalue())
    assert report["objects"] == report["findings"] == report["fills"] == report["errors"] == []
