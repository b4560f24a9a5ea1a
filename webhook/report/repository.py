"""Where a file stands in its repository, for those who show findings beside the code."""

import os
from pathlib import Path


def path_in_repository(file: str) -> str:
    """Relative to the repository's root, absolute if it is outside.

    The root is what GitHub Actions says it is, else the present directory.
    """
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    path = Path(os.path.normpath(Path(file).absolute()))
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
