"""Start programs, wait for what they do, and end exactly them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

_LEASH = Path(__file__).with_name("leash.py")
_TAIL = 20  # lines of a log that an error quotes
_PAUSE = 0.05  # seconds between two looks

T = TypeVar("T")


class ProcessDied(Exception):
    """A program ended that should run; the message has the tail of its log."""


def wait_for(look: Callable[[], T], *, seconds: float, what: str, pause: float = _PAUSE) -> T:
    """The first true value that `look` returns; TimeoutError, naming `what`, after `seconds`.

    `pause` is in seconds, between two looks: longer for one that costs much.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:.0f} s")
        time.sleep(pause)
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that is free now; somebody else may take it before you do."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Process:
    """A running program that leads a process group, logs to a file and dies with its parent."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts it; `command[0]` is a full path, `environment` replaces the inherited one."""
        self.name = Path(command[0]).name
        self.log = log
        leash: list[str | Path] = [sys.executable, "-I", _LEASH, str(os.getpid())]
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [*leash, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us; we end it in the right order
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])

    def check(self) -> None:
        """ProcessDied unless it runs."""
        if self.exit_code is not None:
            raise ProcessDied(f"{self.name} ended with {self.exit_code}:\n{self.tail()}")

    def wait_until(self, look: Callable[[], T], *, seconds: float, what: str) -> T:
        """As `wait_for`, and ProcessDied as soon as the program has ended."""

        def look_alive() -> T:
            self.check()
            return look()

        try:
            return wait_for(look_alive, seconds=seconds, what=what)
        except TimeoutError as error:
            error.add_note(f"{self.name}:\n{self.tail()}")
            raise

    def stop(self, seconds: float = 10) -> None:
        """Ends it and its children: SIGTERM, and SIGKILL to what still runs after `seconds`."""
        if self.exit_code is not None:
            return
        self._popen.terminate()
        with contextlib.suppress(TimeoutError):
            wait_for(self.has_ended, seconds=seconds, what=f"end of {self.name}")
        self.kill()

    def terminate(self) -> None:
        """SIGTERM to it alone, unless its exit code is known already."""
        self._popen.terminate()

    def kill(self) -> int:
        """SIGKILL to it and its children, those included that it has left; its exit code.

        Once, and before anybody asks for the exit code.
        """
        os.killpg(self.pid, signal.SIGKILL)  # not yet reaped, so the number is still ours
        return self._popen.wait()

    def has_ended(self) -> bool:
        """Whether it has, without asking for its exit code."""
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT  # WNOWAIT: leave it to be reaped
        return os.waitid(os.P_PID, self.pid, look) is not None
