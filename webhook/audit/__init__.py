"""The audit of files: sources, the objects in them, the engine, a report."""

from webhook.audit.judge import Court
from webhook.audit.run import run

__all__ = ["Court", "run"]
