"""A time that a test moves on."""

from datetime import datetime


class Clock:
    """Called, it gives `now`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
