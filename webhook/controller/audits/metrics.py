"""What a scrape gets about the last audit."""

from collections.abc import Iterator, Mapping
from math import nan

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from webhook.controller.audits.status import AuditStatus
from webhook.history import Tally


def collect(status: AuditStatus) -> Iterator[Metric]:
    """NaN, or nothing, where there was none yet."""
    run = status.run
    yield GaugeMetricFamily(
        "podworthy_audit_last_run_timestamp_seconds",
        "When the last audit of the cluster ended, in seconds since 1970.",
        value=run.at.timestamp() if run else nan,
    )
    yield GaugeMetricFamily(
        "podworthy_audit_duration_seconds",
        "How long the last audit took.",
        value=nan if status.seconds is None else status.seconds,
    )
    yield GaugeMetricFamily(
        "podworthy_audit_problem",
        "1 if something was wrong with the last audit or with what became of its results, else 0.",
        value=float(status.problem is not None),
    )
    if run is not None:
        yield _objects(run.total)
        yield _findings(run.policies)


def _objects(total: Tally) -> Metric:
    objects = GaugeMetricFamily(
        "podworthy_audit_objects",
        "Objects that the last audit judged: those in which something denies, and the others.",
        labels=["result"],
    )
    objects.add_metric(["fail"], total.failing)
    objects.add_metric(["pass"], total.objects - total.failing)
    return objects


def _findings(policies: Mapping[str, Tally]) -> Metric:
    findings = GaugeMetricFamily(
        "podworthy_audit_findings",
        "Findings of the last audit.",
        labels=["policy", "result"],
    )
    for policy, tally in sorted(policies.items()):
        for result in ("fail", "warn", "skip", "error"):
            findings.add_metric([policy, result], getattr(tally, result))
    return findings
