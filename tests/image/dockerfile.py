"""The Dockerfile's instructions, and how to do them without an engine."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"

_OURS = re.compile(r"(?<![\w/.])/(app|build|src|wheels)\b")
"""The image's own directories at the beginning of a path."""


@dataclass(frozen=True)
class Instruction:
    """One of them, its lines joined."""

    name: str
    """In capitals: `RUN`."""
    text: str


def stages() -> list[list[Instruction]]:
    """Each stage's, from its FROM on; what comes before the first is left out."""
    found: list[list[Instruction]] = []
    for one in _instructions():
        if one.name == "FROM":
            found.append([])
        if found:
            found[-1].append(one)
    return found


def _instructions() -> Iterator[Instruction]:
    lines = [it for it in DOCKERFILE.read_text().splitlines() if not it.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, text = line.strip().partition(" ")
            yield Instruction(name, text.strip())


def build(directory: Path, python: Path) -> None:
    """Do the first stage: COPY from this tree, RUN by a shell.

    `/app` and the image's other directories are in `directory`, and `python` is this interpreter.
    CalledProcessError, with what the command said, as soon as one fails.
    """
    programs = directory / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(python)
    (directory / "src").mkdir()
    for one in stages()[0]:
        if one.name == "COPY":
            *sources, _ = shlex.split(one.text)
            for source in sources:
                _copy(ROOT / source, directory / "src" / source)
        elif one.name == "RUN":
            _run(one.text, directory, programs)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _run(command: str, directory: Path, programs: Path) -> None:
    # a cache spares the index; what is installed is checked by hash, wherever it comes from
    here = _OURS.sub(rf"{directory}/\1", command).replace(" --no-cache-dir", "")
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    settings["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    try:
        subprocess.run(
            ["/bin/sh", "-ec", here],
            cwd=directory / "src",
            env=settings | {"PATH": f"{programs}:{os.defpath}"},
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stdout}\n{error.stderr}")
        raise


def version() -> str:
    """Of the package."""
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["version"]
