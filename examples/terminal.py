"""What a program started by `make` does to be ended by Ctrl-C without `make` failing of it."""

import os
import signal
import sys


def own_the_terminal() -> None:
    """Take Ctrl-C for ourselves: `make` would die of it and report a failure.

    SIGTERM then ends the program as Ctrl-C does, by KeyboardInterrupt.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.stdin.isatty():
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        # nobody could bring us back: the shell waits for make, not for us
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
