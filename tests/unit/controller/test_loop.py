"""One turn after the other: what is said, how long is waited, what is shown to others."""

import logging
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import NOON
from tests.unit.controller.cluster import (
    NAMES,
    SECRET,
    SERVICE,
    TIMING,
    Cluster,
    Time,
    configuration,
    controller,
    registration_path,
    secret_path,
)
from tests.unit.controller.world import running
from webhook.cluster import Answer, Request
from webhook.controller.access import rules
from webhook.controller.audits import AuditStatus
from webhook.controller.canary import Canary
from webhook.controller.certificates import new_authority, new_leaf, pem
from webhook.controller.clocks import Clocks
from webhook.controller.loop import Controller, Pace, Turn
from webhook.controller.metrics import Metrics
from webhook.controller.pages import ALIVE, Pages, listen
from webhook.controller.reading import Subject
from webhook.controller.status import CHECKS, Status
from webhook.errors import CannotServe, ClusterError
from webhook.history import Run, Tally

DOCUMENT = Path(__file__).parents[3] / "docs" / "controller.md"


def refusing(path: str, method: str, answer: Answer) -> object:
    def refuse(request: Request) -> Answer | None:
        return answer if path in request.path and request.method == method else None

    return refuse


def test_a_configuration_that_is_missing_is_told_and_the_others_are_cared_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = running()
    for kind in ("validating", "mutating"):
        del made.cluster.objects[registration_path(f"{kind}webhookconfigurations", NAMES[0])]
    assert made.turn() is Turn.REST
    told = f"there is no webhook configuration {NAMES[0]}"
    assert made.controller.status.problems == {"registration": told}
    assert not made.controller.status.ready
    made.turn()
    assert [one.message for one in caplog.records].count(f"registration: {told}") == 1
    made.cluster.register(NAMES[0])
    made.rest(check=False)
    assert made.is_in_order()
    with caplog.at_level(logging.INFO):
        made.turn()


def test_one_kind_of_a_name_is_enough() -> None:
    made = running()
    del made.cluster.objects[registration_path("mutatingwebhookconfigurations", NAMES[0])]
    made.turn()
    assert made.controller.status.ready


def test_a_configuration_of_another_service_is_told() -> None:
    made = running()
    path = registration_path("validatingwebhookconfigurations", NAMES[0])
    body = configuration("validatingwebhookconfigurations", NAMES[0])
    made.cluster.put(path, {**body, "webhooks": body["webhooks"][-1:]})
    made.turn()
    assert (
        "calls Service podworthy.podworthy-system.svc"
        in (made.controller.status.problems["registration"])
    )


def test_what_cannot_be_read_is_not_acted_upon() -> None:
    """A 403 is no 404: nobody knows that there is no Secret."""
    for status, body in ((403, {"reason": "Forbidden", "message": "no"}), (404, {}), (500, {})):
        made = running()
        del made.cluster.objects[secret_path()]
        made.cluster.refuse = refusing("/secrets/", "GET", Answer(status, body))  # type: ignore[assignment]
        before = made.cluster.writes
        assert made.controller.turn() is Turn.FAILED
        assert (
            "Secret podworthy-tls cannot be read" in (made.controller.status.problems["api-server"])
        )
        assert made.cluster.writes == before


def test_a_configuration_that_cannot_be_written_keeps_no_leaf_from_its_renewal() -> None:
    made = running(timedelta(days=61))
    made.cluster.register(NAMES[0])
    made.rest(check=False)
    made.cluster.time.pass_by(timedelta(days=61).total_seconds())
    kind = "mutatingwebhookconfigurations"
    authority = new_authority(SERVICE, made.cluster.time.now)
    held = made.cluster.secret()["ca.crt"]
    body = configuration(kind, NAMES[0], held + pem([authority.certificate]))
    made.cluster.put(registration_path(kind, NAMES[0]), body)
    forbidden = Answer(403, {"message": "patching is not allowed"})
    made.cluster.refuse = refusing(NAMES[0], "PATCH", forbidden)  # type: ignore[assignment]
    before = made.leaf()
    for _ in range(8):
        made.turn()
        made.cluster.time.pass_by(20)
    assert made.leaf() != before
    problem = made.controller.status.problems["registration"]
    assert problem.endswith("cannot be written: patching is not allowed")
    assert made.controller.turn() is Turn.FAILED


