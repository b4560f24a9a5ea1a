"""What a review was about and how it ended, in few words: what metrics and traces tell apart."""

from typing import Any, Final

import msgspec

from webhook import workload
from webhook.profile import Profile
from webhook.review import Request
from webhook.workload import Reading

OTHER: Final = "other"
"""Stands for what labels do not tell apart, so that nobody can make up more of them: here for every
kind that is no workload."""


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a review was about, and what came of it: few values each, fit for labels."""

    profile: str
    operation: str
    kind: str
    """A built-in kind that is a pod or carries one, else `OTHER`."""
    dry_run: bool
    decision: str
    """`allowed`, `denied` or `filled`."""


def subject_of(
    profile: Profile, request: Request[Any], reading: Reading | None, decision: str
) -> Subject:
    """That of one review; `reading` is None for an object that was not looked into."""
    kind = request.kind.kind
    if reading is None and not workload.is_known(request.kind.api_version, kind):
        kind = OTHER
    return Subject(profile.name, request.operation, kind, bool(request.dry_run), decision)
