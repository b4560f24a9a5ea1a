"""Write `modules/`: one Go module for each thing that is built, every dependency by hash.

    python -m tests.cluster.pin

Run it after a change in `versions.py`, and commit the result.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.build import APISERVER, CONTROLLER_MANAGER, ETCD_SERVER, MODULES
from tests.cluster.golang import beside_python, environment
from tests.cluster.helm import module_of, package_of
from tests.cluster.versions import ETCD, HELM, KUBERNETES, OLDEST_HELM


def main() -> None:
    """Replaces the directories of all current versions, and removes the others."""
    shutil.rmtree(MODULES)
    with tempfile.TemporaryDirectory() as scratch:
        for version in KUBERNETES:
            programs = [APISERVER, CONTROLLER_MANAGER]
            _pin(f"kubernetes-{version}", "k8s.io/kubernetes", version, programs, Path(scratch))
        _pin(f"etcd-{ETCD}", ETCD_SERVER, ETCD, [ETCD_SERVER], Path(scratch))
        for version in (HELM, OLDEST_HELM):
            package = package_of(version)
            _pin(f"helm-{version}", module_of(version), version, [package], Path(scratch))


def _pin(name: str, module: str, version: str, programs: Sequence[str], scratch: Path) -> None:
    """go.mod with what upstream decided (Go line, its own libraries' release), then go.sum.

    The `tool` lines make `go mod tidy` keep what the programs need, though no code of ours does.
    """
    download = _go(scratch, scratch, "mod", "download", "-json", f"{module}@v{version}")
    upstream = Path(json.loads(download)["GoMod"]).read_text()
    go = re.search(r"^go \S+$", upstream, re.MULTILINE)
    libraries = re.findall(r"^\s*(k8s\.io/\S+) v0\.0\.0$", upstream, re.MULTILINE)
    release = "v0." + version.partition(".")[2]  # of the libraries, required as v0.0.0
    lines = [f"module podworthy/{name}", go[0] if go else "", f"require {module} v{version}"]
    lines += ["tool (", *programs, ")"]
    lines += ["replace (", *(f"{it} => {it} {release}" for it in libraries), ")"]
    directory = MODULES / name
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text("\n".join(lines) + "\n")
    _go(directory, scratch, "mod", "tidy")


def _go(directory: Path, scratch: Path, *arguments: str) -> bytes:
    """Runs go there and returns its stdout; its progress goes to stderr."""
    done = subprocess.run(
        [beside_python("go"), *arguments],
        cwd=directory,
        env=environment(scratch),
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
