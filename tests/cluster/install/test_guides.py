"""What the guides say to type, typed: each block is as shown, on a cluster that is installed."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.build import binaries
from tests.cluster.install.installation import PATIENCE, Installation
from tests.markdown import DOCS, blocks, commands, is_shown


@pytest.mark.parametrize(
    ("page", "begins"),
    [
        ("install.md", "kubectl create namespace shop"),
        ("platforms.md", "kubectl create namespace reach"),
        ("operations.md", "kubectl apply -f break-glass.yaml"),
    ],
)
def test_a_block_does_what_it_shows(
    in_order: Installation, tmp_path: Path, page: str, begins: str
) -> None:
    plane = in_order.plane
    program = binaries(plane.kubernetes).kubectl
    environment = {
        "PATH": f"{program.parent}:{os.defpath}",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(plane.kubeconfig),
    }
    (tmp_path / "pod.yaml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: urgent}, "
        "spec: {containers: [{name: web, image: nginx}]}}"
    )
    ran = 0
    for block in blocks(DOCS / page):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        if block.language == "console" and block.text.startswith(f"$ {begins}"):
            for command in commands(block):
                done = subprocess.run(
                    ["/bin/sh", "-c", command.line],
                    cwd=tmp_path,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=PATIENCE,
                    check=False,
                )
                # a denial is shown; whatever is shown nothing of must succeed
                assert (
                    is_shown(command.output, done.stdout)
                    if command.output
                    else (done.returncode == 0)
                ), f"$ {command.line}\n{done.stdout}"
                ran += 1
    assert ran > 2
    if page == "operations.md":
        plane.kubectl("delete", f"--filename={tmp_path}/break-glass.yaml")
        plane.kubectl("delete", "pod", "urgent", "--wait=false")
