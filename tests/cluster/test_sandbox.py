"""`make sandbox` as somebody uses it: one terminal for it, another for kubectl."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.golang import beside_python
from tests.cluster.processes import Process, ProcessDied
from tests.cluster.sandbox import _stay
from tests.terminal import CTRL_C, ROOT, Terminal


@pytest.fixture
def stdout(tmp_path: Path) -> Path:
    return tmp_path / "stdout"


def test_it_says_so_when_the_webhook_dies(tmp_path: Path) -> None:
    script = "import sys; sys.exit('no room')"
    dying = Process([sys.executable, "-c", script], log=tmp_path / "log")
    with pytest.raises(ProcessDied, match=r"the webhook has ended with 1.*\nno room$"):
        _stay(dying)


def test_a_shell_can_take_its_line_and_ctrl_c_ends_it_all(
    control_plane: ControlPlane, stdout: Path
) -> None:
    sandbox = f"make sandbox KUBERNETES={control_plane.kubernetes} >{shlex.quote(str(stdout))}"
    terminal = Terminal("sh", "-c", f"exec {sandbox}")
    terminal.read_until("Ctrl-C ends it all")
    line = stdout.read_text()
    kubeconfig = Path(line.removeprefix("export KUBECONFIG=").rstrip())
    assert line == f"export KUBECONFIG={kubeconfig}\n"

    apply: list[str | Path] = [
        beside_python("kubectl"),
        f"--kubeconfig={kubeconfig}",
        "apply",
        "--filename",
    ]
    denied = subprocess.run(
        [*apply, ROOT / "examples" / "seed" / "goproxy.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "denied the request: podworthy/baseline: 1 violation" in denied.stderr
    subprocess.run([*apply, ROOT / "examples" / "web.yaml"], capture_output=True, check=True)

    terminal.press(CTRL_C)
    assert terminal.exit_code() == 0
    assert not kubeconfig.parent.exists()
