"""The metrics: their values, and that every one is documented."""

import itertools
import platform
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import (
    NOON,
    admission,
    container,
    load_profiles,
    pod,
    probed,
    profile,
    review,
    statefulset,
)
from tests.cluster.certificates import Authority
from webhook import __version__
from webhook.admission import Admission, Answer, Door, Snapshot
from webhook.api import Fill, Violation
from webhook.engine import Crash, Filling, Finding, Proposal, Verdict
from webhook.exemptions import Exemption, Grant
from webhook.server.certificates import Files
from webhook.server.counters import BOUNDS, MAX_SERIES, Counted, Counters
from webhook.server.credentials import Credentials
from webhook.server.decisions import DecisionLog
from webhook.server.metrics import Metrics
from webhook.server.rules import Rules, Sources
from webhook.subject import Subject

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
def counters() -> Counters:
    return Counters()


@pytest.fixture
def metrics(rules: Rules, credentials: Credentials, counters: Counters) -> Metrics:
    return Metrics(rules, credentials, counters, DecisionLog(1), lambda: NOON)


def scraped(metrics: Metrics) -> dict[str, float]:
    """Every sample as Prometheus would show it."""
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sample.labels.items()): (
            sample.value
        )
        for family in families(metrics)
        for sample in family.samples
        if not sample.name.startswith("process_")
    }


def ended(day: int) -> float:
    """When the day so many days from now has ended."""
    return datetime.combine(TODAY, datetime.min.time(), UTC).timestamp() + (day + 1) * 86400


