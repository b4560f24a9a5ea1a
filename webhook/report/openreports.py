"""Reports of the Policy Working Group's API, one for each namespace: openreports.io/v1alpha1.

The shape is that of github.com/openreports/reports-api, apis/openreports.io/v1alpha1; its
predecessor wgpolicyk8s.io/v1alpha2 has the same results under another kind.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from webhook.messages import printable
from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, Result, Summary
from webhook.report.json_report import JsonList
from webhook.report.output import Output
from webhook.report.wording import Word, message, place, word

NAME: Final = "podworthy"
"""Of every report: a namespace has one."""
HASH: Final = "podworthy.dev/content-hash"
"""Annotation: what differs when the results do."""
OMITTED: Final = "podworthy.dev/results-omitted"
"""Annotation: how many results are only in the summary."""
MAX_RESULTS: Final = 500
"""Of one report, which is one object of at most 1.5 MiB in etcd."""
MAX_MESSAGE: Final = 500
"""Characters."""

_ORDER: Final[tuple[Result, ...]] = ("error", "fail", "warn", "skip")
"""What is kept first where there is too much."""
_SEVERITY: Final[dict[Word, str]] = {
    "deny": "high",
    "error": "high",
    "warn": "medium",
    "audit": "low",
    "skip": "info",
}


class Api(msgspec.Struct, frozen=True):
    """One of the two APIs that clusters serve."""

    group: str
    version: str
    kind: str
    resource: str
    """Plural, as in a path."""

    @property
    def has_source(self) -> bool:
        """Whether a report itself tells who made it; a result can in both."""
        return self.group == OPENREPORTS.group


OPENREPORTS: Final = Api("openreports.io", "v1alpha1", "Report", "reports")
WGPOLICY: Final = Api("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports")


class Collection:
    """Gathers what was found in each namespace; holds no more than its reports will."""

    def __init__(self) -> None:
        self._namespaces: dict[str | None, _Namespace] = {}

    def judged(self, judged: Judged) -> None:
        """Take what was found in one more object."""
        namespace = judged.entry.object.namespace
        self._namespaces.setdefault(namespace, _Namespace()).add(judged.findings)

    def failed(self, error: ErrorEntry) -> None:
        """Take input that could not be judged: an error of no namespace."""
        self._namespaces.setdefault(None, _Namespace()).keep("error", _unread(error))

    def reports(self, api: Api) -> Iterator[dict[str, Any]]:
        """Each namespace's, by name; the objects that named none come first."""
        for namespace in sorted(self._namespaces, key=lambda name: name or ""):
            yield self._namespaces[namespace].report(api, namespace)


class _Namespace:
    def __init__(self) -> None:
        self._counts: dict[str, int] = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0)
        self._results: dict[Result, list[dict[str, Any]]] = {result: [] for result in _ORDER}

    def add(self, findings: Sequence[FindingEntry]) -> None:
        if not findings:
            self._counts["pass"] += 1
        for finding in findings:
            self.keep(finding.result, _result(finding))

    def keep(self, result: Result, entry: dict[str, Any]) -> None:
        self._counts[result] += 1
        if len(self._results[result]) < MAX_RESULTS:
            self._results[result].append(entry)

    def report(self, api: Api, namespace: str | None) -> dict[str, Any]:
        every = [one for result in _ORDER for one in self._results[result]]
        results = every[:MAX_RESULTS]
        found = sum(self._counts.values()) - self._counts["pass"]
        content = msgspec.json.encode([self._counts, results])
        annotations = {HASH: hashlib.sha256(content).hexdigest()[:32]}
        if found > len(results):
            annotations[OMITTED] = str(found - len(results))
        metadata = {
            "name": NAME,
            **({"namespace": namespace} if namespace else {}),
            "labels": {"app.kubernetes.io/managed-by": NAME},
            "annotations": annotations,
        }
        return {
            "apiVersion": f"{api.group}/{api.version}",
            "kind": api.kind,
            "metadata": metadata,
            **({"source": NAME} if api.has_source else {}),
            "summary": self._counts,
            "results": results,
        }


class OpenReportsReport:
    """A `List` of reports, for `kubectl apply`.

    What could not be judged is in the report of objects without a namespace.
    """

    tells_clean = True

    def __init__(self, output: Output, heading: Heading) -> None:  # noqa: ARG002 a Report
        self._output = output
        self._collection = Collection()

    def judged(self, judged: Judged) -> None:
        """Keep what was found."""
        self._collection.judged(judged)

    def failed(self, error: ErrorEntry) -> None:
        """Keep why."""
        self._collection.failed(error)

    def close(self, summary: Summary) -> None:  # noqa: ARG002 a Report
        """Write the reports."""
        self._output.write('{"apiVersion": "v1", "kind": "List", "items": [')
        items = JsonList(self._output)
        for report in self._collection.reports(OPENREPORTS):
            items.add(report)
        self._output.write("]}\n")


def _result(finding: FindingEntry) -> dict[str, Any]:
    name = finding.object
    reference = {
        "apiVersion": name.api_version,
        "kind": name.kind,
        "namespace": name.namespace,
        "name": name.name,
    }
    properties = {"path": finding.path, "action": finding.action}
    if finding.exemption:
        properties |= {
            "exemption": finding.exemption.name,
            "exemptionOwner": finding.exemption.owner,
            "exemptionExpires": finding.exemption.expires,
        }
    return {
        "source": NAME,
        "policy": finding.policy,
        **({"rule": finding.rule} if finding.rule else {}),
        "severity": _SEVERITY[word(finding)],
        "result": finding.result,
        "scored": finding.result == "fail",
        "resources": [{key: value for key, value in reference.items() if value}],
        "message": _shortened(printable(message(finding))),
        "properties": {key: _shortened(value) for key, value in properties.items() if value},
    }


def _unread(error: ErrorEntry) -> dict[str, Any]:
    return {
        "source": NAME,
        "policy": NAME,
        "severity": "high",
        "result": "error",
        "message": _shortened(printable(f"{place(error.source)}: {error.message}")),
    }


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 1]}…"