def test_a_crash_of_ours_is_told_and_the_next_turn_comes(caplog: pytest.LogCaptureFixture) -> None:
    made = running()

    def crash(_: Request) -> Answer:
        raise AssertionError("a test")

    made.cluster.refuse, refuse = crash, made.cluster.refuse
    assert made.controller.turn() is Turn.FAILED
    assert made.controller.status.problems == {"controller": "podworthy failed; its log says why"}
    assert "a turn failed" in caplog.text
    made.cluster.refuse = refuse
    assert made.controller.turn() is Turn.REST


@pytest.mark.parametrize("mode", ["cert-manager", "files"])
def test_certificates_of_others_are_only_looked_at(mode: str) -> None:
    cluster = Cluster()
    cluster.register()
    watching = controller(cluster, mode)  # type: ignore[arg-type]
    assert watching.turn() is Turn.REST
    assert watching.status.problems["secret"] == f"there is no Secret {SECRET}"
    assert "holds no certificate that is valid now" in watching.status.problems["certificate"]
    made = running()
    theirs = controller(made.cluster, mode)  # type: ignore[arg-type]
    before = made.cluster.writes
    theirs.turn()
    assert theirs.status.ready
    assert theirs.status.expiries.certificate is not None
    made.cluster.time.pass_by(timedelta(days=84).total_seconds())
    theirs.turn()
    assert "expires on" in theirs.status.problems["certificate"]
    made.cluster.time.pass_by(timedelta(days=7).total_seconds())
    theirs.turn()
    assert "expired on" in theirs.status.problems["certificate"]
    made.cluster.time.jump(timedelta(days=-120))
    theirs.turn()
    assert theirs.status.problems["certificate"]
    made.cluster.time.jump(timedelta(days=40))
    made.cluster.register(NAMES[0], authorities=_other_bundle(made.cluster.time))
    theirs.turn()
    assert "does not believe tls.crt" in theirs.status.problems["certificate"]
    assert made.cluster.writes == before


def _other_bundle(time: Time) -> bytes:
    return pem([new_authority(SERVICE, time.now).certificate])


def test_a_chain_is_followed() -> None:
    """As cert-manager's, with an intermediate in tls.crt."""
    cluster = Cluster()
    root = new_authority(SERVICE, NOON)
    leaf = new_leaf(root, SERVICE, NOON)
    unrelated = new_authority(SERVICE, NOON)
    cluster.register(authorities=pem([root.certificate]))
    chain = pem([leaf.certificate, unrelated.certificate, root.certificate])
    cluster.put(secret_path(), {"data": {}})
    cluster.write_secret(tls_crt=chain)
    watching = controller(cluster, "cert-manager")
    watching.turn()
    assert watching.status.ready


def test_pace() -> None:
    pace = Pace()
    assert {pace.after(Turn.REST, times) for times in range(1, 50)} == {10.0}
    assert pace.after(Turn.STEP, 1) == pace.after(Turn.STEP, 20) == 0.5
    assert [pace.after(Turn.STEP, 20 + more) for more in (1, 2, 50)] == [1.0, 2.0, 60.0]
    assert [pace.after(Turn.FAILED, times) for times in (1, 2, 3, 99)] == [1.0, 2.0, 4.0, 60.0]


