"""`serve --tracing`: each review a span, sent to a collector by OTLP over HTTP.

The one module that knows OpenTelemetry, which is an extra. It is loaded for `--tracing` alone, and
stands around the handler and the connections: without it, not a line of theirs is another one.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication

import msgspec
from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from webhook import __version__
from webhook.admission import Answer, Door
from webhook.server.protocol import Connection
from webhook.server.surface import Handler

_W3C: Final = TraceContextTextMapPropagator()
_FIELD: Final = "traceparent"


class _Response(msgspec.Struct):
    uid: str


class _Review(msgspec.Struct):
    response: _Response


_decoder: Final = msgspec.json.Decoder(_Review)


def _exporting() -> SpanProcessor:
    """Sends from a thread of its own, in batches; what it cannot send in time it drops."""
    return BatchSpanProcessor(OTLPSpanExporter())


class Tracing:
    """The spans of one process. OTEL_* variables say where they go and how many are made."""

    def __init__(self, processor: Callable[[], SpanProcessor] = _exporting) -> None:
        """`processor` makes what takes the spans; it is called in the process that answers."""
        self.connection: type[Connection] = _TracedConnection
        """What to make of a client, in place of a `Connection`."""
        self._processor = processor
        self._provider: TracerProvider | None = None
        self.tracer: Tracer = NoOpTracer()

    def start(self) -> None:
        """Trace from now on; to be called after the fork, because of the thread."""
        ours = {"service.name": "podworthy", "service.version": __version__}
        resource = Resource.create(ours).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(self._processor())
        self.tracer = self._provider.get_tracer("podworthy", __version__)

    def stop(self, timeout: float) -> None:
        """Send what is left, for at most `timeout` seconds."""
        if self._provider is not None:
            last = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
            last.start()
            last.join(timeout)

    def around(self, handler: Handler) -> Handler:
        """The handler, with a span for each review."""
        return _Traced(handler, self)

    def application(self, inner: WSGIApplication) -> WSGIApplication:
        """The WSGI application, whose spans have the parents that requests name."""

        def traced(environ: dict[str, Any], start_response: StartResponse) -> Any:
            with _child_of(environ.get("HTTP_TRACEPARENT")):
                return inner(environ, start_response)

        return traced


@contextmanager
def _child_of(traceparent: str | None) -> Iterator[None]:
    """Spans begun inside have this parent: the API server's span, if it traces the request."""
    carrier: Mapping[str, str] = {_FIELD: traceparent} if traceparent else {}
    token = context.attach(_W3C.extract(carrier, context.Context()))
    try:
        yield
    finally:
        context.detach(token)


class _Traced:
    def __init__(self, handler: Handler, tracing: Tracing) -> None:
        self._handler = handler
        self._tracing = tracing

    def handle(self, door: Door, profile: str | None, body: bytes) -> Answer:
        span = self._tracing.tracer.start_span(door.value, kind=SpanKind.SERVER)
        try:
            answer = self._handler.handle(door, profile, body)
            if span.is_recording():
                _describe(span, door, answer)
        finally:
            span.end()
        return answer


def _describe(span: Span, door: Door, answer: Answer) -> None:
    """Nothing that is not in the decision log, too: no name, no value of the object."""
    span.set_attribute("podworthy.webhook", door.value)
    span.set_attribute("http.response.status_code", answer.status)
    if answer.status >= 500:
        span.set_status(StatusCode.ERROR)
    subject = answer.subject
    if subject is not None:
        span.set_attributes(
            {
                "podworthy.profile": subject.profile,
                "podworthy.operation": subject.operation,
                "podworthy.resource_kind": subject.kind,
                "podworthy.dry_run": subject.dry_run,
                "podworthy.decision": subject.decision,
                "podworthy.uid": _decoder.decode(answer.body).response.uid,
            }
        )


class _TracedConnection(Connection):
    _traceparent: str | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._traceparent = None

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if name.lower() == _FIELD.encode():
            self._traceparent = value.decode("latin-1")

    def on_message_complete(self) -> None:
        with _child_of(self._traceparent):
            super().on_message_complete()
