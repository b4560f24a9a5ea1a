"""Mutated reviews against everything between the HTTP server and the policies."""

import gc
import json
import logging
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from tests.builders import NOON, load_profiles
from tests.exemptions import exemption
from tests.fixtures import PROFILES_DIRECTORY
from tests.fuzz import corpus, oracle
from tests.fuzz.mutations import MIB, Mutator, dumps
from webhook.admission import Admission, Snapshot
from webhook.exemptions import Exemptions
from webhook.review import API_VERSION, KIND
from webhook.server import surface
from webhook.server.surface import Response, Surface

CPU_SECONDS: Final = 0.1
"""For an answer to 1 MiB; to less it may take as long, to more in proportion."""
MAX_FAILURES: Final = 20
"""Failures of different kinds after which a run has seen enough."""
_LARGE_EVERY: Final = 150
"""One review in so many is of about 1 MiB."""
_DOORS: Final = ("validate", "validate", "mutate")
_PROFILES: Final = ("", "/baseline", "/strict", "/advise", "/everything")
_PATHS: Final = (
    *("/validate/", "/validate/none", "/mutate/a/b", "//validate", "/livez", "/readyz", "/metrics"),
    *("/", "", "*", "validate", "/policies/", "/policies/require-probes", "/validate/\x00\ufffd"),
)
_METHODS: Final = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "BREW", "post", "")


@dataclass(frozen=True)
class Failure:
    """What must not be, and the body that showed it."""

    kind: str
    detail: str
    target: str
    case: int
    body: Path

    def __str__(self) -> str:
        return f"case {self.case}: {self.kind} at {self.target}: {self.detail}\n  body: {self.body}"


