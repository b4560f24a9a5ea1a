"""The audit of files: sources, the objects in them, the engine, a report; or their repair."""

from webhook.audit.fix import fix
from webhook.audit.judge import Court
from webhook.audit.run import run

__all__ = ["Court", "fix", "run"]
