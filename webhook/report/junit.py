"""JUnit XML, for CI systems that show test results.

A file is a test suite, a judged object a test case. The elements are those of Jenkins'
junit-10.xsd. Of test cases with the same class and name GitLab shows only the first, and it wants
one failure for each, so names are numbered where they repeat and a failure tells all violations of
its object.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from webhook.messages import printable
from webhook.report.entries import ErrorEntry, FindingEntry, Heading, Judged, Source, Summary
from webhook.report.output import Output
from webhook.report.wording import input_of, label, message, place, word

# no characters of XML 1.0; control characters are gone by then
_FORBIDDEN: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class JunitReport:
    """Keeps the test cases of one file, because their counts stand before them."""

    tells_clean = True

    def __init__(self, output: Output, heading: Heading) -> None:
        self._output = output
        self._input: str | None = None
        self._suite = _Suite("")
        output.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuites name="podworthy {_text(heading.profile)}">\n'
        )

    def judged(self, judged: Judged) -> None:
        """Keep a test case."""
        self._begin(judged.entry.source)
        self._suite.add(label(judged.entry.object), *_verdict(judged.findings))

    def failed(self, error: ErrorEntry) -> None:
        """Keep a test case that is an error."""
        self._begin(error.source)
        line = f"{place(error.source)}: {error.message}"
        self._suite.add("input", "error", _element("error", "input", error.message, [line]))

    def close(self, summary: Summary) -> None:
        """Write the last suite. `summary` comes too late for the head."""
        del summary
        self._output.write(f"{self._suite.xml()}</testsuites>\n")

    def _begin(self, source: Source) -> None:
        found = input_of(source)
        if found != self._input:
            self._output.write(self._suite.xml())
            self._input = found
            self._suite = _Suite(found)


class _Suite:
    """The test cases of one file."""

    def __init__(self, name: str) -> None:
        self._name = _text(name)
        self._cases: list[str] = []
        self._names: Counter[str] = Counter()
        self._results: Counter[str] = Counter()

    def add(self, name: str, result: str, content: str) -> None:
        """`result` is `failure`, `error`, `skipped` or `passed`; `content` is XML."""
        self._names[name] += 1
        repeated = f" #{self._names[name]}" if self._names[name] > 1 else ""
        self._results[result] += 1
        start = f'    <testcase classname="{self._name}" name="{_text(name + repeated)}"'
        self._cases.append(f"{start}>\n{content}    </testcase>\n" if content else f"{start}/>\n")

    def xml(self) -> str:
        """The whole suite, or nothing without test cases."""
        if not self._cases:
            return ""
        results = self._results
        return (
            f'  <testsuite name="{self._name}" tests="{len(self._cases)}"'
            f' failures="{results["failure"]}" errors="{results["error"]}"'
            f' skipped="{results["skipped"]}">\n{"".join(self._cases)}  </testsuite>\n'
        )


def _verdict(findings: Iterable[FindingEntry]) -> tuple[str, str]:
    """The result of a test case and its XML; what only warns does not fail it."""
    told: dict[str, list[FindingEntry]] = {"deny": [], "error": [], "skip": [], "warn": []}
    for finding in findings:
        told[word(finding).replace("audit", "warn")].append(finding)
    warned = _system_out([*told["warn"], *told["skip"]])
    if told["error"]:
        crashed = told["error"]
        return "error", _findings("error", "policy", [*crashed, *told["deny"]]) + warned
    if told["deny"]:
        return "failure", _findings("failure", "deny", told["deny"]) + warned
    if told["skip"] and not told["warn"]:
        return "skipped", _findings("skipped", "exempted", told["skip"])
    return "passed", warned


def _findings(name: str, kind: str, findings: list[FindingEntry]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return _element(name, kind, f"{message(findings[0])}{more}", map(_line, findings))


def _line(finding: FindingEntry) -> str:
    told = f"{place(finding.source)}: {word(finding)}: {message(finding)} [{finding.policy}]"
    return f"{told} {finding.path}" if finding.path else told


def _element(name: str, kind: str, summary: str, lines: Iterable[str]) -> str:
    body = "\n".join(map(_text, lines))
    return f'      <{name} type="{kind}" message="{_text(summary)}">{body}</{name}>\n'


def _system_out(findings: list[FindingEntry]) -> str:
    if not findings:
        return ""
    body = "\n".join(_text(_line(finding)) for finding in findings)
    return f"      <system-out>{body}</system-out>\n"


def _text(text: str) -> str:
    return _FORBIDDEN.sub("?", printable(text)).translate(_ENTITIES)
