"""A real Kubernetes control plane on this machine, without containers, nodes or root.

    with ControlPlane("1.37.2") as control_plane:
        control_plane.kubectl("create", "-f", "-", stdin=manifest)

It lives in a temporary directory, and ends with the `with` block or with this process.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from tests.cluster import programs
from tests.cluster.build import binaries
from tests.cluster.certificates import Authority
from tests.cluster.processes import Process, ProcessDied, free_port, wait_for
from tests.cluster.versions import NEWEST
from webhook.cluster import Request
from webhook.cluster.client import Answer, ApiServer
from webhook.errors import ClusterError

_START = 60  # seconds that one program may take; an idle machine needs three
_ATTEMPTS = 3  # a port that was free may be taken before the API server binds it


class ControlPlane:
    """etcd, kube-apiserver and kube-controller-manager; entering returns when pods can be made.

    The attributes have a meaning only inside the `with` block.
    """

    directory: Path
    """Where certificates, logs (`<program>.log`) and etcd's data are; removed at the end."""
    kubeconfig: Path
    """An administrator, in group system:masters."""
    server: str
    """The API server's URL."""
    audit_log: Path
    """JSON lines: every write at level Request (secrets at Metadata, those in namespace
    `programs.RECORDED` at RequestResponse), with audit annotations."""

    def __init__(
        self,
        kubernetes: str = NEWEST,
        *,
        apiserver: Sequence[str] = (),
        controllers: bool = True,
    ) -> None:
        """`apiserver` are more arguments for kube-apiserver. Without controllers everything stays
        as it is posted, and namespaces have no ServiceAccount."""
        self.kubernetes = kubernetes
        self._controllers = controllers
        self._apiserver = apiserver

    def __enter__(self) -> "ControlPlane":
        """Builds what is missing first (BuildError). ProcessDied, TimeoutError: log included."""
        self._programs = binaries(self.kubernetes)
        with contextlib.ExitStack() as stack:
            self.directory = Path(tempfile.mkdtemp(prefix="podworthy-"))
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self.kubeconfig = self.directory / "admin.kubeconfig"
            self.audit_log = self.directory / "audit.log"
            authority = programs.write_files(self.directory)
            etcd = self._start(stack, programs.etcd(self._programs))
            socket = self.directory / "etcd.sock:0"
            etcd.wait_until(socket.exists, seconds=_START, what="etcd")
            self._start_apiserver(stack, authority)
            if self._controllers:
                manager = self._start(stack, programs.kube_controller_manager(self._programs))
                manager.wait_until(
                    lambda: self._has_service_account("default"),
                    seconds=_START,
                    what="ServiceAccount of namespace default",
                )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends everything, last started first."""
        self._stack.close()

    def kubectl(
        self,
        *arguments: str,
        stdin: str | None = None,
        check: bool = True,
        as_user: str | None = None,
        as_group: Sequence[str] = (),
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl as administrator, or as somebody else; `timeout` in seconds.

        With `check`, CalledProcessError unless it succeeds, with its stderr as a note.
        """
        command: list[str | Path] = [self._programs.kubectl, *arguments]
        command += [f"--as={as_user}"] if as_user else []
        command += [f"--as-group={group}" for group in as_group]
        done = subprocess.run(
            command,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self._environment() | {"KUBECONFIG": str(self.kubeconfig)},
            check=False,
        )
        if check and done.returncode != 0:
            error = subprocess.CalledProcessError(
                done.returncode, [str(part) for part in command], done.stdout, done.stderr
            )
            error.add_note(done.stderr)
            raise error
        return done

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """What the API server says to an administrator, at a twentieth of kubectl's cost.

        ClusterError: it is not there.
        """
        return self._client.ask(Request(method, path, body))

    def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Returns when pods can be made in it, which needs its ServiceAccount."""
        metadata = {"name": name, "labels": dict(labels or {})}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        answer = self.ask("POST", "/api/v1/namespaces", manifest)
        assert answer.ok, answer.problem
        wait_for(
            lambda: self._has_service_account(name),
            seconds=_START,
            what=f"ServiceAccount of namespace {name}",
        )

    def delete_namespace(self, name: str) -> None:
        """Begins to; its objects go in their time."""
        answer = self.ask("DELETE", f"/api/v1/namespaces/{name}")
        assert answer.ok or answer.status == 404, answer.problem

    def audit_events(self) -> list[dict[str, Any]]:
        """What the audit log holds by now; an event may be written shortly after its answer."""
        lines = self.audit_log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _start(self, stack: contextlib.ExitStack, command: Sequence[str | Path]) -> Process:
        process = Process(
            command,
            log=self.directory / f"{Path(command[0]).name}.log",
            cwd=self.directory,
            environment=self._environment(),
        )
        stack.callback(process.stop)
        return process

    def _start_apiserver(self, stack: contextlib.ExitStack, authority: Authority) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            port = free_port(programs.HOST)
            self.server = f"https://{programs.HOST}:{port}"
            self._write_kubeconfigs(authority)
            command = [*programs.kube_apiserver(self._programs, port), *self._apiserver]
            process = self._start(stack, command)
            try:
                process.wait_until(self._is_ready, seconds=_START, what="ready API server")
            except ProcessDied:
                taken = "address already in use" in process.log.read_text(errors="replace")
                if not taken or attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _write_kubeconfigs(self, authority: Authority) -> None:
        programs.write_kubeconfig(
            self.kubeconfig, authority, self.server, "admin", "system:masters"
        )
        manager = "system:kube-controller-manager"
        configuration = Configuration()
        load_kube_config(str(self.kubeconfig), client_configuration=configuration)
        self._client = ApiServer(configuration)
        path = self.directory / "controller-manager.kubeconfig"
        programs.write_kubeconfig(path, authority, self.server, manager, "")

    def _environment(self) -> dict[str, str]:
        """No proxy, no ETCD_* setting, no home of ours: only what is said here counts."""
        return {"HOME": str(self.directory), "PATH": os.defpath, "TMPDIR": str(self.directory)}

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz").ok
        except ClusterError:
            return False

    def _has_service_account(self, namespace: str) -> bool:
        return self.ask("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default").ok
