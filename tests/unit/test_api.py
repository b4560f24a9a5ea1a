"""What a policy may say: a wrong value is the policy's crash, not a riddle further on."""

from typing import Any

import pytest

from webhook.api import Fill, Violation

SOUND = {"path": "/spec", "subject": "web", "fact": "wrong", "fix": "change it"}
FILL = {"path": "/spec/x", "subject": "web", "value": 1, "was": None, "why": "absent"}


@pytest.mark.parametrize("field", [*SOUND, "why", "rule"])
def test_a_violation_is_told_in_strings(field: str) -> None:
    changed: dict[str, Any] = SOUND | {field: None}
    with pytest.raises(TypeError, match="told in strings, not by None"):
        Violation(**changed)


@pytest.mark.parametrize("path", ["spec.containers[0]", "spec/containers/0"])
def test_a_path_is_a_json_pointer(path: str) -> None:
    with pytest.raises(ValueError, match="is no JSON Pointer"):
        Violation(**SOUND | {"path": path})
    changed: dict[str, Any] = FILL | {"path": path}
    with pytest.raises(ValueError, match="is no JSON Pointer"):
        Fill(**changed)


def test_the_whole_object_is_a_place_too() -> None:
    assert Violation(**SOUND | {"path": ""}).path == ""


@pytest.mark.parametrize("value", [True, 1.5, None, ["a"]])
def test_a_fill_sets_an_integer_or_a_string(value: Any) -> None:
    changed: dict[str, Any] = FILL | {"value": value}
    with pytest.raises(TypeError, match="an integer or a string"):
        Fill(**changed)
