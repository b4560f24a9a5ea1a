"""JUnit XML: well-formed, of the shape that Jenkins' junit-10.xsd asks for, and counted right."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    EVERY_KIND,
    IN_GRACE,
    ODD,
    SKIPPED,
    UNREAD,
    WARNED,
    at,
    changed,
    fill,
    judged,
    written,
)
from webhook.report.entries import ErrorEntry, FindingEntry, Judged, ObjectName, Source

# name: required attributes, optional attributes, children
SHAPE: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped"}, {"testcase"}),
    "testcase": (
        {"name"},
        {"classname", "time"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
RESULTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def parsed(*told: Judged | ErrorEntry) -> ET.Element:
    """The root, after a look at everything below it."""
    root = ET.fromstring(written("junit", *told))  # noqa: S314 our own text
    assert root.tag == "testsuites"
    for element in root.iter():
        required, optional, children = SHAPE[element.tag]
        assert required <= set(element.keys()) <= required | optional
        assert {child.tag for child in element} <= children
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        for attribute, tag in RESULTS.items():
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
        for case in suite:
            assert len([child for child in case if child.tag in RESULTS.values()]) <= 1
    return root


def results(*told: Judged | ErrorEntry) -> list[tuple[str | None, list[str]]]:
    """Name and children of each test case."""
    cases = parsed(*told).iter("testcase")
    return [(case.get("name"), [child.tag for child in case]) for case in cases]


@pytest.mark.parametrize(
    ("findings", "children"),
    [
        ([], []),
        ([DENIED], ["failure"]),
        ([DENIED, DENIED], ["failure"]),
        ([WARNED], ["system-out"]),
        ([AUDITED], ["system-out"]),
        ([IN_GRACE], ["system-out"]),
        ([SKIPPED], ["skipped"]),
        ([SKIPPED, WARNED], ["system-out"]),
        ([SKIPPED, DENIED], ["failure", "system-out"]),
        ([CRASHED], ["error"]),
        ([CRASHED, DENIED, WARNED], ["error", "system-out"]),
        (list(EVERY_KIND), ["error", "system-out"]),
    ],
)
def test_what_findings_make_of_a_test_case(
    findings: list[FindingEntry], children: list[str]
) -> None:
    assert results(judged(*findings)) == [("StatefulSet shop/web", children)]


def test_a_failure_tells_all_violations() -> None:
    other = changed(DENIED, message="db: no readinessProbe; add one", source=at(20))

    failure = parsed(judged(DENIED, other)).find("testsuite/testcase/failure")

    assert failure is not None
    assert failure.get("message") == "web: no livenessProbe; add one (and 1 more)"
    assert (failure.text or "").splitlines() == [
        f"app.yaml:9: deny: web: no livenessProbe; add one [require-probes] {DENIED.path}",
        f"app.yaml:20: deny: db: no readinessProbe; add one [require-probes] {DENIED.path}",
    ]


def test_a_crash_has_no_path() -> None:
    error = parsed(judged(CRASHED)).find("testsuite/testcase/error")

    assert error is not None
    assert error.text == "app.yaml:9: error: the policy failed: KeyError: 'x' [require-probes]"


def test_a_suite_for_each_file_in_the_order_of_the_input() -> None:
    unread = ErrorEntry(at(40, "b.yaml"), "expected a mapping")
    root = parsed(judged(file="b.yaml"), unread, judged(file="a.yaml"), UNREAD)

    assert [(suite.get("name"), suite.get("tests"), suite.get("errors")) for suite in root] == [
        ("b.yaml", "2", "1"),
        ("a.yaml", "1", "0"),
        ("gone.yaml", "1", "1"),
    ]


def test_equal_names_in_a_file_are_numbered() -> None:
    told: list[Judged | ErrorEntry] = [judged(), judged(DENIED), UNREAD, UNREAD]

    assert [name for name, _ in results(*told)] == [
        "StatefulSet shop/web",
        "StatefulSet shop/web #2",
        "input",
        "input #2",
    ]


def test_fills_are_no_result() -> None:
    assert results(judged(fill("periodSeconds", 10))) == [("StatefulSet shop/web", [])]


def test_no_input() -> None:
    assert list(parsed()) == []


@given(st.text())
def test_any_text_is_well_formed(text: str) -> None:
    ((_, children),) = results(ErrorEntry(Source(text), text))

    assert children == ["error"]


def test_an_odd_name_is_still_to_be_recognised() -> None:
    odd = changed(DENIED, message=ODD, source=at(1, ODD))

    (suite,) = parsed(judged(odd, file=ODD, name=ObjectName("v1", "Pod", ODD, ODD + "\ud800")))

    assert "a|b`c``@user <b>?[2J</b>" in (suite.get("name") or "")


def test_standard_input_has_a_name() -> None:
    (suite,) = parsed(judged(file="-"))

    assert suite.get("name") == "standard input"
