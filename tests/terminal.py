"""A person at a terminal: starts a program, reads its screen, presses Ctrl-C."""

import os
import pty
import select
import signal
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds
CTRL_C = b"\x03"
# `make test` runs these tests, and its settings are not for what a person starts
ENVIRONMENT = {name: value for name, value in os.environ.items() if "MAKE" not in name}


class Terminal:
    """A program in a pseudo-terminal of its own, where Ctrl-C goes to the foreground group."""

    def __init__(self, *command: str) -> None:
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            # a shell ignores it on behalf of what it runs in the background, a terminal does not
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(ROOT)
            os.execvpe(command[0], command, ENVIRONMENT)  # noqa: S606
        self.text = ""
        """What the screen has shown so far."""

    def read_until(self, wanted: str) -> None:
        """Wait until the screen has shown a text."""
        end = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < end, self.text
            readable, _, _ = select.select([self._screen], [], [], 1)
            if readable:
                self.text += os.read(self._screen, 4096).decode(errors="replace")

    def press(self, key: bytes) -> None:
        """Type something."""
        os.write(self._screen, key)

    def exit_code(self) -> int:
        """Wait for the end."""
        end = time.monotonic() + PATIENCE
        done = 0
        while not done:
            assert time.monotonic() < end, self.text
            time.sleep(0.05)
            done, status = os.waitpid(self.pid, os.WNOHANG)
        os.close(self._screen)
        return os.waitstatus_to_exitcode(status)
