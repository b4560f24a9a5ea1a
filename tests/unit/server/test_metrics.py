"""The metrics: their values, and that every one is documented."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import NOON
from webhook import __version__
from webhook.server.metrics import Metrics
from webhook.server.reload import Reloader, Sources

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
def reloader(file: Path) -> Reloader:
    return Reloader(Sources((file,), "baseline"), lambda: NOON, period=1.0)


def scraped(reloader: Reloader) -> dict[str, float]:
    """Every sample as Prometheus would show it."""
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sample.labels.items()): (
            sample.value
        )
        for family in families(reloader)
        for sample in family.samples
    }


def families(reloader: Reloader) -> list[Metric]:
    page = Metrics(reloader, lambda: NOON).page()
    assert (page.status, page.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return list(text_string_to_metric_families(page.body.decode()))


def test_at_the_start(reloader: Reloader) -> None:
    assert scraped(reloader) == {
        f"podworthy_build_info{{version={__version__}}}": 1,
        "podworthy_documents_loaded_timestamp_seconds": NOON.timestamp(),
        "podworthy_documents_reload_failed": 0,
        "podworthy_documents_reloads_total{result=ok}": 0,
        "podworthy_documents_reloads_total{result=failed}": 0,
        "podworthy_exemptions{state=pending}": 1,
        "podworthy_exemptions{state=active}": 2,
        "podworthy_exemptions{state=expiring}": 2,
        "podworthy_exemptions{state=expired}": 1,
    }


def test_after_a_bad_set_and_after_its_repair(reloader: Reloader, file: Path) -> None:
    for text, failed, ok in [("a: [", 1, 0), ("kind: Exemptoin", 2, 0), ("", 2, 1)]:
        file.write_text(text)
        reloader.check()
        reloader.check()
        samples = scraped(reloader)
        assert samples["podworthy_documents_reload_failed"] == bool(text)
        assert samples["podworthy_documents_reloads_total{result=failed}"] == failed
        assert samples["podworthy_documents_reloads_total{result=ok}"] == ok
        assert samples["podworthy_exemptions{state=active}"] == (2 if text else 0)


def test_every_metric_is_documented_and_every_documented_one_exists(reloader: Reloader) -> None:
    rows = re.findall(r"^\| `(podworthy_\w+)` \| (\w+) \| (.*?)\s*\| (.+) \|$", _text(), re.M)
    documented = {
        name: (type_, set(re.findall(r"`(\w+)`", labels))) for name, type_, labels, _ in rows
    }
    exposed = {
        family.samples[0].name: (family.type, set(family.samples[0].labels))
        for family in families(reloader)
    }
    assert documented == exposed


def test_every_metric_has_help(reloader: Reloader) -> None:
    assert all(family.documentation.endswith(".") for family in families(reloader))


def _text() -> str:
    return DOCUMENT.read_text()
