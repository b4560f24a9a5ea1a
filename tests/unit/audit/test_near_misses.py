"""Exemptions that do not count, though they name what was found: nobody has to guess why."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from tests.builders import NOON, Object, container, load_profiles, pod, probed
from tests.exemptions import exemption
from webhook.audit import Court
from webhook.audit.judge import judge
from webhook.audit.near_misses import NearMisses
from webhook.audit.objects import Subject, objects
from webhook.exemptions import Exemption, Exemptions
from webhook.goyaml import documents
from webhook.identity import Identity

TODAY = NOON.date()

ENDED = date(2026, 11, 20)
LATER = date(2026, 12, 24)
START = "exemption web (team.yaml:1) does not count for Pod"
SHARED = pod(
    probed("web", volumeMounts=[{"name": "data", "mountPath": "/data"}]),
    probed("proxy", volumeMounts=[{"name": "data", "mountPath": "/data"}]),
    volumes=[{"name": "data", "hostPath": {"path": "/srv"}}],
)


def named(obj: Object, name: str = "web", namespace: str | None = "shop") -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return obj | {"metadata": metadata}


def notes(*exemptions: Exemption, audited: list[Object]) -> list[str]:
    """What is noted of an audit of these."""
    court = Court(load_profiles()["baseline"], Exemptions(exemptions), TODAY)
    near_misses = NearMisses(court.exemptions, TODAY)
    for obj in audited:
        (document,) = documents(msgspec.json.encode(obj))
        (subject,) = objects("web.json", document)
        assert isinstance(subject, Subject)
        near_misses.judged(judge(court, subject))
    return list(near_misses.notes())


BAD = pod(container("web"))


@pytest.mark.parametrize(
    ("changes", "namespace", "note"),
    [
        ({"expires": ENDED}, "shop", "shop/web: it ended on 2026-11-20"),
        ({"granted": LATER, "expires": LATER}, "shop", "shop/web: it begins on 2026-12-24"),
        ({"expires": ENDED}, None, "web: it ended on 2026-11-20"),
        (
            {},
            None,
            "web: it is for namespace shop, and the manifest names none: --namespace shop",
        ),
        (
            {"containers": frozenset({"proxy", "agent"})},
            "shop",
            "shop/web: it is only for what stands in agent, proxy, and volumes that nothing else "
            "mounts",
        ),
        ({"workload": "we*", "expires": ENDED}, "shop", "shop/web: it ended on 2026-11-20"),
    ],
)
def test_one_that_names_the_workload_is_told(
    changes: dict[str, Any], namespace: str | None, note: str
) -> None:
    one = exemption(**changes)
    assert notes(one, audited=[named(BAD, namespace=namespace)]) == [f"{START} {note}"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"namespace": "pay"},
        {"namespace": "pay", "expires": ENDED},
        {"kind": "StatefulSet", "expires": ENDED},
        {"workload": "webs", "expires": ENDED},
        {"workload": "web-*", "expires": ENDED},
        {"policies": frozenset({"require-claims"}), "expires": ENDED},
        {"containers": frozenset({"web"})},
    ],
)
def test_nothing_is_told_of_one_that_counts_or_is_for_something_else(
    changes: dict[str, Any],
) -> None:
    assert notes(exemption(**changes), audited=[named(BAD)]) == []


def test_nothing_is_told_where_nothing_is_found() -> None:
    one = exemption(policies=frozenset({"require-probes"}), expires=ENDED)
    assert notes(one, audited=[named(pod(probed("web")))]) == []


def test_a_volume_that_another_container_mounts_is_not_only_that_containers() -> None:
    one = exemption(policies=frozenset({"require-claims"}), containers=frozenset({"proxy"}))
    assert notes(one, audited=[named(SHARED)]) == [
        f"{START} shop/web: it is only for what stands in proxy, and volumes that nothing else "
        "mounts"
    ]


def test_one_that_excuses_a_part_is_in_use() -> None:
    one = exemption(containers=frozenset({"proxy"}))
    assert notes(one, audited=[named(pod(container("web"), container("proxy")))]) == []


def test_what_would_be_filled_is_found_too() -> None:
    one = exemption(policies=frozenset({"probe-timing"}), expires=ENDED)
    assert notes(one, audited=[named(pod(probed("web")))]) == [
        f"{START} shop/web: it ended on 2026-11-20"
    ]


def test_each_is_told_once() -> None:
    one = exemption(workload="debug-*", expires=ENDED)
    pods = [named(BAD, f"debug-{number}") for number in range(3)]
    assert notes(one, audited=pods) == [f"{START} shop/debug-0: it ended on 2026-11-20"]


def test_a_renewed_one_leaves_nothing_to_tell() -> None:
    old = exemption(name="old", expires=ENDED)
    assert notes(old, exemption(), audited=[named(BAD)]) == []


def test_names_from_strangers_do_not_repaint_a_terminal() -> None:
    one = exemption(workload="debug-*", expires=ENDED)
    (note,) = notes(one, audited=[named(BAD, "debug-\x1b[2J")])
    assert "\x1b" not in note


def test_owners_are_names_of_a_workload_too() -> None:
    one = exemption(kind="Deployment", workload="web", expires=ENDED)
    made = Identity("shop", (("Pod", "web-5f4d-x"), ("Deployment", "web")), True)
    (miss,) = Exemptions([one]).near_misses(made, TODAY)
    assert (miss.exemption, miss.asks_namespace) == (one, False)


def test_without_a_namespace_every_one_may_be_meant() -> None:
    ones = [exemption(name=name, namespace=name) for name in ("pay", "shop")]
    found = Exemptions(ones).near_misses(Identity(None, (("Pod", "web"),), False), TODAY)
    assert [(miss.exemption.name, miss.asks_namespace) for miss in found] == [
        ("pay", True),
        ("shop", True),
    ]


@pytest.mark.parametrize("days", [0, 1])
def test_the_last_day_is_one_of_its_days(days: int) -> None:
    found = notes(exemption(expires=TODAY - timedelta(days=days)), audited=[named(BAD)])
    assert len(found) == days
