"""`GET /metrics` of the controller; `docs/controller.md` lists them."""

from collections.abc import Iterator
from datetime import datetime
from math import nan

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from webhook import __version__
from webhook.controller.audits import metrics as audit_metrics
from webhook.controller.canary import Outcome
from webhook.controller.status import CHECKS, Status


class Metrics:
    """What a scrape gets."""

    def __init__(self, status: Status, *, canary: bool) -> None:
        """Without a `canary`, nothing is told of one."""
        # not the global registry: a library may have put anything there
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(status, canary=canary))

    def page(self) -> bytes:
        """In Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


class _Collector(Collector):
    def __init__(self, status: Status, *, canary: bool) -> None:
        self._status = status
        self._canary = canary

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield InfoMetricFamily(
            "podworthy_build", "The version that runs.", value={"version": __version__}
        )
        yield _gauge(
            "podworthy_controller_last_turn_timestamp_seconds",
            "When the controller last looked at the cluster, in seconds since 1970.",
            status.turned_at,
        )
        yield self._problems()
        yield self._steps()
        yield _gauge(
            "podworthy_secret_certificate_expiry_timestamp_seconds",
            "When the certificate in the Secret expires, in seconds since 1970.",
            status.expiries.certificate,
        )
        yield _gauge(
            "podworthy_secret_authority_expiry_timestamp_seconds",
            "When the last authority in the Secret expires, in seconds since 1970.",
            status.expiries.authority,
        )
        if self._canary:
            yield from self._of_canary()
        if status.audits is not None:
            yield from audit_metrics.collect(status.audits)

    def _problems(self) -> Metric:
        problems = GaugeMetricFamily(
            "podworthy_controller_problem",
            "1 while something is wrong with what is checked, else 0.",
            labels=["check"],
        )
        for check in CHECKS:
            problems.add_metric([check], float(check in self._status.problems))
        return problems

    def _steps(self) -> Metric:
        steps = CounterMetricFamily(
            "podworthy_controller_steps",
            "What was written to the cluster since the start, and how that ended.",
            labels=["step", "result"],
        )
        for names, count in list(self._status.steps.items()):
            steps.add_metric(names, count)
        return steps

    def _of_canary(self) -> Iterator[Metric]:
        status = self._status
        enforcing = status.canary.enforcing if status.canary else None
        yield GaugeMetricFamily(
            "podworthy_enforcing",
            "1 if the last canary was judged, 0 if it was let in, NaN if that cannot be told.",
            value=nan if enforcing is None else float(enforcing),
        )
        yield _gauge(
            "podworthy_canary_last_run_timestamp_seconds",
            "When the last canary was sent, in seconds since 1970.",
            status.canary_at,
        )
        results = CounterMetricFamily(
            "podworthy_canary_results",
            "Canaries since the start, by what became of them.",
            labels=["result"],
        )
        for outcome in Outcome:
            results.add_metric([outcome.value], status.canaries[outcome])
        yield results


def _gauge(name: str, text: str, moment: datetime | None) -> Metric:
    """NaN where there is no such moment."""
    return GaugeMetricFamily(name, text, value=moment.timestamp() if moment else nan)
