"""The metrics: their values, and that every one is documented."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import NOON
from tests.cluster.certificates import Authority
from webhook import __version__
from webhook.server.certificates import Files
from webhook.server.credentials import Credentials
from webhook.server.metrics import Metrics
from webhook.server.rules import Rules, Sources

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
EXEMPTION = """
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: %s}
spec:
  policies: [require-probes]
  workload: {namespace: shop, kind: Pod, name: web}
  reason: moves in Q1
  owner: team-shop
  granted: %s
  expires: %s
---
"""
TODAY = NOON.date()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One exemption in each state, on the edge to the next, and one more that is active."""
    days = {
        "pending": (1, 90),
        "new": (0, 90),
        "active": (-90, 31),
        "expiring": (-90, 30),
        "last-day": (-90, 0),
        "expired": (-90, -1),
    }
    file = tmp_path / "exemptions.yaml"
    file.write_text(
        "".join(
            EXEMPTION % (name, TODAY + timedelta(days=granted), TODAY + timedelta(days=expires))
            for name, (granted, expires) in days.items()
        )
    )
    return file


@pytest.fixture
def rules(file: Path) -> Rules:
    return Rules(Sources((file,), "baseline"), lambda: NOON)


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    """A certificate that expires in a day."""
    authority = Authority("a test")
    day = timedelta(days=1)
    pair = authority.issue("x", dns=["localhost"], start=NOON - day, end=NOON + day)
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)
    return Credentials(files, frozenset(), lambda: NOON)


@pytest.fixture
def metrics(rules: Rules, credentials: Credentials) -> Metrics:
    return Metrics(rules, credentials, lambda: NOON)


def scraped(metrics: Metrics) -> dict[str, float]:
    """Every sample as Prometheus would show it."""
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sample.labels.items()): (
            sample.value
        )
        for family in families(metrics)
        for sample in family.samples
    }


def families(metrics: Metrics) -> list[Metric]:
    page = metrics.page()
    assert (page.status, page.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return list(text_string_to_metric_families(page.body.decode()))


def test_at_the_start(metrics: Metrics) -> None:
    assert scraped(metrics) == {
        f"podworthy_build_info{{version={__version__}}}": 1,
        "podworthy_config_last_reload_successful": 1,
        "podworthy_documents_loaded_timestamp_seconds": NOON.timestamp(),
        "podworthy_documents_reload_failed": 0,
        "podworthy_documents_reloads_total{result=ok}": 0,
        "podworthy_documents_reloads_total{result=failed}": 0,
        "podworthy_certificate_loaded_timestamp_seconds": NOON.timestamp(),
        "podworthy_certificate_reload_failed": 0,
        "podworthy_certificate_reloads_total{result=ok}": 0,
        "podworthy_certificate_reloads_total{result=failed}": 0,
        "podworthy_certificate_expiry_timestamp_seconds": (NOON + timedelta(days=1)).timestamp(),
        "podworthy_exemptions{state=pending}": 1,
        "podworthy_exemptions{state=active}": 2,
        "podworthy_exemptions{state=expiring}": 2,
        "podworthy_exemptions{state=expired}": 1,
    }


def test_after_a_bad_set_and_after_its_repair(rules: Rules, metrics: Metrics, file: Path) -> None:
    for text, failed, ok in [("a: [", 1, 0), ("kind: Exemptoin", 2, 0), ("", 2, 1)]:
        file.write_text(text)
        rules.watch.check()
        rules.watch.check()
        samples = scraped(metrics)
        assert samples["podworthy_config_last_reload_successful"] == (not text)
        assert samples["podworthy_documents_reload_failed"] == bool(text)
        assert samples["podworthy_documents_reloads_total{result=failed}"] == failed
        assert samples["podworthy_documents_reloads_total{result=ok}"] == ok
        assert samples["podworthy_certificate_reload_failed"] == 0
        assert samples["podworthy_exemptions{state=active}"] == (2 if text else 0)


def test_after_a_bad_certificate(credentials: Credentials, metrics: Metrics) -> None:
    credentials.files.key.write_bytes(b"")
    credentials.watch.check()
    credentials.watch.check()
    samples = scraped(metrics)
    assert samples["podworthy_config_last_reload_successful"] == 0
    assert samples["podworthy_certificate_reload_failed"] == 1
    assert samples["podworthy_certificate_reloads_total{result=failed}"] == 1
    assert samples["podworthy_documents_reload_failed"] == 0


def test_every_metric_is_documented_and_every_documented_one_exists(metrics: Metrics) -> None:
    rows = re.findall(r"^\| `(podworthy_\w+)` \| (\w+) \| (.*?)\s*\| (.+) \|$", _text(), re.M)
    documented = {
        name: (type_, set(re.findall(r"`(\w+)`", labels))) for name, type_, labels, _ in rows
    }
    exposed = {
        family.samples[0].name: (family.type, set(family.samples[0].labels))
        for family in families(metrics)
    }
    assert documented == exposed


def test_every_metric_has_help(metrics: Metrics) -> None:
    assert all(family.documentation.endswith(".") for family in families(metrics))


def _text() -> str:
    return DOCUMENT.read_text()
