"""`audit --format openreports`: what it writes, a real API server takes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Namespaces
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import pod
from tests.cluster.policy_reports import crd
from tests.cluster.processes import wait_for
from webhook.report.openreports import OPENREPORTS

RESOURCE = f"{OPENREPORTS.resource}.{OPENREPORTS.group}"


@pytest.fixture
def served(control_plane: ControlPlane) -> Iterator[None]:
    """The cluster serves the API of reports."""
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(crd(OPENREPORTS)))

    def is_served() -> bool:
        return control_plane.kubectl("get", RESOURCE, check=False).returncode == 0

    wait_for(is_served, seconds=30, what=RESOURCE)
    yield
    control_plane.kubectl("delete", "crd", RESOURCE)


@pytest.mark.usefixtures("served")
def test_a_report_can_be_applied(
    control_plane: ControlPlane, new_namespace: Namespaces, tmp_path: Path
) -> None:
    namespace = new_namespace()
    bad = pod("web")
    bad["metadata"]["namespace"] = namespace
    manifest, reports = tmp_path / "pod.json", tmp_path / "reports.json"
    manifest.write_text(json.dumps(bad))
    audit = ("-m", "webhook", "audit", f"--format=openreports={reports}", str(manifest))
    done = subprocess.run([sys.executable, *audit], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    apply = ("apply", "--validate=strict", "--filename", str(reports))
    for told in ("created", "unchanged"):
        assert told in control_plane.kubectl(*apply).stdout
    get = ("get", RESOURCE, "podworthy", f"--namespace={namespace}", "--output=json")
    stored = json.loads(control_plane.kubectl(*get).stdout)
    (written,) = json.loads(reports.read_text())["items"]
    assert stored["results"] == written["results"]
    assert stored["summary"] == {"pass": 0, "fail": 2, "warn": 0, "error": 0, "skip": 0}
