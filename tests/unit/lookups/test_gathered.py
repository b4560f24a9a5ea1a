"""What is there, what is absent, and what nobody can know."""

import msgspec
import pytest

from webhook.api import (
    Claim,
    ClaimSpec,
    Lookups,
    Missing,
    PersistentVolume,
    Service,
    StorageClass,
)
from webhook.lookups import Fragment, Gathered

ABSENT, UNKNOWN = Missing.ABSENT, Missing.UNKNOWN


def claim(name: str, namespace: str | None = None, request: int = 1) -> Claim:
    spec = ClaimSpec(None, ("ReadWriteOnce",), request, "Filesystem", None, ())
    return Claim(namespace, name, spec, phase=None, is_being_deleted=False)


def volume(name: str) -> PersistentVolume:
    return PersistentVolume(
        name=name,
        capacity=1,
        storage_class="",
        volume_mode="Filesystem",
        access_modes=("ReadWriteOnce",),
        labels={},
        claim_ref=None,
        phase=None,
        sources={},
        has_node_affinity=False,
        is_being_deleted=False,
    )


def storage_class(
    name: str, *, is_default: bool = False, created: str | None = None
) -> StorageClass:
    return StorageClass(name, "csi.example", "Immediate", is_default, created)


def test_an_empty_set_knows_nothing() -> None:
    nothing: Lookups = Gathered()
    assert nothing.claim("shop", "data") is UNKNOWN
    assert nothing.volume("pv") is UNKNOWN
    assert nothing.volumes() is UNKNOWN
    assert nothing.storage_class("fast") is UNKNOWN
    assert nothing.default_class() is UNKNOWN
    assert nothing.service("shop", "web") is UNKNOWN


@pytest.mark.parametrize("namespace", [None, "shop"])
def test_a_claim_is_absent_where_others_of_its_namespace_are_here(namespace: str | None) -> None:
    here = Gathered([claim("data", namespace)])
    assert here.claim(namespace, "data") == claim("data", namespace)
    assert here.claim(namespace, "dta") is ABSENT
    assert here.claim("elsewhere", "data") is UNKNOWN
    assert here.service(namespace, "data") is UNKNOWN


def test_where_only_one_of_two_has_a_namespace_they_may_belong_together() -> None:
    here = Gathered([claim("data", "shop"), claim("cache"), claim("logs", "other")])
    assert here.claim(None, "data") is UNKNOWN
    assert here.claim("shop", "cache") is UNKNOWN
    assert here.claim("shop", "logs") is ABSENT, "that is in another namespace for certain"


def test_the_last_of_two_documents_counts() -> None:
    here = Gathered([claim("data", request=1), claim("data", request=2)])
    assert here.claim(None, "data") == claim("data", request=2)


def test_a_fragment_is_there_but_unknown() -> None:
    patch = Fragment("PersistentVolumeClaim", None, "data")
    assert Gathered([patch]).claim(None, "data") is UNKNOWN
    assert Gathered([patch]).claim(None, "dta") is ABSENT
    assert Gathered([patch, claim("data")]).claim(None, "data") == claim("data")
    assert Gathered([claim("data"), patch]).claim(None, "data") == claim("data")


def test_volumes_have_no_namespace() -> None:
    here = Gathered([volume("a"), volume("b")])
    assert here.volume("b") == volume("b")
    assert here.volume("c") is ABSENT
    assert here.volumes() == [volume("a"), volume("b")]


def test_volumes_of_which_only_a_part_is_here_are_unknown() -> None:
    here = Gathered([volume("a"), Fragment("PersistentVolume", None, "b")])
    assert here.volumes() is UNKNOWN
    assert here.volume("a") == volume("a")


def test_of_several_default_classes_the_newest_counts() -> None:
    old = storage_class("a", is_default=True, created="2025-01-01T00:00:00Z")
    new = storage_class("b", is_default=True, created="2026-01-01T00:00:00Z")
    same = storage_class("c", is_default=True, created="2026-01-01T00:00:00Z")
    yet_to_come = storage_class("d", is_default=True)
    assert Gathered([same, old, new]).default_class() == new
    assert Gathered([yet_to_come, new]).default_class() == yet_to_come
    assert Gathered([old, storage_class("e")]).default_class() == old


def test_there_is_no_default_class_only_if_all_are_known() -> None:
    assert Gathered([storage_class("a")]).default_class() is ABSENT
    patch = Fragment("StorageClass", None, "b")
    assert Gathered([storage_class("a"), patch]).default_class() is UNKNOWN
    assert Gathered([storage_class("a")]).storage_class("b") is ABSENT


def test_services() -> None:
    web = Service("shop", "web", is_headless=True, selector={})
    assert Gathered([web]).service("shop", "web") == web
    assert Gathered([web]).service("shop", "db") is ABSENT


def test_an_object_without_a_name_is_none_that_anybody_could_ask_for() -> None:
    assert Gathered([claim("", "shop")]).claim("shop", "data") is UNKNOWN


def test_what_is_missing_from_all_there_is_is_absent() -> None:
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Service")
    nothing = Gathered((), kinds)
    assert nothing.claim("shop", "data") is ABSENT
    assert nothing.volume("pv") is ABSENT
    assert nothing.volumes() == []
    assert nothing.volumes_for("shop") == []
    assert nothing.storage_class("fast") is ABSENT
    assert nothing.default_class() is ABSENT
    assert nothing.service("shop", "web") is ABSENT


def test_a_kind_of_which_not_all_is_known_stays_unknown() -> None:
    services_only = Gathered((), ("Service",))
    assert services_only.claim("shop", "data") is UNKNOWN
    assert services_only.volumes() is UNKNOWN
    assert services_only.volumes_for("shop") is UNKNOWN
    odd = Gathered([Fragment("Service", "shop", "web")], ("Service",))
    assert odd.service("shop", "web") is UNKNOWN


def test_a_claim_can_only_get_what_is_reserved_for_no_other_namespace() -> None:
    free = volume("free")
    mine, theirs, anybodys = (
        msgspec.structs.replace(volume(name), claim_ref=(namespace, "data"))
        for name, namespace in (("mine", "shop"), ("theirs", "other"), ("anybodys", None))
    )
    here = Gathered([theirs, mine, free, anybodys])
    assert here.volumes_for("shop") == [free, anybodys, mine]
    assert here.volumes_for("empty") == [free, anybodys]
    assert here.volumes_for(None) == [theirs, mine, free, anybodys]
