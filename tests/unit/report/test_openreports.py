"""Reports of openreports.io, and of its predecessor."""

import json
from typing import Any

from tests.unit.report.samples import (
    AUDITED,
    CRASHED,
    DENIED,
    EVERY_KIND,
    ODD,
    SKIPPED,
    UNREAD,
    WARNED,
    WEB,
    changed,
    judged,
    written,
)
from webhook.report.entries import ErrorEntry, Judged, ObjectName
from webhook.report.openreports import (
    HASH,
    MAX_MESSAGE,
    MAX_RESULTS,
    OMITTED,
    OPENREPORTS,
    WGPOLICY,
    Collection,
)


def reports(*told: Judged | ErrorEntry) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(written("openreports", *told))["items"]
    return items


def test_a_namespace_has_one_report_of_all_its_objects() -> None:
    other = ObjectName("v1", "Pod", None, "lone")
    there = ObjectName("v1", "Pod", "pay", "ledger")
    made = reports(
        judged(DENIED),
        judged(name=WEB),
        judged(name=there),
        judged(changed(DENIED, object=other), name=other),
        judged(WARNED),
    )
    assert [one["metadata"].get("namespace") for one in made] == [None, "pay", "shop"]
    assert made[2]["summary"] == {"pass": 1, "fail": 1, "warn": 1, "error": 0, "skip": 0}
    assert made[0]["results"][0]["resources"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "lone"}
    ]
    assert {one["metadata"]["name"] for one in made} == {"podworthy"}


def test_what_a_result_tells() -> None:
    (report,) = reports(judged(DENIED))
    assert report["source"] == "podworthy"
    assert report["results"] == [
        {
            "source": "podworthy",
            "policy": "require-probes",
            "severity": "high",
            "result": "fail",
            "scored": True,
            "resources": [
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": "shop", "name": "web"}
            ],
            "message": "web: no livenessProbe; add one",
            "properties": {
                "path": "/spec/template/spec/containers/0/livenessProbe",
                "action": "deny",
            },
        }
    ]


def test_the_gravest_come_first() -> None:
    (report,) = reports(judged(*reversed(EVERY_KIND)))
    assert [one["result"] for one in report["results"]] == [
        "error",
        "fail",
        "warn",
        "warn",
        "warn",
        "skip",
    ]
    (skip,) = [one for one in report["results"] if one["result"] == "skip"]
    assert skip["properties"]["exemptionExpires"] == "2027-03-31"
    by_action = {one["properties"].get("action"): one["severity"] for one in report["results"][2:5]}
    assert by_action == {"warn": "medium", "audit": "low"}


def test_too_many_are_counted_and_the_least_grave_left_out() -> None:
    many = [*[SKIPPED] * MAX_RESULTS, *[WARNED] * MAX_RESULTS, CRASHED, *[DENIED] * 3]
    (report,) = reports(judged(*many))
    kinds = [one["result"] for one in report["results"]]
    assert kinds == ["error", *["fail"] * 3, *["warn"] * (MAX_RESULTS - 4)]
    assert report["metadata"]["annotations"][OMITTED] == str(len(many) - MAX_RESULTS)
    assert report["summary"]["skip"] == MAX_RESULTS


def test_the_largest_report_fits_into_etcd() -> None:
    """1.5 MiB; names are at most 253 characters."""
    name = ObjectName("apps/v1", "StatefulSet", "n" * 63, "w" * 253)
    large = changed(DENIED, object=name, path="/é" * 4000, message="é" * 9000)
    (report,) = reports(judged(*[large] * MAX_RESULTS, name=name))
    assert len(report["results"][0]["message"]) == MAX_MESSAGE
    assert len(json.dumps(report, ensure_ascii=False).encode()) < 1_500_000


def test_hostile_text_is_printable() -> None:
    (report,) = reports(judged(changed(DENIED, message=ODD)))
    text = report["results"][0]["message"]
    assert "\x1b" not in text
    assert "\n" not in text


def test_what_could_not_be_judged_is_an_error_of_no_namespace() -> None:
    first, second = reports(judged(DENIED), UNREAD)
    assert second["metadata"]["namespace"] == "shop"
    (result,) = first["results"]
    assert result["result"] == "error"
    assert result["message"] == "gone.yaml: No such file or directory"


def test_the_hash_is_of_the_results() -> None:
    def digest(*told: Judged) -> str:
        (report,) = reports(*told)
        value: str = report["metadata"]["annotations"][HASH]
        return value

    assert digest(judged(DENIED)) == digest(judged(DENIED))
    assert len({digest(judged(one)) for one in (DENIED, WARNED, AUDITED)}) == 3
    assert digest(judged(DENIED)) != digest(judged(DENIED), judged(name=WEB))


def test_the_predecessor_has_the_source_in_results_alone() -> None:
    collection = Collection()
    collection.judged(judged(DENIED))
    (old,), (new,) = (list(collection.reports(api)) for api in (WGPOLICY, OPENREPORTS))
    assert (old["apiVersion"], old["kind"]) == ("wgpolicyk8s.io/v1alpha2", "PolicyReport")
    assert "source" not in old
    assert old["results"] == new["results"]
