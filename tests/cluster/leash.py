"""Become the given command, bound to the life of the process that asked for it.

    python leash.py PARENT_PID COMMAND [ARGUMENT ...]

The kernel is asked to kill this process when its parent dies, and the request outlives `exec`. So
nothing is left behind even when a test run is killed by SIGKILL, which no handler could catch.
`Popen(preexec_fn=...)` would do the same from within, but is unsafe in a program with threads.
Beware: the kernel means the *thread* that started us, which must therefore live on.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Does not return: the process is the command afterwards."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the request was in place
        sys.exit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
