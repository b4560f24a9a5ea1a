"""The audit of a cluster: what runs in it, each namespace by its own profile."""

from webhook.audit.live.docket import EXCLUDED, Docket, Scope
from webhook.audit.live.hearing import LiveAudit
from webhook.audit.live.run import run
from webhook.audit.live.survey import Found, Left, Note, Progress, Survey

__all__ = [
    "EXCLUDED",
    "Docket",
    "Found",
    "Left",
    "LiveAudit",
    "Note",
    "Progress",
    "Scope",
    "Survey",
    "run",
]
