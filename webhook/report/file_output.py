"""A report that goes to a named file, which is replaced as a whole or not at all."""

import errno
import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from webhook.report.output import Output

READER_TIMEOUT: Final = 10.0
"""Seconds to wait until somebody reads from a named pipe."""
_POLL: Final = 0.02


class FileOutput(Output):
    """A file by its path. `problem` says why it cannot be written, also when opening failed.

    A regular file keeps its old content until `close`: what is written until then is in a hidden
    file beside it. Pipes and devices are written directly.
    """

    def __init__(self, path: str) -> None:
        super().__init__(None)
        self._path = Path(path)
        self._temporary: Path | None = None
        self._attempt(self._open)

    def close(self) -> None:
        """Put the report in place."""
        if self._stream:
            self._attempt(self._finish)

    def discard(self) -> None:
        """Leave the old file as it is."""
        self._give_up()

    def _open(self) -> None:
        try:
            mode = self._path.stat().st_mode
        except FileNotFoundError:
            mode = None
        if mode is None or stat.S_ISREG(mode):
            descriptor = self._open_beside(mode)
        elif stat.S_ISFIFO(mode):
            descriptor = _open_pipe(self._path)
        else:
            descriptor = os.open(self._path, os.O_WRONLY)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")

    def _open_beside(self, mode: int | None) -> int:
        self._path = self._path.resolve()  # a link stays a link
        if mode is not None and not os.access(self._path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        temporary = self._path.with_name(f".podworthy-{secrets.token_hex(8)}.tmp")
        # 0666 less the umask, as for any new file
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._temporary = temporary
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))
        return descriptor

    def _finish(self) -> None:
        if self._stream is None:
            return
        self._stream.flush()
        if self._temporary:
            os.fsync(self._stream.fileno())
            self._temporary.replace(self._path)
            self._temporary = None
        self._stream.close()
        self._stream = None

    def _give_up(self) -> None:
        if self._stream:
            with suppress(OSError):
                self._stream.close()
            self._stream = None
        if self._temporary:
            with suppress(OSError):
                self._temporary.unlink()
            self._temporary = None


def _open_pipe(path: Path) -> int:
    """A pipe for writing; opening it in the usual way would wait for a reader for ever."""
    deadline = time.monotonic() + READER_TIMEOUT
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > deadline:
                message = f"nobody read from it for {READER_TIMEOUT:.0f} s"
                raise TimeoutError(errno.ETIMEDOUT, message) from None
            time.sleep(_POLL)
        else:
            os.set_blocking(descriptor, True)
            return descriptor
