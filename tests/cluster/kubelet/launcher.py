"""Be a container's process, as far as that goes without namespaces of the kernel.

    python -P launcher.py NAMESPACES COMMAND [ARGUMENT ...]

NAMESPACES is a file, the JSON of `images.Namespaces`. Standard library only, until our own program
is the command.
"""

import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PODWORTHY = "/app/bin/podworthy"
PYTHON = "/app/bin/python"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def main() -> None:
    """Ends as the command does; 127 for one that the image lacks."""
    namespaces = json.loads(Path(sys.argv[1]).read_text())
    program, *arguments = sys.argv[2:]
    _enter_network(namespaces["address"], Path(namespaces["hosts"]))
    socket.gethostname = lambda: str(namespaces["hostname"])
    mounts: dict[str, str] = namespaces["mounts"]
    if "/tmp" in mounts:  # noqa: S108 the container's
        tempfile.tempdir = mounts["/tmp"]  # noqa: S108
    if program == PODWORTHY:
        _run_podworthy(arguments, mounts, namespaces["prelude"])
    elif program == PYTHON and arguments[:2] == ["-I", "-c"]:
        _run_script(*arguments[2:])
    else:
        sys.exit(f"the image has no {program} that takes {arguments}")


def _run_podworthy(arguments: list[str], mounts: dict[str, str], prelude: str) -> None:
    sys.argv = [PODWORTHY, *arguments]
    sys.path.insert(0, str(ROOT))
    if ACCOUNT in mounts:
        from kubernetes.config import incluster_config

        incluster_config.SERVICE_TOKEN_FILENAME = f"{mounts[ACCOUNT]}/token"
        incluster_config.SERVICE_CERT_FILENAME = f"{mounts[ACCOUNT]}/ca.crt"
    exec(prelude, {})  # noqa: S102 a test's
    from webhook.cli import main as podworthy

    podworthy()


def _run_script(code: str, *arguments: str) -> None:
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


def _enter_network(address: str, hosts: Path) -> None:
    """Every address is the pod's one; names of Services are known."""
    resolve = socket.getaddrinfo
    bind = socket.socket.bind

    def bind_here(self: socket.socket, where: Any) -> None:
        if self.family == socket.AF_INET and where[0] in ("", "0.0.0.0"):  # noqa: S104
            where = (address, *where[1:])
        bind(self, where)

    def resolve_here(host: Any, *arguments: Any, **options: Any) -> Any:
        known = json.loads(hosts.read_text())
        return resolve(known.get(host, host), *arguments, **options)

    socket.socket.bind = bind_here  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = resolve_here


if __name__ == "__main__":
    main()
