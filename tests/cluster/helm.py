"""Build Helm once, as `build` does the control plane's programs, and keep it.

    python -m tests.cluster.helm

Both versions: the one that charts are written for today, and the oldest that ours supports.
"""

import sys
from pathlib import Path

from tests.cluster.build import MODULES, cache_directory, keep, lock, scratch_directory
from tests.cluster.golang import BuildError, compile_program, say
from tests.cluster.versions import HELM, OLDEST_HELM

_GIB = 3  # sources, compiler cache and working files; estimated
_EXPECT = "2 minutes on 2 idle cores"  # measured 100 s for 4.3.1, nothing cached


def module_of(version: str) -> str:
    """The Go module that a release of Helm is."""
    return f"helm.sh/helm/v{version.partition('.')[0]}"


def package_of(version: str) -> str:
    """The Go package of its program."""
    return f"{module_of(version)}/cmd/helm"


def helm(version: str = HELM) -> Path:
    """The program, built first (minutes, once) if need be; BuildError as `tests.cluster.build`."""
    cache = cache_directory()
    path = cache / "helm" / version / "helm"
    if not path.exists():
        with lock(cache), scratch_directory(cache, _GIB) as scratch:
            if not path.exists():
                say(f"building Helm {version}: once, for {_EXPECT}")
                executable = scratch / path.name
                compile_program(
                    MODULES / f"helm-{version}", package_of(version), executable, scratch
                )
                keep(executable, path)
    return path


def main() -> None:
    """The command line; see the module's docstring."""
    try:
        for version in (HELM, OLDEST_HELM):
            print(helm(version))
    except BuildError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
