"""The floor of the stack: our worker and protocol, answering a constant.

    python -m tests.bench.floor PORT CERTIFICATE KEY

What `podworthy serve` adds to this is admission itself.
"""

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from webhook import review
from webhook.admission import Answer, Door
from webhook.server import reload
from webhook.server.application import BACKLOG, Address, Application
from webhook.server.certificates import Files
from webhook.server.counters import Counters
from webhook.server.credentials import Credentials
from webhook.server.decisions import DecisionLog
from webhook.server.reload import Reloader
from webhook.server.surface import Response, Surface

UID: Final = "00000000-0000-0000-0000-000000000000"


class Constant:
    """Allows whatever it is asked, unread."""

    answer: Final = Answer(200, review.render(UID))

    def handle(self, _door: Door, _profile: str | None, _body: bytes) -> Answer:
        """The same to everybody."""
        return self.answer


def _now() -> datetime:
    return datetime.now(UTC)


def main(port: int, certificate: Path, key: Path) -> None:
    """Answer until SIGTERM or SIGINT."""
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    credentials = Credentials(Files(certificate, key, None), frozenset(), _now)
    Application(
        Surface(Constant(), dict, lambda: Response(404, b"")),
        Reloader((credentials.watch,), reload.PERIOD),
        credentials,
        Address(listener.detach(), f"https://127.0.0.1:{port}"),
        Counters(),
        DecisionLog(1),
        wsgi=False,
        drain=0.0,
        ready=lambda: None,
    ).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
