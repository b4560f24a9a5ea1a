"""The time, told in two ways."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec


class Clocks(msgspec.Struct, frozen=True):
    """The time, in two ways; tests have their own."""

    now: Callable[[], datetime]
    """With a time zone; asked only where the API server tells none."""
    monotonic: Callable[[], float]
    """In seconds."""


def system_clock() -> datetime:
    """This machine's."""
    return datetime.now(UTC)
