"""`make bench` compares servers as it says: the reviews are as planned, and so are the tables."""

import json
from typing import get_args

import msgspec
import pytest

from tests.bench import creates, engine, floor, machine, requests, tables
from tests.bench.reviews import Review, Verdict, pod, reviews
from tests.bench.servers import NAMES, PROFILE, path_of
from tests.bench.targets import Target, targets
from tests.bench.variants import VARIANTS
from tests.builders import admission, patch, response
from webhook.admission import Door
from webhook.server.surface import Response, Surface

ALL = list(reviews())


@pytest.mark.parametrize("review", ALL, ids=lambda review: review.name)
def test_a_review_has_the_size_and_the_verdict_that_its_name_claims(review: Review) -> None:
    answer = admission().handle(Door(review.door), PROFILE, review.body)

    assert 0.8 < len(review.body) / 1000 / review.size < 1.3
    assert response(answer)["uid"] == review.uid
    assert response(answer)["allowed"] is (review.verdict != "deny")
    assert "warnings" not in response(answer)
    assert bool(patch(answer)) is (review.verdict == "fill")


def test_there_is_a_review_of_every_size_and_verdict() -> None:
    expected = {f"{size} KB {verdict}" for size in (2, 10, 30) for verdict in get_args(Verdict)}

    assert {review.name for review in ALL} == expected


def test_the_larger_reviews_own_what_they_have() -> None:
    """A field of a real object is owned by somebody: that is half of its size."""
    for review in ALL:
        if review.size == 2:
            continue
        recorded = json.loads(review.body)["request"]["object"]
        [entry] = recorded["metadata"]["managedFields"]
        owned = entry["fieldsV1"]["f:spec"]["f:containers"]
        for container in recorded["spec"]["containers"]:
            fields = set(owned[f'k:{{"name":"{container["name"]}"}}']) - {"."}
            assert {f"f:{key}" for key in container} - fields <= {"f:readinessProbe"}


def test_the_pod_for_a_real_api_server_names_no_cluster_of_ours() -> None:
    assert set(pod()) == {"apiVersion", "kind", "metadata", "spec"}
    assert "uid" not in json.dumps(pod())


def test_the_floor_answers_a_constant_on_the_same_surface() -> None:
    surface = Surface(floor.Constant(), dict, lambda: Response(404, b""))

    answers = [surface.respond("POST", f"/{door.value}", "", b"unread") for door in Door]

    assert [answer.status for answer in answers] == [200, 200]
    assert json.loads(answers[0].body)["response"] == {"uid": floor.UID, "allowed": True}
    assert surface.respond("GET", "/readyz", "", b"").body == b"ok"


def test_only_the_reference_is_not_asked_to_fill() -> None:
    asked = {which: [path_of(which, review) is not None for review in ALL] for which in NAMES}

    assert all(all(asked[which]) for which in "abc")
    assert asked["d"] == [review.verdict != "fill" for review in ALL]


def test_what_is_started_while_pinned_stays_there() -> None:
    core = machine.cores().server
    before = machine.cores()

    with machine.pinned(core):
        assert machine.cores() == machine.Cores(core, core)

    assert machine.cores() == before
    assert not machine.Cores(0, 0).are_apart
    assert not machine.Cores(None, None).are_apart


def sample(
    server: str, review: str = "2 KB allow", *, number: int = 0, rate: float = 1.0
) -> requests.Sample:
    return requests.Sample(
        server, review, 16, number, rate, 1000 / rate, 2000 / rate, 1e6 / rate, 0, ""
    )


def test_a_ratio_is_that_of_neighbours_in_time() -> None:
    """The third round ran while somebody else had the machine: no ratio is worse for that."""
    rates = {"a": (800, 820, 80), "d": (400, 400, 40)}
    samples = [
        sample(server, number=number, rate=rate)
        for server, found in rates.items()
        for number, rate in enumerate(found)
    ]

    asked = ("2 KB allow", 16, "requests_per_second")
    assert requests.median(samples, "a", *asked) == 800
    assert requests.ratio(samples, "a", "d", *asked) == 2.0
    assert requests.ratio(samples, "a", "c", *asked) is None
    assert requests.median(samples, "b", *asked) is None


def result() -> requests.Result:
    rates = {"a": 9000, "b": 1000, "c": 18000, "d": 4000}
    samples = [
        sample(which, review.name, rate=rate)
        for which, rate in rates.items()
        for review in ALL
        if path_of(which, review)
    ]
    return requests.Result(samples, [requests.Standing(which, 0.5, 40) for which in NAMES])


def ends() -> list[creates.Sample]:
    return [
        creates.Sample(variant, 0, 300, 50 + number, 90, 100.0 * number, 0, "")
        for number, variant in enumerate(VARIANTS, 1)
    ]


def test_the_table_of_requests_has_every_case_and_leaves_a_gap_where_nothing_was_asked() -> None:
    lines = list(tables.of_requests(result(), ALL))

    [head, first, *_] = [line for line in lines if line]
    assert head.split()[-7:] == ["(a)", "(b)", "(c)", "(d)", "a/c", "a/d", "a/b"]
    assert first.split() == ["2", "KB", "allow,", "1", "connection", *"-------"]
    busy = [line for line in lines if "16 connections" in line]
    assert busy[0].split()[-7:] == ["9000", "1000", "18000", "4000", "0.50", "2.25", "9.00"]
    assert busy[6].split()[-7:] == ["9000", "1000", "18000", "-", "0.50", "-", "9.00"]
    assert len(busy) == 4 * len(ALL)
    assert all(len(line) <= 110 for line in lines)


def test_the_table_of_creates_has_what_each_variant_adds() -> None:
    _, head, bare, *rows = tables.of_creates(ends())

    assert head.endswith("added   CPU us")
    assert bare.split()[-6:] == ["300", "51.0", "-", "90.0", "-", "100"]
    assert [row.split()[-4] for row in rows] == ["1.0", "2.0", "3.0", "4.0"]


def test_a_target_says_by_how_much_it_is_missed() -> None:
    assert Target("x", 2.0, True, 2.0).verdict == "met"
    assert Target("x", 2.0, True, 1.5).verdict == "missed by 25%"
    assert Target("x", 0.5, False, 0.75).verdict == "missed by 50%"
    assert Target("x", 0.5, False, None).verdict == "not measured"

    found = {target.what: target for target in targets(result(), ends())}
    assert found["requests/s, a/d, 2 KB allow"].verdict == "met"
    assert found["requests/s, a/d, 10 KB deny"].verdict == "missed by 44%"
    assert found["CPU a create, a/d, checks"].measured == pytest.approx(4 / 3)
    assert len(list(tables.of_targets(found.values()))) == len(found) + 2


def test_the_steps_of_a_review_add_up() -> None:
    [cost] = engine.costs([ALL[0]])

    assert cost.total == pytest.approx(cost.parse + cost.read + cost.policies + cost.answer)
    assert cost.parse > 0
    row = list(tables.of_engine([cost]))[-1]
    assert row.split()[-1] == f"{cost.total:.1f}"


def test_what_was_measured_is_written_in_camel_case() -> None:
    written = json.loads(msgspec.json.encode([sample("a"), ends()[0]]))

    assert {"requestsPerSecond", "p99Ms", "cpuUs"} <= set(written[0])
    assert {"createsPerSecond", "variant"} <= set(written[1])
