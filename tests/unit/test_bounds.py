"""The work for a review grows with its size, no faster, and ends at bounds."""

import json
import sys
from typing import Any

import msgspec
import pytest

from tests.builders import admission, of_kind, response, review
from tests.exemptions import exemption
from tests.large import SHAPES, Shape, sources_of_a_long_name
from webhook import messages, record
from webhook.admission import Admission, Answer, Door
from webhook.api import Violation
from webhook.exemptions import Exemptions

SHAPED = pytest.mark.parametrize("shape", SHAPES, ids=str)
DOORS = pytest.mark.parametrize("door", Door)
PROFILE = pytest.mark.parametrize("profile", ["advise", "strict"])


@pytest.fixture
def exempting() -> Admission:
    """The shipped profiles, and an exemption that is only for some containers."""
    found = admission()
    some = Exemptions([exemption(containers=frozenset({"web"}))])
    found.snapshot = msgspec.structs.replace(found.snapshot, exemptions=some)
    return found


def calls(admission: Admission, door: Door, profile: str, body: bytes) -> tuple[int, Answer]:
    """How often a function, a generator or a method of Python's own is entered, and the answer."""
    entered = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal entered
        entered += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        answer = admission.handle(door, profile, body)
    finally:
        sys.setprofile(before)
    return entered, answer


@SHAPED
@DOORS
@PROFILE
def test_twice_the_object_is_twice_the_work(
    shape: Shape, door: Door, profile: str, exempting: Admission
) -> None:
    half, _ = calls(exempting, door, profile, review(shape.of(shape.most // 2)))
    whole, answer = calls(exempting, door, profile, review(shape.of(shape.most)))
    assert answer.status == 200, answer.body
    assert whole < 2.5 * half + 1000


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.refused], ids=str)
@DOORS
def test_beyond_a_bound_the_place_and_the_bound_are_told(
    shape: Shape, door: Door, exempting: Admission
) -> None:
    step = 100 if "selector" in shape.refused else 1
    answer = exempting.handle(door, None, review(shape.of(shape.most + step)))
    assert answer.status == 400
    assert shape.refused in json.loads(answer.body)["error"]


def test_one_selector_has_a_bound_of_its_own(exempting: Admission) -> None:
    def answer(number: int) -> Answer:
        selector = {"matchLabels": {f"a{n}": "b" for n in range(number)}}
        ephemeral = {"volumeClaimTemplate": {"spec": {"selector": selector}}}
        obj = of_kind("Pod", volumes=[{"name": "v", "ephemeral": ephemeral}])
        return exempting.handle(Door.VALIDATE, None, review(obj))

    assert answer(1000).status == 200
    assert answer(1001).status == 400
    assert b"/spec/selector: more than 1000 requirements" in answer(1001).body


def test_only_warnings_that_are_shown_are_put_into_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words: list[str] = []
    warning = messages._warning

    def told(policy: str, violation: Violation) -> str:
        words.append(warning(policy, violation))
        return words[-1]

    monkeypatch.setattr(messages, "_warning", told)
    answer = admission().handle(Door.VALIDATE, "advise", review(sources_of_a_long_name(2900)))
    # beside the sources there is a readinessProbe that is missing
    assert response(answer)["warnings"] == [*words, f"and {2901 - messages.MAX_WARNINGS} more"]
    assert len(words) == messages.MAX_WARNINGS
    assert answer.record is not None
    assert answer.record["findingsOmitted"] == 2901 - record.MAX_RECORDED
    assert max(len(one["message"]) for one in answer.record["findings"]) == record.MAX_MESSAGE
