"""The report for people."""

import io

import pytest

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
from webhook.report.output import Output
from webhook.report.text import TextReport

WEB = ObjectName("apps/v1", "StatefulSet", "shop", "web")
PROBE = "/spec/template/spec/containers/0/livenessProbe"


def at(line: int, file: str = "app.yaml") -> Source:
    return Source(file, 0, line=line)


def finding(action: str | None, message: str = "web: no livenessProbe; add one") -> FindingEntry:
    result = {"deny": "fail", None: "error"}.get(action, "warn")
    return FindingEntry(
        policy="require-probes",
        rule=None,
        result=result,  # type: ignore[arg-type]  # one of the four
        action=action,
        object=WEB,
        path=PROBE,
        message=message,
        source=at(9),
    )


def fill(field: str, value: int) -> FillEntry:
    return FillEntry("probe-timing", "fill", WEB, f"{PROBE}/{field}", value, None, "absent", at(11))


def judged(*entries: FindingEntry | FillEntry, file: str = "app.yaml") -> Judged:
    return Judged(
        ObjectEntry(WEB, at(2, file)),
        [entry for entry in entries if isinstance(entry, FindingEntry)],
        [entry for entry in entries if isinstance(entry, FillEntry)],
    )


class Terminal(io.StringIO):
    """A stream that a human looks at."""

    def isatty(self) -> bool:
        return True


def written(
    *told: Judged | ErrorEntry, summary: Summary | None = None, stream: io.StringIO | None = None
) -> str:
    """The whole report."""
    stream = stream or io.StringIO()
    report = TextReport(Output(stream), Heading("baseline", {}))
    for one in told:
        report.judged(one) if isinstance(one, Judged) else report.failed(one)
    report.close(summary or Summary(objects=1))
    return stream.getvalue()


def test_findings_fills_and_errors_by_file_and_object() -> None:
    text = written(
        judged(finding("deny"), fill("failureThreshold", 6), fill("periodSeconds", 10)),
        judged(finding("warn")),
        ErrorEntry(at(40), "/spec: expected a mapping, got a list"),
        ErrorEntry(Source("gone.yaml"), "No such file or directory"),
        summary=Summary(objects=2, ignored=3, fail=1, warn=1, fills=2, errors=2),
    )

    assert text == (
        """\
app.yaml
  StatefulSet shop/web, line 2
      9  deny     web: no livenessProbe; add one [require-probes]
                  /spec/template/spec/containers/0/livenessProbe
     11  fill     would set failureThreshold 6, periodSeconds 10 [probe-timing]
                  /spec/template/spec/containers/0/livenessProbe
  StatefulSet shop/web, line 2
      9  warn     web: no livenessProbe; add one [require-probes]
                  /spec/template/spec/containers/0/livenessProbe
     40  error    /spec: expected a mapping, got a list

gone.yaml
         error    No such file or directory

2 objects judged by baseline (3 ignored): 1 violation, 1 warning, 2 fields to fill, 2 errors
What a policy asks, and why: podworthy explain require-probes
"""
    )


def test_clean_objects_are_only_counted() -> None:
    assert written(judged(), summary=Summary(objects=1)) == "1 object judged by baseline: clean\n"


def test_standard_input_has_a_name() -> None:
    assert written(judged(finding("deny"), file="-")).startswith("standard input\n")


def test_a_crashed_policy() -> None:
    assert "  error    the policy failed: KeyError: 'x' [require-probes]\n" in written(
        judged(finding(None, "KeyError: 'x'"))
    )


def test_control_characters_cannot_repaint_the_terminal() -> None:
    text = written(judged(finding("deny", "\x1b[2Jweb\n: bad\u009b")))

    assert "?[2Jweb?: bad? [require-probes]\n" in text


def test_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    assert "      9  \x1b[31mdeny\x1b[0m     web" in written(
        judged(finding("deny")), stream=Terminal()
    )


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)

    assert "\x1b" not in written(judged(finding("deny")), stream=Terminal())


def test_no_colour_in_a_file() -> None:
    assert "\x1b" not in written(judged(finding("deny")))
