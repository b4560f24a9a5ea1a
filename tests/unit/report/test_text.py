"""The report for people."""

import io
from typing import Any

import msgspec
import pytest

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    HEADING,
    IN_GRACE,
    PROBE,
    SKIPPED,
    UNREAD,
    WARNED,
    at,
    changed,
    fill,
    judged,
    written,
)
from webhook.report.entries import ErrorEntry, FindingEntry, Judged, Source, Summary
from webhook.report.output import Output
from webhook.report.text import TextReport


class Terminal(io.StringIO):
    """A stream that a human looks at."""

    def isatty(self) -> bool:
        return True


def test_findings_fills_and_errors_by_file_and_object() -> None:
    text = written(
        "text",
        judged(DENIED, fill("failureThreshold", 6), fill("periodSeconds", 10)),
        judged(WARNED),
        ErrorEntry(at(40), "/spec: expected a mapping, got a list"),
        UNREAD,
    )

    assert text == (
        """\
app.yaml
  StatefulSet shop/web, line 2
      9  deny     web: no livenessProbe; add one [require-probes]
                  /spec/template/spec/containers/0/livenessProbe
     11  fill     web: would set livenessProbe failureThreshold 6, periodSeconds 10 [probe-timing]
                  /spec/template/spec/containers/0/livenessProbe
  StatefulSet shop/web, line 2
      9  warn     web: no livenessProbe; add one [require-probes]
                  /spec/template/spec/containers/0/livenessProbe
     40  error    /spec: expected a mapping, got a list

gone.yaml
         error    No such file or directory

2 objects judged by baseline: 1 violation, 1 warning, 2 fields to fill, 2 errors
What a policy asks, and why: podworthy explain require-probes
"""
    )


def test_the_last_line_links_to_the_documentation_if_it_is_published() -> None:
    heading = msgspec.structs.replace(HEADING, docs_url="https://docs.example/policies")
    assert written("text", judged(WARNED), heading=heading).splitlines()[-1] == (
        "What a policy asks, and why: https://docs.example/policies/require-probes"
    )


def test_exempted_findings_are_one_line_with_the_owner_and_the_last_day() -> None:
    assert written("text", judged(SKIPPED)) == (
        """\
app.yaml
  StatefulSet shop/web, line 2
      9  skip     web: no livenessProbe; add one; exemption ledger of team-pay until 2027-03-31 \
[require-probes]

1 object judged by baseline: 1 exempted finding
"""
    )


def test_an_expired_exemption_warns_and_says_whose_it_was() -> None:
    assert (
        "      9  warn     web: no livenessProbe; add one; "
        "exemption ledger of team-pay ended on 2027-03-31 [require-probes]\n"
    ) in written("text", judged(IN_GRACE))


def test_the_action_audit_has_a_word_of_its_own() -> None:
    assert "      9  audit    web: no livenessProbe" in written("text", judged(AUDITED))


def test_what_is_recorded_is_no_warning() -> None:
    assert "judged by baseline: 1 warning, 1 recorded\n" in written("text", judged(AUDITED, WARNED))


def test_an_object_is_told_from_its_first_line_to_its_last() -> None:
    text = written(
        "text",
        judged(
            changed(DENIED, policy="a", source=at(9), message="third"),
            changed(WARNED, policy="a", source=at(3), message="first"),
            changed(DENIED, policy="b", source=at(10), message="fifth"),
            changed(DENIED, policy="b", source=at(9), message="fourth", path="/a/2"),
            changed(DENIED, policy="b", source=at(9), message="fourth too", path="/a/10"),
            changed(CRASHED, policy="c", source=Source("app.yaml"), message="before all"),
            changed(SKIPPED, policy="c", source=at(4), message="second"),
            msgspec.structs.replace(fill("x", 8), source=at(12)),
            msgspec.structs.replace(fill("y", 7), source=at(11), path="/spec/y"),
        ),
    )

    told = ["before all", "first", "second", "third", "fourth", "fourth too", "fifth", "y 7", "x 8"]
    assert sorted(told, key=text.index) == told


ADVICE = "What a policy asks, and why: podworthy explain "


@pytest.mark.parametrize(
    ("findings", "policy"),
    [
        ([changed(WARNED, policy="a"), changed(DENIED, policy="z")], "z"),
        ([changed(AUDITED, policy="a"), changed(WARNED, policy="z")], "z"),
        ([changed(WARNED, policy="a")] * 9 + [changed(DENIED, policy="z")], "z"),
        ([changed(DENIED, policy="a"), *[changed(DENIED, policy="z")] * 2], "z"),
        ([changed(DENIED, policy="z"), changed(DENIED, policy="a")], "a"),
        ([changed(CRASHED, policy="a"), changed(AUDITED, policy="z")], "z"),
    ],
)
def test_the_last_line_is_about_the_gravest_then_the_most_frequent(
    findings: list[FindingEntry], policy: str
) -> None:
    assert written("text", judged(*findings)).splitlines()[-1] == f"{ADVICE}{policy}"


