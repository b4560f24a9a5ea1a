"""An API server that traces: the webhook's span is a child of its own."""

from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.cluster.conftest import VERSIONS
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import handler, pod, send
from tests.cluster.server import webhook_command, webhook_server
from tests.collector import collector, spans
from tests.serving import eventually

# where it would send its own spans, nobody listens; every request is sampled
CONFIGURATION = """
apiVersion: apiserver.config.k8s.io/v1
kind: TracingConfiguration
endpoint: 127.0.0.1:1
samplingRatePerMillion: 1000000
"""


def tracing_command(host: str, port: int, certificate: Path, key: Path) -> list[str | Path]:
    return [*webhook_command(host, port, certificate, key), "--tracing"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_review_is_a_part_of_the_request(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "tracing.yaml"
    configuration.write_text(CONFIGURATION)
    control_plane = ControlPlane(version, apiserver=[f"--tracing-config-file={configuration}"])
    with collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        with control_plane, webhook_server(control_plane, command=tracing_command):
            good = {"livenessProbe": handler(), "readinessProbe": handler()}
            how = ("create", "--dry-run=server")
            assert send(control_plane, "default", pod("web", **good), *how, check=False) == ""
            eventually(lambda: whole(spans(got)))


def whole(found: list[Span]) -> set[bytes]:
    """The requests of users that have a review at each of the two doors, and a parent of both."""
    doors = {
        door: {span.trace_id for span in found if span.name == door and span.parent_span_id}
        for door in ("mutate", "validate")
    }
    return doors["mutate"] & doors["validate"]
