"""`GET /metrics`: what a Prometheus server may know, in its text format.

`docs/metrics.md` lists them; their names and labels are an interface. Everything is computed when
it is asked for, from plain numbers: what happens between two scrapes makes no metric.
"""

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from webhook import __version__
from webhook.admission import Door
from webhook.exemptions import STATES, Exemptions
from webhook.server.counters import BOUNDS, Counters, Key
from webhook.server.credentials import Credentials
from webhook.server.decisions import DecisionLog
from webhook.server.reload import Watch
from webhook.server.rules import Rules
from webhook.server.surface import Response


class Metrics:
    """The metrics of one process. One worker makes a pod, so no other one has to be asked."""

    def __init__(
        self,
        rules: Rules,
        credentials: Credentials,
        counters: Counters,
        decisions: DecisionLog,
        clock: Callable[[], datetime],
    ) -> None:
        """`clock` gives the day on which exemptions are active or not, with a time zone."""
        # not the global registry: a library may have put anything there
        self._registry = CollectorRegistry()
        self._registry.register(_Reviews(counters))
        self._registry.register(_Traffic(counters, decisions))
        self._registry.register(_Configuration(rules, credentials))
        ProcessCollector(registry=self._registry)
        self._exemptions = _ExemptionsText(rules, clock)

    def page(self) -> Response:
        """What a scrape gets: the format that every Prometheus reads, whatever it would accept."""
        body = generate_latest(self._registry) + self._exemptions.text()
        return Response(200, body, CONTENT_TYPE_PLAIN_0_0_4)


class _Reviews(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "podworthy_admission_requests",
            "AdmissionReviews answered by another one.",
            labels=["webhook", "profile", "operation", "resource_kind", "dry_run", "decision"],
        )
        durations = HistogramMetricFamily(
            "podworthy_admission_review_duration_seconds",
            "From a review's last byte to its answer's first, those included that are no review.",
            labels=["webhook"],
        )
        doors = {Door.VALIDATE: self._counters.validate, Door.MUTATE: self._counters.mutate}
        for door, cells in doors.items():
            total = [0.0] * (len(BOUNDS) + 2)
            for subject, cell in cells.copy().items():
                total = [sum(pair) for pair in zip(total, cell, strict=True)]
                if subject is None:
                    continue
                dry_run = "true" if subject.dry_run else "false"
                about = [door.value, subject.profile, subject.operation, subject.kind, dry_run]
                requests.add_metric([*about, subject.decision], sum(cell[:-1]))
            bounds = [*map(str, BOUNDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(total[:-1]), strict=True))
            durations.add_metric([door.value], buckets, total[-1])
        yield requests
        yield durations
        yield _counted(
            "podworthy_policy_results",
            "What policies found, and where they crashed; what is sound is not counted.",
            ["policy", "rule", "result", "action"],
            self._counters.results,
        )
        yield _counted(
            "podworthy_fills",
            "Values that were set, or suggested.",
            ["policy", "field", "action"],
            self._counters.fills,
        )
        yield _counted(
            "podworthy_break_glass_requests",
            "Requests of the break-glass group, by what the checks would have decided.",
            ["decision", "dry_run"],
            self._counters.break_glass,
        )


class _Traffic(Collector):
    def __init__(self, counters: Counters, decisions: DecisionLog) -> None:
        self._counters = counters
        self._decisions = decisions

    def collect(self) -> Iterator[Metric]:
        answers: dict[Key, int] = {
            (str(status),): count for status, count in self._counters.statuses.copy().items()
        }
        yield _counted("podworthy_http_requests", "HTTP requests by answer.", ["code"], answers)
        yield GaugeMetricFamily(
            "podworthy_http_requests_in_flight",
            "HTTP requests that have begun to arrive and are not answered yet.",
            value=self._counters.requests(),
        )
        yield GaugeMetricFamily(
            "podworthy_http_connections",
            "Open connections, idle ones included.",
            value=self._counters.connections(),
        )
        yield CounterMetricFamily(
            "podworthy_http_connections_dropped",
            "Connections that were ended because there were too many.",
            value=self._counters.dropped(),
        )
        yield _counted(
            "podworthy_decision_log_lines",
            "Lines of the decision log, written or lost for want of a reader.",
            ["result"],
            {("written",): self._decisions.written, ("lost",): self._decisions.lost},
        )


def _counted(name: str, documentation: str, labels: list[str], counts: Mapping[Key, int]) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=labels)
    # a copy: another thread may add a label set meanwhile
    for key, count in dict(counts).items():
        family.add_metric(key, count)
    return family


class _Configuration(Collector):
    def __init__(self, rules: Rules, credentials: Credentials) -> None:
        self._rules = rules
        self._credentials = credentials

    def collect(self) -> Iterator[Metric]:
        watches = (self._rules.watch, self._credentials.watch)
        yield InfoMetricFamily(
            "podworthy_build",
            "The version that runs, and the Python that runs it.",
            value={"version": __version__, "python_version": platform.python_version()},
        )
        yield GaugeMetricFamily(
            "podworthy_config_last_reload_successful",
            "1 while all that the files hold is in force, documents and certificate, else 0.",
            value=float(all(watch.report.problem is None for watch in watches)),
        )
        yield GaugeMetricFamily(
            "podworthy_config_last_reload_success_timestamp_seconds",
            "When documents or certificate were last put in force, in seconds since 1970.",
            value=max(watch.report.loaded for watch in watches).timestamp(),
        )
        for watch in watches:
            yield from _reloads(watch)
        yield GaugeMetricFamily(
            "podworthy_certificate_expiry_timestamp_seconds",
            "When the certificate in force or one of its issuers' expires, in seconds since 1970.",
            value=self._credentials.loaded.expires.timestamp(),
        )


class _ExemptionsText:
    """The metrics of exemptions: text that is made once a day and set, because a thousand take
    longer than everything else, and reviews wait meanwhile."""

    def __init__(self, rules: Rules, clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._clock = clock
        self._made: tuple[Exemptions, date, bytes] | None = None

    def text(self) -> bytes:
        """In Prometheus' format."""
        exemptions = self._rules.admission.snapshot.exemptions
        today = self._clock().astimezone(UTC).date()
        made = self._made
        if made is None or made[0] is not exemptions or made[1] != today:
            registry = CollectorRegistry(auto_describe=False)
            registry.register(_Exemptions(exemptions, today))
            made = self._made = (exemptions, today, generate_latest(registry))
        return made[2]


class _Exemptions(Collector):
    def __init__(self, documents: Exemptions, today: date) -> None:
        self._documents = documents
        self._today = today

    def collect(self) -> Iterator[Metric]:
        found = Counter(one.state(self._today) for one in self._documents)
        exemptions = GaugeMetricFamily(
            "podworthy_exemptions",
            "Exemptions among the documents in force; expiring ones end within 30 days.",
            labels=["state"],
        )
        for state in STATES:
            exemptions.add_metric([state], found[state])
        yield exemptions
        expiry = GaugeMetricFamily(
            "podworthy_exemption_expiry_timestamp_seconds",
            "When the last day of an exemption ends, in seconds since 1970.",
            labels=["exemption", "owner"],
        )
        for one in self._documents:
            end = datetime.combine(one.expires + timedelta(days=1), time(), UTC)
            expiry.add_metric([one.name, one.owner], end.timestamp())
        yield expiry


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