@pytest.mark.parametrize("findings", [[CRASHED], [SKIPPED], [CRASHED, SKIPPED]])
def test_there_is_no_advice_where_the_author_has_nothing_to_mend(
    findings: list[FindingEntry],
) -> None:
    assert ADVICE not in written("text", judged(*findings, fill("periodSeconds", 10)))


def test_nothing_to_judge() -> None:
    output = io.StringIO()
    TextReport(Output(output), HEADING).close(Summary(ignored=2))

    assert output.getvalue() == "no objects judged (2 ignored)\n"


def test_only_unreadable_input() -> None:
    assert written("text", UNREAD).endswith("0 objects judged by baseline: 1 error\n")


def test_what_an_own_policy_sets_elsewhere_has_no_probe_to_name() -> None:
    priority = msgspec.structs.replace(fill("x", 5), path="/spec/priority")

    assert "fill     web: would set priority 5 [probe-timing]" in written("text", judged(priority))


def test_clean_objects_are_only_counted() -> None:
    assert written("text", judged()) == "1 object judged by baseline: clean\n"


def test_standard_input_has_a_name() -> None:
    assert written("text", judged(DENIED, file="-")).startswith("standard input\n")


def test_a_crashed_policy() -> None:
    assert "  error    the policy failed: KeyError: 'x' [require-probes]\n" in written(
        "text", judged(CRASHED)
    )


def test_control_characters_cannot_repaint_the_terminal() -> None:
    text = written("text", judged(changed(DENIED, message="\x1b[2Jweb\n: bad\u009b")))

    assert "?[2Jweb?: bad? [require-probes]\n" in text


def test_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    text = written("text", judged(DENIED, SKIPPED), stream=Terminal())

    assert "      9  \x1b[31mdeny\x1b[0m     web" in text
    assert "      9  \x1b[36mskip\x1b[0m     web" in text


DIFF = ("--- app.yaml", "+++ app.yaml", "@@ -1 +1 @@", "-a: {b: 1}\r", "+a: {b: 1, c: 2}\r", " \tb")

WITH_DIFFS = msgspec.structs.replace(HEADING, shows_fill=True)


def with_diff(**changes: Any) -> Judged:
    """Two probes in which something is to be set; the first is in the diff."""
    other = fill("periodSeconds", 10)
    readiness = PROBE.replace("liveness", "readiness")
    other = msgspec.structs.replace(other, path=f"{readiness}/periodSeconds")
    reasons = {readiness: "not set: it is an alias"}
    found = judged(fill("failureThreshold", 6), other)
    return msgspec.structs.replace(found, diff=DIFF, without_diff=reasons, **changes)


def test_a_diff_in_place_of_what_would_be_set() -> None:
    assert written("text", with_diff(), heading=WITH_DIFFS).partition("\n\n")[0] == (
        """\
app.yaml
  StatefulSet shop/web, line 2
     11  fill     web: would set readinessProbe periodSeconds 10 [probe-timing]
                  /spec/template/spec/containers/0/readinessProbe
                  not set: it is an alias
--- app.yaml
+++ app.yaml
@@ -1 +1 @@
-a: {b: 1}\r
+a: {b: 1, c: 2}\r
 \tb"""
    )


def test_no_diff_that_only_another_report_of_the_run_shows() -> None:
    without = msgspec.structs.replace(with_diff(), diff=None, without_diff={})

    assert written("text", with_diff()) == written("text", without)


def test_a_diff_cannot_repaint_the_terminal() -> None:
    report = msgspec.structs.replace(with_diff(), diff=["+a: \x1b[2J\rb\r"])

    assert "\n+a: ?[2J?b\r\n" in written("text", report, heading=WITH_DIFFS)


def test_a_diff_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    text = written("text", with_diff(), heading=WITH_DIFFS, stream=Terminal())

    assert (
        "\x1b[1m--- app.yaml\x1b[0m\n\x1b[1m+++ app.yaml\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n"
        "\x1b[31m-a: {b: 1}\x1b[0m\r\n\x1b[32m+a: {b: 1, c: 2}\x1b[0m\r\n \tb\n"
    ) in text


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)

    assert "\x1b" not in written("text", judged(DENIED), stream=Terminal())


def test_no_colour_in_a_file() -> None:
    assert "\x1b" not in written("text", judged(DENIED))
