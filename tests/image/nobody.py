"""Run a command as a pod's container would be: nobody, and nothing writable but /tmp."""

import os
import subprocess
import sys
from pathlib import Path

UID = 65532

_CHECK = "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))"
_VIEW = 'mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp && exec "$@"'
_DROP = [
    "setpriv",
    f"--reuid={UID}",
    f"--regid={UID}",
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
    # setpriv itself would still see what nobody may not
    *("sh", "-c", 'exec "$@"', "sh"),
]


def python() -> Path:
    """An interpreter that nobody may run, too, if there is one; else that of the tests."""
    own = Path(sys.executable).resolve()
    for one in (own, Path("/usr/local/bin/python3"), Path("/usr/bin/python3")):
        if one.exists() and _works([*dropped(), str(one), "-c", _CHECK]):
            return one
    return own


def confined(program: Path) -> list[str]:
    """What to put before the command to confine it as far as this machine allows: only root can."""
    if not _works([*dropped(), str(program), "--version"]):
        return []
    view = ["unshare", "--mount", "sh", "-c", _VIEW, "sh"]
    return [*(view if _works([*view, "true"]) else []), *dropped()]


def dropped() -> list[str]:
    """What to put before a command so that it has no privileges; nothing if it has none anyway."""
    return _DROP if os.geteuid() == 0 and _works([*_DROP, "true"]) else []


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
