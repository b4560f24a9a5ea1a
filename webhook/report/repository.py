"""Where a file stands in its repository, for those who show findings beside the code."""

import os
from pathlib import Path


class Repository:
    """The repository that is audited.

    Its root is what GitHub Actions says it is, else the present directory.
    """

    def __init__(self) -> None:
        self._root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        self._last = ("", "")

    def path(self, file: str) -> str:
        """Relative to the root, absolute for a file that is elsewhere."""
        # findings come file by file
        if file != self._last[0]:
            path = Path(os.path.normpath(Path(file).absolute()))
            inside = path.relative_to(self._root) if path.is_relative_to(self._root) else path
            self._last = (file, str(inside))
        return self._last[1]
