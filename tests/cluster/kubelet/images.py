"""From a container of a pod to a command of this machine."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.cluster.kubelet import launcher
from tests.image.dockerfile import stages

Json = dict[str, Any]

_REFERENCE = re.compile(r"\$\(\w+\)")


class UnsupportedError(Exception):
    """A pod asks for what this kubelet does not do."""


class Namespaces(msgspec.Struct, frozen=True):
    """What the kernel would give to a container; the launcher's input."""

    address: str
    """Of the pod, on this machine."""
    hosts: str
    """A JSON file of addresses by name."""
    hostname: str
    mounts: dict[str, str]
    """Directories of this machine by mountPath."""
    prelude: str
    """Python that runs before podworthy does: a test's."""


class Image(msgspec.Struct, frozen=True):
    """The last stage of our Dockerfile."""

    entrypoint: tuple[str, ...]
    environment: dict[str, str]

    @classmethod
    def read(cls) -> "Image":
        last = stages()[-1]
        (entrypoint,) = [json.loads(one.text) for one in last if one.name == "ENTRYPOINT"]
        pairs = [one.text.split("=", 1) for one in last if one.name == "ENV"]
        return cls(tuple(entrypoint), dict(pairs))


def are_ours(pod: Json) -> bool:
    """Whether every container of a pod's spec has the image podworthy, of whatever registry."""
    return all(_name(one["image"]) == "podworthy" for one in pod["containers"])


def _name(image: str) -> str:
    """The last part of its repository, without tag and digest."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def command(container: Json, namespaces: Namespaces, file: Path) -> list[str | Path]:
    """The command line; `file` is written for the launcher. The image's CMD does not count, for the
    chart gives args."""
    image = Image.read()
    exact = [*container.get("command", image.entrypoint), *container.get("args", ())]
    file.write_bytes(msgspec.json.encode(namespaces))
    here = [_plain(one, namespaces.mounts) for one in exact]
    return [sys.executable, "-P", launcher.__file__, file, *here]


def environment(container: Json, hostname: str, mounts: Mapping[str, str]) -> dict[str, str]:
    """The image's, the kubelet's and the container's variables, without the API server's address;
    the last ones win."""
    given = {"PATH": os.defpath, "HOSTNAME": hostname, "HOME": "/", **Image.read().environment}
    if "envFrom" in container:
        raise UnsupportedError("envFrom")
    for one in container.get("env", ()):
        if "valueFrom" in one:
            raise UnsupportedError(f"env {one['name']}: valueFrom")
        given[one["name"]] = _plain(one.get("value", ""), mounts)
    return given


def _plain(text: str, mounts: Mapping[str, str]) -> str:
    """Without the paths of mounts, which do not exist on this machine."""
    if _REFERENCE.search(text):
        raise UnsupportedError(f"a reference in {text!r}")
    if not mounts:
        return text
    longest_first = "|".join(map(re.escape, sorted(mounts, key=len, reverse=True)))
    # in one pass: a directory of this machine may have a mount's path in it, and often has
    return re.sub(rf"(?<![\w/.-])({longest_first})(?![\w.-])", lambda it: mounts[it[1]], text)
