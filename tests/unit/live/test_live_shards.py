"""Shares of a cluster, each judged by a run of its own."""

import io
import re
import subprocess
from pathlib import Path

import pytest

from tests.builders import container, probed
from tests.unit.live.fake import FakeApi, forbidden, namespace, workload
from tests.unit.live.test_live_audit import docket
from webhook.audit import merge
from webhook.audit.live import run
from webhook.audit.shard import Shard
from webhook.cluster import Patience
from webhook.report.reports import Format

PAGE = Path(__file__).parents[3] / "docs" / "comparing.md"


def cluster() -> FakeApi:
    """With owners and what they made, in several namespaces, and lists that are refused."""
    web = workload("Deployment", "web")
    found = [web, workload("ReplicaSet", "web-1", owner=web)]
    for number in range(12):
        for place in ("shop", "pay"):
            one = workload("StatefulSet", f"db-{number}", container() if number % 3 else probed())
            one["metadata"]["namespace"] = place
            found.append(one)
        found.append(workload("Pod", f"job-{number}"))
    api = FakeApi(namespace("shop", "strict"), namespace("pay"), *found)
    api.refusals["services"] = forbidden("services")
    api.refusals["cronjobs.batch"] = forbidden("cronjobs.batch")
    return api


def audited(shard: Shard | None = None) -> tuple[int, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = run(
        cluster(),
        docket(shard=shard),
        [Format("json")],
        patience=Patience(sleep=repr),
        stdout=stdout,
        stderr=stderr,
    )
    return code, stdout.getvalue()


def test_the_merge_of_all_shards_equals_the_whole(tmp_path: Path) -> None:
    paths = []
    for index in range(3):
        paths.append(str(tmp_path / f"{index}.json"))
        Path(paths[-1]).write_text(audited(Shard(index, 3))[1])
    stdout = io.StringIO()
    code = merge.run(merge.load(paths), stdout=stdout, stderr=io.StringIO())
    assert (code, stdout.getvalue()) == audited()


@pytest.mark.parametrize("line", [0, 2, 5, -1])
def test_the_page_finds_the_report_in_a_log_that_has_notes_too(line: int) -> None:
    """A pod's log has lines of both streams, in any order."""
    _, report = audited(Shard(0, 3))
    lines = report.splitlines(keepends=True)
    at = line if line >= 0 else len(lines)
    note = "podworthy: namespace pay: there is no profile 'stricct'; judged by baseline\n"
    log = "".join(("podworthy: first\n", *lines[:at], note, *lines[at:]))

    (script,) = re.findall(r"\| sed -n '(.*)' > shard", PAGE.read_text())
    sed = ("sed", "-n", script)
    assert subprocess.run(sed, input=log, capture_output=True, text=True).stdout == report
