"""`GET /metrics`: what a Prometheus server may know, in its text format.

`docs/metrics.md` lists them; their names and labels are an interface. Everything is computed when
it is asked for: what happens between two scrapes costs nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from webhook import __version__
from webhook.exemptions import STATES
from webhook.server.reload import Reloader
from webhook.server.surface import Response


class Metrics:
    """The metrics of one process. One worker makes a pod, so no other one has to be asked."""

    def __init__(self, reloader: Reloader, clock: Callable[[], datetime]) -> None:
        """`clock` gives the day on which exemptions are active or not, with a time zone."""
        # not the global registry: a library may have put anything there
        self._registry = CollectorRegistry()
        self._registry.register(_Documents(reloader, clock))

    def page(self) -> Response:
        """What a scrape gets: the format that every Prometheus reads, for want of an Accept."""
        return Response(200, generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4)


class _Documents(Collector):
    def __init__(self, reloader: Reloader, clock: Callable[[], datetime]) -> None:
        self._reloader = reloader
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        report = self._reloader.report
        yield InfoMetricFamily(
            "podworthy_build", "The version that runs.", value={"version": __version__}
        )
        yield GaugeMetricFamily(
            "podworthy_documents_loaded_timestamp_seconds",
            "When the documents in force were loaded, in seconds since 1970.",
            value=report.loaded.timestamp(),
        )
        yield GaugeMetricFamily(
            "podworthy_documents_reload_failed",
            "1 while the files hold documents that cannot be loaded, else 0.",
            value=float(report.problem is not None),
        )
        reloads = CounterMetricFamily(
            "podworthy_documents_reloads",
            "Changed documents since the start, put in force (ok) or refused (failed).",
            labels=["result"],
        )
        reloads.add_metric(["ok"], report.reloads)
        reloads.add_metric(["failed"], report.failures)
        yield reloads
        yield self._exemptions()

    def _exemptions(self) -> Metric:
        today = self._clock().astimezone(UTC).date()
        found = Counter(one.state(today) for one in self._reloader.admission.snapshot.exemptions)
        exemptions = GaugeMetricFamily(
            "podworthy_exemptions",
            "Exemptions among the documents in force; expiring ones end within 30 days.",
            labels=["state"],
        )
        for state in STATES:
            exemptions.add_metric([state], found[state])
        return exemptions
