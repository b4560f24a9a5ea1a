"""docs/operations.md: its queries parse and ask for metrics that exist, its options are real."""

import re
from pathlib import Path

import promql_parser
import pytest

from tests.markdown import DOCS, blocks, commands
from webhook.cli import main

PAGES = sorted(DOCS.glob("*.md"))
API_SERVER = {
    "apiserver_admission_webhook_admission_duration_seconds_bucket",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
}
"""Of k8s.io/apiserver pkg/admission/metrics, and seen at the /metrics of 1.37.2."""
QUERIES = [
    (page.name, line)
    for page in PAGES
    for block in blocks(page)
    if block.language == "promql"
    for line in block.text.splitlines()
]


def documented() -> dict[str, tuple[str, set[str]]]:
    """Name to type and labels, as the docs of servers and controller have them; tests hold them
    against what is scraped."""
    text = "".join((DOCS / page).read_text() for page in ("controller.md", "metrics.md"))
    rows = re.findall(
        r"^\| `((?:podworthy|process)_\w+)` \| (\w+) \| (.*?)\s*\| .+ \|$", text, re.M
    )
    return {name: (type_, set(re.findall(r"`(\w+)`", labels))) for name, type_, labels in rows}


def selectors(query: str) -> list[tuple[str, set[str]]]:
    """The metrics that a query asks for, and the labels by which it chooses."""
    return [
        (name, set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", chosen)))
        for name, chosen in re.findall(
            r"\b((?:podworthy|process|apiserver)_\w+)(?:{(.*?)})?", query
        )
    ]


def test_there_are_queries() -> None:
    assert len([page for page, _ in QUERIES if page == "operations.md"]) > 10


@pytest.mark.parametrize(("page", "query"), QUERIES)
def test_a_query_parses_and_asks_for_what_exists(page: str, query: str) -> None:
    promql_parser.parse(query.partition(" #")[0])
    known = documented()
    asked = selectors(query)
    assert asked, page
    for name, labels in asked:
        if name in API_SERVER:
            assert labels <= {"name", "type", "operation", "error_type", "rejection_code"}
            continue
        type_, own = known[name.removesuffix("_bucket")]
        assert (type_ == "histogram") == name.endswith("_bucket")
        assert labels <= own | {"job"}


def test_an_alert_on_each_metric_of_trouble() -> None:
    asked = {name for page, query in QUERIES for name, _ in selectors(query)}
    assert asked >= API_SERVER
    assert asked >= {
        "podworthy_certificate_expiry_timestamp_seconds",
        "podworthy_config_last_reload_successful",
        "podworthy_exemption_expiry_timestamp_seconds",
        "podworthy_decision_log_lines_total",
        "podworthy_policy_results_total",
        "process_start_time_seconds",
    }


def test_every_attribute_of_a_span_is_named() -> None:
    source = Path(__file__).parents[2] / "webhook/server/tracing.py"
    attributes = set(re.findall(r'"((?:podworthy|http)\.[\w.]+)"', source.read_text()))
    assert attributes == set(
        re.findall(r"`((?:podworthy\.(?!dev)|http\.)[\w.]+)`", (DOCS / "operations.md").read_text())
    )


def test_options_exist() -> None:
    serve = main.commands["serve"]
    known = {flag for parameter in serve.params for flag in parameter.opts}
    lines = [c.line for b in blocks(DOCS / "operations.md") for c in commands(b)]
    asked = {
        o for line in lines if "podworthy serve" in line for o in re.findall(r"--[\w-]+", line)
    }
    assert asked <= known
    assert {"--drain", "--log-allowed", "--tracing"} <= known
