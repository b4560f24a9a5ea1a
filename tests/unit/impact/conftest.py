"""One call for a whole impact analysis."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.builders import NOON, Object
from tests.unit.live.fake import FakeApi
from webhook import catalog, documents
from webhook.cluster import Patience
from webhook.exemptions import Exemption, Exemptions
from webhook.impact import Baseline, Promotion, run
from webhook.impact.exempting import Terms
from webhook.profile import Profile

PROFILES = documents.load((), catalog.POLICIES).profiles
SCHEMA = Draft202012Validator(json.loads((schemas.DIRECTORY / "impact-report.json").read_text()))
TODAY = NOON.date()
TERMS = Terms("team-platform", "ran before", TODAY, TODAY + timedelta(days=90))


class Outcome(msgspec.Struct):
    """What an analysis left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> Any:
        """The `ImpactReport`, which is as its schema says."""
        report = json.loads(self.stdout)
        SCHEMA.validate(report)
        return report

    @property
    def workloads(self) -> dict[str, Any]:
        """Its entries by `Kind/name`."""
        entries = self.report["workloads"]
        return {f"{e['workload']['kind']}/{e['workload']['name']}": e for e in entries}


def promotion(*exemptions: Exemption, to: str = "strict", **fields: Any) -> Promotion:
    """To a shipped profile, unless others are given."""
    profiles: Mapping[str, Profile] = PROFILES | fields.pop("profiles", {})
    known: dict[str, Any] = {"default": "baseline", "exemptions": Exemptions(exemptions)}
    return Promotion(profiles[to], profiles, today=TODAY, **(known | fields))


def analyse(
    *objects: Object,
    of: Promotion | None = None,
    api: FakeApi | None = None,
    format_name: str = "json",
    baseline: Baseline | None = None,
) -> Outcome:
    """Of a cluster."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = run(
        (),
        of or promotion(),
        api or FakeApi(*objects),
        format_name,
        baseline=baseline,
        patience=Patience(sleep=repr),
        stdout=stdout,
        stderr=stderr,
    )
    return Outcome(code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def analyse_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Of a text on standard input."""
    monkeypatch.chdir(tmp_path)

    def call(text: str, of: Promotion | None = None, baseline: Baseline | None = None) -> Outcome:
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run(
            ["-"],
            of or promotion(),
            None,
            "json",
            baseline=baseline,
            stdin=io.BytesIO(text.encode()),
            stdout=stdout,
            stderr=stderr,
        )
        return Outcome(code, stdout.getvalue(), stderr.getvalue())

    return call
