"""A container's process: killed when it must be, started again, and what it has said."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.kubelet.containers import Container
from tests.cluster.kubelet.leaving import Leaving
from tests.cluster.kubelet.logs import Log, Options
from tests.cluster.manifests import Json
from tests.cluster.processes import Process, free_port, wait_for

OBEDIENT = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("here", flush=True)
while True:
    time.sleep(600)
"""
PATIENCE = 30.0

Make = Callable[..., Container]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Containers that run a program, by their names and what else their spec says."""
    with ExitStack() as stack:

        def made(program: str, name: str = "web", grace: float = 600, **spec: object) -> Container:
            def launch(restarts: int) -> Process:
                log = tmp_path / f"{name}.{restarts}.log"
                return Process([sys.executable, "-c", program], log=log)

            pod = {"restartPolicy": "Always", "terminationGracePeriodSeconds": grace}
            container = Container({"name": name, "image": ""} | spec, pod, "127.0.0.1", launch)
            stack.callback(container.kill)
            container.start()
            wait_for(lambda: container.log == "here\n", seconds=PATIENCE, what="start")
            return container

        yield made


def nobody(**timings: float) -> Json:
    """A probe of a port where nobody listens."""
    return {
        "httpGet": {"port": free_port()},
        "periodSeconds": 0.05,
        "failureThreshold": 2,
    } | timings


def until(condition: Callable[[], object], act: Callable[[], None]) -> None:
    """Act until it holds."""

    def look() -> object:
        act()
        return condition()

    wait_for(look, seconds=PATIENCE, what="change")


@pytest.mark.parametrize("kind", ["liveness", "startup"])
def test_a_container_whose_probe_fails_is_started_again(make: Make, kind: str) -> None:
    # a grace that would outlast the test: it is not used up by who goes when told to
    container = make(OBEDIENT, **{f"{kind}Probe": nobody()})
    first = container.process
    until(lambda: container.restarts, lambda: container.tick(may_restart=True))
    assert container.process not in (None, first)
    status = container.status()
    assert status["restartCount"] == 1
    ended = status["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == (f"{kind} probe failed", 143)


def test_one_that_does_not_go_for_its_probe_is_killed_after_the_grace(make: Make) -> None:
    container = make(STUBBORN, grace=0.5, livenessProbe=nobody())
    until(lambda: container.restarts, lambda: container.tick(may_restart=True))
    ended = container.ended or {}
    assert (ended["reason"], ended["exitCode"]) == ("liveness probe failed", 137)
    assert container.logs[0].path.read_text() == "here\nasked\n"


def test_a_failed_readiness_probe_kills_nobody(make: Make) -> None:
    container = make(OBEDIENT, readinessProbe=nobody())
    asked = container.process
    end = time.monotonic() + 0.5  # ten times the period
    until(lambda: time.monotonic() > end, lambda: container.tick(may_restart=True))
    assert container.process is asked
    assert not container.ready


def test_who_does_not_leave_with_the_pod_is_killed_at_the_end_of_its_grace(make: Make) -> None:
    containers = [make(OBEDIENT, "web"), make(STUBBORN, "proxy")]
    leaving = Leaving(containers, {"spec": {"containers": [{"name": "web"}, {"name": "proxy"}]}})
    obedient, stubborn = containers

    def go(grace: float) -> Callable[[], None]:
        def act() -> None:
            for container in containers:
                container.tick(may_restart=False)
            leaving.turn(grace)

        return act

    until(lambda: not obedient.process and "asked" in stubborn.log, go(600))
    assert stubborn.process
    until(lambda: leaving.over, go(0.1))
    exits = [one.ended["exitCode"] for one in containers if one.ended]
    assert exits == [143, 137]


def test_sigterm_waits_for_the_sleep_of_prestop(make: Make) -> None:
    container = make(STUBBORN)
    hook = {"preStop": {"sleep": {"seconds": 600}}}
    leaving = Leaving([container], {"spec": {"containers": [{"name": "web", "lifecycle": hook}]}})
    leaving.turn(1200)
    end = time.monotonic() + 0.3
    until(lambda: time.monotonic() > end, lambda: leaving.turn(1200))
    assert container.log == "here\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Three lines, of seconds 100, 200 and 200 of the epoch."""
    made = Log(tmp_path / "log")
    made.path.write_text("a\n")
    for moment, more in ((100, "bb\nccc\n"), (200, "")):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        made.look()
        with made.path.open("a") as file:
            file.write(more)
    made.is_open = False
    return made


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "a\nbb\nccc\n"),
        ({"tailLines": "2"}, "bb\nccc\n"),
        ({"tailLines": "0"}, ""),
        ({"tailLines": "9", "stream": "All"}, "a\nbb\nccc\n"),
        ({"limitBytes": "3"}, "a\nb"),
        ({"sinceTime": "1970-01-01T00:01:41Z"}, "bb\nccc\n"),
        ({"sinceSeconds": "100"}, "a\nbb\nccc\n"),
        ({"sinceSeconds": "99", "tailLines": "1"}, "ccc\n"),
        ({"follow": "true", "limitBytes": "4"}, "a\nbb"),
        ({"timestamps": "true", "tailLines": "1"}, "1970-01-01T00:03:20.000000Z ccc\n"),
    ],
)
def test_what_is_asked_of_a_log(log: Log, query: dict[str, str], text: str) -> None:
    options = Options.read(query)
    assert b"".join(log.read(options, lambda: False)).decode() == text


def test_a_log_is_followed_to_its_end(make: Make) -> None:
    container = make(STUBBORN)
    parts = container.logs[-1].read(Options(follow=True), lambda: False)
    assert next(parts) == b"here\n"
    assert container.process
    container.process.terminate()
    assert next(parts) == b"asked\n"
    container.kill()
    assert list(parts) == []


@pytest.mark.parametrize("query", [{"tailLines": "x"}, {"stream": "Stderr"}, {"sinceTime": "now"}])
def test_a_query_in_another_form_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Options.read(query)
