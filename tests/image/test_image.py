"""The image, as far as it can be had without an engine: its build stage's own commands are run in
a clean directory, and what they make is started as a pod's container would be."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.chart.rendering import of_kind, render
from tests.cluster.certificates import webhook_certificate
from tests.cluster.processes import Process, free_port
from tests.image import nobody
from tests.image.dockerfile import ROOT, build, stages, version


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """Not below /tmp, over which the container has a mount of its own."""
    directory = Path(tempfile.mkdtemp(prefix="podworthy-image-", dir="/var/tmp"))
    directory.chmod(0o755)
    try:
        build(directory, nobody.python())
        yield directory
    finally:
        shutil.rmtree(directory)


def test_it_holds_what_is_locked_and_nothing_else(image: Path) -> None:
    (packages,) = image.glob("app/lib/python3.*/site-packages")
    there = {_normal(one.name): one.version for one in distributions(path=[str(packages)])}
    lock = (ROOT / "requirements.txt").read_text()
    locked = {
        _normal(name): locked_version
        for name, locked_version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock, re.MULTILINE)
    }
    assert there.pop("podworthy") == version()
    # some are only for other platforms
    assert there.items() <= locked.items()
    assert {"gunicorn", "httptools", "msgspec", "uvloop"} <= set(there)


def test_all_is_compiled(image: Path) -> None:
    (packages,) = image.glob("app/lib/python3.*/site-packages")
    for name in ("webhook", "policies", "msgspec"):
        sources = list((packages / name).glob("*.py"))
        compiled = list((packages / name).glob("__pycache__/*.pyc"))
        assert len(sources) == len(compiled) > 0


def test_nobody_serves_from_a_read_only_root(image: Path) -> None:
    port, tls = free_port(), image / "tls"
    pems = webhook_certificate("localhost")
    tls.mkdir()
    (tls / "tls.crt").write_bytes(pems.certificate_pem)
    (tls / "tls.key").write_bytes(pems.key_pem)
    (image / "profiles").mkdir()
    program = image / "app" / "bin" / "podworthy"
    confinement = nobody.confined(program)
    serve = ["serve", "--host=127.0.0.1", f"--port={port}", "--drain=0"]
    files = [f"--cert={tls}/tls.crt", f"--key={tls}/tls.key", f"--profiles={image}/profiles"]
    command = [*confinement, str(program), *serve, *files]
    command[0] = shutil.which(command[0]) or command[0]
    server = Process(command, log=image / "log", cwd=Path("/"))
    try:
        server.wait_until(lambda: "Ready: " in server.tail(), seconds=30, what="server")
        trust = ssl.create_default_context(cadata=pems.ca_pem.decode())
        review = (ROOT / "examples/reviews/goproxy.json").read_bytes()
        opened = http.client.HTTPSConnection("localhost", port, timeout=20, context=trust)
        with closing(opened) as connection:
            connection.request("POST", "/validate/strict", review)
            response = connection.getresponse()
            assert response.status == 200
            assert json.loads(response.read())["response"]["allowed"] is False
        if confinement:
            owner = Path(f"/proc/{server.pid}/status").read_text()
            assert re.search(rf"^Uid:\s+{nobody.UID}\s+{nobody.UID}\s", owner, re.MULTILINE)
            assert re.search(r"^CapEff:\s+0+$", owner, re.MULTILINE)
    finally:
        server.stop()
    assert server.exit_code == 0, server.tail()


def test_a_read_only_root_is_what_it_says(image: Path) -> None:
    """Where the test above is confined by one."""
    program = image / "app" / "bin" / "python"
    confinement = nobody.confined(program)
    if "unshare" not in confinement:
        pytest.skip("this machine lets nobody make a view of its files")
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('')"
    for path, possible in ((image / "x", False), ("/var/tmp/x", False), ("/tmp/x", True)):  # noqa: S108
        done = subprocess.run(
            [*confinement, str(program), "-I", "-c", write, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == possible, done.stderr


def test_chart_and_image_agree() -> None:
    last = {one.name: one.text for one in stages()[-1]}
    assert last["USER"] == f"{nobody.UID}:{nobody.UID}"
    assert json.loads(last["ENTRYPOINT"]) == ["/app/bin/podworthy"]
    pod = of_kind("Deployment", render())["podworthy"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == nobody.UID
    (container,) = pod["containers"]
    assert last["EXPOSE"] == str(container["ports"][0]["containerPort"])
    certificate = f"--cert={json.loads(last['CMD'])[2]}"
    assert certificate in container["args"]
    assert f"VERSION={version()}" in [one.text for one in stages()[-1] if one.name == "ARG"]


def test_its_base_is_pinned_and_named_once() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${PYTHON}"] * 2
    (base,) = re.findall(r"^ARG PYTHON=(\S+)", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
