"""Audit events as an API server writes them, and one call for a whole replay."""

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import NOON, Object, load_profiles
from webhook.audit import Court
from webhook.exemptions import Exemption, Exemptions
from webhook.profile import Profile
from webhook.replay import run


class Outcome(msgspec.Struct):
    """What a replay left behind."""

    code: int
    report: Any
    """The `ReplayReport`."""

    def denials(self, *keys: str) -> list[tuple[Any, ...]]:
        """Those keys of each group that would have been denied."""
        return [tuple(denial[key] for key in keys) for denial in self.report["denials"]]

    @property
    def not_judged(self) -> dict[str, int]:
        """Those reasons that there were."""
        return {reason: n for reason, n in self.report["notJudged"].items() if n}


Replay = Callable[..., Outcome]


@pytest.fixture(scope="session")
def profiles() -> dict[str, Profile]:
    return load_profiles()


@pytest.fixture
def replay(profiles: dict[str, Profile], tmp_path: Path) -> Replay:
    """Replays records, written as JSON lines, or text, or files."""

    def call(
        *records: Object | bytes | str,
        paths: Iterable[Path] = (),
        profile: Profile | None = None,
        exemptions: Iterable[Exemption] = (),
        fail_on: str = "deny",
        excluded: Iterable[str] = (),
    ) -> Outcome:
        lines = [
            one
            if isinstance(one, bytes)
            else (one if isinstance(one, str) else json.dumps(one)).encode()
            for one in records
        ]
        log = tmp_path / "log"
        log.write_bytes(b"\n".join(lines))
        court = Court(profile or profiles["baseline"], Exemptions(exemptions), NOON.date())
        stdout = io.StringIO()
        names = [str(path) for path in paths] or [str(log)]
        code = run(names, court, "json", fail_on, excluded=excluded, stdout=stdout)
        return Outcome(code, json.loads(stdout.getvalue()))

    return call


_NUMBERS = iter(range(10**9))


def event(
    obj: Object | None,
    verb: str = "create",
    *,
    code: int = 201,
    level: str = "RequestResponse",
    resource: str | None = None,
    group: str | None = None,
    sent: Object | None = None,
    user: str = "ada",
    **fields: Any,
) -> Object:
    """One audit event of a request that ended with this code; `obj` is what was stored, or sent."""
    shown = obj or {}
    api_group, _, version = shown.get("apiVersion", "apps/v1" if group else "v1").rpartition("/")
    found: Object = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": f"00000000-0000-0000-0000-{next(_NUMBERS):012}",
        "stage": "ResponseComplete",
        "requestURI": "/apis/somewhere?fieldManager=kubectl",
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {
            "resource": resource or f"{shown['kind'].lower()}s",
            "namespace": "shop",
            "name": shown.get("metadata", {}).get("name"),
            "apiGroup": group if group is not None else api_group,
            "apiVersion": version,
        },
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": "2026-11-20T10:00:00.123456Z",
    }
    if level != "Metadata" and (sent or verb != "patch"):
        found["requestObject"] = sent or obj
    if level == "RequestResponse":
        found["responseObject"] = obj if code < 300 else {"kind": "Status", "code": code}
    return found | fields
