"""SARIF 2.1.0, for code scanning and editors."""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from webhook import __version__
from webhook.messages import printable
from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, Source, Summary
from webhook.report.fingerprint import Fingerprints
from webhook.report.json_report import JsonList
from webhook.report.output import Output
from webhook.report.repository import Repository
from webhook.report.sarif_rules import rule
from webhook.report.wording import STDIN, Word, input_of, label, message, word

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT: Final = "podworthy/v1"
"""Key of our fingerprint. Not GitHub's `primaryLocationLineHash`: its upload action computes that
itself, and warns of every other value (github/codeql-action src/fingerprints.ts)."""

_LEVELS: Final[dict[Word, str]] = {
    "deny": "error",
    "warn": "warning",
    "audit": "note",
    # GitHub shows suppressed results like any other
    "skip": "note",
}


class SarifReport:
    """Results are written at once; what went wrong has to wait for the last of them.

    A policy that crashed is no result but a notification, as is input that could not be judged;
    fills are left out.
    """

    tells_clean = False
    shows_diffs = False

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._results = JsonList(output)
        self._notifications: list[dict[str, Any]] = []
        self._fingerprints = Fingerprints()
        self._repository = Repository()
        rules = [rule(p, heading.docs_url) for p in heading.policies.values() if p.check]
        self._indexes = {descriptor["id"]: index for index, descriptor in enumerate(rules)}
        driver: dict[str, Any] = {
            "name": "podworthy",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": rules,
        }
        if heading.docs_url:
            driver["informationUri"] = heading.docs_url
        run = {"tool": {"driver": driver}, "properties": {"profile": heading.profile}}
        start = _json(run).removesuffix("}")
        output.write(
            f'{{"$schema": "{SCHEMA}",\n "version": "2.1.0",\n "runs": [{start},\n "results": ['
        )

    def judged(self, judged: Judged) -> None:
        """Write the findings."""
        for finding in judged.findings:
            if finding.result == "error":
                text = f"{finding.policy}: {label(finding.object)}: {message(finding)}"
                self._notify(finding.source, text)
            else:
                self._results.add(self._result(finding))

    def failed(self, error: ErrorEntry) -> None:
        """Keep a notification."""
        self._notify(error.source, error.message)

    def close(self, summary: Summary) -> None:
        """Write the rest."""
        invocation = {
            "executionSuccessful": not (summary.errors or summary.error),
            "toolExecutionNotifications": self._notifications,
        }
        self._output.write(f'],\n "invocations": [{_json(invocation)}]}}]}}\n')

    def _result(self, finding: FindingEntry) -> dict[str, Any]:
        location = {**self._location(finding.source), "logicalLocations": _logical(finding)}
        fingerprint = self._fingerprints.of(finding, self._path(finding.source))
        result: dict[str, Any] = {
            "ruleId": finding.policy,
            "level": _LEVELS[word(finding)],
            "message": _message(f"{message(finding)} ({label(finding.object)})"),
            "locations": [location],
            "partialFingerprints": {FINGERPRINT: fingerprint},
            # present on all results or on none (SARIF 2.1.0, 3.27.23)
            "suppressions": _suppressions(finding),
        }
        if finding.baseline_state is not UNSET:
            result["baselineState"] = finding.baseline_state
        if finding.policy in self._indexes:
            result["ruleIndex"] = self._indexes[finding.policy]
        return result

    def _notify(self, source: Source, text: str) -> None:
        location = self._location(source)
        self._notifications.append(
            {"level": "error", "message": _message(text), "locations": [location]}
        )

    def _location(self, source: Source) -> dict[str, Any]:
        if source.file is None:
            # of a cluster: it has no files, and a location need not have one (3.28.3)
            return {"logicalLocations": [{"fullyQualifiedName": input_of(source)}]}
        physical: dict[str, Any] = {"artifactLocation": self._artifact(source)}
        if source.line is not UNSET:
            physical["region"] = {"startLine": source.line}
        return {"physicalLocation": physical}

    def _artifact(self, source: Source) -> dict[str, Any]:
        path = self._path(source)
        if path == STDIN:
            return {"uri": STDIN, "description": {"text": "standard input"}}
        return {"uri": f"file://{quote(path)}" if path.startswith("/") else quote(path)}

    def _path(self, source: Source) -> str:
        if source.file is None:
            return input_of(source)
        return STDIN if source.file == STDIN else self._repository.path(source.file)


def _message(text: str) -> dict[str, str]:
    """Plain text: what looks like a link is none (SARIF 2.1.0, 3.11.6)."""
    return {"text": printable(text).replace("](", "\\](")}


def _logical(finding: FindingEntry) -> list[dict[str, str]]:
    """The object, and the field in it."""
    name = finding.object
    parts = (name.api_version, name.kind, name.namespace, name.name)
    written = {"fullyQualifiedName": "/".join(part for part in parts if part), "kind": "resource"}
    if name.name:
        written["name"] = name.name
    return [written, {"fullyQualifiedName": finding.path, "kind": "property"}]


def _suppressions(finding: FindingEntry) -> list[dict[str, str]]:
    if finding.result != "skip":
        return []
    exemption = finding.exemption
    suppression = {"kind": "external", "status": "accepted"}
    if exemption:
        suppression["justification"] = (
            f"exemption {exemption.name}, owner {exemption.owner}, expires {exemption.expires}"
        )
    return [suppression]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
