"""What a policy that fills may ask: who chose a timing, and how anybody knows."""

from enum import Enum
from typing import Protocol

import msgspec

from webhook.api.workload import Container


class Standing(Enum):
    """What is known about who chose a timing."""

    WRITTEN = "written"
    UNWRITTEN = "unwritten"
    UNKNOWN = "unknown"
    """No source says anything."""
    DOUBTFUL = "doubtful"
    """Sources disagree or cannot be read: leave it, and count it."""


class Proof(msgspec.Struct, frozen=True):
    """A standing and the reason for it, a short clause."""

    standing: Standing
    why: str


class Evidence(Protocol):
    """Who chose which timing, as far as the object tells."""

    @property
    def at_creation(self) -> bool:
        """True if this is the object as its creator sent it, completed by the API server."""

    def of(self, container: Container, probe: str, field: str) -> Proof:
        """What is known of one timing, e.g. `(web, "liveness", "periodSeconds")`."""
