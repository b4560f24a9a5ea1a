"""Where a report goes: a stream that may go away or be full."""

import io
import os
import stat
import sys
from collections.abc import Callable
from typing import TextIO


class Output:
    """A text stream whose failures do not end the audit: its exit code still has to be right."""

    def __init__(self, stream: TextIO | None) -> None:
        """`stream` is None if the shell closed it (`>&-`)."""
        if isinstance(stream, io.TextIOWrapper):
            # whatever the locale: JSON is UTF-8, and a name must never break a report
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        self._stream = stream
        self.problem: str | None = None
        """Why not everything was written; None too if the reader has left (`| head`)."""

    @property
    def is_terminal(self) -> bool:
        """True if a human is watching."""
        return self._stream is not None and self._stream.isatty()

    @property
    def is_pipe(self) -> bool:
        """True if another program reads it."""
        try:
            mode = os.fstat(self._stream.fileno()).st_mode if self._stream else 0
        except OSError:
            return False  # no file at all
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    def write(self, text: str) -> None:
        """Write, unless that failed before."""
        if self._stream:
            self._attempt(self._stream.write, text)

    def flush(self) -> None:
        """Hand over what is buffered."""
        if self._stream:
            self._attempt(self._stream.flush)

    def close(self) -> None:
        """The report is complete."""
        self.flush()

    def discard(self) -> None:
        """The report will not be completed. Does nothing after `close`."""

    def _attempt(self, action: Callable[..., object], *arguments: str) -> None:
        try:
            action(*arguments)
        except BrokenPipeError:
            self._give_up()
        except OSError as error:
            self.problem = error.strerror or str(error)
            self._give_up()

    def _give_up(self) -> None:
        """Write no more, and let the interpreter flush what is left into nothing at exit."""
        if self._stream and self._stream in (sys.stdout, sys.stderr):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stream = None
