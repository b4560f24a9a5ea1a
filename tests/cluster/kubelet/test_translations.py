"""What the kubelet translates, without an API server."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cluster.kubelet import images, kubelet
from tests.cluster.kubelet.probes import Counter
from tests.cluster.manifests import Json

CODE = """
import socket, sys
print(socket.create_server(("0.0.0.0", 0)).getsockname()[0])
print(socket.gethostname())
print(socket.getaddrinfo("web.shop.svc", 443)[0][4][0])
print(sys.argv[1:])
"""


@pytest.fixture
def namespaces(tmp_path: Path) -> images.Namespaces:
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps({"web.shop.svc": "127.0.0.9"}))
    mounts = {"/tmp": f"{tmp_path}/tmp", "/etc/web": f"{tmp_path}/web"}  # noqa: S108
    return images.Namespaces("127.0.0.2", str(hosts), "web-0", mounts, "")


def test_a_container_has_the_network_of_its_pod(
    namespaces: images.Namespaces, tmp_path: Path
) -> None:
    container = {
        "command": ["/app/bin/python", "-I", "-c"],
        "args": [CODE, "/etc/web/a", "/etc/webs"],
    }
    command = images.command(container, namespaces, tmp_path / "spec.json")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    address, name, resolved, seen = done.stdout.splitlines()
    assert (address, name, resolved) == ("127.0.0.2", "web-0", "127.0.0.9")
    assert seen == str([f"{tmp_path}/web/a", "/etc/webs"])
    assert socket.gethostname() != name


def test_without_a_command_it_is_the_images(namespaces: images.Namespaces, tmp_path: Path) -> None:
    command = images.command({"args": ["serve"]}, namespaces, tmp_path / "spec.json")
    assert command[-2:] == ["/app/bin/podworthy", "serve"]


def test_a_program_that_the_image_lacks_does_not_start(
    namespaces: images.Namespaces, tmp_path: Path
) -> None:
    command = images.command({"command": ["/bin/sh"]}, namespaces, tmp_path / "spec.json")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the image has no /bin/sh" in done.stderr


def test_what_is_not_done_is_said() -> None:
    field = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    reference = {"name": "A", "value": "$(B)"}
    asked: list[Json] = [{"env": [field]}, {"envFrom": []}, {"env": [reference]}]
    for container in asked:
        with pytest.raises(images.UnsupportedError):
            images.environment(container, "web-0", {})


@pytest.mark.parametrize(
    ("image", "ours"),
    [
        ("podworthy:0.1.0", True),
        ("registry.example:5000/apps/podworthy", True),
        ("apps/podworthy@sha256:00", True),
        ("nginx", False),
        ("podworthy/nginx:1", False),
        ("registry.example/podworthy-docs", False),
    ],
)
def test_which_image_is_podworthys(image: str, ours: bool) -> None:
    containers = [{"image": "podworthy"}, {"image": image}]
    assert images.are_ours({"containers": containers}) is ours


def test_who_may_not_listen_for_services_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = tmp_path / "first"
    monkeypatch.setattr(kubelet, "_FIRST_PORT", setting)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    setting.write_text("443\n")
    kubelet.check_ports()
    setting.write_text("1024\n")
    with pytest.raises(PermissionError, match=r"port 443.* be root, or .*sysctl .*=443$"):
        kubelet.check_ports()


def test_a_probe_counts_in_a_row() -> None:
    counter = Counter({"failureThreshold": 2}, verdict=None)
    told = []
    for success in (False, True, False, False, True):
        counter.tell(success)
        told.append(counter.verdict)
    assert told == [None, True, True, False, True]