class Stop(threading.Event):
    """Lets the loop wait for no time at all, and ends it after an hour."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        self._time.pass_by(timeout or 0.0)
        if self._time.seconds >= 3600:
            self.set()
        return self.is_set()


def test_the_loop_looks_each_ten_seconds_and_sends_a_canary_each_minute() -> None:
    cluster = Cluster()
    cluster.register()
    time = cluster.time
    clocks = Clocks(lambda: time.now, lambda: time.seconds)
    subject = Subject("self", SERVICE, SECRET, NAMES)
    canary = Canary(cluster, "canary", "x")
    looping = Controller(cluster, subject, canary, clocks, TIMING, Pace())
    looping.run(Stop(time))
    asked = [request.path for request in cluster.asked if request.method == "GET"]
    assert 355 <= asked.count(secret_path()) <= 366
    assert sum(looping.status.canaries.values()) == 60
    assert cluster.writes == 1 + 4 + 60 + 6, "authority, caBundles, canaries, Events"


def test_the_loop_hammers_no_api_server_that_is_gone() -> None:
    cluster = Cluster()

    def gone(_: Request) -> Answer:
        raise ClusterError("gone")

    cluster.refuse = gone
    time = cluster.time
    looping = controller(cluster)
    looping.run(Stop(time))
    assert len(cluster.asked) < 70
    assert looping.status.problems == {"api-server": "gone"}


# --- pages ------------------------------------------------------------------------------------


@pytest.fixture
def status() -> Status:
    made = running()
    made.turn()
    return made.controller.status


def pages(status: Status, now: float = 0.0) -> Pages:
    return Pages(status, Metrics(status, canary=True), lambda: now)


def test_readyz(status: Status) -> None:
    assert pages(status).respond("/readyz") == (200, "text/plain; charset=utf-8", b"ok")
    code, _, body = pages(status).respond("/readyz?verbose")
    assert code == 200
    assert body.decode().splitlines() == [
        *(f"[+]{check} ok" for check in CHECKS[:-1]),
        "readyz check passed",
    ]
    status.problems = {"secret": "there is none"}
    code, _, body = pages(status).respond("/readyz?verbose")
    assert code == 503
    assert b"[-]secret failed: there is none\n" in body
    assert pages(Status()).respond("/readyz")[0] == 503
    assert b"not looked" in pages(Status()).respond("/readyz?verbose")[2]


def test_livez_is_about_the_loop() -> None:
    fresh = Status()
    now = [100.0]
    asked = Pages(fresh, Metrics(fresh, canary=False), lambda: now[0])
    assert asked.respond("/livez")[0] == 200
    now[0] += ALIVE + 1
    assert asked.respond("/livez")[0] == 503
    fresh.turned = now[0]
    assert asked.respond("/livez")[0] == 200


def test_other_paths() -> None:
    assert pages(Status()).respond("/")[0] == 404


@contextmanager
def listening(status: Status) -> Iterator[str]:
    server = listen("127.0.0.1", 0, pages(status))
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_over_http(status: Status) -> None:
    with (
        listening(status) as url,
        urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer,  # noqa: S310 http
    ):
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b"podworthy_controller_problem" in answer.read()
    with listening(status) as url, pytest.raises(CannotServe, match="cannot listen on"):
        listen("127.0.0.1", int(url.rpartition(":")[2]), pages(status))


# --- docs/controller.md -----------------------------------------------------------------------


def test_every_metric_is_documented_and_every_documented_one_exists(status: Status) -> None:
    rows = re.findall(
        r"^\| `(podworthy_\w+)` \| (\w+) \| (.*?)\s*\| (.+) \|$", DOCUMENT.read_text(), re.M
    )
    documented = {
        name: (type_, set(re.findall(r"`(\w+)`", labels))) for name, type_, labels, _ in rows
    }
    status.audits = AuditStatus()
    status.audits.run = Run(NOON, "baseline", Tally(), policies={"require-probes": Tally()})
    page = Metrics(status, canary=True).page().decode()
    families = list(text_string_to_metric_families(page))
    exposed = {
        family.samples[0].name: (family.type, set(family.samples[0].labels)) for family in families
    }
    assert documented == exposed
    assert all(family.documentation.endswith(".") for family in families)


def test_every_right_is_documented_and_every_documented_one_is_used() -> None:
    rows = re.findall(
        r"^\| (Cluster)?Role.*? \| `(\S*)` \| `(\w+)` \| (.+?) \|.*\|$",
        DOCUMENT.read_text(),
        re.M,
    )
    documented = {
        (bool(cluster), group.replace('""', ""), resource, tuple(re.findall(r"`(\w+)`", verbs)))
        for cluster, group, resource, verbs in rows
    }
    subject = Subject("self", SERVICE, SECRET, NAMES)
    used = {
        (rule.namespace is None, rule.group, rule.resource, rule.verbs)
        for rule in rules(subject, "canary")
    }
    assert documented == used


@pytest.mark.parametrize("mode", ["cert-manager", "files"])
def test_other_modes_write_nothing_but_canaries(mode: str) -> None:
    subject = Subject(mode, SERVICE, SECRET, NAMES)  # type: ignore[arg-type]
    verbs = {verb for rule in rules(subject, None) for verb in rule.verbs}
    assert verbs == {"get"}


def test_every_check_is_documented() -> None:
    text = DOCUMENT.read_text()
    assert all(f"`{check}`" in text for check in CHECKS)
