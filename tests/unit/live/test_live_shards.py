"""Shares of a cluster, each judged by a run of its own."""

import io
from pathlib import Path

from tests.builders import container, probed
from tests.unit.live.fake import FakeApi, forbidden, namespace, workload
from tests.unit.live.test_live_audit import docket
from webhook.audit import merge
from webhook.audit.live import run
from webhook.audit.shard import Shard
from webhook.cluster import Patience
from webhook.report.reports import Format


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
