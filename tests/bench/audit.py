"""How fast manifests are read and audited, and in how much memory: `make bench`.

    .venv/bin/python -m tests.bench.audit

Nothing is asserted, because machines differ, and what else they do. Compare within one table: the
ratio is to PyYAML's C loader, measured in the same run. The audit has its bytecode, as an installed
program has: some environments keep Python from writing it.
"""

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import yaml

import policies
import webhook
from tests.bench import corpus
from webhook import goyaml

SIZES: Final = (5_000, 50_000)
AIM: Final = (
    "aim: 5000 documents in less than 1.0 s and 130 MiB on 2 processors, 50000 in 10 times the time"
)
RUNS: Final = 5
_SAMPLE_EVERY: Final = 0.005
_NOTHING: Final = "-"


def main(sizes: Iterable[int] = SIZES, runs: int = RUNS) -> None:
    """Print a table of measurements with so many documents; of the parsers with the first."""
    print(f"{'':28}{'documents/s':>12}{'seconds':>9}{'peak MiB':>9}{'ratio':>7}")
    for module in (webhook, policies):
        compileall.compile_dir(module.__path__[0], quiet=1)
    before = os.getloadavg()[0]
    reference = 0.0
    for documents in sizes:
        with tempfile.TemporaryDirectory() as name:
            corpus.write(Path(name), documents)
            reference = reference or parsers(Path(name), documents, runs)
            _audits(name, documents, runs, reference)
    load = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after"
    print(f"{len(os.sched_getaffinity(0))} processors, {load}")
    print(AIM)


def _audits(directory: str, documents: int, runs: int, reference: float) -> None:
    # looking at a process slows it down, so that one is not timed
    peak = f"{peak_of_audit(directory):.0f}"
    seconds = [audit(directory) for _ in range(runs)]
    _row(f"audit {documents}, best of {runs}", documents, min(seconds), reference, peak)
    _row(f"audit {documents}, median", documents, statistics.median(seconds), reference)


def parsers(directory: Path, documents: int, runs: int) -> float:
    """Measure the parsers alone; the documents a second of PyYAML."""
    texts = [path.read_bytes() for path in directory.iterdir()]
    slow = _best(lambda: _drain(yaml.load_all(text, yaml.CSafeLoader) for text in texts), runs)
    fast = _best(lambda: _drain(goyaml.documents(text) for text in texts), runs)
    reference = documents / slow
    _row("PyYAML CSafeLoader", documents, slow, reference)
    _row("webhook.goyaml", documents, fast, reference)
    return reference


def audit(directory: str) -> float:
    """The seconds that `podworthy audit` takes, from its start to its end."""
    start = time.perf_counter()
    _judged(_start(directory))
    return time.perf_counter() - start


def peak_of_audit(directory: str) -> float:
    """The most memory in MiB that `podworthy audit` and its children take at any time.

    As proportional set size: pages that several processes share count once in all.
    """
    process = _start(directory)
    samples = [0.0]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_EVERY):
            samples.append(sum(map(_pss, _tree(process.pid))))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        _judged(process)
    finally:
        done.set()
        sampler.join()
    return max(samples)


def _start(directory: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "webhook", "audit", directory]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _judged(process: subprocess.Popen[bytes]) -> None:
    code = process.wait()
    if code != 1:  # the corpus has findings
        raise SystemExit(f"podworthy audit ended with {code}")


def _tree(pid: int) -> Iterator[int]:
    """A process and those below it."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return  # the process has ended
    for task in tasks:
        for child in _read(task / "children").split():
            yield from _tree(int(child))


def _pss(pid: int) -> float:
    """A process' proportional set size in MiB; 0 once it has ended."""
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # the process has ended


def _best(measured: Callable[[], None], runs: int) -> float:
    def once() -> float:
        start = time.perf_counter()
        measured()
        return time.perf_counter() - start

    return min(once() for _ in range(runs))


def _drain(streams: Iterable[Iterable[object]]) -> None:
    for stream in streams:
        for _ in stream:
            pass


def _row(what: str, documents: int, seconds: float, reference: float, peak: str = _NOTHING) -> None:
    rate = documents / seconds
    print(f"{what:28}{rate:12.0f}{seconds:9.2f}{peak:>9}{rate / reference:7.1f}", flush=True)


if __name__ == "__main__":
    main()
