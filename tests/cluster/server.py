"""Run podworthy as a cluster would: registered by Service, with a certificate for its name."""

import contextlib
import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cluster.certificates import webhook_certificate
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import Process, free_port
from tests.cluster.registration import (
    BREAK_GLASS,
    NAMESPACE,
    SERVICE,
    create_service,
    register,
    wait_until_enforced,
)
from tests.fixtures import PROFILES_DIRECTORY

PROFILES = {"advise": "Ignore", "baseline": "Fail", "strict": "Fail"}
DEFAULT = "baseline"
ALL_PROFILES = PROFILES | {"everything": "Fail"}
"""With the one that fixtures are judged by, for `everything_command`."""

EXEMPTED = "exempted"
"""A namespace in which workloads `exempted` need no claims, until today, and `expired` needed none
until yesterday."""

_ROOT = Path(__file__).parents[2]
_START = 30  # seconds until the server listens

Command = Callable[[str, int, Path, Path], list[str | Path]]


def webhook_command(host: str, port: int, certificate: Path, key: Path) -> list[str | Path]:
    """The command line that serves on this address."""
    serve: list[str | Path] = [sys.executable, "-m", "webhook", "serve"]
    address = [f"--host={host}", f"--port={port}", "--drain=1"]  # one API server, soon told
    group = f"--break-glass-group={BREAK_GLASS}"
    return [*serve, *address, group, "--cert", certificate, "--key", key]


def everything_command(host: str, port: int, certificate: Path, key: Path) -> list[str | Path]:
    """The command line that serves `ALL_PROFILES`, not just the shipped ones."""
    shipped = webhook_command(host, port, certificate, key)
    return [*shipped, "--profiles", PROFILES_DIRECTORY]


@contextlib.contextmanager
def webhook_server(
    control_plane: ControlPlane,
    *,
    profiles: Mapping[str, str] = PROFILES,
    default: str = DEFAULT,
    command: Command = webhook_command,
    port: int | None = None,
) -> Iterator[Process]:
    """The server, from when it is asked and obeyed; its log is `webhook.log` in the directory.

    `profiles` maps each to its failurePolicy; without a `port`, a free one is taken. ProcessDied,
    TimeoutError: with the log's end.
    The registration stays behind, but its names are replaced by the next.
    """
    port = port or free_port()
    ip = create_service(control_plane, port)
    pems = webhook_certificate(f"{SERVICE}.{NAMESPACE}.svc", ip)
    certificate, key = (
        control_plane.directory / "webhook.crt",
        control_plane.directory / "webhook.key",
    )
    certificate.write_bytes(pems.certificate_pem)
    key.write_bytes(pems.key_pem)
    log = control_plane.directory / "webhook.log"
    exemptions = control_plane.directory / "exemptions.yaml"
    exemptions.write_text("\n---\n".join(map(json.dumps, _exemptions())))
    serve = [*command(ip, port, certificate, key), "--exemptions", exemptions]
    server = Process(serve, log=log, cwd=_ROOT)
    try:
        server.wait_until(lambda: _listens(ip, port), seconds=_START, what="webhook server")
        register(control_plane, ca_pem=pems.ca_pem, port=port, profiles=profiles, default=default)
        wait_until_enforced(control_plane, default)
        yield server
    finally:
        server.stop()


def _listens(ip: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ip, port)) == 0


def _exemptions() -> Iterator[dict[str, object]]:
    today = datetime.now(UTC).date()
    for name, days in (("exempted", 0), ("expired", -1)):
        for kind in ("Deployment", "StatefulSet", "Job"):
            yield {
                "apiVersion": "podworthy.dev/v1alpha1",
                "kind": "Exemption",
                "metadata": {"name": f"{name}-{kind.lower()}"},
                "spec": {
                    "policies": ["require-claims"],
                    "workload": {"namespace": EXEMPTED, "kind": kind, "name": name},
                    "reason": "a test",
                    "owner": "testers",
                    "granted": str(today - timedelta(days=10)),
                    "expires": str(today + timedelta(days=days)),
                },
            }
