"""How the server shows who it is, and whom it believes: kept at what the files say. (ADR 15)"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from webhook.errors import CannotServe
from webhook.server import certificates
from webhook.server.certificates import Files, Loaded, Texts
from webhook.server.reload import Watch
from webhook.server.tls import LatestContext


class Credentials:
    """Certificate, key and the clients' authority that are in force."""

    def __init__(
        self, files: Files, client_names: frozenset[str], clock: Callable[[], datetime]
    ) -> None:
        """Load for the first time. Raises `CannotServe`.

        Of the clients of `files.client_ca`, those with a common name in `client_names` may ask, or
        all if there are none. `clock` gives the time, with a time zone.
        """
        self.files = files
        self._client_names = client_names
        self._clock = clock
        texts = self._read()
        self.loaded = certificates.load(files, texts)
        self.context = LatestContext(self.loaded.context)
        """For every handshake, now and later."""
        # A wrong clock must not keep a server from its start. That a certificate has expired is
        # told at the first look, when the files seem to have changed in just this.
        judged = msgspec.structs.replace(texts, timely=True)
        self.watch = Watch("certificate", judged, self._read, self._take, clock)

    def trusts(self, client: Mapping[str, Any] | None) -> bool:
        """Whether a client may ask for a verdict, by what `ssl.SSLSocket.getpeercert` tells: its
        certificate if it has shown one, verified by the handshake."""
        if self.files.client_ca is None:
            return True
        if not client:
            return False
        return not self._client_names or not self._client_names.isdisjoint(_common_names(client))

    def _read(self) -> Texts:
        return certificates.read(self.files, self._clock())

    def _take(self, texts: Texts) -> str:
        loaded = certificates.load(self.files, texts)
        if not texts.timely:
            problem = loaded.untimely(self._clock()) or "was not valid a moment ago"
            raise CannotServe(f"{self.files.certificate}: {problem}")
        self._put_in_force(loaded)
        number = f"{loaded.chain[0].serial_number:x}"
        return f"serial number {number}, valid until {certificates.written(loaded.expires)}"

    def _put_in_force(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.context.latest = loaded.context


def _common_names(client: Mapping[str, Any]) -> Iterator[str]:
    for attributes in client["subject"]:
        yield from (value for name, value in attributes if name == "commonName")
