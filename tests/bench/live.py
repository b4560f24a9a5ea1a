"""How fast a cluster is audited, and in how much memory: `make bench`.

    .venv/bin/python -m tests.bench.live [PODS...]

`make bench LIVE_PODS="5000 10000 20000 50000"` has the full sizes. The audit is a process of its
own, `podworthy audit --cluster --format json`, and the cluster a real API server without
controllers, see `tests.bench.crowd`.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from tests.bench import population
from tests.bench.crowd import APISERVER, Crowd
from tests.cluster.control_plane import ControlPlane

SIZES: Final = (1000,)
AIM: Final = "aim: 50000 pods in 5000 workloads in less than 60 s and 200 MiB, a linear cost"


class Run(msgspec.Struct, frozen=True):
    """One audit, as a process."""

    seconds: float
    cpu: float
    """Seconds."""
    peak_mib: float
    """Resident, what it shares with others included."""
    summary: dict[str, object]


def main(sizes: Iterable[int] = SIZES) -> None:
    """Print a row for each number of pods, all in one cluster that grows."""
    print(f"{'audit --cluster':>16}{'objects':>9}{'seconds':>9}{'CPU s':>8}", end="")
    print(f"{'us/object':>11}{'CPU us':>8}{'peak MiB':>10}")
    with ControlPlane(apiserver=APISERVER, controllers=False) as plane:
        crowd = Crowd(plane)
        for pods in sorted(sizes):
            crowd.grow(pods // population.PODS_OF_A_WORKLOAD)
            run = audit(plane)
            check(run, crowd.workloads)
            each = run.seconds / crowd.objects * 1e6, run.cpu / crowd.objects * 1e6
            cells = f"{run.seconds:9.2f}{run.cpu:8.2f}{each[0]:11.0f}{each[1]:8.0f}"
            print(f"{pods:11} pods{crowd.objects:9}{cells}{run.peak_mib:10.0f}", flush=True)
    print(f"{len(os.sched_getaffinity(0))} processors, load {os.getloadavg()[0]:.1f}")
    print(AIM)


def audit(plane: ControlPlane, *options: str) -> Run:
    """Audit the cluster once."""
    report = plane.directory / "report.json"
    command = [sys.executable, "-m", "webhook", "audit", "--cluster", "--format", f"json={report}"]
    environment = os.environ | {"KUBECONFIG": str(plane.kubeconfig)}
    start = time.perf_counter()
    process = subprocess.Popen([*command, *options], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"podworthy audit ended with {process.returncode}")
    summary = msgspec.json.decode(report.read_bytes())["summary"]
    return Run(seconds, _cpu(usage), usage.ru_maxrss / 1024, summary)


def check(run: Run, workloads: int) -> None:
    """Fast and wrong is no figure. Raises `SystemExit`."""
    wanted = population.expected(workloads)
    counts = run.summary["notJudged"]
    owned = counts["owned"] if isinstance(counts, dict) else None
    found = population.Expected(run.summary["objects"], owned, run.summary["fail"])
    if found != wanted:
        raise SystemExit(f"the audit found {found}, not {wanted}")


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
