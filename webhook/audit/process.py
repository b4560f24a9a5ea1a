"""A process that answers messages, one at a time, and knows all that its parent knew."""

import fcntl
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import BinaryIO, Final, NoReturn

_LENGTH_BYTES: Final = 8
_ROOM: Final = 256 * 1024
"""Bytes; Linux gives 64 KiB unasked, and up to 1 MiB to anybody."""


class Process:
    """A fork of this process. It ends with it, whatever happens to it.

    It shares the memory of its parent as long as neither writes to it.
    """

    def __init__(self, answer: Callable[[bytes], bytes], others: Iterable["Process"] = ()) -> None:
        """`answer` makes an answer from a message; `others` are those that run already.

        Raises `OSError` where the system allows no more processes.
        """
        messages, to_child = _pipe()
        from_child, answers = _pipe()
        self._messages = os.fdopen(to_child, "wb")
        self._answers = os.fdopen(from_child, "rb")
        # the child never undoes this: at Ctrl-C it is the parent that ends all
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _run(answer, messages, answers, (self, *others))
        except OSError:
            self._close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(messages)
            os.close(answers)

    def fileno(self) -> int:
        """To wait for an answer or the end of the process."""
        return self._answers.fileno()

    def send(self, message: bytes) -> None:
        """Send a message to a process that owes no answer. If it is dead, `receive` says so."""
        with suppress(BrokenPipeError):
            _write(self._messages, message)

    def receive(self) -> bytes | None:
        """Wait for an answer; None if the process died instead."""
        return _read(self._answers)

    def end(self) -> str:
        """End the process, unless it has ended by itself, and say how it did."""
        os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        self._close()
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return f"exited with {code}"
        why = ", as happens where memory runs out" if code == -signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-code).name}{why}"

    def _close(self) -> None:
        self._answers.close()
        with suppress(BrokenPipeError):
            self._messages.close()


def _pipe() -> tuple[int, int]:
    """A pipe with room for most messages, so that who writes one need not wait for the reader."""
    reading, writing = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _ROOM)
    return reading, writing


def _run(
    answer: Callable[[bytes], bytes], messages: int, answers: int, processes: Iterable[Process]
) -> NoReturn:
    """What the child does, and nothing after it: what its memory holds is the parent's to do."""
    code = 1
    try:
        # held open here, the ends of a sister would hide from her that the parent is gone
        for process in processes:
            process._close()
        # what a policy prints is no part of a report, nor is the parent's buffer written twice
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        # what is there stays there: to look for garbage in it would only copy its memory
        gc.freeze()
        _serve(answer, os.fdopen(messages, "rb"), os.fdopen(answers, "wb"))
        code = 0
    except BrokenPipeError:
        pass  # the parent is gone
    except BaseException:
        sys.stderr.write(traceback.format_exc())
    finally:
        os._exit(code)


def _serve(answer: Callable[[bytes], bytes], messages: BinaryIO, answers: BinaryIO) -> None:
    while (message := _read(messages)) is not None:
        _write(answers, answer(message))


def _write(pipe: BinaryIO, message: bytes) -> None:
    pipe.write(len(message).to_bytes(_LENGTH_BYTES))
    pipe.write(message)
    pipe.flush()


def _read(pipe: BinaryIO) -> bytes | None:
    """A message; None where its writer left, maybe in the middle of it."""
    length = int.from_bytes(pipe.read(_LENGTH_BYTES))
    message = pipe.read(length)
    return message if length and len(message) == length else None
