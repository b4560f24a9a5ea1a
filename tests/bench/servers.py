"""The servers that are compared, each a process on a loopback port, and the load on them."""

import contextlib
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.bench import machine
from tests.bench.binaries import Programs
from tests.bench.reviews import Review
from tests.cluster.certificates import webhook_certificate
from tests.cluster.processes import Process, free_port

HOST: Final = "127.0.0.1"
NAMES: Final[Mapping[str, str]] = {
    "a": "podworthy",
    "b": "its Flask application on gthread (serve --wsgi)",
    "c": "the same worker and protocol answering a constant",
    "d": "a Go webhook with two of the rules (tests/bench/reference)",
}
PROFILE: Final = "strict"
_ROOT: Final = Path(__file__).parents[2]
_START: Final = 30  # seconds
_PATIENCE: Final = 60  # seconds that a load may take longer than it is told


class Files(msgspec.Struct, frozen=True):
    """Where certificates are, and room for logs and bodies."""

    directory: Path
    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def named(cls, directory: Path, name: str) -> "Files":
        """Paths in the directory, of files that need not exist yet."""
        return cls(directory, *(directory / f"{name}.{end}" for end in ("ca", "crt", "key")))


class Answers(msgspec.Struct, frozen=True):
    """What `load` prints: of the measured time, but `total` has the warm-up, too. Milliseconds."""

    requests: int
    total: int
    failed: int
    seconds: float
    p50: float
    p90: float
    p99: float
    max: float
    error: str = ""


class Server:
    """One that runs and answers."""

    def __init__(self, process: Process, url: str, seconds_to_ready: float) -> None:
        self.url = url
        self.seconds_to_ready = seconds_to_ready
        """From its start to its first answer."""
        self._process = process
        self._pids = tuple(machine.tree(process.pid))

    def cpu_seconds(self) -> float:
        """What it has used so far, gunicorn's master included."""
        self._process.check()
        return machine.cpu_seconds(self._pids)

    def resident_mib(self) -> float:
        """The memory of the process that answers."""
        return machine.resident_mib(self._pids[-1])


def files(directory: Path, name: str = "localhost", ip: str = HOST) -> Files:
    """Fresh certificates for a server of this name and address, in the directory."""
    made = Files.named(directory, name)
    pems = webhook_certificate(name, ip)
    made.ca.write_bytes(pems.ca_pem)
    made.certificate.write_bytes(pems.certificate_pem)
    made.key.write_bytes(pems.key_pem)
    return made


def command(which: str, programs: Programs, pems: Files, host: str, port: int) -> list[str | Path]:
    """The command line of one of `NAMES`; (c) listens on the loopback whatever the host."""
    if which == "c":
        floor = "tests.bench.floor"
        return [sys.executable, "-m", floor, str(port), pems.certificate, pems.key]
    pair: list[str | Path] = ["--cert", pems.certificate, "--key", pems.key]
    if which == "d":
        return [programs.reference, "--address", f"{host}:{port}", *pair]
    address = [f"--host={host}", f"--port={port}", "--drain=0", f"--profile={PROFILE}"]
    serve = [sys.executable, "-m", "webhook", "serve", *address]
    return [*serve, *(["--wsgi"] if which == "b" else []), *pair]


@contextlib.contextmanager
def serving(
    which: str,
    programs: Programs,
    pems: Files,
    core: int | None,
    host: str = HOST,
    port: int | None = None,
) -> Iterator[Server]:
    """One of `NAMES` on this core, from when it answers; its log is `server-<which>.log`."""
    port = port or free_port(host)
    url = f"https://{host}:{port}"
    started = time.perf_counter()
    with machine.pinned(core):
        process = Process(
            command(which, programs, pems, host, port),
            log=pems.directory / f"server-{which}.log",
            cwd=_ROOT,
        )
    try:
        context = ssl.create_default_context(cafile=pems.ca)
        process.wait_until(lambda: _answers(url, context), seconds=_START, what="ready server")
        yield Server(process, url, time.perf_counter() - started)
    finally:
        process.stop()


def _answers(url: str, context: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", context=context, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def path_of(which: str, review: Review) -> str | None:
    """Where a server is asked a review; None if it is not: the reference fills nothing."""
    if which == "d":
        return "/validate" if review.door == "validate" else None
    return f"/{review.door}/{PROFILE}"


def ask(
    programs: Programs,
    url: str,
    *options: str | Path,
    core: int | None,
    connections: int,
    warm_up: float,
    seconds: float,
) -> Answers:
    """What came of asking `url` for so long; `options` as `load -help` has them."""
    times = [f"-warm-up={warm_up}s", f"-duration={seconds}s"]
    arguments: Sequence[str | Path] = ["-url", url, f"-connections={connections}", *times, *options]
    with machine.pinned(core):
        done = subprocess.run(
            [programs.load, *arguments],
            capture_output=True,
            timeout=warm_up + seconds + _PATIENCE,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"load: {done.stderr.decode()}")
    return msgspec.json.decode(done.stdout, type=Answers)


def expectations(which: str, review: Review, body: Path) -> list[str | Path]:
    """Options of `load` for a review in a file: what answers must be like."""
    if which == "c":
        return ["-body", body, "-allowed=true"]
    allowed = "true" if review.is_allowed else "false"
    return ["-body", body, f"-uid={review.uid}", f"-allowed={allowed}"]
