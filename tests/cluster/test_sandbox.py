"""`make sandbox` as somebody uses it: one terminal for it, another for kubectl."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.golang import beside_python
from tests.cluster.processes import Process, ProcessDied, wait_for
from tests.cluster.sandbox import _check_webhook, _stay
from tests.terminal import CTRL_C, PATIENCE, ROOT, Terminal


@pytest.fixture
def stdout(tmp_path: Path) -> Path:
    return tmp_path / "stdout"


def test_it_says_so_when_the_webhook_dies(tmp_path: Path) -> None:
    script = "import sys; sys.exit('no room')"
    dying = Process([sys.executable, "-c", script], log=tmp_path / "log")
    with pytest.raises(ProcessDied, match=r"the webhook has ended with 1.*\nno room$"):
        _stay(partial(_check_webhook, dying))


@contextlib.contextmanager
def sandbox(stdout: Path, settings: str) -> Iterator[Terminal]:
    """Until Ctrl-C, which ends all of it."""
    terminal = Terminal("sh", "-c", f"exec make sandbox {settings} >{shlex.quote(str(stdout))}")
    try:
        terminal.read_until("Ctrl-C ends it all")
        yield terminal
    finally:
        terminal.press(CTRL_C)
    assert terminal.exit_code() == 0
    assert not _kubeconfig(stdout).parent.exists()


def _kubeconfig(stdout: Path) -> Path:
    """The file, which is all that standard output says."""
    line = stdout.read_text()
    kubeconfig = line.removeprefix("export KUBECONFIG=").rstrip()
    assert line == f"export KUBECONFIG={kubeconfig}\n"
    return Path(kubeconfig)


def test_a_shell_can_take_its_line_and_ctrl_c_ends_it_all(
    control_plane: ControlPlane, stdout: Path
) -> None:
    with sandbox(stdout, f"KUBERNETES={control_plane.kubernetes}"):
        kubectl = [str(beside_python("kubectl")), f"--kubeconfig={_kubeconfig(stdout)}", "apply"]
        denied = subprocess.run(
            [*kubectl, f"--filename={ROOT}/examples/seed/goproxy.yaml"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "denied the request: podworthy/baseline: 1 violation" in denied.stderr
        web = [*kubectl, f"--filename={ROOT}/examples/web.yaml"]
        subprocess.run(web, capture_output=True, check=True)


@pytest.mark.usefixtures("service_ports")
def test_an_empty_one_has_a_node_on_which_the_chart_runs(
    control_plane: ControlPlane, stdout: Path
) -> None:
    with sandbox(stdout, f"KUBERNETES={control_plane.kubernetes} INSTALL=no") as terminal:
        lines = [line.strip() for line in terminal.text.splitlines()]
        told = [it for it in lines if it.startswith((". ", "export ", "helm ", "kubectl "))]
        here = partial(_type, stdout.parent, *told[:2])
        said = here(*told[2:], "kubectl run web --image=nginx")
        assert "Phase:          Succeeded" in said
        assert "Warning: web: no livenessProbe" in said
        here("kubectl wait --for=condition=Ready pod/web --timeout=60s")

        def servers() -> dict[str, int]:
            which = "--namespace=podworthy-system --selector=app.kubernetes.io/component=server"
            pods = json.loads(here(f"kubectl get pods {which} --output=json"))["items"]
            statuses = [it["status"]["containerStatuses"][0] for it in pods]
            return {it["containerID"]: it["restartCount"] for it in statuses if it["ready"]}

        (first, second) = servers()
        os.kill(int(first.removeprefix("process://")), signal.SIGKILL)
        wait_for(
            lambda: sorted(servers().values()) == [0, 1],
            seconds=PATIENCE,
            what="restarted server",
            pause=0.5,
        )
        assert second in servers()


def _type(home: Path, *lines: str) -> str:
    """What another terminal says; each line must succeed."""
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(lines)],
        cwd=ROOT,
        env={"PATH": os.defpath, "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
