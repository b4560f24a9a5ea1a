"""Tracing: what a span says, whose child it is, and that nothing is there without the flag."""

import json
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.builders import admission, container, pod, review
from tests.collector import collector, spans
from tests.serving import PATIENCE, Served, eventually, read_answer, serving
from webhook.admission import Answer, Door
from webhook.server.tracing import Tracing

BARE = review(pod(container()))
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    tracing = Tracing(lambda: SimpleSpanProcessor(exporter))
    tracing.start()
    return tracing


def test_a_span_says_what_was_asked_and_decided(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    traced, plain = tracing.around(admission()), admission()
    assert traced.handle(Door.VALIDATE, "strict", BARE) == plain.handle(
        Door.VALIDATE, "strict", BARE
    )
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ("validate", SpanKind.SERVER, None)
    assert span.attributes == {
        "podworthy.webhook": "validate",
        "podworthy.profile": "strict",
        "podworthy.operation": "CREATE",
        "podworthy.resource_kind": "Pod",
        "podworthy.dry_run": False,
        "podworthy.decision": "denied",
        "podworthy.uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "http.response.status_code": 200,
    }
    assert span.resource.attributes["service.name"] == "podworthy"


@pytest.mark.parametrize(("status", "code"), [(400, StatusCode.UNSET), (500, StatusCode.ERROR)])
def test_a_review_without_an_answer(
    tracing: Tracing, exporter: InMemorySpanExporter, status: int, code: StatusCode
) -> None:
    class Failing:
        def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:  # noqa: ARG002
            return Answer(status, b"{}")

    tracing.around(Failing()).handle(Door.MUTATE, None, b"")
    (span,) = exporter.get_finished_spans()
    assert span.attributes == {
        "podworthy.webhook": "mutate",
        "http.response.status_code": status,
    }
    assert span.status.status_code is code


def test_before_the_start_nothing_is_traced_and_all_is_answered() -> None:
    traced = Tracing(lambda: pytest.fail("not asked for")).around(admission())
    assert traced.handle(Door.VALIDATE, None, BARE).status == 200


def ask(served: Served, *fields: str) -> None:
    head = "".join(f"{field}\r\n" for field in ("Host: x", *fields))
    with served.connect() as connection:
        for number in range(2):  # the second request of a connection names no parent
            named = head if number == 0 else "Host: x\r\n"
            length = f"Content-Length: {len(BARE)}\r\n\r\n"
            connection.sendall(f"POST /validate HTTP/1.1\r\n{named}{length}".encode() + BARE)
            assert read_answer(connection)[0] == 200


@pytest.mark.parametrize("arguments", [[], ["--wsgi"]], ids=["ours", "flask"])
def test_a_collector_gets_the_spans_as_children_of_the_api_servers(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "guard")
        with serving("--tracing", "--drain", "0", *arguments) as served:
            ask(served, f"Traceparent: 00-{TRACE}-{SPAN}-01")
            ask(served, f"traceparent: 00-{TRACE}-{SPAN}-00")  # the API server does not sample it
            ask(served, "traceparent: nonsense")
            eventually(lambda: len(spans(got)) >= 5)
    assert len(spans(got)) == 5
    children = [span for span in spans(got) if span.parent_span_id]
    assert [(c.trace_id.hex(), c.parent_span_id.hex()) for c in children] == [(TRACE, SPAN)]
    names = {a.key: a.value.string_value for a in got[0].resource_spans[0].resource.attributes}
    assert names["service.name"] == "guard"


def test_a_collector_that_is_not_there_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, _):
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    with serving("--tracing", "--drain", "0") as served:
        for _ in range(5):
            ask(served)
        served.process.terminate()
        assert served.process.wait(PATIENCE) == 0
        eventually(lambda: "Failed to export" in served.stderr or "Connection" in served.stderr)


def test_without_the_flag_it_is_not_even_loaded() -> None:
    program = (
        "import sys\n"
        "import webhook.server.serve, webhook.server.worker, webhook.server.app\n"
        "import webhook.server.wsgi, webhook.cli.server\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(done.stdout) == []


def test_without_the_extra_the_error_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from webhook.cli import main\n"
        "main(['serve', '--dev', '--port', '0', '--tracing'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "missing: install requirements-tracing.txt" in done.stderr.decode()
