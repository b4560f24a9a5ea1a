"""A file replaced by a new text: all of it or nothing, and with nothing else about it changed."""

import os
import shutil
import stat
import tempfile
from pathlib import Path


class CannotReplace(Exception):
    """The file was left as it is; the message says why, and the way out."""


def replace(path: Path, old: bytes, new: bytes) -> None:
    """Replace a file that still holds `old`. Raises `CannotReplace`."""
    try:
        status = path.lstat()
        _check(path, status)
        descriptor, temporary = tempfile.mkstemp(".tmp", ".podworthy-", path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(new)
                _like(path, status, temporary)
                file.flush()
                os.fsync(descriptor)
            if path.read_bytes() != old:
                raise CannotReplace("changed while it was judged; run it again")
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
        _sync(path.parent)
    except OSError as error:
        raise CannotReplace(error.strerror or str(error)) from error


def _check(path: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise CannotReplace(f"a symbolic link to {path.readlink()}; name that file itself")
    if not stat.S_ISREG(status.st_mode):
        raise CannotReplace("no regular file; write its text into one")
    if status.st_nlink > 1:
        raise CannotReplace(
            f"a file with {status.st_nlink} names (hard links), of which only this one would "
            "change; make a copy of it"
        )
    if not os.access(path, os.W_OK):
        raise CannotReplace("not writable; give yourself the right to write it")


def _like(path: Path, status: os.stat_result, temporary: str) -> None:
    """Give the new file the owner, the mode and the labels of the old one, not its times."""
    made = Path(temporary).stat()
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.chown(temporary, status.st_uid, status.st_gid)
        except PermissionError as error:
            message = "belongs to another user or group, which could not be kept; run it as theirs"
            raise CannotReplace(message) from error
    shutil.copystat(path, temporary)
    os.utime(temporary)


def _sync(directory: Path) -> None:
    """Make the new name last, too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
