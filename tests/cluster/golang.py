"""Compile programs from pinned Go modules with the toolchain of the virtual environment."""

import os
import sys
import time
from pathlib import Path

from tests.cluster.processes import Process

HEARTBEAT = 10  # seconds between two signs of life
_TAIL = 30  # lines of go's complaint that an error quotes
_VERSION = "k8s.io/component-base/version"  # the package that knows the Kubernetes version


class BuildError(Exception):
    """The programs cannot be had; the message says what to do."""


def say(message: str) -> None:
    """Tells a human who waits; stdout is for results."""
    print(f"podworthy: {message}", file=sys.stderr, flush=True)


def beside_python(name: str) -> Path:
    """A program that a package of the running virtual environment installed, or BuildError."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise BuildError(f"no {name} beside {sys.executable}: install requirements-dev.txt there")
    return path


def environment(scratch: Path) -> dict[str, str]:
    """Go's environment: all that it writes goes to `scratch`; a proxy's settings are kept."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(scratch / "compiled"),
        "GOFLAGS": "-modcacherw",  # else the sources are read-only and rmtree fails
        "GOMODCACHE": str(scratch / "sources"),
        "GOPATH": str(scratch / "gopath"),
        "GOTELEMETRY": "off",
        "GOTMPDIR": str(scratch),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def compile_program(
    module: Path, package: str, executable: Path, scratch: Path, version: str | None = None
) -> None:
    """Writes the executable of this package; BuildError with go's complaint.

    `module` is a directory with go.mod and go.sum; `version` is what a program of Kubernetes
    reports. Several calls with the same `scratch` share what they download and compile.
    """
    name = executable.name
    flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={_ldflags(version)}"]
    go = Process(
        [beside_python("go"), "build", *flags, "-o", executable, package],
        log=scratch / f"{name}.log",
        cwd=module,
        environment=environment(scratch),
    )
    started = time.monotonic()
    try:
        _watch(go, name, started)
    finally:
        go.stop()
    if go.exit_code != 0:
        raise BuildError(f"go build {package} failed:\n{_complaint(go.log)}")
    say(f"{name}: done in {time.monotonic() - started:.0f} s")


def _ldflags(version: str | None) -> str:
    """No debug symbols, and the version."""
    if version is None:
        return "-s -w"
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {_VERSION}.{name}={v}" for name, v in values.items())])


def _watch(go: Process, name: str, started: float) -> None:
    """Until it ends: a sign of life now and then."""
    last_word = started
    while go.exit_code is None:
        time.sleep(0.5)
        if time.monotonic() - last_word > HEARTBEAT:
            last_word = time.monotonic()
            compiled = sum(" " not in line for line in go.log.read_text().splitlines())
            say(f"{name}: {last_word - started:.0f} s, {compiled} packages compiled")


def _complaint(log: Path) -> str:
    """The end of go's output without its progress, which is bare package names."""
    lines = log.read_text(errors="replace").splitlines()
    told = [line for line in lines if " " in line and not line.startswith("go: downloading ")]
    return "\n".join(told[-_TAIL:])
