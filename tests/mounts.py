"""A ConfigMap or Secret as the kubelet mounts it, and as it changes it."""

import shutil
from collections.abc import Mapping
from pathlib import Path


class Mount:
    """A directory of links into `..data`, itself a link to a hidden directory of files.

    The steps are those of the kubelet's AtomicWriter (pkg/volume/util/atomic_writer.go): links of
    new files dangle for a moment, and then those of files that are no more.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._data = directory / "..data"
        self._count = 0

    def write(self, files: Mapping[str, str], mode: int = 0o644) -> None:
        """Replace all files by these, by name; `mode` is that of each."""
        old = self._data.resolve() if self._data.exists() else None
        self._count += 1
        new = self.directory / f"..2026_11_24_12_00_00.{self._count}"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text)
            (new / name).chmod(mode)
            link = self.directory / name
            if not link.is_symlink():
                link.symlink_to(Path("..data") / name)
        link = self.directory / "..data_tmp"
        link.symlink_to(new.name)
        link.rename(self._data)
        for link in self.directory.iterdir():
            if not link.name.startswith("..") and link.name not in files:
                link.unlink()
        if old:
            shutil.rmtree(old)
