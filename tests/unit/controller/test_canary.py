"""The canary: what the answer to a bad pod means, and what is told of it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOON, admission, api_defaults, response, review
from webhook import catalog
from webhook.admission import Door
from webhook.cluster import Answer, Request
from webhook.controller.canary import EVENT_PERIOD, POLICIES, Canary, Outcome, judge, pod_request
from webhook.errors import ClusterError

DENIED = (
    'admission webhook "pods.strict.podworthy.dev" denied the request: podworthy/strict: 3 '
    "violations\ncanary: no livenessProbe"
)
WARNING = '299 - "canary: hostPath (/spec/volumes/0) is tied to a node [require-claims]"'


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(403, {"message": DENIED}), Outcome.DENIED),
        (Answer(201, {}), Outcome.LET_IN),
        (Answer(201, {}, (WARNING,)), Outcome.WARNED),
        (
            Answer(201, {}, ('299 - "would violate PodSecurity \\"restricted:latest\\""',)),
            Outcome.LET_IN,
        ),
        (
            Answer(403, {"message": 'pods "x" is forbidden: violates PodSecurity "restricted"'}),
            Outcome.UNKNOWN,
        ),
        (Answer(403, {"message": 'pods "x" is forbidden: exceeded quota: q'}), Outcome.UNKNOWN),
        (Answer(403, {"message": "User cannot create resource pods"}), Outcome.UNKNOWN),
        (
            Answer(
                403,
                {"message": 'admission webhook "x.example.com" denied the request: no'},
            ),
            Outcome.UNKNOWN,
        ),
        (
            Answer(500, {"message": 'failed calling webhook "pods.strict.podworthy.dev"'}),
            Outcome.UNKNOWN,
        ),
        (Answer(404, {"message": 'namespaces "canary" not found'}), Outcome.UNKNOWN),
        (Answer(502, {}), Outcome.UNKNOWN),
    ],
)
def test_what_an_answer_means(answer: Answer, outcome: Outcome) -> None:
    finding = judge(answer)
    assert finding.outcome is outcome
    enforcing = {Outcome.LET_IN: False, Outcome.UNKNOWN: None}
    assert finding.enforcing is enforcing.get(outcome, True)
    if outcome is Outcome.UNKNOWN and answer.body:
        assert answer.body["message"] in finding.detail


@pytest.mark.parametrize("profile", ["advise", "baseline", "strict"])
def test_the_pod_is_bad_enough_for_every_shipped_profile(profile: str) -> None:
    pod = api_defaults(dict(pod_request("canary").body))
    verdict = response(admission().handle(Door.VALIDATE, profile, review(pod)))
    warnings = tuple(f'299 - "{text}"' for text in verdict.get("warnings", ()))
    told = verdict.get("status", {}).get("message")
    refusal = {"message": f'admission webhook "x" denied the request: {told}'}
    finding = judge(Answer(201, {}, warnings) if verdict["allowed"] else Answer(403, refusal))
    assert finding.outcome is (Outcome.WARNED if profile == "advise" else Outcome.DENIED)


class ApiServer:
    """Answers pods as told, and takes Events."""

    def __init__(self, *answers: Answer | ClusterError) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        if request.path.endswith("/events"):
            return Answer(201, {})
        answer = self.answers.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer

    @property
    def events(self) -> list[Any]:
        return [one.body for one in self.asked if one.path.endswith("/events")]


def test_only_a_dry_run_is_asked_for() -> None:
    api_server = ApiServer(Answer(201, {}))
    Canary(api_server, "canary", "pod-1").run(lambda: NOON)
    (pod, event) = api_server.asked
    assert (pod.method, pod.query) == ("POST", {"dryRun": "All"})
    assert pod.path == "/api/v1/namespaces/canary/pods"
    assert event.path == "/apis/events.k8s.io/v1/namespaces/canary/events"


def test_an_event_tells_that_it_was_let_in_but_not_each_minute() -> None:
    let_in = [Answer(201, {}, date=NOON + timedelta(minutes=minute)) for minute in range(21)]
    api_server = ApiServer(*let_in)
    canary = Canary(api_server, "canary", "pod-1")
    for _ in let_in:
        finding, trouble = canary.run(lambda: NOON)
        assert (finding.outcome, trouble) == (Outcome.LET_IN, None)
    assert len(api_server.events) == 1 + 20 // (EVENT_PERIOD // timedelta(minutes=1))
    first = api_server.events[0]
    assert (first["type"], first["reason"]) == ("Warning", "NotEnforcing")
    assert first["eventTime"] == "2026-11-24T12:00:00.000000Z"
    assert first["regarding"]["name"] == first["metadata"]["namespace"] == "canary"
    assert len(first["note"]) <= 1024


def test_a_new_failure_is_told_at_once() -> None:
    api_server = ApiServer(
        Answer(201, {}, date=NOON),
        Answer(403, {"message": DENIED}, date=NOON),
        Answer(201, {}, date=NOON),
    )
    canary = Canary(api_server, "canary", "pod-1")
    for _ in range(3):
        canary.run(lambda: NOON)
    assert len(api_server.events) == 2


def test_no_answer_is_unknown() -> None:
    finding, _ = Canary(ApiServer(ClusterError("gone")), "canary", "x").run(lambda: NOON)
    assert (finding.outcome, finding.detail) == (Outcome.UNKNOWN, "gone")


def test_an_event_that_cannot_be_made_is_trouble() -> None:
    class Refusing(ApiServer):
        def ask(self, request: Request) -> Answer:
            if request.path.endswith("/events"):
                return Answer(403, {"message": "no right"})
            return super().ask(request)

    _, trouble = Canary(Refusing(Answer(201, {})), "canary", "x").run(lambda: NOON)
    assert trouble == "no Event could be made: no right"


def test_the_policies_exist() -> None:
    assert set(POLICIES) <= set(catalog.load(()))