def families(metrics: Metrics) -> list[Metric]:
    page = metrics.page()
    assert (page.status, page.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return list(text_string_to_metric_families(page.body.decode()))


def test_at_the_start(metrics: Metrics) -> None:
    histogram = "podworthy_admission_review_duration_seconds"
    expiry = "podworthy_exemption_expiry_timestamp_seconds"
    assert scraped(metrics) == {
        f"podworthy_build_info{{python_version={platform.python_version()}}}"
        f"{{version={__version__}}}": 1,
        **{
            f"{histogram}_bucket{{le={bound}}}{{webhook={door.value}}}": 0
            for door, bound in itertools.product(Door, [*BOUNDS, "+Inf"])
        },
        **{
            f"{histogram}_{end}{{webhook={door.value}}}": 0
            for door, end in itertools.product(Door, ["sum", "count"])
        },
        **{
            f"podworthy_break_glass_requests_total{{decision={decision}}}{{dry_run={dry_run}}}": 0
            for decision, dry_run in itertools.product(["allowed", "denied"], ["false", "true"])
        },
        "podworthy_http_requests_in_flight": 0,
        "podworthy_http_connections": 0,
        "podworthy_http_connections_dropped_total": 0,
        "podworthy_decision_log_lines_total{result=written}": 0,
        "podworthy_decision_log_lines_total{result=lost}": 0,
        "podworthy_config_last_reload_success_timestamp_seconds": NOON.timestamp(),
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
        **{
            f"{expiry}{{exemption={name}}}{{owner=team-shop}}": ended(days)
            for name, days in {
                "pending": 90,
                "new": 90,
                "active": 31,
                "expiring": 30,
                "last-day": 0,
                "expired": -1,
            }.items()
        },
    }


def test_reviews_are_counted_by_what_they_ask_and_get(metrics: Metrics, counters: Counters) -> None:
    handler = Counted(admission(), counters)
    bare, sound = {**pod(), "spec": {"containers": [{"name": "web"}]}}, pod(probed())
    for _ in range(2):
        handler.handle(Door.VALIDATE, "strict", review(bare, dryRun=True))
    handler.handle(Door.VALIDATE, None, review(sound))
    handler.handle(Door.VALIDATE, "advise", review(bare))
    handler.handle(Door.MUTATE, None, review(statefulset(), "DELETE"))
    handler.handle(Door.MUTATE, None, review(None, "CREATE"))
    samples = scraped(metrics)

    def counted(webhook: str, about: str, dry_run: str, decision: str) -> float:
        profile, operation, kind = about.split()
        return samples[
            f"podworthy_admission_requests_total{{decision={decision}}}{{dry_run={dry_run}}}"
            f"{{operation={operation}}}{{profile={profile}}}{{resource_kind={kind}}}"
            f"{{webhook={webhook}}}"
        ]

    assert counted("validate", "strict CREATE Pod", "true", "denied") == 2
    assert counted("validate", "baseline CREATE Pod", "false", "allowed") == 1
    assert counted("validate", "advise CREATE Pod", "false", "allowed") == 1
    assert counted("mutate", "baseline DELETE StatefulSet", "false", "allowed") == 1
    assert sum(v for k, v in samples.items() if "admission_requests" in k) == 5
    results = "podworthy_policy_results_total{action=%s}{policy=require-probes}{result=%s}{rule=}"
    assert samples[results % ("deny", "fail")] == 4
    assert samples[results % ("warn", "warn")] == 2
    duration = "podworthy_admission_review_duration_seconds"
    assert samples[duration + "_count{webhook=validate}"] == 4
    assert samples[duration + "_count{webhook=mutate}"] == 2  # the bad one, too
    assert 0 < samples[duration + "_sum{webhook=validate}"] < 10


SUBJECT = Subject("strict", "CREATE", "Pod", False, "allowed")


def test_what_breaks_the_glass_is_counted_by_what_would_have_come_of_it(
    metrics: Metrics, counters: Counters
) -> None:
    snapshot = Snapshot(load_profiles(), "baseline")
    handler = Counted(Admission(snapshot, lambda: NOON, break_glass_group="sre"), counters)
    sre = {"username": "ada", "groups": ["dev", "sre"]}
    for door, obj, asked in (
        (Door.MUTATE, pod(container()), {"userInfo": sre}),
        (Door.MUTATE, pod(container()), {"userInfo": sre, "dryRun": True}),
        (Door.MUTATE, pod(probed()), {"userInfo": sre}),
        (Door.MUTATE, pod(container()), {}),
        (Door.VALIDATE, pod(container()), {"userInfo": sre}),
    ):
        handler.handle(door, None, review(obj, **asked))
    name = "podworthy_break_glass_requests_total"
    counted = {key: n for key, n in scraped(metrics).items() if key.startswith(name) and n}
    assert counted == {
        f"{name}{{decision=denied}}{{dry_run=false}}": 1,
        f"{name}{{decision=denied}}{{dry_run=true}}": 1,
        f"{name}{{decision=allowed}}{{dry_run=false}}": 1,
    }


def test_a_duration_falls_into_its_bucket(metrics: Metrics, counters: Counters) -> None:
    for seconds in (0.0001, 0.00025, 0.0003, 0.7, 5.0):
        counters.count_review(Door.VALIDATE, Answer(200, b"", None, SUBJECT), seconds)
    samples = scraped(metrics)
    buckets = [
        samples[
            f"podworthy_admission_review_duration_seconds_bucket{{le={le}}}{{webhook=validate}}"
        ]
        for le in ("0.00025", "0.0005", "0.001", "0.5", "1.0", "+Inf")
    ]
    assert buckets == [2, 3, 3, 3, 4, 5]
    total = samples["podworthy_admission_review_duration_seconds_sum{webhook=validate}"]
    assert total == pytest.approx(5.70065)


def test_what_policies_say_is_counted_in_the_words_of_an_audit(
    metrics: Metrics, counters: Counters, rules: Rules
) -> None:
    exemption = next(iter(rules.admission.snapshot.exemptions))
    one = Violation("/spec", "web", "no probe", "add one")
    rule = Violation("/spec", "web", "a driver", "use another", rule="inline-csi")
    verdict = Verdict(
        (
            Finding("a", "deny", one),
            Finding("a", "deny", rule),
            Finding("a", "warn", one),
            Finding("a", "audit", one),
            Finding("a", "deny", one, Grant(exemption, in_grace=False)),
            Finding("a", "warn", one, Grant(exemption, in_grace=True)),
        ),
        (Crash("b", "ValueError", denies=True), Crash("b", "KeyError", denies=False)),
    )
    fill = Fill("/spec/containers/0/livenessProbe/timeoutSeconds", "web", 3, 1, "nobody chose it")
    proposal = Proposal((Filling("c", "fill", fill), Filling("c", "suggest", fill)))
    counters.count_review(Door.VALIDATE, Answer(200, b"", None, SUBJECT, verdict), 0.1)
    counters.count_review(Door.MUTATE, Answer(200, b"", None, SUBJECT, proposal), 0.1)
    found = {
        tuple(re.findall(r"=([^}]*)}", key)): value
        for key, value in scraped(metrics).items()
        if "policy" in key
    }
    assert found == {
        ("deny", "a", "fail", ""): 1,
        ("deny", "a", "fail", "inline-csi"): 1,
        ("warn", "a", "warn", ""): 2,
        ("audit", "a", "warn", ""): 1,
        ("deny", "a", "skip", ""): 1,
        ("deny", "b", "error", ""): 1,
        ("allow", "b", "error", ""): 1,
        ("fill", "timeoutSeconds", "c"): 1,
        ("suggest", "timeoutSeconds", "c"): 1,
    }


def test_no_client_can_make_more_and_more_series(metrics: Metrics, counters: Counters) -> None:
    """Neither by kinds and uids that it makes up, nor through a policy that repeats its words."""
    handler = Counted(admission(), counters)
    for number in range(50):
        odd = {"apiVersion": f"x{number}/v1", "kind": f"Kind{number}", "metadata": {}}
        handler.handle(Door.VALIDATE, None, review(odd, uid=str(number), namespace=f"n{number}"))
        handler.handle(Door.VALIDATE, f"profile{number}", review(pod()))
        handler.handle(Door.VALIDATE, None, review(pod(), f"OPERATION{number}"))
    assert len(counters.validate) == 2  # `other`, and what got no answer
    for number in range(MAX_SERIES * 2):
        rule = Violation("/spec", "web", "no probe", "add one", rule=f"rule{number}")
        verdict = Verdict((Finding("a", "deny", rule),))
        counters.count_review(Door.VALIDATE, Answer(200, b"", None, SUBJECT, verdict), 0.1)
        fill = Fill(f"/metadata/annotations/{number}", "web", 3, 1, "nobody chose it")
        proposal = Proposal((Filling("c", "fill", fill),))
        counters.count_review(Door.MUTATE, Answer(200, b"", None, SUBJECT, proposal), 0.1)
    results = Counter({k: v for k, v in scraped(metrics).items() if "policy_results" in k})
    assert len(results) == MAX_SERIES + 1
    assert results.most_common(1)[0][1] == MAX_SERIES
    assert len(counters.fills) == MAX_SERIES + 1
    assert counters.fills["c", "other", "fill"] == MAX_SERIES


def test_a_record_gets_the_time_that_its_review_took(counters: Counters) -> None:
    answer = Counted(admission(profile(policies={})), counters).handle(
        Door.VALIDATE, "strict", review(statefulset(*[{"name": "web"}] * 2))
    )
    assert answer.record is not None
    assert 0 < answer.record["durationSeconds"] < 10


def test_exemptions_become_text_once_a_day_and_set(
    file: Path, rules: Rules, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand of them take several milliseconds, in which nobody is answered."""
    now = NOON
    metrics = Metrics(rules, credentials, Counters(), DecisionLog(1), lambda: now)
    asked: list[str] = []
    state = Exemption.state

    def told(self: Exemption, today: date) -> str:
        asked.append(self.name)
        return state(self, today)

    monkeypatch.setattr(Exemption, "state", told)
    for _ in range(3):
        assert scraped(metrics)["podworthy_exemptions{state=expiring}"] == 2
    assert len(asked) == 6
    now += timedelta(days=1)
    assert scraped(metrics)["podworthy_exemptions{state=expired}"] == 2
    file.write_text("".join(EXEMPTION % (f"e{n}", TODAY, TODAY) for n in range(1000)))
    for _ in range(2):
        rules.watch.check()
    expiry = "\npodworthy_exemption_expiry_timestamp_seconds{"
    assert metrics.page().body.decode().count(expiry) == 1000


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


def _exercise(counters: Counters) -> None:
    """Bring forth every label: those of counters show with the first event."""
    finding = Finding("a", "deny", Violation("/spec", "web", "no probe", "add one"))
    filling = Filling("c", "fill", Fill("/spec", "web", 3, 1, "nobody chose it"))
    for outcome in Verdict((finding,)), Proposal((filling,)):
        answer = Answer(200, b"", None, SUBJECT, outcome)
        counters.count_review(Door.VALIDATE, answer, 0.1)
    counters.count_answer(200)


def test_every_metric_is_documented_and_every_documented_one_exists(
    metrics: Metrics, counters: Counters
) -> None:
    _exercise(counters)
    rows = re.findall(
        r"^\| `((?:podworthy|process)_\w+)` \| (\w+) \| (.*?)\s*\| (.+) \|$", _text(), re.M
    )
    documented = {
        name: (type_, set(re.findall(r"`(\w+)`", labels))) for name, type_, labels, _ in rows
    }
    exposed = {
        family.samples[0].name.removesuffix("_bucket"): (
            family.type,
            set(family.samples[0].labels) - {"le"},
        )
        for family in families(metrics)
    }
    assert documented == exposed


def test_the_buckets_are_documented() -> None:
    assert ", ".join(f"{bound:g}" for bound in BOUNDS) in _text()


def test_every_metric_has_help(metrics: Metrics) -> None:
    assert all(family.documentation.endswith(".") for family in families(metrics))


def _text() -> str:
    return DOCUMENT.read_text()
