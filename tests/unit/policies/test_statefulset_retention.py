"""Claims that go with their StatefulSet."""

from typing import Any

import pytest

from tests.builders import Object, statefulset, violations, warnings

RETENTION = "/spec/persistentVolumeClaimRetentionPolicy"


def retaining(retention: Any, *templates: Object, **spec: Any) -> Object:
    """A StatefulSet with this retention policy, and one claim template unless others are given."""
    obj = statefulset(**spec)
    obj["spec"]["persistentVolumeClaimRetentionPolicy"] = retention
    obj["spec"]["volumeClaimTemplates"] = list(templates or [{"metadata": {"name": "data"}}])
    return obj


def found(obj: Object) -> list[str]:
    return [one.path for one in violations("statefulset-retention", obj)]


@pytest.mark.parametrize(
    ("retention", "fields"),
    [
        (None, []),
        ({}, []),
        ({"whenDeleted": None, "whenScaled": None}, []),
        ({"whenDeleted": "Retain", "whenScaled": "Retain"}, []),
        ({"whenDeleted": "Delete"}, ["whenDeleted"]),
        ({"whenScaled": "Delete"}, ["whenScaled"]),
        ({"whenDeleted": "Delete", "whenScaled": "Retain"}, ["whenDeleted"]),
        ({"whenDeleted": "Delete", "whenScaled": "Delete"}, ["whenDeleted", "whenScaled"]),
        # the API server refuses what it does not know, so a newer one knows it
        ({"whenDeleted": "Archive", "whenScaled": "delete"}, []),
    ],
)
def test_each_delete_is_a_finding(retention: Any, fields: list[str]) -> None:
    assert found(retaining(retention)) == [f"{RETENTION}/{field}" for field in fields]


def test_without_claim_templates_there_is_nothing_to_delete() -> None:
    obj = retaining({"whenDeleted": "Delete", "whenScaled": "Delete"})
    obj["spec"]["volumeClaimTemplates"] = []
    assert found(obj) == []
    obj["spec"]["volumeClaimTemplates"] = None
    assert found(obj) == []


def test_the_claims_of_ephemeral_volumes_are_not_meant() -> None:
    volume = {"name": "cache", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    obj = retaining({"whenDeleted": "Delete"}, volumes=[volume])
    assert found(obj) == [f"{RETENTION}/whenDeleted"]
    del obj["spec"]["volumeClaimTemplates"]
    assert found(obj) == []


def test_the_message_names_the_set_and_fits_into_a_warning() -> None:
    obj = retaining({"whenDeleted": "Delete", "whenScaled": "Delete"})
    place = "(/spec/persistentVolumeClaimRetentionPolicy)"
    assert warnings("statefulset-retention", obj) == [
        f"web: whenDeleted Delete {place} destroys data; use Retain [statefulset-retention]",
        f"web: whenScaled Delete {place} destroys data; use Retain [statefulset-retention]",
    ]
    del obj["metadata"]["name"]
    assert {one.subject for one in violations("statefulset-retention", obj)} == {"StatefulSet"}