@dataclass
class Report:
    """What a run has done."""

    seed: int
    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    behaviours: int = 0
    """Answers that differ in more than names and numbers."""
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds of CPU, and bytes of the review that took them."""
    slowest_body: bytes = b""
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        seconds, size = self.slowest
        counts = ", ".join(f"{n} of {status}" for status, n in sorted(self.statuses.items()))
        lines = [
            f"seed {self.seed}: {self.cases} reviews, {self.behaviours} behaviours; {counts}",
            f"slowest: {seconds * 1000:.1f} ms of CPU for {size / MIB:.2f} MiB",
            *map(str, self.failures),
        ]
        return "\n".join(lines)


def fuzz(seconds: float, seed: int, directory: Path, cpu_seconds: float = CPU_SECONDS) -> Report:
    """Ask for `seconds`; the bodies that show a failure, and the slowest, go to the directory.

    With other `cpu_seconds` than `CPU_SECONDS`, slowness begins there.
    Guided by what it meets: a review whose answer is of a kind not seen before is mutated further.
    """
    run = _Run(seed, directory, cpu_seconds)
    end = time.monotonic() + seconds
    with _logged(run.logged):
        while time.monotonic() < end and len(run.report.failures) < MAX_FAILURES:
            run.step()
    (directory / "slowest.json").write_bytes(run.report.slowest_body)
    return run.report


def routes() -> Surface:
    """All shipped profiles and `everything`, with exemptions in force and in grace."""
    ended = NOON.date() - timedelta(days=3)
    found = Exemptions(
        [
            exemption(containers=frozenset({"web"})),
            exemption(name="any", workload="*", policies=frozenset({"require-claims"})),
            exemption(name="set", kind="StatefulSet", expires=ended),
            exemption(name="old", kind="Deployment", expires=ended),
        ]
    )
    profiles = load_profiles([PROFILES_DIRECTORY])
    admission = Admission(Snapshot(profiles, "baseline", found), lambda: NOON)
    return Surface(admission, dict, lambda: Response(200, b"", surface.TEXT))


class _Run:
    def __init__(self, seed: int, directory: Path, cpu_seconds: float) -> None:
        self.report = Report(seed)
        self._cpu_seconds = cpu_seconds
        self.logged: list[str] = []
        self._directory = directory
        self._random = Random(seed)  # noqa: S311 nothing is secret here
        self._corpus = corpus.reviews()
        self._large = corpus.large()
        self._mutator = Mutator(self._random, tuple(self._corpus))
        self._routes = routes()
        self._seen: set[tuple[object, ...]] = set()
        self._failed: set[str] = set()

    def step(self) -> None:
        """One review, or one odd request."""
        self.report.cases += 1
        if self._random.random() < 0.02:
            self._ask_oddly()
            return
        if self.report.cases % _LARGE_EVERY:
            body = self._mutator.mutate(self._random.choice(self._corpus))
        elif self._random.random() < 0.5:
            body = self._mutator.enlarge(self._mutator.mutate(self._random.choice(self._corpus)))
        else:
            body = self._mutator.mutate(self._random.choice(self._large))
        door = self._random.choice(_DOORS)
        profile = self._random.choice(_PROFILES)
        response = self._ask("POST", f"/{door}{profile}", body)
        if response is not None:
            self._learn(door, body, response)

    def _ask_oddly(self) -> None:
        method, path = self._random.choice(_METHODS), self._random.choice(_PATHS)
        body = self._random.choice(self._corpus)
        query = self._random.choice(("", "verbose", "=&"))
        response = self._respond(method, path, query, body)
        if response is None:
            return
        self.report.statuses[response.status] += 1
        if response.status not in (200, 400, 404, 405):
            self._fail("status", str(response.status), f"{method} {path!r}", body)

    def _ask(self, method: str, path: str, body: bytes) -> Response | None:
        """Ask, and hold the answer against everything that must hold."""
        seconds = []
        # whatever else the machine does must not count: the best of a few that were too slow
        for _ in range(5):
            start = time.thread_time()
            answered = self._respond(method, path, "", body)
            if answered is None:
                return None
            response = answered
            seconds.append(time.thread_time() - start)
            if seconds[-1] <= self._allowance(len(body)):
                break
            gc.collect()
        self._time(min(seconds), path, body)
        self.report.statuses[response.status] += 1
        if self.logged:
            self._fail("logged", self.logged[0], path, body)
            self.logged.clear()
        try:
            patched = oracle.check(path.split("/")[1], body, response)
            if patched is not None:
                self._ask_again(path, body, patched)
        except oracle.Odd as odd:
            self._fail("odd", str(odd), path, body)
        return response

    def _respond(self, method: str, path: str, query: str, body: bytes) -> Response | None:
        try:
            return self._routes.respond(method, path, query, body)
        except Exception:
            self._fail("raised", traceback.format_exc(), f"{method} {path!r}", body)
            return None

    def _allowance(self, size: int) -> float:
        """Seconds of CPU that the answer to so many bytes may take."""
        return self._cpu_seconds * max(1.0, size / MIB)

    def _time(self, seconds: float, path: str, body: bytes) -> None:
        relative = seconds / self._allowance(len(body))
        before, size = self.report.slowest
        if relative > before / self._allowance(size):
            self.report.slowest, self.report.slowest_body = (seconds, len(body)), body
        if relative > 1:
            self._fail("slow", f"{seconds * 1000:.0f} ms for {len(body)} bytes", path, body)

    def _ask_again(self, path: str, body: bytes, patched: object) -> None:
        """A second run on the patched object must find nothing left to set."""
        request = oracle.request_of(body) | {"object": patched}
        review = {"apiVersion": API_VERSION, "kind": KIND, "request": request}
        again = self._routes.respond("POST", path, "", dumps(review))
        if "patch" in json.loads(again.body).get("response", {}):
            self._fail("unstable", "another patch after the patch", path, body)

    def _learn(self, door: str, body: bytes, response: Response) -> None:
        behaviour = _behaviour(door, response)
        if behaviour not in self._seen:
            self._seen.add(behaviour)
            self.report.behaviours += 1
            if response.status == 200 and len(body) < MIB // 4:
                self._corpus.append(body)

    def _fail(self, kind: str, detail: str, target: str, body: bytes) -> None:
        # one of each is enough
        name = f"{kind} {re.sub(r'[0-9]+', '0', detail)}" if kind != "slow" else kind
        if name in self._failed:
            return
        self._failed.add(name)
        file = self._directory / f"{kind}-{self.report.seed}-{self.report.cases}.json"
        file.write_bytes(body)
        self.report.failures.append(Failure(kind, detail, target, self.report.cases, file))


_NAMES: Final = re.compile(r"[0-9]+|'[^']*'|`[^`]*`|/[^ ]*|\b\w*got \S+")


def _behaviour(door: str, response: Response) -> tuple[object, ...]:
    """What an answer says, without the names and numbers in it."""
    if response.status != 200:
        return (response.status, _NAMES.sub("", str(msgspec.json.decode(response.body)))[:80])
    record = response.record or {}
    findings = {(f["policy"], f["rule"], _shape(f["message"])) for f in record.get("findings", ())}
    fills = {(f["path"].rpartition("/")[2], f["evidence"][:20]) for f in record.get("fills", ())}
    doubts = {why[:30] for why in record.get("doubts", {}).values()}
    return (door, record.get("kind"), *sorted(map(str, findings | fills)), *sorted(doubts))


def _shape(message: str) -> str:
    return _NAMES.sub("", message.partition(": ")[2])[:40]


@contextmanager
def _logged(messages: list[str]) -> Iterator[None]:
    """Every error that is logged meanwhile, as text."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(self.format(record))

    handler = Handler(logging.WARNING)
    logger = logging.getLogger("webhook")
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)
