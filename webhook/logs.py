"""The log on standard error: what operators should know."""

import logging
import time


def formatter() -> logging.Formatter:
    """A line with time, level and message."""
    made = logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    made.converter = time.gmtime
    return made


def to_stderr() -> None:
    """Write what our modules log, from INFO on, and what libraries do, from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger("webhook").setLevel(logging.INFO)
