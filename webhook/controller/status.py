"""How the controller stands: one value for the log, the metrics and `/readyz`."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from webhook.controller.audits.status import AuditStatus
from webhook.controller.canary import Finding, Outcome

Check = Literal["controller", "api-server", "secret", "certificate", "registration", "canary"]
CHECKS: Final[tuple[Check, ...]] = (
    "controller",
    "api-server",
    "secret",
    "certificate",
    "registration",
    "canary",
)
"""What can be wrong: with itself, with what it asks, with what it cares for. All but the last one
make it unready."""

Problems = Mapping[Check, str]


class Expiries(msgspec.Struct, frozen=True):
    """When what is in the Secret ends."""

    certificate: datetime | None = None
    authority: datetime | None = None
    """That of the authority in force which ends last."""


class Status:
    """What is known by now. Written by the loop alone, one assignment at a time; read by others."""

    def __init__(self) -> None:
        self.audits: AuditStatus | None = None
        """Of the auditor, if there is one; it writes to it itself."""
        self.problems: Problems = {}
        self.expiries = Expiries()
        self.turned: float | None = None
        """When the loop has last turned, by the monotonic clock."""
        self.turned_at: datetime | None = None
        self.canary: Finding | None = None
        self.canary_at: datetime | None = None
        self.canaries: Counter[Outcome] = Counter()
        self.steps: Counter[tuple[str, str]] = Counter()
        """By the step's name and how it ended: ok, conflict, failed."""

    @property
    def ready(self) -> bool:
        """Whether the last turn found all in order."""
        return self.turned is not None and not set(self.problems) - {"canary"}
