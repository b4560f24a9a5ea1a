"""One call for a whole audit."""

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.builders import NOON, load_profiles
from webhook.audit import Court, run
from webhook.exemptions import Exemption, Exemptions
from webhook.profile import Profile
from webhook.report.reports import Format


class Outcome(msgspec.Struct):
    """What an audit left behind."""

    code: int
    report: Any
    """The `AuditReport`."""
    stderr: str

    def findings(self, *keys: str) -> list[tuple[Any, ...]]:
        """Those keys of each finding."""
        return [tuple(finding[key] for key in keys) for finding in self.report["findings"]]

    def errors(self) -> list[tuple[int | None, str]]:
        """Line and message of each error."""
        return [(e["source"].get("line"), e["message"]) for e in self.report["errors"]]


Audit = Callable[..., Outcome]

SCHEMA = Draft202012Validator(json.loads((schemas.DIRECTORY / "audit-report.json").read_text()))


@pytest.fixture(scope="session")
def profiles() -> dict[str, Profile]:
    """The shipped ones."""
    return load_profiles()


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: dict[str, Profile]) -> Audit:
    """Audits texts as standard input, or paths below the present directory."""
    monkeypatch.chdir(tmp_path)

    def call(
        text: str | bytes = "",
        *paths: str,
        profile: str | Profile = "baseline",
        fail_on: str = "deny",
        exemptions: Iterable[Exemption] = (),
        namespace: str | None = None,
    ) -> Outcome:
        stdin = io.BytesIO(text.encode() if isinstance(text, str) else text)
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run(
            paths or ["-"],
            Court(
                profiles[profile] if isinstance(profile, str) else profile,
                Exemptions(exemptions),
                NOON.date(),
            ),
            [Format("json")],
            fail_on,
            namespace=namespace,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        report = json.loads(stdout.getvalue())
        SCHEMA.validate(report)
        return Outcome(code, report, stderr.getvalue())

    return call
