"""By what the server judges: an `Admission`, kept at what the documents say."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from webhook import catalog, documents
from webhook.admission import Admission, Snapshot
from webhook.api import Policy
from webhook.errors import DocumentError
from webhook.messages import count
from webhook.server.reload import Watch


class Sources(msgspec.Struct, frozen=True):
    """Where the documents are, and what is in force together with them."""

    paths: tuple[Path, ...]
    """Files, and directories of files."""
    profile: str
    """Name of the default profile."""
    controllers: frozenset[str] = frozenset()
    """Users whose ownerReferences are believed, besides the built-in controllers."""
    docs_url: str | None = None
    """Where denials say that there is more to read, see `webhook.links`."""
    policies: Mapping[str, Policy[Any]] = msgspec.field(default_factory=lambda: catalog.POLICIES)
    """The catalogue: code, which is loaded once."""
    log_allowed: float = 0.0
    """The part of reviews with nothing to tell that is logged, see `Admission`."""
    break_glass_group: str | None = None
    """Whose requests are let through unjudged, see `Admission`."""

    def snapshot(self, texts: documents.Texts) -> Snapshot:
        """What the texts put in force. Raises `DocumentError`, and `UnknownProfile` if the default
        is not among them."""
        found = documents.parse(texts, self.policies)
        snapshot = Snapshot(found.profiles, self.profile, found.exemptions, self.controllers)
        snapshot.profile(None)
        return snapshot


class Rules:
    """The rules in force."""

    def __init__(self, sources: Sources, clock: Callable[[], datetime]) -> None:
        """Load for the first time. Raises `DocumentError` or `UnknownProfile`.

        `clock` gives the time, with a time zone.
        """
        _refuse_pipes(sources.paths)
        self._sources = sources
        texts = self._read()
        self.admission = Admission(
            sources.snapshot(texts),
            clock,
            sources.docs_url,
            sources.log_allowed,
            sources.break_glass_group,
        )
        self.watch = Watch("documents", texts, self._read, self._take, clock)

    def _read(self) -> documents.Texts:
        return documents.read(self._sources.paths)

    def _take(self, texts: documents.Texts) -> str:
        snapshot = self._sources.snapshot(texts)
        self.admission.snapshot = snapshot
        profiles = count(len(snapshot.profiles), "profile")
        return f"{profiles}, {count(len(snapshot.exemptions), 'exemption')}"


def _refuse_pipes(paths: Iterable[Path]) -> None:
    """A pipe, as from a shell's `<(...)`, can be read only once, and may have no writer."""
    pipes = [path for path in paths if path.is_fifo()]
    if pipes:
        way_out = "documents are read again when they change; give a directory or a file"
        raise DocumentError(f"{path}: is a pipe; {way_out}" for path in pipes)
