"""How the last audit went, for metrics and `/readyz?verbose`."""

from webhook.history import Run


class AuditStatus:
    """What is known by now. Written by the auditor alone, one assignment at a time."""

    def __init__(self) -> None:
        self.run: Run | None = None
        """The last one, whether everything could be read or not."""
        self.seconds: float | None = None
        """How long it took."""
        self.problem: str | None = None
        """What was wrong with it, or with what should have become of its results."""
