"""`AuditReport` as JSON, written while judging."""

import io
from typing import Any

import msgspec
from msgspec import UNSET

from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, Summary
from webhook.report.output import Output


class JsonList:
    """A JSON list, one entry on each line."""

    def __init__(self, output: Output | io.StringIO) -> None:
        """What surrounds the list is the caller's to write."""
        self._output = output
        self._separator = "\n  "

    def add(self, entry: Any) -> None:
        """Write one more entry."""
        self._output.write(f"{self._separator}{msgspec.json.encode(entry).decode()}")
        self._separator = ",\n  "


class JsonReport:
    """Objects are written at once; the lists that follow them have to wait for the last object."""

    tells_clean = True
    shows_diffs = False

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._objects = JsonList(output)
        self._waiting = {key: io.StringIO() for key in ("findings", "fills", "errors")}
        self._lists = {key: JsonList(waiting) for key, waiting in self._waiting.items()}
        self._gone = io.StringIO()
        self._fixed = JsonList(self._gone)
        head = {
            "apiVersion": "podworthy.dev/v1alpha1",
            "kind": "AuditReport",
            "profile": heading.profile,
        }
        if heading.cluster is not None:
            head["cluster"] = heading.cluster
        if heading.shard is not None:
            head["shard"] = heading.shard
        start = msgspec.json.encode(head).decode().removesuffix("}")
        output.write(f'{start},\n "objects": [')

    def judged(self, judged: Judged) -> None:
        """Write the object, keep the rest."""
        self._objects.add(judged.entry)
        for finding in judged.findings:
            self._lists["findings"].add(finding)
        for fill in judged.fills:
            self._lists["fills"].add(fill)

    def failed(self, error: ErrorEntry) -> None:
        """Keep the error."""
        self._lists["errors"].add(error)

    def fixed(self, finding: FindingEntry) -> None:
        """Keep what is gone."""
        self._fixed.add(finding)

    def close(self, summary: Summary) -> None:
        """Write the rest, the summary last."""
        self._output.write("]")
        for key, waiting in self._waiting.items():
            self._output.write(f',\n "{key}": [{waiting.getvalue()}]')
        if summary.fixed is not UNSET:
            self._output.write(f',\n "fixed": [{self._gone.getvalue()}]')
        self._output.write(f',\n "summary": {msgspec.json.encode(summary).decode()}}}\n')
