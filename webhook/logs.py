"""The log on standard error: what operators should know."""

import logging
import time


def to_stderr() -> None:
    """Write what our modules log, from INFO on, with time and level."""
    formatter = logging.Formatter(
        "%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    ours = logging.getLogger("webhook")
    ours.setLevel(logging.INFO)
    ours.addHandler(handler)
