"""Both servers while a ConfigMap's mount changes under them."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from tests.builders import pod, review
from tests.mounts import Mount
from tests.serving import PATIENCE, Served, children, eventually, read_answer, serving

TODAY = datetime.now(UTC).date()
EXEMPTION = f"""
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {{name: %(policy)s}}
spec:
  policies: [%(policy)s]
  workload: {{namespace: shop, kind: Pod, name: web}}
  reason: moves in Q1
  owner: team-shop
  granted: {TODAY - timedelta(days=1)}
  expires: {TODAY + timedelta(days=60)}
"""
PROBES = EXEMPTION % {"policy": "require-probes"}
CLAIMS = EXEMPTION % {"policy": "require-claims"}
BROKEN = PROBES + "  until: tomorrow\n"
BODY = review(
    pod({"name": "web", "image": "nginx"}, volumes=[{"name": "data", "hostPath": {"path": "/"}}])
)
REQUESTS = 2000


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """A mount of two files without documents."""
    mount = Mount(tmp_path)
    mount.write({"probes.yaml": "", "claims.yaml": ""})
    return mount


@pytest.fixture(params=[[], ["--wsgi"]], ids=["ours", "flask"])
def served(mount: Mount, request: pytest.FixtureRequest) -> Iterator[Served]:
    with serving("--exemptions", str(mount.directory), "--drain", "0", *request.param) as served:
        yield served


def violations(answer: tuple[int, str, bytes]) -> set[str]:
    """The policies that a denial names; none if the pod may pass."""
    status, _, body = answer
    assert status == 200
    response = json.loads(body)["response"]
    if response["allowed"]:
        return set()
    return {
        line[line.rindex("[") + 1 : -1] for line in response["status"]["message"].split("\n")[1:]
    }


def reviewed(served: Served) -> set[str]:
    return violations(served.ask("POST", "/validate", BODY))


def metric(served: Served, name: str) -> float:
    status, _, body = served.ask("GET", "/metrics")
    assert status == 200
    (line,) = (line for line in body.decode().splitlines() if line.startswith(f"podworthy_{name} "))
    return float(line.rsplit(" ", 1)[1])


def every_check(served: Served) -> list[str]:
    status, _, body = served.ask("GET", "/readyz?verbose")
    assert status == 200
    return body.decode().splitlines()


def test_a_mount_that_changes_breaks_and_is_repaired(served: Served, mount: Mount) -> None:
    assert reviewed(served) == {"require-probes", "require-claims"}

    mount.write({"probes.yaml": PROBES, "claims.yaml": CLAIMS})
    eventually(lambda: reviewed(served) == set())
    eventually(lambda: "INFO documents reloaded: 3 profiles, 2 exemptions\n" in served.stderr)

    mount.write({"probes.yaml": BROKEN, "new.yaml": CLAIMS})
    eventually(lambda: metric(served, "documents_reload_failed") == 1)
    _, documents, certificate, verdict = every_check(served)
    assert certificate == "[+]certificate ok"
    problem = f"{mount.directory}/probes.yaml:12: unknown key 'until'"
    assert documents.startswith(f"[-]documents failed: {problem}")
    assert documents.endswith(" is in force)")
    assert verdict == "readyz check passed"
    assert served.ask("GET", "/readyz")[::2] == (200, b"ok")
    assert reviewed(served) == set()
    eventually(lambda: f"ERROR documents not reloaded: {problem}" in served.stderr)

    mount.write({"new.yaml": CLAIMS})
    eventually(lambda: reviewed(served) == {"require-probes"})
    eventually(lambda: metric(served, "documents_reload_failed") == 0)
    assert every_check(served)[1] == "[+]documents ok"


def test_a_worker_that_is_replaced_begins_with_what_is_in_force(
    served: Served, mount: Mount
) -> None:
    mount.write({"probes.yaml": PROBES, "claims.yaml": CLAIMS})
    eventually(lambda: reviewed(served) == set())
    killed = served.worker
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: children(served.process.pid) not in ([], [killed]))
    assert reviewed(served) == set()


def test_it_leaves_though_it_watches(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(PATIENCE) == 0
    assert "Traceback" not in served.stderr


def test_every_answer_is_of_one_set_or_the_other(served: Served, mount: Mount) -> None:
    """One set exempts from probes and the other from claims, in another file: half of both would
    deny for neither or for both."""
    mount.write({"probes.yaml": PROBES, "claims.yaml": ""})
    eventually(lambda: reviewed(served) == {"require-claims"})
    done = threading.Event()
    swaps = [
        {"probes.yaml": "", "claims.yaml": CLAIMS},
        {"probes.yaml": "a: [", "claims.yaml": CLAIMS},
        {"probes.yaml": PROBES, "claims.yaml": ""},
    ]
    swapped = 0

    def swap() -> None:
        nonlocal swapped
        for files in cycle(swaps):
            judged = _judged(served)
            mount.write(files)
            eventually(partial(_is_judged, served, judged + 1))
            swapped += 1
            if done.is_set():
                return

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        answers = [violations(answer) for answer in _asked(served, lambda: swapped >= 6)]
    finally:
        done.set()
        swapper.join(PATIENCE)
    assert {frozenset(answer) for answer in answers} == {
        frozenset({"require-claims"}),
        frozenset({"require-probes"}),
    }


def _asked(served: Served, enough: Callable[[], bool]) -> Iterator[tuple[int, str, bytes]]:
    """Answers on one connection: `REQUESTS`, and more until enough has happened."""
    head = f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n"
    request = head.encode() + BODY
    with served.connect() as connection:
        count = 0
        while count < REQUESTS or not enough():
            connection.sendall(request)
            yield read_answer(connection, "POST")
            count += 1
            assert count < 100 * REQUESTS, "nothing is swapped"


def _judged(served: Served) -> float:
    """How many sets the server has looked at since its start."""
    results = ("ok", "failed")
    return sum(metric(served, f'documents_reloads_total{{result="{one}"}}') for one in results)


def _is_judged(served: Served, count: float) -> bool:
    return _judged(served) >= count
