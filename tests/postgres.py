"""A PostgreSQL server of the test's own: its programs, on a socket in a directory of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.processes import Process, wait_for

_DEBIAN = Path("/usr/lib/postgresql")
_SECONDS = 60

Command = list[str | Path]


@contextmanager
def server() -> Iterator[str]:
    """Runs one; yields the URL of its database. FileNotFoundError if there are no programs."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="podworthy-postgres-") as made:
        directory = Path(made)
        become = _become(directory)
        data = directory / "data"
        run: Command = [
            *become,
            programs / "initdb",
            "--auth=trust",
            "--no-sync",
            "-U",
            "kept",
            data,
        ]
        subprocess.run(run, check=True, capture_output=True, timeout=_SECONDS, cwd=directory)
        # a Unix socket and no address: nothing to find a free port for
        options: Command = [
            "-D",
            data,
            "-k",
            directory,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ]
        process = Process([*become, programs / "postgres", *options], log=directory / "log")
        try:
            ready: Command = [programs / "pg_isready", "--quiet", f"--host={directory}"]

            def answers() -> bool:
                return subprocess.run(ready, check=False).returncode == 0

            wait_for(answers, seconds=_SECONDS, what="PostgreSQL")
            yield f"postgresql://kept@/postgres?host={directory}"
        finally:
            process.stop()


def _programs() -> Path:
    """Where they are: Debian keeps them out of PATH."""
    for directory in (*sorted(_DEBIAN.glob("*/bin"), reverse=True), *_path()):
        if (directory / "initdb").exists():
            return directory
    raise FileNotFoundError("no initdb: install PostgreSQL's server (Debian: postgresql)")


def _path() -> Iterator[Path]:
    found = shutil.which("initdb")
    if found:
        yield Path(found).parent


def _become(directory: Path) -> Command:
    """It refuses to run as root; whom to become then, who must own the directory."""
    if os.geteuid() != 0:
        return []
    somebody = pwd.getpwnam("nobody")
    os.chown(directory, somebody.pw_uid, somebody.pw_gid)
    setpriv = shutil.which("setpriv")
    assert setpriv, "setpriv is part of util-linux"
    ids = [f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups"]
    return [setpriv, *ids, "--"]
