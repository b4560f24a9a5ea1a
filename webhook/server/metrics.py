"""`GET /metrics`: what a Prometheus server may know, in its text format.

`docs/metrics.md` lists them; their names and labels are an interface. Everything is computed when
it is asked for: what happens between two scrapes costs nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

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
from webhook.server.credentials import Credentials
from webhook.server.reload import Watch
from webhook.server.rules import Rules
from webhook.server.surface import Response


class Metrics:
    """The metrics of one process. One worker makes a pod, so no other one has to be asked."""

    def __init__(
        self, rules: Rules, credentials: Credentials, clock: Callable[[], datetime]
    ) -> None:
        """`clock` gives the day on which exemptions are active or not, with a time zone."""
        # not the global registry: a library may have put anything there
        self._registry = CollectorRegistry()
        self._registry.register(_Configuration(rules, credentials, clock))

    def page(self) -> Response:
        """What a scrape gets: the format that every Prometheus reads, for want of an Accept."""
        return Response(200, generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4)


class _Configuration(Collector):
    def __init__(
        self, rules: Rules, credentials: Credentials, clock: Callable[[], datetime]
    ) -> None:
        self._rules = rules
        self._credentials = credentials
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        watches = (self._rules.watch, self._credentials.watch)
        yield InfoMetricFamily(
            "podworthy_build", "The version that runs.", value={"version": __version__}
        )
        yield GaugeMetricFamily(
            "podworthy_config_last_reload_successful",
            "1 while all that the files hold is in force, documents and certificate, else 0.",
            value=float(all(watch.report.problem is None for watch in watches)),
        )
        for watch in watches:
            yield from _reloads(watch)
        yield GaugeMetricFamily(
            "podworthy_certificate_expiry_timestamp_seconds",
            "When the certificate in force or one of its issuers' expires, in seconds since 1970.",
            value=self._credentials.loaded.expires.timestamp(),
        )
        yield self._exemptions()

    def _exemptions(self) -> Metric:
        today = self._clock().astimezone(UTC).date()
        found = Counter(one.state(today) for one in self._rules.admission.snapshot.exemptions)
        exemptions = GaugeMetricFamily(
            "podworthy_exemptions",
            "Exemptions among the documents in force; expiring ones end within 30 days.",
            labels=["state"],
        )
        for state in STATES:
            exemptions.add_metric([state], found[state])
        return exemptions


def _reloads(watch: Watch[Any]) -> Iterator[Metric]:
    """Names and help are of `what` the watch sees."""
    what, report = watch.what, watch.report
    yield GaugeMetricFamily(
        f"podworthy_{what}_loaded_timestamp_seconds",
        f"When what is in force of the {what} was loaded, in seconds since 1970.",
        value=report.loaded.timestamp(),
    )
    yield GaugeMetricFamily(
        f"podworthy_{what}_reload_failed",
        f"1 while the {what} in the files cannot be put in force, else 0.",
        value=float(report.problem is not None),
    )
    reloads = CounterMetricFamily(
        f"podworthy_{what}_reloads",
        f"Changes of the {what} since the start, put in force (ok) or refused (failed).",
        labels=["result"],
    )
    reloads.add_metric(["ok"], report.reloads)
    reloads.add_metric(["failed"], report.failures)
    yield reloads
